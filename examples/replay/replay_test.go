package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// call runs the program.
func call(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

func shop(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(shopFile)
	require.NoError(t, err)
	return string(data)
}

func TestOutput(t *testing.T) {
	for _, row := range []struct {
		golden string
		args   []string
	}{
		{"shop.json.txt", []string{"-format", "json", shopFile}},
		{"shop.txt", []string{"-explain", shopFile}},
		{"shop-per-service.json.txt", []string{"-format", "json", "-per-service", "-explain", shopFile}},
	} {
		t.Run(row.golden, func(t *testing.T) {
			code, out, errs := call(t, "", row.args...)
			require.Zero(t, code, errs)
			require.Empty(t, errs)
			golden := filepath.Join("testdata", row.golden)
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(out), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), out, "run the tests with -update")
		})
	}
}

func TestTheShopHasOneTicketAtItsOrigin(t *testing.T) {
	code, out, errs := call(t, "", "-format", "json", shopFile)
	require.Zero(t, code, errs)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.Len(t, lines, 2)
	var got ticket
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &got))
	require.Equal(t, "pool.Acquire", got.Origin.Operation)
	require.Equal(t, int64(6), got.Count)
	require.Len(t, got.Path, 6)
	require.Equal(t, "storefront", got.Path[5].Service)
	require.JSONEq(t, `{"summary":{"spans":163,"occurrences":6,"problems":1,"tickets":1,
		"decisions":{"opened":1,"deduplicated":5,"symptom":30,"retried":1}}}`, lines[1])
}

func TestTheOrderOfTheLinesDoesNotMatter(t *testing.T) {
	_, want, _ := call(t, shop(t), "-format", "json", "-explain", "-")
	lines := strings.SplitAfter(strings.TrimSuffix(shop(t), "\n"), "\n")
	lines[len(lines)-1] += "\n"
	for seed := range uint64(5) {
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		_, got, _ := call(t, strings.Join(lines, ""), "-format", "json", "-explain", "-")
		require.Equal(t, want, got)
	}
}

func TestInput(t *testing.T) {
	one := strings.SplitAfter(shop(t), "\n")[0]
	var pretty bytes.Buffer
	require.NoError(t, json.Indent(&pretty, []byte(one), "", "  "))
	zipped := func(s string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, err := w.Write([]byte(s))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return b.String()
	}
	for _, row := range []struct {
		rule   string
		input  string
		spans  int
		errors []string
		code   int
	}{
		{rule: "a document a line", input: shop(t), spans: 163},
		{rule: "without an end of the last line", input: strings.TrimSuffix(one, "\n"), spans: 7},
		{rule: "with empty lines and CRLF", input: "\r\n\n" + strings.ReplaceAll(one, "\n", "\r\n") + "\n" + one, spans: 14},
		{rule: "one document a file, over many lines", input: pretty.String(), spans: 7},
		{rule: "gzip", input: zipped(shop(t)), spans: 163},
		{rule: "gzip in several members", input: zipped(one) + zipped(one), spans: 14},
		{rule: "a broken line is passed over", input: one + "{\"resourceSpans\":[{]}\n" + one, spans: 14, errors: []string{"-:2: no JSON: ", "1 broken"}},
		{rule: "the first line too", input: "nothing\n" + one + one, spans: 14, errors: []string{"-:1: no JSON: "}},
		{rule: "a line that is JSON but no trace", input: one + "[1]\n", spans: 7, errors: []string{"-:2: no OTLP traces: "}},
		{rule: "a gzip that ends too soon gives what came before", input: zipped(shop(t))[:len(zipped(shop(t)))-20], spans: -1, errors: []string{"unexpected EOF"}},
		{rule: "an empty file", input: "", code: 1, errors: []string{"nothing could be read"}},
		{rule: "nothing but broken lines", input: "a\nb\n", code: 1, errors: []string{"-:1: ", "-:2: ", "nothing could be read"}},
		{rule: "spans without IDs are passed over", input: `{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"x"}]}]}]}`, spans: 0, errors: []string{"1 spans without IDs"}},
	} {
		t.Run(row.rule, func(t *testing.T) {
			code, out, errs := call(t, row.input, "-format", "json", "-")
			require.Equal(t, row.code, code, errs)
			for _, want := range row.errors {
				require.Contains(t, errs, want)
			}
			if row.errors == nil {
				require.Empty(t, errs)
			}
			if code != 0 {
				return
			}
			lines := strings.Split(strings.TrimSpace(out), "\n")
			var last struct{ Summary summary }
			require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &last))
			if row.spans >= 0 {
				require.EqualValues(t, row.spans, last.Summary.Spans)
			}
		})
	}
}

func TestCalls(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	require.NoError(t, os.WriteFile(bad, []byte("version: 1\nrules:\n  - name: x\n    when: span.nmae == \"x\"\n"), 0o600))
	good := filepath.Join(t.TempDir(), "good.yaml")
	require.NoError(t, os.WriteFile(good, []byte("version: 1\nrules:\n  - {name: mine, when: 'span.name == \"POST /buy\"', severity: warning}\n"), 0o600))

	code, out, errs := call(t, "", "-rules", bad, shopFile)
	require.Equal(t, 2, code)
	require.Empty(t, out)
	require.Contains(t, errs, "bad.yaml:4:16: rule \"x\"")
	require.Contains(t, errs, "^")

	code, out, _ = call(t, "", "-rules", good, "-format", "json", shopFile)
	require.Zero(t, code)
	require.Contains(t, out, `"rule":"mine"`)

	for _, args := range [][]string{{}, {"-format", "xml", shopFile}, {"-nonsense"}} {
		code, _, errs = call(t, "", args...)
		require.Equal(t, 2, code)
		require.Contains(t, errs, "usage: replay")
	}
	code, _, errs = call(t, "", "-h")
	require.Zero(t, code)
	require.Contains(t, errs, "usage: replay")

	none := filepath.Join(t.TempDir(), "none")
	code, out, errs = call(t, "", "-rules", none, shopFile)
	require.Equal(t, 2, code, "rules that are not there are wrong rules")
	require.Empty(t, out)
	require.Contains(t, errs, none)
	code, out, errs = call(t, "", none)
	require.Equal(t, 1, code)
	require.Empty(t, out)
	require.Contains(t, errs, none+": ")
	code, _, errs = call(t, "", none, shopFile)
	require.Zero(t, code, "one of two files could be read")
	require.Contains(t, errs, none+": ")
}

// full is a disk that has no room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no room") }

func TestOutputThatCannotBeWritten(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		var errs bytes.Buffer
		require.Equal(t, 1, run([]string{"-format", format, shopFile}, strings.NewReader(""), full{}, &errs))
		require.Equal(t, "replay: no room\n", errs.String())
	}
}
