package gitleaks

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/zricethezav/gitleaks/v8/detect"

	"github.com/spanticket/spanticket/redact"
)

// logLines are made up, in the styles of several languages and frameworks.
var logLines = []string{
	"2026-08-01T10:00:00.123Z  INFO 1 --- [nio-8080-exec-7] c.a.shop.orders.OrderController : order 81723 placed in 123 ms, 3 items",
	`level=info ts=2026-08-01T10:00:00.123Z caller=server.go:214 msg="request completed" method=GET path=/api/v1/orders/81723 status=200 bytes=5120 duration=12.3ms`,
	`10.1.2.3 - - [01/Aug/2026:10:00:00 +0000] "GET /health HTTP/1.1" 200 2 "-" "kube-probe/1.33"`,
	`{"level":"warn","time":"2026-08-01T10:00:00.123Z","service":"checkout","msg":"retrying after timeout","attempt":2,"backoff_ms":250,"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}`,
	"E0801 10:00:00.123456       1 reconciler.go:118] failed to list *v1.Pod: context deadline exceeded, requeueing default/checkout-7d9f8b6c5d-x2k4j",
	"[getRouteById][Query route by id][RouteId: f3d4d4ef-693b-4456-8eed-59c0d717dd08]",
	"WARN  o.a.k.c.NetworkClient - [Consumer clientId=orders-1, groupId=orders] Connection to node 2 could not be established, will retry",
	`time="2026-08-01T10:00:00Z" level=error msg="token expired, asking for another one" component=auth user=81723 attempt=1`,
	"The order could not be placed because the warehouse did not answer within the time that was allowed.",
}

// secretRules are the rules of which a line of the dirty text has a secret.
var secretRules = []string{"github-pat", "jwt", "generic-api-key", "slack-bot-token", "stripe-access-token", "datadog-access-token", "gcp-api-key", "gitlab-pat", "aws-access-token"}

// texts returns ordinary lines of about 1 KiB, and the same with a secret in each.
func texts(t require.TestingT) (clean, dirty string) {
	ps := map[string]*peer{}
	for _, p := range peers(t) {
		ps[p.rule.RuleID] = p
	}
	rnd := rand.New(rand.NewPCG(3, 4))
	var a, b strings.Builder
	for i, line := range logLines {
		p := ps[secretRules[i]]
		secret := ""
		for len(p.want(p.inLine(secret))) == 0 {
			secret = strings.ReplaceAll(draw(rnd, p.rule.Regex.String()), "\n", " ")
		}
		a.WriteString(line + "\n")
		b.WriteString(line + " " + secret + " \n")
	}
	return a.String(), b.String()
}

// BenchmarkRedact compares a Redactor that has the kinds besides its own, with
// gitleaks' own detector of the same configuration, which finds and does not
// replace.
func BenchmarkRedact(b *testing.B) {
	cfg, err := Default()
	require.NoError(b, err)
	r := redact.Redactor{Kinds: cfg.Kinds}
	detector, err := detect.NewDetectorDefaultConfig()
	require.NoError(b, err)
	clean, dirty := texts(b)
	for _, text := range []struct{ name, text string }{{"clean", clean}, {"dirty", dirty}} {
		for _, tool := range []struct {
			name string
			run  func(text string)
		}{
			{"spanticket", func(text string) { r.Text(text) }},
			{"gitleaks", func(text string) { detector.DetectString(text) }},
		} {
			b.Run(text.name+"/"+tool.name, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(text.text)))
				for b.Loop() {
					tool.run(text.text)
				}
			})
		}
	}
}

func TestBenchedTexts(t *testing.T) {
	cfg, err := Default()
	require.NoError(t, err)
	r := redact.Redactor{Kinds: cfg.Kinds}
	clean, dirty := texts(t)
	require.Equal(t, clean, r.Text(clean), "nothing is secret")
	var without redact.Redactor
	allocs := testing.AllocsPerRun(100, func() { without.Text(clean) })
	require.Equal(t, allocs, testing.AllocsPerRun(100, func() { r.Text(clean) }), "the kinds allocate nothing")
	require.GreaterOrEqual(t, len(r.Find(dirty)), len(logLines), "each line has a secret")
}
