package capture

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/spanticket/spanticket/correlate"
)

// of returns a span of a service's release.
func of(service, version, name string) sdktrace.ReadOnlySpan {
	return span(name, 1, codes.Unset, func(s *tracetest.SpanStub) {
		s.Resource = resource.NewSchemaless(attribute.String("service.name", service), attribute.String("service.version", version))
	})
}

func TestTraffic(t *testing.T) {
	tr := NewTraffic()
	for i := range 10 {
		tr.Count(of("pay", "1", "POST /pay"), byte(i), i%5 == 0)
		tr.Count(of("pay", "2", "POST /pay"), byte(i), false)
		tr.Count(of("pay", "1", "GET /pay"), byte(i), false)
		tr.Count(of("shop", "1", "POST /pay"), byte(i), true)
	}
	require.Equal(t, correlate.Share{Failed: 2, Requests: 20}, tr.Share("pay", "POST /pay"), "all releases of a service together")
	require.Equal(t, correlate.Share{Failed: 0, Requests: 10}, tr.Share("pay", "GET /pay"))
	require.Equal(t, correlate.Share{Failed: 10, Requests: 10}, tr.Share("shop", "POST /pay"))
	require.Zero(t, tr.Share("shop", "GET /pay"))
}

func TestTrafficForgets(t *testing.T) {
	tr := NewTraffic()
	start := time.Date(2026, 3, 1, 12, 0, 30, 0, time.UTC)
	sp := of("pay", "1", "POST /pay")
	for minute := range 10 {
		tr.Advance(start.Add(time.Duration(minute) * time.Minute))
		for i := range 10 {
			tr.Count(sp, byte(i), minute < 5)
			tr.Advance(start.Add(time.Duration(minute)*time.Minute + time.Duration(i)*time.Second))
		}
	}
	require.Equal(t, correlate.Share{Failed: 0, Requests: 50}, tr.Share("pay", "POST /pay"), "five minutes, of which the last goes on")
	tr.Advance(start.Add(time.Hour))
	require.Zero(t, tr.Share("pay", "POST /pay"))
}

func TestTrafficIsBounded(t *testing.T) {
	tr := NewTraffic()
	for i := range maxOperations + 100 {
		tr.Count(span(fmt.Sprint("GET /", i), 1, codes.Unset), 0, false)
	}
	require.Len(t, tr.flows, maxOperations)
	require.Zero(t, tr.Share("", fmt.Sprint("GET /", maxOperations+50)))
	require.NotZero(t, tr.Share("", "GET /0").Requests)
}

func TestTrafficAllocatesNothing(t *testing.T) {
	tr := NewTraffic()
	sp := of("pay", "1", "POST /pay")
	tr.Count(sp, 0, false)
	require.Zero(t, testing.AllocsPerRun(100, func() { tr.Count(sp, 1, true) }))
}

func TestTrafficConcurrently(t *testing.T) {
	tr := NewTraffic()
	spans := []sdktrace.ReadOnlySpan{of("a", "1", "x"), of("a", "1", "y"), of("b", "1", "x")}
	var running sync.WaitGroup
	for g := range 4 {
		running.Go(func() {
			for i := range 3000 {
				tr.Count(spans[i%3], byte(g), false)
			}
		})
	}
	tr.Advance(time.Now())
	tr.Share("a", "x")
	running.Wait()
	for _, op := range []operationKey{{"a", "x"}, {"a", "y"}, {"b", "x"}} {
		require.EqualValues(t, 4000, tr.known[op].total().Requests)
	}
}

func BenchmarkTraffic(b *testing.B) {
	tr := NewTraffic()
	spans := []sdktrace.ReadOnlySpan{of("a", "1", "x"), of("a", "1", "y"), of("b", "1", "x")}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		tr.Count(spans[i%3], byte(i), false)
	}
}
