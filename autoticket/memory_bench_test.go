package autoticket_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/autoticket"
)

// BenchmarkMemory measures the live heap of an engine, in MiB after a garbage
// collection. What was there without it is taken off.
func BenchmarkMemory(b *testing.B) {
	b.Run("signatures=100000", func(b *testing.B) {
		benchMemory(b, 100_000, 100_000, func(i int) (operation, message string) {
			return "GET /" + words(i%10_000), "no such thing: " + words(i/10_000)
		})
	})
}

// benchMemory ends failing spans of many signatures, which func names, and
// reports what lives after them.
func benchMemory(b *testing.B, spans, open int, of func(i int) (operation, message string)) {
	for b.Loop() {
		before := liveHeap()
		engine, p := newBenchEngine(b, []autoticket.Rule{{Name: "errors", When: `span.status == "ERROR"`}})
		tracer := newTracer(nothing{onEnd: p.OnEnd})
		for i := range spans {
			operation, message := of(i)
			endDetailed(tracer, operation, message)
			if i%1000 == 999 {
				require.NoError(b, engine.ForceFlush(b.Context()))
			}
		}
		require.NoError(b, engine.ForceFlush(b.Context()))
		st := engine.Stats()
		require.Empty(b, st.Dropped)
		b.ReportMetric(float64(liveHeap()-before)/(1<<20), "MiB")
		b.ReportMetric(float64(st.OpenProblems), "problems")
		runtime.KeepAlive(engine)
		require.NoError(b, engine.Shutdown(context.WithoutCancel(b.Context())))
	}
}

// liveHeap returns the bytes that are in use after a garbage collection.
func liveHeap() int64 {
	runtime.GC()
	runtime.GC() // what finalizers and pools have let go
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// endDetailed ends a failing span with ten attributes, and an exception with its stack.
func endDetailed(tracer trace.Tracer, operation, message string) {
	_, sp := tracer.Start(context.Background(), operation, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", "GET"),
		attribute.String("http.route", operation),
		attribute.String("url.path", operation+"/4711"),
		attribute.String("url.scheme", "https"),
		attribute.Int("http.response.status_code", 500),
		attribute.String("server.address", "checkout.internal"),
		attribute.Int("server.port", 8443),
		attribute.String("client.address", "198.51.100.17"),
		attribute.String("network.protocol.version", "1.1"),
		attribute.String("user_agent.original", "acme-client/3.1 (linux; amd64) transport/2.0"),
	))
	err := fmt.Errorf("%w: %s", errFailed, message)
	sp.RecordError(err, trace.WithStackTrace(true))
	sp.SetStatus(codes.Error, err.Error())
	sp.End()
}
