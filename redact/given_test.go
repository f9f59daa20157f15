package redact_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/redact"
)

// secrets returns a function that returns the values.
func secrets(values ...string) func() ([]string, error) {
	return func() ([]string, error) { return values, nil }
}

func TestOwnSecrets(t *testing.T) {
	const own = `correct horse/battery+"stäple"`
	code := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	quoted, err := json.Marshal(own)
	require.NoError(t, err)
	tests := []struct{ rule, in, want string }{
		{"as it is", "a " + own + " b", "a <secret> b"},
		{"in a word", "x" + own + "y", "x<secret>y"},
		{"in JSON", "[" + string(quoted) + "]", `["<secret>"]`},
		{"in a query", "/x?a=" + url.QueryEscape(own) + "&b=1", "/x?a=<secret>&b=1"},
		{"in a path", "/x/" + url.PathEscape(own) + "/y", "/x/<secret>/y"},
		{"with escapes in lower case", "/x/" + lowerHex(url.PathEscape(own)) + "/y", "/x/<secret>/y"},
		{"in base64", "a " + code(own) + " b", "a <secret> b"},
		{"in longer base64, behind one byte", "a " + code("x"+own+"yz") + " b", "a <secret> b"},
		{"in longer base64, behind two bytes", "a " + code("xy"+own+"z") + " b", "a <secret> b"},
		{"in base64 for URLs", "/x/" + base64.RawURLEncoding.EncodeToString([]byte(own+"?")) + "\nb", "/x<slash>\nb"},
		{"in hexadecimal", "a " + hex.EncodeToString([]byte(own)) + " b", "a <secret> b"},
		{"cut off", "a " + own[:len(own)-5], "a <secret>"},
		{"cut off, and it says so", "a " + own[:12] + "… more", "a <secret>… more"},
		{"begun before the text", own[7:] + " b", "<secret> b"},
		{"begun before the text, and it says so", "..." + own[7:] + " b", "...<secret> b"},
		{"too short a part", "a " + own[:7], "a " + own[:7]},
		{"a part within a text", "a " + own[:12] + " b", "a " + own[:12] + " b"},
		{"twice", own + own + " " + own, "<secret><secret> <secret>"},
		{"another, shorter", "a tr0ub4 b", "a <secret> b"},
		{"too short a value", "abc", "abc"},
	}
	r := redact.Redactor{Secrets: secrets(own, "tr0ub4", "abc", "", "REDACTED")}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			want := strings.NewReplacer("<secret>", marked("secret"), "<slash>", marked("secret")).Replace(tt.want)
			got := r.Text(tt.in)
			if strings.Contains(tt.want, "<slash>") {
				require.NotContains(t, got, base64.RawURLEncoding.EncodeToString([]byte(own))[:20])
			} else {
				require.Equal(t, want, got)
			}
			require.Equal(t, got, r.Text(got), "redacted again")
		})
	}
	doc := map[string]any{"a": []string{own}, own: 1}
	require.NoError(t, r.Document(&doc))
	require.Equal(t, map[string]any{"a": []string{marked("secret")}, marked("secret"): 1}, doc)
	require.Equal(t, marked("secret"), r.Value("a", own))
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", &r, &r, &r), "horse", "never printed")
}

func lowerHex(s string) string {
	b := []byte(s)
	for i := range b {
		if b[i] == '%' {
			copy(b[i:], strings.ToLower(string(b[i:i+3])))
		}
	}
	return string(b)
}

// An own secret is found wherever it stands, among others.
func TestEveryOwnSecretIsFound(t *testing.T) {
	values := []string{"alpha-1234", "beta.56789012345678901234567890", "gammaX", "alpha-1234-longer", "\x00\xff\xfebinary"}
	r := redact.Redactor{Secrets: secrets(values...)}
	rapid.Check(t, func(t *rapid.T) {
		own := rapid.SampledFrom(values).Draw(t, "own")
		before, after := texts().Draw(t, "before"), texts().Draw(t, "after")
		form := rapid.SampledFrom([]func(string) string{
			func(s string) string { return s }, url.QueryEscape, url.PathEscape,
			func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
			func(s string) string { return base64.URLEncoding.EncodeToString([]byte("x" + s + "yz")) },
			func(s string) string { return hex.EncodeToString([]byte(s)) },
		}).Draw(t, "form")
		got := r.Text(before + form(own) + after)
		require.NotContains(t, got, own)
		require.NotContains(t, got, form(own))
		require.Equal(t, got, r.Text(got), "idempotent")
	})
}

func TestSecretsFrom(t *testing.T) {
	dir := t.TempDir()
	env := filepath.Join(dir, "env")
	require.NoError(t, os.WriteFile(env, []byte("# settings\nDB_PASS=\"hunter2-hunter2\"\nlong-line-of-a-key\nshort\n"), 0o600))
	t.Setenv("OWN_SECRET", "from-the-environment")
	r := redact.Redactor{Secrets: redact.SecretsFrom("OWN_SECRET", env)}
	require.NoError(t, r.Ready())
	m := marked("secret")
	require.Equal(t, m+" "+m+" "+m+" short # settings", r.Text("from-the-environment hunter2-hunter2 long-line-of-a-key short # settings"))

	large := filepath.Join(dir, "large")
	require.NoError(t, os.WriteFile(large, make([]byte, 65<<10), 0o600))
	for rule, names := range map[string][]string{
		"the environment variable NO_SUCH_SECRET is not set": {"NO_SUCH_SECRET", env},
		"no such file":         {filepath.Join(dir, "none")},
		"more than 65536 byte": {large},
	} {
		r := redact.Redactor{Secrets: redact.SecretsFrom(names...)}
		require.ErrorContains(t, r.Ready(), rule)
		require.ErrorContains(t, r.Ready(), rule, "again")
		require.Equal(t, marked("failed"), r.Text("anything"), "what is not known cannot be found")
		require.Error(t, r.Document(&map[string]string{"a": "b"}))
	}
}

func TestGivenFunctionsFailClosed(t *testing.T) {
	tests := []struct {
		rule string
		r    *redact.Redactor
		want string
	}{
		{"an error", &redact.Redactor{Secrets: func() ([]string, error) { return nil, errors.New("no vault") }}, "no vault"},
		{"a short key", &redact.Redactor{TokenKey: func() []byte { return []byte("short") }}, "TokenKey has 5 bytes"},
		{"no hash", &redact.Redactor{Harmless: []string{"abc"}}, "Harmless[0] is no SHA-256 sum"},
		{"a panic", &redact.Redactor{Secrets: func() ([]string, error) { panic("x") }}, "panicked"},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			require.Equal(t, marked("failed"), tt.r.Text("a"))
			require.Equal(t, marked("failed"), tt.r.Text("a"), "again")
			require.ErrorContains(t, tt.r.Ready(), tt.want)
		})
	}
	require.NoError(t, new(redact.Redactor).Ready())
}

func TestHarmless(t *testing.T) {
	sum := func(s string) string { h := sha256.Sum256([]byte(s)); return hex.EncodeToString(h[:]) }
	jwt := fakes["jwt"]
	r := redact.Redactor{Harmless: []string{sum(jwt), sum("test-password"), strings.ToUpper(sum("noreply@example.com")), sum("4111 1111 1111 1111")}}
	tests := []struct{ rule, in, want string }{
		{"a token", "a " + jwt + " b", "a " + jwt + " b"},
		{"a value", "password=test-password x", "password=test-password x"},
		{"a value in a query", "?token=test-password&a", "?token=test-password&a"},
		{"an address", "<noreply@example.com>", "<noreply@example.com>"},
		{"a card", "4111 1111 1111 1111", "4111 1111 1111 1111"},
		{"written otherwise it is another", "4111111111111111", marked("card")},
		{"a part of a find", "password=test-password2", "password=" + marked("password")},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			got := r.Text(tt.in)
			require.Equal(t, tt.want, got)
			require.Equal(t, got, r.Text(got), "redacted again")
		})
	}
	require.Equal(t, "test-password", r.Value("db.password", "test-password"))
}

func TestTokenKey(t *testing.T) {
	key := []byte("0123456789abcdef")
	r := redact.Redactor{TokenKey: func() []byte { return key }}
	text := func(s string) string { return r.Text(s) }
	one := text("4111 1111 1111 1111")
	require.Regexp(t, `^\[REDACTED:card:[0-9a-f]{4}\]$`, one)
	require.Equal(t, one, text("4111111111111111"), "one card, however it is written")
	require.NotEqual(t, one, text("5500005555555559"))
	require.Equal(t, one, text(one), "redacted again")
	require.Equal(t, text("bob@example.com"), text("Bob@Example.com"))
	require.Equal(t, "password="+r.Value("password", "hunter2"), text("password=hunter2"))
	require.Equal(t, text("password=hunter2"), text(text("password=hunter2")), "redacted again")
	other := redact.Redactor{TokenKey: func() []byte { return []byte("another key of bytes") }}
	require.NotEqual(t, one, other.Text("4111111111111111"), "the key counts")
}

func BenchmarkOwnSecrets(b *testing.B) {
	var values []string
	for i := range 20 {
		values = append(values, fmt.Sprintf("%d-own-secret-of-the-host-%d", i*7919, i))
	}
	r := redact.Redactor{Secrets: secrets(values...)}
	require.NoError(b, r.Ready())
	b.ReportAllocs()
	b.SetBytes(int64(len(prose)))
	for b.Loop() {
		r.Text(prose)
	}
}
