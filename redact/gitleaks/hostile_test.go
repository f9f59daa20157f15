package gitleaks

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/redact"
)

// hostile are units of texts that are made to be slow: each looks like the
// beginning of many finds.
var hostile = []string{
	"key", "key=", "key ", "key = ", "token: a", "api_key=aaaaaaaaaa,", "secret secret ", "curl ", "curl\n", "curl -H \"", "curl -u a:", "-----BEGIN PRIVATE KEY-----", "ops_eyJ",
	"ey", " eyA.ey", "sk-", "SK0", "s.a ", "s.", "data: ", "secret data: a: ", "kind: secret data:", "pypi-AgEIcHlwaS5vcmc", "facebook 1", "sourcegraph a", "sourcegraph 0123456789abcdef",
	"q~", "aQ~a", "https://hooks.slack.com/services/", "webhook.office.com", "atlasv1.", "_mmk", "xoxb-1-", "xoxe-1-AAAA", "AKIA", "ghp_a", "jira", "linear=", "ü", "key=ü", "password \"", "<add key=\"Password\" value=\"",
	"glpat-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "fm2_aaaaaaaaa", " EAACaaaaaaaaaaaaa", "datadog ", "twitter: a",
}

// BenchmarkHostile says which of the hostile texts is the slowest.
func BenchmarkHostile(b *testing.B) {
	cfg, err := Default()
	require.NoError(b, err)
	r := redact.Redactor{Kinds: cfg.Kinds}
	for _, unit := range hostile {
		b.Run(unit, func(b *testing.B) {
			text := strings.Repeat(unit, (100<<10)/len(unit))
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				r.Text(text)
			}
		})
	}
}
