package autoticket

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/redact"
)

type secretive struct{ s string }

func (v secretive) LogValue() slog.Value { return slog.StringValue(v.s) }

type angry struct{}

func (angry) Error() string { panic("ghp" + "_" + strings.Repeat("a1B2", 9)) }

func TestWhatIsLoggedIsRedacted(t *testing.T) {
	token := "ghp" + "_" + strings.Repeat("a1B2", 9)
	for _, c := range []struct {
		rule  string
		value any
		want  string // in the line
	}{
		{"a text", "with " + token, "with "},
		{"an error", fmt.Errorf("GET /?token=%s: %w", token, fs.ErrNotExist), "file does not exist"},
		{"an error that panics", error(angry{}), "v="},
		{"a list", []string{"a", token}, "a"},
		{"bytes", []byte(token), "v="},
		{"a structure", struct{ Name string }{token}, "v="},
		{"a pointer to one", &struct{ Name string }{token}, "v="},
		{"a value that is made when it is logged", secretive{token}, "v="},
		{"a group", slog.GroupValue(slog.String("inner", token), slog.Int("n", 7)), "v.n=7"},
		{"a number stays", 42, "v=42"},
		{"a time stays", time.Unix(0, 0).UTC(), "v=1970-01-01T00:00:00.000Z"},
		{"a duration stays", time.Minute, "v=1m0s"},
		{"nothing stays", nil, "v=<nil>"},
		{"a secret that is split by what cannot be seen", token[:10] + "\u200b" + token[10:], "v="},
		{"what would act on a terminal goes", "a\x1b[2J\u202eb", "v=a[2Jb"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			var out bytes.Buffer
			log := slog.New(guarded{slog.NewTextHandler(&out, nil), new(redact.Redactor), func(string) {}})
			log.With("v", c.value).WithGroup("g").Warn("with "+token, "v", c.value)
			require.NotContains(t, out.String(), token)
			require.NotContains(t, strings.ReplaceAll(out.String(), `\u200b`, ""), token)
			require.NotContains(t, out.String(), "a1B2a1B2")
			require.Contains(t, out.String(), c.want)
			require.Contains(t, out.String(), "g.v")
		})
	}
}

func TestAnErrorIsRedactedAndStaysWhatItIs(t *testing.T) {
	r := new(redact.Redactor)
	token := "ghp" + "_" + strings.Repeat("a1B2", 9)
	cause := &fs.PathError{Op: "open", Path: token, Err: fs.ErrNotExist}
	err := safeError(r, fmt.Errorf("store: %w", cause))
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, ok := errors.AsType[*fs.PathError](err)
	require.True(t, ok)
	for _, verb := range []string{"%v", "%+v", "%q", "%#v"} {
		require.NotContains(t, fmt.Sprintf(verb, err), token)
	}
	require.ErrorContains(t, err, "store: open ")
	require.Same(t, fs.ErrNotExist, safeError(r, fs.ErrNotExist), "what has no secret stays as it is")
	require.NoError(t, safeError(r, nil))
	require.NotContains(t, safeError(r, angry{}).Error(), token)
}

func TestALogSaysWhatWasWithheld(t *testing.T) {
	var out bytes.Buffer
	counted := map[string]int{}
	log := slog.New(guarded{slog.NewTextHandler(&out, nil), new(redact.Redactor), func(kind string) { counted[kind]++ }})
	token := "ghp" + "_" + strings.Repeat("a1B2", 9)
	log.Info("all is well", "n", 1)
	require.NotContains(t, out.String(), "withheld")
	log.Info("with "+token, "error", fmt.Errorf("for bob@example.com: GET https://a.example/?token=%s was refused", token))
	require.Contains(t, out.String(), " withheld.email=1 withheld.github-token=1 withheld.url=1\n")
	require.Equal(t, map[string]int{"github-token": 1, "email": 1, "url": 1}, counted)
}
