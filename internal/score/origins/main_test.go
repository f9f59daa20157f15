package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	dir := made(t)
	var out, errs bytes.Buffer
	require.Zero(t, run(t.Context(), []string{dir}, &out, &errs), errs.String())
	all, adopted, ok := strings.Cut(out.String(), "adopted: ")
	require.True(t, ok)
	for _, test := range []struct{ rule, text, want string }{
		{"an error is at the bank", all, `errors +errors +bank +1 +0 +1 +1 +bank\n`},
		{"so is what is slow: the gate only waits", all, `delay +delay +bank +1 +0 +1 +1 +bank\n`},
		{"what was only logged is not seen", all, `logs +logs +bank +0 +0 +- +- *\n`},
		{"everything is new", all, `known +known +bank +1 +0 +1 +1 +bank\n`},
		{"what is new has a ticket for all that is known", adopted, `errors +errors +bank +1 +0 +1 +1 +bank\n`},
		{"what was learnt is known", adopted, `known +known +bank +0 +0 +- +- *\n`},
		{"faults add up", all, `by count   AC@1 0\.75  AC@3 0\.75\n`},
		{"a fault-free recording has its own failures", all, `fault-free normal\.jsonl, 41 s, with the rules of normal\.jsonl: 1 tickets\n`},
		{"which are known where they were learnt", adopted, `fault-free normal\.jsonl, 41 s, with the rules of normal\.jsonl: 0 tickets\n`},
	} {
		t.Run(test.rule, func(t *testing.T) { require.Regexp(t, test.want, test.text) })
	}

	out.Reset()
	require.Zero(t, run(t.Context(), []string{"-logs", "-only", "logs", dir}, &out, &errs), errs.String())
	require.Regexp(t, `logs +logs +bank +1 +0 +1 +1 +bank\n`, out.String())
	require.Regexp(t, `\+\ds +20 +20 +bank +POST /pay +logged errors +ledger is closed\n`, out.String())
	require.Empty(t, errs.String())
}

func TestRunRefuses(t *testing.T) {
	empty, broken, gone := t.TempDir(), t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(broken, "truth.json"), []byte(`[{"id": "x", "abnormal_window": [1]}]`), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(gone, "truth.json"), []byte(`[{"id": "x", "file": "a", "normal_file": "b"}]`), 0o600))
	for _, test := range []struct {
		rule string
		args []string
		code int
		says string
	}{
		{"there must be a directory", nil, 2, "usage"},
		{"flags are known", []string{"-no", "x"}, 2, "-no"},
		{"a share is at most all", []string{"-usual", "2", empty}, 2, "usage"},
		{"it has a truth", []string{empty}, 1, "truth.json"},
		{"a window has two ends", []string{broken}, 1, "abnormal_window has 1 times"},
		{"recordings are there", []string{gone}, 1, "no spans could be read"},
	} {
		t.Run(test.rule, func(t *testing.T) {
			var out, errs bytes.Buffer
			require.Equal(t, test.code, run(t.Context(), test.args, &out, &errs))
			require.Contains(t, errs.String(), test.says)
		})
	}
}
