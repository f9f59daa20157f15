package main

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const made = `{"line": "order 17 not found", "group": "g1", "service": "shop"}
{"text": "order 18 not found", "event_id": "E1", "group": "other", "service": "shop"}
{"line": "order 18 not found", "group": 3, "service": "bank"}
`

func TestRead(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write([]byte(made))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	for _, in := range []string{made, packed.String()} {
		c, err := read(strings.NewReader(in))
		require.NoError(t, err)
		require.Equal(t, []string{"g1", "E1", "3"}, c.truth)
		require.Equal(t, message{"order 18 not found", "shop"}, c.messages[1])
		require.Equal(t, 3*len("order 18 not found"), c.bytes)
	}
	for _, test := range []struct{ rule, in, want string }{
		{"a message without a group is no truth", `{"line": "x"}`, "message 1 has neither a group nor an event_id"},
		{"a broken line is named", made + `{"line"`, "message 4"},
	} {
		t.Run(test.rule, func(t *testing.T) {
			_, err := read(strings.NewReader(test.in))
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestPredictors(t *testing.T) {
	a, b := message{"order 17 not found", "shop"}, message{"order 18 not found", "shop"}
	elsewhere := message{"order 18 not found", "bank"}
	for _, test := range []struct {
		rule         string
		predictor    string
		same, across bool // services
	}{
		{"a number tells lines apart", "line", false, true},
		{"numbers are masked", "regex", true, true},
		{"each service has its own", "regex+service", true, false},
		{"a mask knows no service", "mask", true, true},
		{"a signature does", "signature", true, false},
	} {
		t.Run(test.rule, func(t *testing.T) {
			p, ok := predictorOf(test.predictor)
			require.True(t, ok)
			require.Equal(t, test.same, p.predict(a) == p.predict(b))
			require.Equal(t, test.across, p.predict(b) == p.predict(elsewhere))
		})
	}
}

func TestBaseline(t *testing.T) {
	for in, want := range map[string]string{
		"user 6a82e0cd-c101-426a-97f9-dbb760829611 from 10.0.0.7:8080": "user <*> from <*>",
		"at 2023-01-29 15:38:06,123: 0xdeadbeef G1234 took 1.5s":       "at <*>: <*> G<*> took <*>s",
		"commit 9f86d081884c7d65 is facade":                            "commit <*> is facade",
	} {
		require.Equal(t, want, baseline(in))
	}
}

func TestRun(t *testing.T) {
	dir := t.TempDir()
	file, pred := filepath.Join(dir, "made.jsonl"), filepath.Join(dir, "pred.txt")
	require.NoError(t, os.WriteFile(file, []byte(made), 0o600))
	var out, errs bytes.Buffer
	require.Zero(t, run([]string{"-worst", "2", "-by", "mask", "-pred", pred, file}, &out, &errs), errs.String())
	require.Contains(t, out.String(), "made: 3 messages")
	require.Regexp(t, `(?m)^signature +3 +2 +0\.3333 `, out.String())
	require.Contains(t, out.String(), "1. group g1, 1 messages: in 1, of which 1 are mixed with others")
	require.Contains(t, out.String(), `"order 17 not found"`)
	got, err := os.ReadFile(pred)
	require.NoError(t, err)
	require.Equal(t, strings.Repeat("\"order <*> not found\"\n", 3), string(got))

	for _, test := range []struct {
		rule string
		args []string
		code int
	}{
		{"there must be a file", nil, 2},
		{"predictors have names", []string{"-by", "guess", file}, 2},
		{"predictions are of one file", []string{"-pred", pred, file, file}, 2},
		{"a file that is not there", []string{filepath.Join(dir, "none")}, 1},
	} {
		t.Run(test.rule, func(t *testing.T) {
			require.Equal(t, test.code, run(test.args, &out, &errs))
		})
	}
}
