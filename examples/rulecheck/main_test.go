package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/autoticket/autotickettest"
)

var update = flag.Bool("update", false, "write what is expected")

func TestRulecheck(t *testing.T) {
	for _, row := range []struct {
		rule string
		args []string
		code int
		want string // golden file
	}{
		{"the example rules are as they should be", []string{"-strict", "../rules"}, 0, "rules.txt"},
		{"a broken file is shown with its place", []string{"testdata/broken"}, 1, "broken.txt"},
		{"tests in a directory of their own count too", []string{"testdata/stray"}, 1, "stray.txt"},
		{"doubts are told, and a test that fails", []string{"testdata/doubtful"}, 1, "doubtful.txt"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			var out, errs bytes.Buffer
			require.Equal(t, row.code, run(row.args, &out, &errs), errs.String())
			golden := filepath.Join("testdata", row.want)
			if *update {
				require.NoError(t, os.WriteFile(golden, out.Bytes(), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), out.String())
		})
	}
	var out, errs bytes.Buffer
	require.Equal(t, 2, run(nil, &out, &errs))
	require.Equal(t, 2, run([]string{t.TempDir()}, &out, &errs))
	require.Contains(t, errs.String(), "there are no rule files")
	require.Zero(t, run([]string{"-h"}, &out, &errs))
}

// The example rules, as a service would test its own.
func TestExampleRules(t *testing.T) {
	autotickettest.Rules(t, os.DirFS("../rules"))
}

// TestDocs runs the tests that docs/testing-rules.md shows.
func TestDocs(t *testing.T) {
	doc, err := os.ReadFile("../../docs/testing-rules.md")
	require.NoError(t, err)
	_, text, _ := strings.Cut(string(doc), "```yaml\n")
	text, _, ok := strings.Cut(text, "```")
	require.True(t, ok)
	outage, err := os.ReadFile("../../autoticket/autotickettest/testdata/shop/rules.d/testdata/outage.jsonl")
	require.NoError(t, err)
	report, err := autotickettest.Run(fstest.MapFS{
		"rules.d/payment_test.yaml":     {Data: []byte(text)},
		"rules.d/testdata/outage.jsonl": {Data: outage},
		"rules.d/payment.yaml": {Data: []byte(`
version: 1
rules:
  - {name: payment-errors, when: 'span.status == "ERROR"', unless: 'exception.message.endsWith("context canceled")'}
`)},
	})
	require.NoError(t, err)
	require.Len(t, report.Tests, 3)
	for _, test := range report.Tests {
		require.Empty(t, test.Failure)
	}
}
