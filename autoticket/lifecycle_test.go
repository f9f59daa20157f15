package autoticket_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

// fail ends a failing span that is a trace of its own.
func fail(tracer trace.Tracer, name, message string) {
	_, sp := tracer.Start(context.Background(), name, trace.WithSpanKind(trace.SpanKindServer))
	sp.RecordError(errors.New(message))
	sp.SetStatus(codes.Error, "")
	sp.End()
}

func TestAProblemOpensGrowsResolvesAndReopens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sink shelf
		engine, tracer := start(t, autoticket.Config{
			Sinks: map[string]sinks.Sink{"shelf": &sink},
			Rules: []autoticket.Rule{{Name: "errors", When: `span.status == "ERROR"`, Quiet: 30 * time.Minute}},
		})
		// A failure every second for an hour is one ticket and five updates: after
		// 1, 3, 7, 15 and 31 minutes, and the next would be after 63.
		for range 3600 {
			fail(tracer, "GET /", "boom")
			time.Sleep(time.Second)
		}
		synctest.Wait()
		require.Len(t, sink.filed, 1)
		require.Len(t, sink.updates, 5)
		require.Equal(t, 1, engine.Stats().OpenProblems)

		time.Sleep(time.Hour)
		synctest.Wait()
		require.Len(t, sink.updates, 6)
		resolved := sink.updates[5]
		require.Equal(t, sinks.EventResolved, resolved.Event)
		require.Equal(t, sinks.Resolved, resolved.State)
		require.Equal(t, int64(3600), resolved.Count)
		require.WithinDuration(t, resolved.LastSeen.Add(30*time.Minute), resolved.ResolvedAt, 2*time.Second)
		require.Zero(t, engine.Stats().OpenProblems)

		fail(tracer, "GET /", "boom")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Len(t, sink.filed, 1, "the same ticket reopens")
		reopened := sink.updates[6]
		require.Equal(t, sinks.EventReopened, reopened.Event)
		require.Equal(t, resolved.Key, reopened.Key)
		require.Equal(t, int64(3601), reopened.Count)
	})
}

func TestThreshold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sink shelf
		engine, tracer := start(t, autoticket.Config{
			Sinks: map[string]sinks.Sink{"shelf": &sink},
			Rules: []autoticket.Rule{{Name: "errors", When: `span.status == "ERROR"`, Threshold: correlate.Threshold{Count: 5, Within: time.Minute}}},
		})
		for range 20 { // four in a minute are not five
			fail(tracer, "GET /", "boom")
			time.Sleep(20 * time.Second)
		}
		require.Empty(t, sink.tickets())
		for range 3 {
			fail(tracer, "GET /", "boom")
			time.Sleep(2 * time.Second)
		}
		synctest.Wait()
		require.Len(t, sink.tickets(), 1)
		require.Equal(t, int64(1), engine.Stats().Decisions["opened"])
	})
}

func TestTenThousandFailuresAreOneTicketWithAnExactCount(t *testing.T) {
	var sink shelf
	store := new(correlate.Memory)
	engine, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}, Store: store})
	var load sync.WaitGroup
	for w := range 10 {
		load.Go(func() {
			for i := range 1000 {
				fail(tracer, "POST /pay", fmt.Sprintf("payment %d of worker %d declined", i, w))
			}
		})
	}
	load.Wait()
	require.NoError(t, engine.Flush(t.Context()))

	require.Len(t, sink.tickets(), 1)
	st := engine.Stats()
	require.Equal(t, int64(1), st.Decisions["opened"])
	require.Equal(t, int64(9999), st.Decisions["deduplicated"]+st.Decisions["thinned"])
	require.Empty(t, st.Dropped)
	require.Equal(t, map[string]int64{"POST /pay": 10_000}, counts(t, store))
	require.Zero(t, st.Healthy)
}

func TestASlowRequestIsOneTicketAtItsDeepestSlowOperation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sink shelf
		engine, tracer := start(t, autoticket.Config{
			Sinks: map[string]sinks.Sink{"shelf": &sink},
			Rules: []autoticket.Rule{{Name: "slow", When: `span.duration > duration("2s")`, Title: `"slow: " + span.name`, Severity: "warning"}},
		})
		ctx, server := tracer.Start(t.Context(), "GET /report", trace.WithSpanKind(trace.SpanKindServer))
		_, query := tracer.Start(ctx, "SELECT reports")
		time.Sleep(3 * time.Second)
		query.End()
		server.End()
		require.NoError(t, engine.Flush(t.Context()))
		got := sink.tickets()
		require.Len(t, got, 1)
		require.Equal(t, "slow: SELECT reports", got[0].Title)
		require.Equal(t, "warning", got[0].Severity)
		require.Len(t, got[0].Path, 2)
	})
}

func TestATraceWhoseRootNeverEndsIsDecidedAfterTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sink shelf
		engine, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}, TraceWait: 10 * time.Second})
		ctx, server := tracer.Start(t.Context(), "consume", trace.WithSpanKind(trace.SpanKindConsumer))
		_, child := tracer.Start(ctx, "store")
		child.SetStatus(codes.Error, "disk full")
		child.End()
		time.Sleep(9 * time.Second)
		synctest.Wait()
		require.Empty(t, sink.tickets())
		require.Equal(t, 1, engine.Stats().OpenTraces)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Len(t, sink.tickets(), 1)

		server.SetStatus(codes.Error, "disk full")
		server.End()
		require.NoError(t, engine.Flush(t.Context()))
		require.Len(t, sink.tickets(), 1, "a late symptom is no second failure")
		require.Equal(t, map[string]int64{"opened": 1, "late_symptom": 1}, engine.Stats().Decisions)
	})
}

func TestReplicasOnOneStoreFileOneTicket(t *testing.T) {
	store := new(correlate.Memory)
	var sink shelf
	c := autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}, Store: store}
	var engines []*autoticket.Engine
	var load sync.WaitGroup
	for range 4 {
		engine, tracer := start(t, c)
		engines = append(engines, engine)
		load.Go(func() {
			for range 100 {
				fail(tracer, "GET /", "boom")
			}
		})
	}
	load.Wait()
	for _, e := range engines {
		require.NoError(t, e.Flush(t.Context()))
	}
	require.Len(t, sink.tickets(), 1)
	records, err := store.List(t.Context(), correlate.Page{Kind: correlate.KindProblem, Max: 10})
	require.NoError(t, err)
	require.Len(t, records, 1)
	p, err := correlate.DecodeProblem(records[0])
	require.NoError(t, err)
	require.Equal(t, int64(400), p.Count)
}

func TestServicesOnOneStoreFileTheirOwn(t *testing.T) {
	store := new(correlate.Memory)
	var mine, theirs shelf
	a, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &mine}, Store: store})
	b, err := autoticket.New(autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &theirs}, Store: store,
		Resource: resource.NewSchemaless(attribute.String("service.name", "another"))})
	require.NoError(t, err)
	defer func() { require.NoError(t, b.Shutdown(context.WithoutCancel(t.Context()))) }()
	fail(tracer, "GET /", "boom")
	require.NoError(t, a.ForceFlush(t.Context()))
	require.NoError(t, b.Flush(t.Context()))
	require.NoError(t, a.Flush(t.Context()))
	require.Len(t, mine.tickets(), 1)
	require.Empty(t, theirs.tickets())
}

func TestAnEngineStartsWithWhatTheOneBeforeLeft(t *testing.T) {
	store := new(correlate.Memory)
	down := shelf{fail: func(sinks.Ticket) error { return errors.New("down") }}
	res := resource.NewSchemaless(attribute.String("service.name", "checkout"))
	first, err := autoticket.New(autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &down}, Store: store,
		Delivery: map[string]autoticket.Delivery{"shelf": {MinBackoff: time.Millisecond, MaxBackoff: time.Millisecond, Attempts: 1 << 30}}})
	require.NoError(t, err)
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(first.SpanProcessor()), sdktrace.WithResource(res))
	fail(provider.Tracer("test"), "GET /", "boom")
	require.NoError(t, first.ForceFlush(t.Context()))
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, first.Shutdown(stopped), "it says that something was not delivered")

	var up shelf
	second, err := autoticket.New(autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &up}, Store: store, Resource: res})
	require.NoError(t, err)
	defer func() { require.NoError(t, second.Shutdown(context.WithoutCancel(t.Context()))) }()
	await(t, func() bool { return len(up.tickets()) == 1 })
}
