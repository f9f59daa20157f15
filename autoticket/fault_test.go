package autoticket_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

// script is a sink without an Updater whose calls are numbered from 1.
type script struct {
	calls atomic.Int64
	file  func(ctx context.Context, call int64, t sinks.Ticket) error
}

func (s *script) File(ctx context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	return sinks.Receipt{ID: t.Key}, s.file(ctx, s.calls.Add(1), t)
}

func TestASinkThatFailsIsTriedAgainAndThenParked(t *testing.T) {
	rows := []struct {
		name     string
		file     func(ctx context.Context, call int64, t sinks.Ticket) error
		calls    int64 // within a day
		parked   string
		duration time.Duration // until the ticket was accepted, at least
	}{
		{name: "it hangs until its context ends", calls: 3,
			file: func(ctx context.Context, call int64, _ sinks.Ticket) error {
				if call < 3 {
					<-ctx.Done()
					return ctx.Err()
				}
				return nil
			}},
		{name: "it panics", calls: 2,
			file: func(_ context.Context, call int64, _ sinks.Ticket) error {
				if call == 1 {
					panic("nil map")
				}
				return nil
			}},
		{name: "it asks for an hour, and gets the most that a pause may take", calls: 2, duration: 10 * time.Minute,
			file: func(_ context.Context, call int64, _ sinks.Ticket) error {
				if call == 1 {
					return &sinks.Error{Reason: sinks.RateLimited, RetryAfter: time.Hour}
				}
				return nil
			}},
		{name: "it accepts and then times out", calls: 2,
			file: func(_ context.Context, call int64, _ sinks.Ticket) error {
				if call == 1 {
					return &sinks.Error{Reason: sinks.Unknown, Err: context.DeadlineExceeded}
				}
				return nil
			}},
		{name: "it is down for good", calls: 4, parked: "transient: down",
			file: func(context.Context, int64, sinks.Ticket) error {
				return &sinks.Error{Err: errors.New("down")}
			}},
		{name: "it refuses the ticket", calls: 1, parked: "rejected: title too rude",
			file: func(context.Context, int64, sinks.Ticket) error {
				return &sinks.Error{Reason: sinks.Rejected, Err: errors.New("title too rude")}
			}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sink := &script{file: row.file}
				engine, tracer := start(t, autoticket.Config{
					Sinks:    map[string]sinks.Sink{"script": sink},
					Delivery: map[string]autoticket.Delivery{"script": {Attempts: 4, MaxBackoff: 15 * time.Minute}},
					Rules:    []autoticket.Rule{{Name: "errors", When: `span.status == "ERROR"`, Quiet: 48 * time.Hour}},
				})
				fail(tracer, "GET /", "boom")
				time.Sleep(row.duration)
				synctest.Wait()
				if row.duration > 0 {
					require.Equal(t, int64(1), sink.calls.Load())
				}
				time.Sleep(24 * time.Hour)
				synctest.Wait()
				require.Equal(t, row.calls, sink.calls.Load())
				parked, err := engine.Parked(t.Context())
				require.NoError(t, err)
				if row.parked == "" {
					require.Empty(t, parked)
					return
				}
				require.Len(t, parked, 1)
				require.Equal(t, row.parked, parked[0].Reason)
				require.Equal(t, correlate.OpOpen, parked[0].Operation)

				sink.file = func(context.Context, int64, sinks.Ticket) error { return nil }
				require.NoError(t, engine.Requeue(t.Context(), parked[0]))
				require.ErrorIs(t, engine.Requeue(t.Context(), parked[0]), autoticket.ErrNotParked)
				time.Sleep(time.Minute)
				synctest.Wait()
				require.Equal(t, row.calls+1, sink.calls.Load())
			})
		})
	}
}

func TestASinkThatIgnoresItsContextHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var good shelf
		stuck := &script{file: func(context.Context, int64, sinks.Ticket) error { <-release; return nil }}
		engine, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"good": &good, "stuck": stuck}})
		for i := range 10 {
			fail(tracer, "GET /"+words(i), "boom")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Len(t, good.tickets(), 10)
		require.LessOrEqual(t, stuck.calls.Load(), int64(4), "no more calls than it has slots")
		_ = engine
		close(release)
	})
}

func TestShutdownWithAFullQueueLosesNothingThatItDoesNotCount(t *testing.T) {
	var sink shelf
	engine, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}, QueueSize: 64})
	for range 5000 {
		fail(tracer, "GET /", "boom")
	}
	require.NoError(t, engine.Shutdown(t.Context()))
	fail(tracer, "GET /", "boom") // after the end
	st := engine.Stats()
	require.Equal(t, int64(5001), st.Spans)
	require.Zero(t, st.Healthy)
	require.Equal(t, int64(1), st.Dropped["after_shutdown"])
	require.Equal(t, int64(5001), sum(st.Decisions)+sum(st.Dropped))
	require.Len(t, sink.tickets(), 1)
	require.NoError(t, engine.Shutdown(t.Context()), "twice is fine")
	require.NoError(t, engine.ForceFlush(t.Context()))
	require.NoError(t, engine.Flush(t.Context()))
}

func sum(m map[string]int64) (n int64) {
	for _, v := range m {
		n += v
	}
	return n
}

// brokenStore fails for a while.
type brokenStore struct {
	correlate.Memory
	broken atomic.Bool
}

func (s *brokenStore) Update(ctx context.Context, key correlate.Key, fn correlate.UpdateFunc) error {
	if s.broken.Load() {
		return errors.New("connection refused")
	}
	return s.Memory.Update(ctx, key, fn)
}

func TestAStoreThatIsAwayCostsNoCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var store brokenStore
		var sink shelf
		engine, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}, Store: &store})
		store.broken.Store(true)
		for range 600 {
			fail(tracer, "GET /", "boom")
			time.Sleep(time.Second)
		}
		require.Empty(t, sink.tickets())
		store.broken.Store(false)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Len(t, sink.tickets(), 1)
		require.Equal(t, int64(600), sum(engine.Stats().Decisions))
	})
}

func TestHostileSpans(t *testing.T) {
	var sink shelf
	engine, _ := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}})
	p := engine.SpanProcessor()
	now := time.Now()
	id := func(n byte) trace.SpanContext {
		return trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{n, 15: n}, SpanID: trace.SpanID{n, 7: n}, TraceFlags: trace.FlagsSampled})
	}
	failed := sdktrace.Status{Code: codes.Error, Description: "failed"}
	stubs := []tracetest.SpanStub{
		{Name: "no ids", Status: failed, StartTime: now, EndTime: now},
		{Name: "ends before it starts", SpanContext: id(2), Status: failed, StartTime: now, EndTime: now.Add(-time.Hour)},
		{Name: "no times", SpanContext: id(3), Status: failed},
		{Name: "bad \xff\xfe name\x00\x1b[31m", SpanContext: id(4), Status: sdktrace.Status{Code: codes.Error, Description: "bad \xff"}, StartTime: now, EndTime: now},
		{Name: "megabytes", SpanContext: id(5), Status: sdktrace.Status{Code: codes.Error, Description: strings.Repeat("x", 4<<20)}, StartTime: now, EndTime: now,
			Attributes: []attribute.KeyValue{attribute.String("a", strings.Repeat("y", 4<<20)), attribute.StringSlice("b", []string{strings.Repeat("z", 4<<20)})}},
		{Name: "its own parent", SpanContext: id(6), Parent: id(6), Status: failed, StartTime: now, EndTime: now},
		{Name: "wrong types", SpanContext: id(7), Status: failed, StartTime: now, EndTime: now,
			Attributes: []attribute.KeyValue{attribute.String("http.response.status_code", "many"), attribute.Int("service.name", 1), attribute.Key("").Bool(true)}},
		{Name: "", SpanContext: id(8), Status: failed, StartTime: now, EndTime: now},
		{Name: "no resource", SpanContext: id(9), Status: failed, StartTime: now, EndTime: now, Resource: resource.Empty()},
	}
	for _, stub := range stubs {
		require.NotPanics(t, func() { p.OnEnd(stub.Snapshot()) }, stub.Name)
	}
	require.NoError(t, engine.Flush(t.Context()))
	require.Len(t, sink.tickets(), len(stubs))
	for _, got := range sink.tickets() {
		data, err := json.Marshal(got)
		require.NoError(t, err)
		require.Less(t, len(data), 64<<10, got.Title)
		require.NotContains(t, got.Title, "\x1b")
	}
	require.Empty(t, engine.Stats().Dropped)
}

func TestTenThousandSpansInOneTrace(t *testing.T) {
	var sink shelf
	engine, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}})
	ctx, root := tracer.Start(t.Context(), "import", trace.WithSpanKind(trace.SpanKindServer))
	for i := range 10_000 {
		_, sp := tracer.Start(ctx, "row")
		if i%2 == 0 {
			sp.SetStatus(codes.Error, "bad row")
		}
		sp.End()
	}
	root.End()
	require.NoError(t, engine.Flush(t.Context()))
	st := engine.Stats()
	require.Len(t, sink.tickets(), 1)
	require.Equal(t, int64(5000), sum(st.Decisions)+sum(st.Dropped))
	require.Zero(t, st.OpenTraces)
}

func TestNoSecretLeaves(t *testing.T) {
	token := "ghp_" + strings.Repeat("a1B2", 9)
	card, mail := "4111 1111 1111 1111", "jane.doe@example.com"
	var sink shelf
	store := new(correlate.Memory)
	engine, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}, Store: store, Rules: []autoticket.Rule{{
		Name: "errors", When: `span.status == "ERROR"`, Title: `"failed: " + exception.message`, Labels: []string{`exception.message`}, Team: `span.status_message`,
	}}})
	_, sp := tracer.Start(t.Context(), "charge "+mail, trace.WithAttributes(
		attribute.String("password", "hunter2hunter2"), attribute.String("note", "card "+card)))
	sp.RecordError(fmt.Errorf("charging %s for %s with %s", card, mail, token), trace.WithStackTrace(true))
	sp.SetStatus(codes.Error, "token "+token)
	sp.End()
	require.NoError(t, engine.Flush(t.Context()))
	require.Len(t, sink.tickets(), 1)
	ticket, err := json.Marshal(sink.tickets())
	require.NoError(t, err)
	records, err := store.List(t.Context(), correlate.Page{Kind: correlate.KindProblem, Max: 10})
	require.NoError(t, err)
	require.Len(t, records, 1)
	for _, secret := range []string{token, card, mail, "hunter2"} {
		require.NotContains(t, string(ticket), secret)
		require.NotContains(t, string(records[0].Data), secret)
	}
}

// tracingSink makes a span for each call, under the context it is given, as an
// instrumented HTTP client does.
type tracingSink struct {
	shelf
	tracer trace.Tracer
}

func (s *tracingSink) File(ctx context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	ctx, sp := s.tracer.Start(ctx, "POST tracker", trace.WithSpanKind(trace.SpanKindClient))
	_, child := s.tracer.Start(ctx, "dial")
	child.SetStatus(codes.Error, "refused")
	child.End()
	sp.SetStatus(codes.Error, "refused")
	sp.End()
	return s.shelf.File(ctx, t)
}

func TestTheLibrarysOwnCallsMakeNoTickets(t *testing.T) {
	sink := &tracingSink{}
	engine, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"tracing": sink}})
	sink.tracer = tracer
	fail(tracer, "GET /", "boom")
	require.NoError(t, engine.Flush(t.Context()))
	require.NoError(t, engine.Flush(t.Context()))
	require.Len(t, sink.tickets(), 1)
	require.Equal(t, int64(1), engine.Stats().Spans)
}

func TestTheLogIsToldOfDroppedSpans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		engine, err := autoticket.New(autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": new(shelf)}, QueueSize: 1, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		require.NoError(t, err)
		p := engine.SpanProcessor()
		spans := snapshots(100, "boom", errFailed)
		for _, sp := range spans {
			p.OnEnd(sp)
		}
		time.Sleep(10 * time.Second)
		require.NoError(t, engine.Shutdown(t.Context()))
		dropped := engine.Stats().Dropped["queue_full"]
		require.Positive(t, dropped)
		require.Equal(t, 1, strings.Count(log.String(), "failing spans are dropped"), log.String())
		require.Contains(t, log.String(), fmt.Sprintf("queue_full=%d", dropped))
	})
}

func TestDeliveriesToASinkThatWasRenamedAreSeen(t *testing.T) {
	store := new(correlate.Memory)
	down := &script{file: func(context.Context, int64, sinks.Ticket) error { return errors.New("down") }}
	before, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"old": down}, Store: store})
	fail(tracer, "GET /", "boom")
	require.NoError(t, before.Flush(t.Context()))
	parked, err := before.Parked(t.Context())
	require.NoError(t, err)
	require.Empty(t, parked, "it waits for its next attempt")

	var sink shelf
	after, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"new": &sink}, Store: store})
	fail(tracer, "GET /", "boom")
	require.NoError(t, after.Flush(t.Context()))
	parked, err = after.Parked(t.Context())
	require.NoError(t, err)
	require.Len(t, parked, 1)
	require.Equal(t, "old", parked[0].Sink)
	require.Equal(t, "there is no sink of this name", parked[0].Reason)
	require.ErrorIs(t, after.Requeue(t.Context(), parked[0]), autoticket.ErrNotParked)
}
