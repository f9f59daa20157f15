package autotickettest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files")

// TestShop runs rule tests as a service does.
func TestShop(t *testing.T) { Rules(t, os.DirFS("testdata/shop")) }

func golden(t *testing.T, name, got string) {
	t.Helper()
	name = filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(name, []byte(got), 0o644))
	}
	want, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "run the tests with -update")
}

// TestFailures holds the whole text of what is said about tests that fail.
func TestFailures(t *testing.T) {
	r, err := Run(os.DirFS("testdata/failing"))
	require.NoError(t, err)
	var b strings.Builder
	for _, test := range r.Tests {
		failure := test.Failure
		if failure == "" {
			failure = "passed"
		}
		fmt.Fprintf(&b, "%s\n%s\n\n", strings.Repeat("=", 78), failure)
	}
	golden(t, "failing.txt", b.String())
	again, err := Run(os.DirFS("testdata/failing"))
	require.NoError(t, err)
	require.Equal(t, r, again, "the same every time")
}

// TestBroken holds what is said about files that cannot be run; those that can
// are.
func TestBroken(t *testing.T) {
	r, err := Run(os.DirFS("testdata/broken"))
	require.Error(t, err)
	golden(t, "broken.txt", err.Error()+"\n")
	require.Equal(t, []Result{{File: "well/c_test.yaml", Name: "a"}}, r.Tests)
	require.Equal(t, []Coverage{{File: "well/rules.yml", Rule: "x"}}, r.Rules)
}

func TestCoverage(t *testing.T) {
	r, err := Run(os.DirFS("testdata/shop"))
	require.NoError(t, err)
	for _, test := range r.Tests {
		require.Empty(t, test.Failure)
	}
	const file = "rules.d/checkout.yaml"
	require.Equal(t, []Coverage{{file, "cards", 2}, {file, "errors", 6}, {file, "slow", 1}, {file, "never", 0}}, r.Rules, "a rule that is off counts for nothing; one whose unless holds is met")
}

// The rules of a test are those that the service loads: the files of the
// directory by name, and no others.
func TestRulesOfATest(t *testing.T) {
	rule := func(name string) *fstest.MapFile {
		return &fstest.MapFile{Data: fmt.Appendf(nil, "version: 1\nrules:\n  - {name: %s, when: 'span.status == \"ERROR\"'}\n", name)}
	}
	test := func(rules, want string) *fstest.MapFile {
		return &fstest.MapFile{Data: fmt.Appendf(nil, "version: 1\n%stests:\n  - name: t\n    spans: [{service: s, name: n, status: ERROR}]\n    expect: {tickets: [{rule: %s}]}\n", rules, want)}
	}
	for _, row := range []struct {
		rule string
		fsys fstest.MapFS
		want int // tests
	}{
		{"the first by name takes it, whatever the ending", fstest.MapFS{"b.yaml": rule("b"), "a.yml": rule("a"), "c_test.yaml": test("", "a")}, 1},
		{"files of other directories do not count", fstest.MapFS{"a.yaml": rule("a"), "x/b.yaml": rule("b"), "x/b_test.yaml": test("", "b")}, 1},
		{"a test may name its files, in their order", fstest.MapFS{"a.yaml": rule("a"), "b.yaml": rule("b"), "c_test.yaml": test("rules: [b.yaml, '*.yaml']\n", "b")}, 1},
		{"elsewhere too", fstest.MapFS{"rules/a.yaml": rule("a"), "tests/a_test.yaml": test("rules: [../rules/*.yaml]\n", "a")}, 1},
		{"names that look like patterns", fstest.MapFS{"[a]*.yaml": rule("a"), "a_test.yaml": test("", "a")}, 1},
		{"test data is not looked at", fstest.MapFS{"testdata/a_test.yaml": {}, ".x/a_test.yaml": {}, "_x/a_test.yaml": {}}, 0},
	} {
		r, err := Run(row.fsys)
		require.NoError(t, err, row.rule)
		require.Len(t, r.Tests, row.want, row.rule)
		for _, test := range r.Tests {
			require.Empty(t, test.Failure, row.rule)
		}
	}
}

func TestSinks(t *testing.T) {
	fsys := fstest.MapFS{
		"a.yaml":      {Data: []byte("version: 1\nrules:\n  - {name: a, when: 'span.status == \"ERROR\"', sinks: ['span.attributes[\"to\"]']}\n")},
		"a_test.yaml": {Data: []byte("version: 1\nsinks: [jira, chat]\ntests:\n  - name: t\n    spans: [{service: s, name: n, status: ERROR, attributes: {to: chat}}]\n    expect: {tickets: [{sinks: [chat]}]}\n")},
	}
	r, err := Run(fsys)
	require.NoError(t, err)
	require.Empty(t, r.Tests[0].Failure)
}

func TestFilesThatCannotBeRead(t *testing.T) {
	_, err := Run(os.DirFS(filepath.Join(t.TempDir(), "none")))
	require.ErrorContains(t, err, "looking for test files")
}
