package correlate_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
)

// benchKinds are failures as services record them. The ones of a kind are
// signed in turn, so that no branch is learnt by heart.
var benchKinds = []struct {
	name  string
	stack string
	texts []string
}{
	{name: "short", texts: []string{
		"context deadline exceeded",
		"dial tcp 10.1.2.3:5432: connect: connection refused",
		"order 7f0c2b1e-93d4-4a58-8f7e-0d1c2b3a4958 not found",
		"sql: no rows in result set",
		`pq: duplicate key value violates unique constraint "orders_pkey"`,
		"rpc error: code = Unavailable desc = upstream connect error",
		"open /var/lib/shop/orders.json: permission denied",
		"card declined by issuer",
	}},
	{name: "line", texts: []string{
		"Failed to deliver message 184467 to queue orders.created on broker kafka-3.internal:9092 after 5 attempts in 1m30.5s: connection reset by peer, giving up",
		"[req-8f7e0d1c] user=ann.lee@example.com method=POST path=/api/v2/orders/7781 status=503 duration=1250ms error=\"upstream timed out\" retry=false",
		"Transaction 0x7f3a9c001b20 was rolled back because lock wait timeout of 50000 ms exceeded while updating table shop.order_lines in session 4711",
		"2026-01-02T15:04:05.123Z worker-17 could not resize partition /dev/sda1 from 512 MiB to 2.5 GiB: no space left on device, will be retried later",
		"Leader of partition payments-7 changed from broker 3 to broker 5 at epoch 129 while a fetch for offset 8823711 was in flight; the request is retried",
	}},
	{name: "json", texts: []string{
		"payment provider answered with status code 422 and the body " + benchBody + " which cannot be handled by this version of the client",
		`{"level":"error","msg":"cannot reserve stock","order":88121,"lines":` + benchBody + `,"err":"stock of item 4711 is empty"}`,
	}},
	{name: "stack", stack: benchStack, texts: []string{
		"runtime error: index out of range [5] with length 3",
		"runtime error: invalid memory address or nil pointer dereference",
		"assignment to entry in nil map",
		"cannot price order 88121 of customer c8f3k9: no tariff for region eu-north-1 since 2026-01-02",
	}},
}

const benchBody = `{"error":{"type":"card_error","code":"card_declined","decline_code":"insufficient_funds","charge":"ch_3OaX2eLkdIwHu7ix0zQ",` +
	`"message":"Your card has insufficient funds.","param":null,"request_id":"req_9fKq1Lw0bS8"},"lines":[{"sku":"A-1001","count":2,"price":1299},` +
	`{"sku":"B-2002","count":1,"price":4999},{"sku":"C-3003","count":12,"price":199}],"customer":{"id":"cus_PaX8","name":"Ann Lee","city":"Oslo",` +
	`"address":"Storgata 1, 0155 Oslo","since":"2019-05-17T09:30:00Z"},"total":9985,"currency":"NOK","attempts":[1,2,3,5,8,13]}`

const benchStack = `goroutine 4711 [running]:
runtime/debug.Stack()
	/usr/local/go/src/runtime/debug/stack.go:26 +0x5e
go.opentelemetry.io/otel/sdk/trace.(*recordingSpan).End.func1()
	/root/go/pkg/mod/go.opentelemetry.io/otel/sdk@v1.47.0/trace/span.go:487 +0x25
panic({0x9b3d40?, 0xc000236018?})
	/usr/local/go/src/runtime/panic.go:792 +0x132
example.com/shop/internal/pricing.(*Tariffs).Price(0xc0001a4000, {0xb1c2f8, 0xc0003120c0}, 0x5)
	/src/internal/pricing/tariffs.go:88 +0x1d4
example.com/shop/internal/pricing.Total(...)
	/src/internal/pricing/total.go:31
example.com/shop/internal/checkout.(*Service).Checkout.func2({0xc00009c000, 0x3, 0x4})
	/src/internal/checkout/service.go:142 +0x1fb
example.com/shop/internal/checkout.(*Service).Checkout(0xc0000b6000, {0xb1c2f8, 0xc0003120c0}, 0xc00031a000)
	/src/internal/checkout/service.go:120 +0x3a5
example.com/shop/internal/web.(*Handler).ServeHTTP(0xc0000b6100, {0xb1b5d8, 0xc000320000}, 0xc000318000)
	/src/internal/web/handler.go:57 +0x2a8
net/http.serverHandler.ServeHTTP({0xc0002f0000?}, {0xb1b5d8?, 0xc000320000?}, 0x6?)
	/usr/local/go/src/net/http/server.go:3301 +0x8e
net/http.(*conn).serve(0xc0002f2000, {0xb1c330, 0xc0001b4f30})
	/usr/local/go/src/net/http/server.go:2102 +0x625
created by net/http.(*Server).Serve in goroutine 1
	/usr/local/go/src/net/http/server.go:3454 +0x485
`

// benchOccurrences returns failures of one kind, and how many bytes of message
// text they have on average.
func benchOccurrences(texts []string, stack string) (occurrences []correlate.Occurrence, average int64) {
	for _, text := range texts {
		o := correlate.Occurrence{
			Scope:     correlate.Scope{Namespace: "shop", Service: "checkout", Environment: "production"},
			Operation: "POST /orders/{id}", Kind: "SERVER", Status: "ERROR", Message: text,
			Exception: correlate.Exception{Type: "*errors.errorString", Message: text, Stacktrace: stack},
		}
		occurrences = append(occurrences, o)
		average += int64(len(text))
	}
	return occurrences, average / int64(len(texts))
}

// BenchmarkSignature has, by kind of failure, the cost of an occurrence, of which
// only the ID is asked for; of a problem that is new, of which all components are
// kept; of the masking in both; and, to compare, of masking by regular
// expressions. MB/s are of message text: of what else is signed none is counted.
func BenchmarkSignature(b *testing.B) {
	var mixed []string
	for _, kind := range benchKinds {
		mixed = append(mixed, kind.texts...)
	}
	sign := func(texts []string, stack string) func(*testing.B) {
		return func(b *testing.B) {
			occurrences, average := benchOccurrences(texts, stack)
			signer := correlate.Signer{Module: "example.com/shop"}
			b.SetBytes(average)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				signer.Sign(occurrences[i%len(occurrences)], correlate.Spec{})
			}
		}
	}
	occurrence := func(texts []string, stack string) func(*testing.B) {
		return func(b *testing.B) {
			occurrences, average := benchOccurrences(texts, stack)
			signer := correlate.Signer{Module: "example.com/shop"}
			b.SetBytes(average)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				signer.ID(occurrences[i%len(occurrences)], correlate.Spec{})
			}
		}
	}
	mask := func(texts []string, mask func(string) string) func(*testing.B) {
		return func(b *testing.B) {
			_, average := benchOccurrences(texts, "")
			b.SetBytes(average)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				mask(texts[i%len(texts)])
			}
		}
	}
	for _, kind := range benchKinds {
		b.Run("occurrence/"+kind.name, occurrence(kind.texts, kind.stack))
	}
	b.Run("occurrence/mixed", occurrence(mixed, ""))
	for _, kind := range benchKinds {
		b.Run("sign/"+kind.name, sign(kind.texts, kind.stack))
	}
	b.Run("sign/mixed", sign(mixed, ""))
	for _, kind := range benchKinds {
		b.Run("mask/"+kind.name, mask(kind.texts, correlate.Mask))
	}
	b.Run("mask/mixed", mask(mixed, correlate.Mask))
	b.Run("regexp/mixed", mask(mixed, maskByPatterns))
}

// maskByPatterns is the usual masking by regular expressions.
func maskByPatterns(message string) string {
	for _, p := range maskPatterns {
		message = p.ReplaceAllString(message, "<*>")
	}
	return message
}

var maskPatterns = []*regexp.Regexp{
	regexp.MustCompile(`"[^"]*"|'[^']*'`),
	regexp.MustCompile(`\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b`),
	regexp.MustCompile(`\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b`),
	regexp.MustCompile(`\b0x[0-9a-fA-F]+\b|\b[0-9a-fA-F]{8,}\b`),
	regexp.MustCompile(`[-+]?\b\d+(?:\.\d+)?\b`),
}

func TestSignAllocations(t *testing.T) {
	for _, kind := range benchKinds {
		t.Run(kind.name, func(t *testing.T) {
			occurrences, _ := benchOccurrences(kind.texts, kind.stack)
			signer, i := correlate.Signer{Module: "example.com/shop"}, 0
			require.LessOrEqual(t, leastAllocations(func() {
				signer.Sign(occurrences[i%len(occurrences)], correlate.Spec{})
				i++
			}), 3.0)
			require.LessOrEqual(t, leastAllocations(func() {
				signer.ID(occurrences[i%len(occurrences)], correlate.Spec{})
				i++
			}), 2.0, "of the ID alone")
		})
	}
}

// leastAllocations measures what fn allocates when no pool was emptied meanwhile,
// as any may be at any time, and is under the race detector.
func leastAllocations(fn func()) float64 {
	least := testing.AllocsPerRun(10, fn)
	for range 50 {
		least = min(least, testing.AllocsPerRun(1, fn))
	}
	return least
}
