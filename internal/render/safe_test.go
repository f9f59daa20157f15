package render

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/redact"
)

func TestSafe(t *testing.T) {
	token := "ghp" + "_" + strings.Repeat("a1B2", 9)
	for _, c := range []struct{ rule, text, want string }{
		{"a text without secrets stays", "dial tcp 127.0.0.1:1: connect: connection refused", "dial tcp 127.0.0.1:1: connect: connection refused"},
		{"and so do its links", "see https://a.example/x?y=1, (https://b.example/ä).", "see https://a.example/x?y=1, (https://b.example/ä)."},
		{"a link loses its user", `Get "https://bot:hunter2@a.example/x": EOF`, `Get "https://a.example/x": EOF`},
		{"and its secrets", `Get "https://a.example/x?token=hunter2&a=1": EOF`, `Get "https://a.example/x?token=REDACTED&a=1": EOF`},
		{"those that are escaped too", `Get "https://a.example/?q=password%3Dhunter2": EOF`, `Get "https://a.example/?q=REDACTED": EOF`},
		{"what makes no link is withheld", "open https://%zz:hunter2@a now", "open [REDACTED:url] now"},
		{"what cannot be seen goes", "a\x1b[2J\u202eb", "a[2Jb"},
		{"another scheme is redacted as text", "postgres://app:hunter2@db/orders", "postgres://REDACTED:REDACTED@db/orders"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			r := new(redact.Redactor)
			require.Equal(t, c.want, Safe(r, c.text))
			require.Equal(t, Safe(r, c.text), Safe(r, Safe(r, c.text)), "once is enough")
		})
	}
	_, err := http.Get("http://bot:hunter2@127.0.0.1:1/hook/" + token + "?q=" + url.QueryEscape(`{"password":"hunter2"}`))
	require.Error(t, err)
	require.NotContains(t, Safe(new(redact.Redactor), err.Error()), "hunter2")
	require.NotContains(t, Safe(new(redact.Redactor), err.Error()), token)
	require.Equal(t, "[REDACTED:failed]", Safe(nil, "password=hunter2"), "without a redactor nothing is told")
}
