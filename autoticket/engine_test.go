package autoticket_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/sinks"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shelf is a sink that keeps tickets, and can be told to fail.
type shelf struct {
	mu      sync.Mutex
	filed   []sinks.Ticket
	updates []sinks.Ticket
	fail    func(sinks.Ticket) error
}

func (s *shelf) File(_ context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		if err := s.fail(t); err != nil {
			return sinks.Receipt{}, err
		}
	}
	s.filed = append(s.filed, t)
	return sinks.Receipt{ID: t.Key}, nil
}

func (s *shelf) Update(_ context.Context, r sinks.Receipt, t sinks.Ticket) (sinks.Receipt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.updates = append(s.updates, t)
	return r, nil
}

func (s *shelf) tickets() []sinks.Ticket {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]sinks.Ticket(nil), s.filed...)
}

// start makes an engine with one provider of a service.
func start(t *testing.T, c autoticket.Config) (*autoticket.Engine, trace.Tracer) {
	t.Helper()
	if c.Logger == nil {
		c.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	engine, err := autoticket.New(c)
	require.NoError(t, err)
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSpanProcessor(engine.SpanProcessor()),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "checkout"), attribute.String("service.version", "1.2.3"), attribute.String("deployment.environment.name", "test"))),
	)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		require.NoError(t, provider.Shutdown(ctx))
		require.NoError(t, engine.Shutdown(ctx))
	})
	return engine, provider.Tracer("test")
}

// request makes the spans of a request that fails in its database.
func failingRequest(tracer trace.Tracer) {
	ctx, server := tracer.Start(context.Background(), "POST /checkout", trace.WithSpanKind(trace.SpanKindServer))
	ctx, handler := tracer.Start(ctx, "handler")
	ctx, repo := tracer.Start(ctx, "orders.Insert")
	_, db := tracer.Start(ctx, "INSERT orders", trace.WithSpanKind(trace.SpanKindClient))
	err := errors.New("connection refused: 10.0.0.7:5432")
	for _, sp := range []trace.Span{db, repo, handler, server} {
		sp.RecordError(err)
		sp.SetStatus(codes.Error, "insert failed")
		sp.End()
	}
}

func TestOneFailureOneTicket(t *testing.T) {
	var sink shelf
	engine, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}})
	failingRequest(tracer)
	require.NoError(t, engine.Flush(t.Context()))

	tickets := sink.tickets()
	require.Len(t, tickets, 1)
	got := tickets[0]
	require.Equal(t, sinks.EventOpened, got.Event)
	require.Equal(t, "INSERT orders", got.Origin.Operation)
	require.Len(t, got.Path, 4)
	require.Equal(t, int64(1), got.Count)
	t.Log(got.Title + "\n" + got.Text())

	st := engine.Stats()
	require.Equal(t, map[string]int64{"opened": 1, "symptom": 3}, st.Decisions)
	require.Equal(t, int64(4), st.Spans)
	require.Zero(t, st.Healthy)
}

// await waits for the engine's goroutines to bring something about.
func await(tb testing.TB, ok func() bool) {
	tb.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !ok() {
		require.True(tb, time.Now().Before(deadline), "it does not come about")
		runtime.Gosched()
	}
}
