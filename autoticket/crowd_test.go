package autoticket_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

// failBelow makes the spans of a request that fails in its database.
func failBelow(tracer trace.Tracer, operation, database, message string) {
	ctx, server := tracer.Start(context.Background(), operation, trace.WithSpanKind(trace.SpanKindServer))
	_, client := tracer.Start(ctx, database, trace.WithSpanKind(trace.SpanKindClient))
	client.RecordError(errors.New(message))
	client.SetStatus(codes.Error, message)
	client.End()
	server.SetStatus(codes.Error, "")
	server.End()
}

// A storm is thinned out, and the counts of its problems are what they were without.
func TestAThinnedStormCountsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sink shelf
		store := new(correlate.Memory)
		engine, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}, Store: store})
		const ticks, each = 30, 500
		for tick := range ticks {
			for i := range each {
				failBelow(tracer, "POST /orders", "INSERT orders", fmt.Sprintf("connection refused: 10.0.%d.%d:5432", tick, i))
			}
			if tick == ticks-2 {
				failBelow(tracer, "GET /health", "SELECT 1", "no such table")
			}
			time.Sleep(100 * time.Millisecond)
		}
		require.NoError(t, engine.Flush(t.Context()))

		stats := engine.Stats()
		require.Greater(t, stats.Decisions["thinned"], int64(ticks*each/4))
		require.Empty(t, stats.Dropped)
		require.Equal(t, int64(ticks*each+1), stats.Occurrences)
		accountFor(t, stats)
		require.Equal(t, map[string]int64{"INSERT orders": ticks * each, "SELECT 1": 1}, counts(t, store))
		require.Len(t, sink.tickets(), 2, "what fails once in a storm has its ticket")
	})
}

// A storm of failures that are all unlike is counted as a flood, and what is known
// beside it on itself.
func TestAThinnedFloodCountsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sink shelf
		store := new(correlate.Memory)
		engine, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}, Store: store})
		const ticks, each = 40, 1000
		for tick := range ticks {
			for i := range each {
				_, span := tracer.Start(t.Context(), "POST /orders")
				span.SetStatus(codes.Error, "no such order: "+word(tick*each+i))
				span.End()
				if i%10 == 0 {
					fail(tracer, "GET /health", "no such table")
				}
			}
			time.Sleep(100 * time.Millisecond)
		}
		require.NoError(t, engine.Flush(t.Context()))

		stats := engine.Stats()
		accountFor(t, stats)
		require.Empty(t, stats.Dropped)
		n := counts(t, store)
		require.Equal(t, int64(ticks*each/10), n["GET /health"])
		require.Equal(t, int64(ticks*each), n["POST /orders"])
		require.Equal(t, int64(ticks*each*11/10), stats.Occurrences)
	})
}

// Of more looks than are remembered the counts of each are not known, and those of all
// are, in one storm and in those after it.
func TestThinnedStormsOfManyLooksCountAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sink shelf
		store := new(correlate.Memory)
		engine, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}, Store: store})
		const ticks, each, operations = 100, 600, 10
		for tick := range ticks {
			for i := range each {
				look := tick*100 + i
				fail(tracer, "GET /"+word(look%operations), "no such order: "+word(look))
			}
			time.Sleep(100 * time.Millisecond)
			if tick == ticks/2 { // one storm is over, and another one begins
				time.Sleep(5 * time.Second)
			}
		}
		require.NoError(t, engine.Flush(t.Context()))

		stats := engine.Stats()
		accountFor(t, stats)
		require.Empty(t, stats.Dropped)
		require.Greater(t, stats.Decisions["thinned"], int64(ticks*each/8))
		n := counts(t, store)
		for i := range operations {
			require.Equal(t, int64(ticks*each/operations), n["GET /"+word(i)])
		}
	})
}

// counts returns how often each operation failed, as the store has it.
func counts(t *testing.T, store correlate.Store) map[string]int64 {
	n := map[string]int64{}
	for _, p := range stored(t, store) {
		if p.Report == "" {
			n[p.Samples[0].Operation] += p.Count
		}
	}
	return n
}
