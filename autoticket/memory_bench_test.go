package autoticket_test

import (
	"bytes"
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
	"github.com/spanticket/spanticket/correlate"
)

// floodSize is how many signatures the flood of BenchmarkMemory has: 5,000,000 take
// minutes.
var floodSize = flag.Int("flood", 100_000, "signatures of the flood of BenchmarkMemory")

// BenchmarkMemory measures the live heap of an engine with the store in memory, in
// MiB after a garbage collection: with 100,000 open problems, of 10,000 operations,
// and after a flood of signatures of one operation. What was there without the
// engine is taken off. The engine opens the newest 10,000 problems itself, twice as many
// as the store keeps evidence of; the others it finds in the store, as it would have
// left them there.
func BenchmarkMemory(b *testing.B) {
	const old, newest = 90_000, 10_000
	b.Run("problems=100000", func(b *testing.B) {
		left := leftBefore(b)
		benchMemory(b, newest, time.Nanosecond, func(store correlate.Store) { fill(b, store, left, old) }, func(i int) (team int, operation, message string) {
			return i % 10, "GET /" + words(i), "no such thing: " + words(i/10)
		}, func(st autoticket.Stats) {
			require.GreaterOrEqual(b, st.OpenProblems, old+newest)
			require.Empty(b, st.Dropped)
			require.Zero(b, st.Decisions["thinned"])
		})
	})
	b.Run(fmt.Sprintf("flood=%d", *floodSize), func(b *testing.B) {
		benchMemory(b, *floodSize, time.Nanosecond, func(correlate.Store) {}, func(i int) (team int, operation, message string) {
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

// teams are ten rules.
func teams() (rules []autoticket.Rule) {
	for team := range 10 {
		rules = append(rules, autoticket.Rule{Name: fmt.Sprintf("team-%d", team), When: fmt.Sprintf(`span.status == "ERROR" && span.attributes["acme.team"] == %d`, team)})
	}
	return rules
}

// leftBefore returns records of problems as a store keeps those that were not written
// for long, without their evidence.
func leftBefore(b *testing.B) (left []correlate.Record) {
	store := new(correlate.Memory)
	engine, p := newBenchEngineOn(b, teams(), store)
	tracer := newTracer(nothing{onEnd: p.OnEnd})
	for i := range 6000 {
		endDetailed(tracer, func(i int) (int, string, string) { return i % 10, "GET /" + words(i), "it fails" }, i)
		if i%1000 == 999 {
			require.NoError(b, engine.ForceFlush(b.Context()))
		}
	}
	require.NoError(b, engine.Shutdown(b.Context()))
	for after := (correlate.Key{}); ; {
		records, err := store.List(b.Context(), correlate.Page{Kind: correlate.KindProblem, After: after, Max: 1000})
		require.NoError(b, err)
		for _, r := range records {
			after = r.Key
			if p, err := correlate.DecodeProblem(r); err == nil && p.Bare && p.State == correlate.Open {
				left = append(left, r)
			}
		}
		if len(records) < 1000 {
			require.Greater(b, len(left), 500)
			return left
		}
	}
}

// fill puts so many problems into a store, which differ from those that were left in
// their signature and operation.
func fill(b *testing.B, store correlate.Store, left []correlate.Record, problems int) {
	for i := range problems {
		r := left[i%len(left)]
		id := fmt.Sprintf("%.2s%026d", r.Key.ID, i)
		r.Data = bytes.ReplaceAll(r.Data, []byte(r.Key.ID), []byte(id))
		r.Data = bytes.ReplaceAll(r.Data, []byte("GET /"), []byte("GET /"+words(i/len(left))+" "))
		key := r.Key
		key.ID = id
		require.NoError(b, store.Update(b.Context(), key, func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) { return r, nil, nil }))
	}
}

// benchMemory ends failing spans of signatures that a function names, a thousand in
// each pace, and reports what lives after them. before fills the store.
func benchMemory(b *testing.B, spans int, pace time.Duration, before func(correlate.Store), of func(i int) (team int, operation, message string), check func(autoticket.Stats)) {
	for b.Loop() {
		heap := liveHeap()
		store := new(correlate.Memory)
		before(store)
		engine, p := newBenchEngineOn(b, teams(), store)
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
		b.ReportMetric(float64(liveHeap()-heap)/(1<<20), "MiB")
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
