package redact_test

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/redact"
)

func TestEncoded(t *testing.T) {
	code := base64.StdEncoding.EncodeToString
	const text = `{"user":"bob","password":"hunter2"}`
	encoded := marked("encoded")
	tests := []struct{ rule, in, want string }{
		{"a secret in base64", "body " + code([]byte(text)) + " end", "body " + encoded + " end"},
		{"without padding", "body " + strings.TrimRight(code([]byte(text)), "=") + ", end", "body " + encoded + ", end"},
		{"in base64 for URLs", "/x/" + base64.RawURLEncoding.EncodeToString([]byte(text+"?>~")) + "?a", "/x/" + encoded + "?a"},
		{"twice", "body " + code([]byte(code([]byte(text)))), "body " + encoded},
		{"three times is no accident", code([]byte(code([]byte(code([]byte(text)))))), code([]byte(code([]byte(code([]byte(text))))))},
		{"a token", code([]byte(fakes["github-token"])), encoded},
		{"personal data", code([]byte("please write to bob@example.com")), encoded},
		{"a token that is percent-encoded", "/x?a=" + strings.Replace(fakes["github-token"], "_", "%5F", 1) + " b", encoded + " b"},
		{"percent-encoded twice", "x " + url.QueryEscape(url.QueryEscape("a/ghp/"+text)) + " b", "x " + encoded + " b"},
		{"base64 in a query", "x?b=" + url.QueryEscape(code([]byte(text+"x"))), ""},
		{"innocent base64", code([]byte(`{"user":"bob","n":12345}`)), code([]byte(`{"user":"bob","n":12345}`))},
		{"a text among bytes", "x " + code([]byte("\x00\x01\x02password=hunter2 password=hunter2\xff")), "x " + encoded},
		{"what is no text", code([]byte("\x89PNG\xff\x01\xfepassword\x10\x01\xf8\x03\x99\xaa")), code([]byte("\x89PNG\xff\x01\xfepassword\x10\x01\xf8\x03\x99\xaa"))},
		{"a path", "github.com/acme/component/internal/session/store/handler", "github.com/acme/component/internal/session/store/handler"},
		{"innocent escapes", "/x%20y?a=%2Fb%3Fc%3Dd&e=50%", "/x%20y?a=%2Fb%3Fc%3Dd&e=50%"},
	}
	var r redact.Redactor
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			got := r.Text(tt.in)
			if tt.want == "" {
				require.NotContains(t, got, code([]byte(text))[:20])
			} else {
				require.Equal(t, tt.want, got)
			}
			require.Equal(t, got, r.Text(got), "redacted again")
		})
	}
}
