package redact_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/redact"
)

func TestWrappedTokens(t *testing.T) {
	token := fakes["github-token"]
	parts := token[:16] + "|" + token[16:28] + "|" + token[28:]
	for rule, end := range map[string]string{"lines": "\n", "lines of Windows": "\r\n", "lines in JSON": `\n`} {
		t.Run(rule, func(t *testing.T) {
			in := "got " + strings.ReplaceAll(parts, "|", end) + " bad"
			r := redact.Redactor{Secrets: secrets("an-own-secret-of-the-host-7")}
			got := r.Text(in)
			require.Equal(t, "got "+marked("wrapped")+" bad", got)
			require.Equal(t, got, r.Text(got), "redacted again")
			require.Equal(t, "x "+marked("wrapped"), r.Text("x an-own-secret-of"+end+"-the-host-7"))
			innocent := "com.acme.Order1Service" + end + "com.acme.Order2Service" + end + "4bf92f3577b34da6" + end + "a3ce929d0e0e4736"
			require.Equal(t, innocent, r.Text(innocent))
		})
	}
}

func TestTruncatedTokens(t *testing.T) {
	var r redact.Redactor
	for _, kind := range []string{"github-token", "gitlab-token", "aws-access-key", "google-api-key", "npm-token", "anthropic-key", "digitalocean-token", "stripe-key"} {
		t.Run(kind, func(t *testing.T) {
			token := fakes[kind]
			for n := 10; n < len(token); n++ {
				for _, sign := range []string{"", "…", "..."} {
					if sign == "" && !strings.ContainsAny(token[:n], "0123456789") {
						continue // a word like others
					}
					got := r.Text("got " + token[:n] + sign)
					require.NotContains(t, got, token[:n], n)
					require.Equal(t, got, r.Text(got), "redacted again")
				}
			}
		})
	}
	for _, text := range []string{
		"4bf92f3577b34da6a3ce929d0e0e4736", "123e4567-e89b-42d3-a456-426614174000", "see npm_config", "task-7d9f8b6c5d-x2k4j",
		"v1.2.3-rc.1+build.5", "github.com/acme/api@v1.2.3", "Session.java:12", "a long word…", "took12ms",
	} {
		require.Equal(t, text, r.Text(text))
	}
}
