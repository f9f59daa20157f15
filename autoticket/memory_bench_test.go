package autoticket_test

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/autoticket"
)

// floodSize is how many signatures the flood of BenchmarkMemory has: 5,000,000 take
// minutes.
var floodSize = flag.Int("flood", 100_000, "signatures of the flood of BenchmarkMemory")

// BenchmarkMemory measures the live heap of an engine with the store in memory, in
// MiB after a garbage collection: with 100,000 open problems, of 10,000 operations,
// and after a flood of signatures of one operation. What was there without the
// engine is taken off. The problems come at a pace that an engine takes one by one,
// and so take most of a minute; a flood is thinned out.
func BenchmarkMemory(b *testing.B) {
	b.Run("problems=100000", func(b *testing.B) {
		benchMemory(b, 100_000, 500*time.Millisecond, func(i int) (team int, operation, message string) {
			return i % 10, "GET /" + words(i%10_000), "no such thing: " + words(i/10_000)
		}, func(st autoticket.Stats) {
			require.GreaterOrEqual(b, st.OpenProblems, 100_000)
			require.Empty(b, st.Dropped)
		})
	})
	b.Run(fmt.Sprintf("flood=%d", *floodSize), func(b *testing.B) {
		benchMemory(b, *floodSize, time.Nanosecond, func(i int) (team int, operation, message string) {
			if i%100 == 0 { // one problem beside the flood
				return 0, "GET /orders", "connection refused"
			}
			return 0, "GET /orders", "no such order: " + words(i)
		}, func(st autoticket.Stats) {
			require.Less(b, st.OpenProblems, 1010)
			var dropped int64
			for _, n := range st.Dropped {
				dropped += n
			}
			b.ReportMetric(100*float64(dropped)/float64(st.Spans), "%dropped")
		})
	})
}

// benchMemory ends failing spans of signatures that a function names, a thousand in
// each pace, and reports what lives after them.
func benchMemory(b *testing.B, spans int, pace time.Duration, of func(i int) (team int, operation, message string), check func(autoticket.Stats)) {
	var rules []autoticket.Rule
	for team := range 10 {
		rules = append(rules, autoticket.Rule{Name: fmt.Sprintf("team-%d", team), When: fmt.Sprintf(`span.status == "ERROR" && span.attributes["acme.team"] == %d`, team)})
	}
	for b.Loop() {
		before := liveHeap()
		engine, p := newBenchEngine(b, rules)
		tracer := newTracer(nothing{onEnd: p.OnEnd})
		tick := time.NewTicker(pace)
		for i := range spans {
			endDetailed(tracer, of, i)
			if i%1000 == 999 {
				<-tick.C
				require.NoError(b, engine.ForceFlush(b.Context()))
			}
		}
		require.NoError(b, engine.ForceFlush(b.Context()))
		st := engine.Stats()
		tick.Stop()
		var sum int64
		for _, n := range st.Decisions {
			sum += n
		}
		for _, n := range st.Dropped {
			sum += n
		}
		require.Equal(b, int64(spans), sum, "what was seen was decided, or counted as dropped")
		check(st)
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

// endDetailed ends a failing span with eleven attributes, and an exception with its
// stack.
func endDetailed(tracer trace.Tracer, of func(i int) (team int, operation, message string), i int) {
	team, operation, message := of(i)
	_, sp := tracer.Start(context.Background(), operation, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.Int("acme.team", team),
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
