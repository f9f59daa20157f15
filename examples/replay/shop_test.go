package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

var update = flag.Bool("update", false, "write the recording and the golden files")

// shopFile is a small recording that is made by shopTraces: twelve minutes of a
// shop whose payment runs out of connections for three of them.
const shopFile = "testdata/shop.jsonl"

func TestShopFileIsUpToDate(t *testing.T) {
	var want bytes.Buffer
	for i := range 24 {
		line, err := new(ptrace.JSONMarshaler).MarshalTraces(shopTraces(i))
		require.NoError(t, err)
		want.Write(append(line, '\n'))
	}
	if *update {
		require.NoError(t, os.WriteFile(shopFile, want.Bytes(), 0o644))
	}
	got, err := os.ReadFile(shopFile)
	require.NoError(t, err)
	require.Equal(t, want.String(), string(got), "run the tests with -update")
}

// shopTraces is request number n: every 30 seconds a customer buys something.
// Requests 8 to 13 find no connection in payment's pool; in request 5 the bank
// is called twice, and the second attempt goes well; request 18 waits for the
// bank for four seconds.
func shopTraces(n int) ptrace.Traces {
	at := time.Date(2024, 5, 6, 7, 0, 0, 0, time.UTC).Add(time.Duration(n) * 30 * time.Second)
	fails := n >= 8 && n < 14
	slow := 0 // milliseconds
	if n == 18 {
		slow = 4000
	}
	out := ptrace.NewTraces()
	spans := map[string]ptrace.SpanSlice{}
	for _, service := range []string{"storefront", "checkout", "payment"} {
		rs := out.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr("service.name", service)
		rs.Resource().Attributes().PutStr("service.namespace", "shop")
		rs.Resource().Attributes().PutStr("service.version", "1.4.2")
		rs.Resource().Attributes().PutStr("deployment.environment.name", "demo")
		ss := rs.ScopeSpans().AppendEmpty()
		ss.Scope().SetName("shop")
		spans[service] = ss.Spans()
	}
	span := func(service string, id, parent byte, kind ptrace.SpanKind, name string, from, to int, failed bool) ptrace.Span {
		sp := spans[service].AppendEmpty()
		sp.SetTraceID(pcommon.TraceID{0xA, 15: byte(n)})
		sp.SetSpanID(pcommon.SpanID{id, 7: byte(n)})
		if parent != 0 {
			sp.SetParentSpanID(pcommon.SpanID{parent, 7: byte(n)})
		}
		sp.SetName(name)
		sp.SetKind(kind)
		sp.SetStartTimestamp(pcommon.NewTimestampFromTime(at.Add(time.Duration(from) * time.Millisecond)))
		sp.SetEndTimestamp(pcommon.NewTimestampFromTime(at.Add(time.Duration(to) * time.Millisecond)))
		if failed {
			sp.Status().SetCode(ptrace.StatusCodeError)
		}
		return sp
	}
	span("storefront", 1, 0, ptrace.SpanKindServer, "POST /buy", 0, 200+slow, fails)
	span("storefront", 2, 1, ptrace.SpanKindClient, "POST", 5, 195+slow, fails)
	span("checkout", 3, 2, ptrace.SpanKindServer, "POST /checkout", 10, 190+slow, fails)
	span("checkout", 4, 3, ptrace.SpanKindClient, "POST", 15, 185+slow, fails)
	span("payment", 5, 4, ptrace.SpanKindServer, "POST /charge", 20, 180+slow, fails)
	pool := span("payment", 6, 5, ptrace.SpanKindInternal, "pool.Acquire", 25, 60, fails)
	if fails {
		e := pool.Events().AppendEmpty()
		e.SetName("exception")
		e.SetTimestamp(pool.EndTimestamp())
		e.Attributes().PutStr("exception.type", "*pool.ExhaustedError")
		e.Attributes().PutStr("exception.message", fmt.Sprintf("no connection for order %d within 35ms", 4700+n))
		return out
	}
	for i, failed := range []bool{n == 5, false} {
		if i == 0 && !failed {
			continue
		}
		bank := span("payment", byte(7+i), 5, ptrace.SpanKindClient, "POST", 70+40*i, 100+40*i+slow, failed)
		bank.Attributes().PutStr("url.full", "https://bank.example.com/transfers")
		bank.Attributes().PutStr("http.request.method", "POST")
	}
	return out
}
