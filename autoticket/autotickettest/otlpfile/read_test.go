package otlpfile

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// document is a recording of one span with this name, on one line.
func document(name string) string {
	return fmt.Sprintf(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"01000000000000000000000000000000","spanId":"0100000000000000","name":%q}]}]}]}`, name)
}

// pretty is the same on several lines.
func pretty(name string) string { return strings.ReplaceAll(document(name), "[", "[\n  ") }

func compressed(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(s))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

func TestRead(t *testing.T) {
	a, b, c := document("a"), document("b"), document("c")
	gz := func(s string) string { return compressed(t, s) }
	cut := func(s string, n int) string { return s[:len(s)-n] }
	long := document(strings.Repeat("x", 1000))
	for _, row := range []struct {
		rule   string
		file   string // its name; defaults to "f"
		in     string
		max    int
		names  string   // of the spans that are read
		broken []string // how the reports begin, after the name of the file
	}{
		{rule: "a document a line", in: a + "\n" + b + "\n" + c + "\n", names: "abc"},
		{rule: "the last line has no end", in: a + "\n" + b, names: "ab"},
		{rule: "empty lines and blanks", in: "\n \t\n" + a + "\n\n  " + b + " \n\n", names: "ab"},
		{rule: "CRLF", in: a + "\r\n\r\n" + b + "\r\n", names: "ab"},
		{rule: "a byte order mark", in: "\xef\xbb\xbf" + a + "\n" + b, names: "ab"},
		{rule: "nothing", in: ""},
		{rule: "nothing but a byte order mark and blanks", in: "\xef\xbb\xbf \n\n"},

		{rule: "one document a file, on one line", in: a, names: "a"},
		{rule: "one document a file, on many", in: pretty("a") + "\n", names: "a"},
		{rule: "after a byte order mark", in: "\xef\xbb\xbf" + pretty("a"), names: "a"},
		{rule: "after empty lines", in: "\n\n" + pretty("a"), names: "a"},
		{rule: "on many lines with CRLF", in: strings.ReplaceAll(pretty("a"), "\n", "\r\n"), names: "a"},
		{rule: "a whole document that is no recording is named by its first line", in: "\n[\n1\n]\n", broken: []string{":2: no OTLP traces: "}},

		{rule: "gzip", file: "f.gz", in: gz(a + "\n" + b), names: "ab"},
		{rule: "gzip is known by its content", file: "f.jsonl", in: gz(a), names: "a"},
		{rule: "and so is what is not gzip", file: "f.gz", in: a, names: "a"},
		{rule: "gzip of one document on many lines", in: gz(pretty("a")), names: "a"},
		{rule: "gzip of a byte order mark", in: gz("\xef\xbb\xbf" + a), names: "a"},
		{rule: "gzip in members", in: gz(a+"\n") + gz(b+"\n"), names: "ab"},
		{rule: "gzip in members that part a line", in: gz(a+"\n"+b[:9]) + gz(b[9:]), names: "ab"},
		{rule: "gzip of nothing", in: gz("")},
		{rule: "gzip without its checksum", in: cut(gz(a+"\n"+b+"\n"), 4), names: "ab", broken: []string{":3: unexpected EOF"}},
		{rule: "the same without an end of the last line", in: cut(gz(a+"\n"+b), 4), names: "ab", broken: []string{":2: unexpected EOF"}},
		{rule: "the same with one document on many lines", in: cut(gz(pretty("a")), 4), names: "a", broken: []string{":4: unexpected EOF"}},
		{rule: "garbage behind a gzip", in: gz(a+"\n") + "garbage of some length", names: "a", broken: []string{":2: gzip: invalid header"}},
		{rule: "a gzip whose first member alone is whole", in: gz(a+"\n") + cut(gz(b+"\n"), 60), names: "a", broken: []string{":2: unexpected EOF"}},
		{rule: "a first line that is broken, in a gzip that is too", in: cut(gz("x\n"+a+"\n"), 4), names: "a", broken: []string{":1: no JSON: ", ":3: unexpected EOF"}},
		{rule: "the beginning of a gzip", in: "\x1f\x8b", broken: []string{": unexpected EOF"}},

		{rule: "a broken line", in: a + "\n{\"resourceSpans\":[{]}\n" + b + "\n", names: "ab", broken: []string{":2: no JSON: "}},
		{rule: "the first line is broken", in: "x\n" + a + "\n" + b + "\n", names: "ab", broken: []string{":1: no JSON: "}},
		{rule: "lines are counted on", in: "\nx\n" + a + "\n\ny\n" + b + "\n", names: "ab", broken: []string{":2: no JSON: ", ":5: no JSON: "}},
		{rule: "the last line is cut", in: a + "\n" + cut(b, 5), names: "a", broken: []string{":2: no JSON: "}},
		{rule: "something behind a document", in: a + " x\n" + b + "\n", names: "b", broken: []string{":1: no JSON: "}},
		{rule: "two documents on a line", in: a + b + "\n" + c + "\n", names: "c", broken: []string{":1: no JSON: "}},
		{rule: "an ID of the wrong length", in: a + "\n" + strings.Replace(b, `"0100`, `"01`, 1) + "\n", names: "a", broken: []string{":2: no OTLP traces: "}},
		{rule: "bytes that are not text", in: a + "\n\x00\xff\xfe\n" + b + "\n", names: "ab", broken: []string{":2: no JSON: "}},

		{rule: "a line that is too long", in: a + "\n" + long + "\n" + b + "\n", max: 500, names: "ab", broken: []string{":2: the line is too long: more than 500 bytes"}},
		{rule: "the first one", in: long + "\n" + a + "\nx\n", max: 500, names: "a", broken: []string{":1: the line is too long", ":3: no JSON: "}},
		{rule: "the last one, without an end", in: a + "\n" + long, max: 500, names: "a", broken: []string{":2: the line is too long"}},
		{rule: "one in a gzip that is cut", in: cut(gz(a+"\n"+long), 4), max: 500, names: "a", broken: []string{":2: the line is too long", ":3: unexpected EOF"}},
		{rule: "a line that is just not too long", in: long + "\n" + a, max: len(long) + 1, names: strings.Repeat("x", 1000) + "a"},
		{rule: "a document that is longer than the buffer", in: document(strings.Repeat("x", 3<<20)), names: strings.Repeat("x", 3<<20)},
		{rule: "what follows a document of the greatest length", in: "{\n}" + strings.Repeat(" ", 199) + "\n" + a, max: 200, names: "a",
			broken: []string{":1: no JSON: ", ":2: the line is too long"}},
	} {
		t.Run(row.rule, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), cmp.Or(row.file, "f"))
			require.NoError(t, os.WriteFile(name, []byte(row.in), 0o600))
			fromFile := read(t, row.in, name, row.max)
			require.Equal(t, row.names, fromFile.names)
			require.Len(t, fromFile.reports, len(row.broken), "%q", fromFile.reports)
			for i, want := range row.broken {
				require.True(t, strings.HasPrefix(fromFile.reports[i], name+want), fromFile.reports[i])
			}

			// The standard input is no different.
			fromStdin := read(t, row.in, "-", row.max)
			for i := range fromFile.reports {
				fromFile.reports[i] = "-" + strings.TrimPrefix(fromFile.reports[i], name)
			}
			require.Equal(t, fromFile, fromStdin)
		})
	}
}

// found is what a reader found: the names of spans, and its reports.
type found struct {
	names   string
	reports []string
}

// read reads one file, and checks that what is counted is what was handed on
// and what was reported, a line each.
func read(t *testing.T, stdin, name string, limit int) found {
	t.Helper()
	var got found
	var names, errs strings.Builder
	taken := 0
	r := Reader{Stdin: strings.NewReader(stdin), Report: &errs, max: limit, take: func(traces ptrace.Traces) {
		taken++
		for _, rs := range traces.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, sp := range ss.Spans().All() {
					names.WriteString(sp.Name())
				}
			}
		}
	}}
	r.File(name)
	got.names = names.String()
	if s := errs.String(); s != "" {
		require.True(t, strings.HasSuffix(s, "\n"))
		got.reports = strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	}
	require.Equal(t, taken, r.Documents)
	require.Len(t, got.reports, r.Broken, "each break is a line")
	return got
}

func TestReadWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	none := filepath.Join(dir, "none")
	got := read(t, "", none, 0)
	require.Len(t, got.reports, 1)
	require.True(t, strings.HasPrefix(got.reports[0], none+": "), got.reports[0])

	got = read(t, "", dir, 0)
	require.Len(t, got.reports, 1, "a directory")
	require.True(t, strings.HasPrefix(got.reports[0], dir), got.reports[0])
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{
		"", "{}\n{}", "{\n}\n", "x\n{}", "\xef\xbb\xbf{}", "\x1f\x8b", "[\n1\n]", "{}\r\n\r\n{} x\n", "null", "\n\n{\n",
		document("a") + "\n" + document("b"), pretty("a"),
	} {
		f.Add(s, 0)
		f.Add(s, 8)
	}
	f.Fuzz(func(t *testing.T, in string, limit int) {
		// No limit below nothing, and none that asks for much memory.
		limit = min(max(limit, 0), 1<<20)
		read(t, in, "-", limit)

		var errs strings.Builder
		r := Reader{Stdin: strings.NewReader(in), Report: &errs, max: limit}
		r.File("-")
		spans := r.Spans()
		require.Len(t, spans, len(r.rec.flags))
		for _, sp := range spans {
			require.True(t, sp.SpanContext().IsValid())
		}
	})
}
