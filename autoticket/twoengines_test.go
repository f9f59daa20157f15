package autoticket_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/sinks"
)

// traced is a sink that traces its calls, as those do that use an instrumented client;
// the first ones fail.
type traced struct {
	shelf
	tracer trace.Tracer
	mu     sync.Mutex
	calls  int
}

func (s *traced) File(ctx context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	ctx, sp := s.tracer.Start(ctx, "POST /issues", trace.WithSpanKind(trace.SpanKindClient))
	defer sp.End()
	s.mu.Lock()
	s.calls++
	calls := s.calls
	s.mu.Unlock()
	if calls < 4 {
		sp.SetStatus(codes.Error, "503")
		return sinks.Receipt{}, errors.New("503")
	}
	return s.shelf.File(ctx, t)
}

func TestTwoEnginesOfOneProvider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all [2]*traced
		var engines [2]*autoticket.Engine
		var options []sdktrace.TracerProviderOption
		for i := range all {
			all[i] = new(traced)
			var err error
			engines[i], err = autoticket.New(autoticket.Config{Sinks: map[string]sinks.Sink{"traced": all[i]}})
			require.NoError(t, err)
			options = append(options, sdktrace.WithSpanProcessor(engines[i].SpanProcessor()))
		}
		provider := sdktrace.NewTracerProvider(options...)
		tracer := provider.Tracer("test")
		for i := range all {
			all[i].tracer = tracer
		}
		fail(tracer, "GET /a", "boom")
		time.Sleep(time.Minute)
		for i, e := range engines {
			require.Len(t, all[i].tickets(), 1, "each files the host's failure, and not those of the other's deliveries")
			require.Equal(t, int64(1), e.Stats().Spans)
		}
		require.NoError(t, engines[0].Shutdown(t.Context()))
		fail(tracer, "GET /b", "boom")
		time.Sleep(time.Minute)
		require.Len(t, all[0].tickets(), 1)
		require.Len(t, all[1].tickets(), 2, "one goes on without the other")
		require.Equal(t, map[string]int64{"after_shutdown": 1}, engines[0].Stats().Dropped)
		require.NoError(t, engines[1].Shutdown(t.Context()))
		require.NoError(t, provider.Shutdown(t.Context()))
	})
}

// With one processor a goroutine that never rests would hold all others up.
func TestOnOneProcessor(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var sink shelf
	engine, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}})
	var hosts sync.WaitGroup
	const goroutines, each = 8, 3000
	for range goroutines {
		hosts.Go(func() {
			for range each {
				fail(tracer, "GET /a", "boom")
			}
		})
	}
	hosts.Wait()
	require.NoError(t, engine.Flush(t.Context()))
	st := engine.Stats()
	require.Equal(t, int64(goroutines*each), st.Spans)
	sum := st.Healthy
	for _, n := range st.Decisions {
		sum += n
	}
	for _, n := range st.Dropped {
		sum += n
	}
	require.Equal(t, st.Spans, sum)
	require.Len(t, sink.tickets(), 1)
}
