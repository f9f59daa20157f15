package autoticket_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/sinks"
)

func TestShutdownWithoutTheStore(t *testing.T) {
	for how, set := range outages {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var store outage
				var page pager
				engine, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"page": &page}, Store: &store})
				set(&store, true)
				fail(tracer, "GET /", "boom")
				for range 3 {
					ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
					began := time.Now()
					require.ErrorIs(t, engine.ForceFlush(ctx), context.DeadlineExceeded)
					require.ErrorIs(t, engine.Flush(ctx), context.DeadlineExceeded)
					require.Equal(t, 100*time.Millisecond, time.Since(began))
					cancel()
				}
				ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
				defer cancel()
				began := time.Now()
				require.ErrorIs(t, engine.Shutdown(ctx), context.DeadlineExceeded)
				require.LessOrEqual(t, time.Since(began), 9*time.Second)
				_, alerts, _ := page.state()
				require.Equal(t, 1, alerts, "what could be filed is")
				require.Equal(t, map[string]int64{"after_shutdown": 1}, engine.Stats().Dropped)
			})
		})
	}
}

func TestWhatWaitsForTheStoreIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var store outage
		var page pager
		engine, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"page": &page}, Store: &store, Rules: []autoticket.Rule{{
			Name: "errors", When: `span.status == "ERROR"`, SignatureExpr: `[span.name]`, Budget: 1 << 30,
		}}})
		store.refuses.Store(true)
		const kinds = 6000
		for i := range kinds {
			fail(tracer, "GET /"+words(i), "boom")
			if i%500 == 0 {
				time.Sleep(time.Second)
			}
		}
		time.Sleep(time.Minute)
		st := engine.Stats()
		require.LessOrEqual(t, st.Waiting, 4096+3*128)
		require.Empty(t, st.Dropped, "what there is no room for is counted with others")
		open, _, _ := page.state()
		require.LessOrEqual(t, open, 61, "budgets hold, and one ticket lists the others")
		store.refuses.Store(false)
		time.Sleep(time.Minute)
		require.Equal(t, int64(kinds), sum(engine.Stats().Decisions)+sum(engine.Stats().Dropped))
		require.Empty(t, engine.Stats().Dropped)
	})
}

// A store that fails now and then must not make anybody file twice.
func TestAStoreThatComesAndGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var store outage
		var page pager
		var issues shelf
		engines := make([]*autoticket.Engine, 2)
		failing := make([]func(string), 2)
		for i := range engines {
			engine, tracer := start(t, autoticket.Config{
				Sinks: map[string]sinks.Sink{"page": &page, "issues": &issues}, Store: &store,
				Rules: []autoticket.Rule{{Name: "errors", When: `span.status == "ERROR"`, Quiet: 24 * time.Hour}},
			})
			engines[i], failing[i] = engine, func(name string) { fail(tracer, name, "boom") }
		}
		n := int64(0)
		for round := range 40 {
			store.refuses.Store(round%4 == 1)
			store.hangs.Store(round%4 == 3)
			for i := range 20 {
				failing[i%2](fmt.Sprint("GET /", words((round+i)%7)))
				n++
				time.Sleep(time.Duration(1+(round*7+i)%5) * time.Second)
			}
		}
		store.refuses.Store(false)
		store.hangs.Store(false)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		open, alerts, _ := page.state()
		require.Equal(t, [2]int{7, 7}, [2]int{open, alerts})
		require.Len(t, issues.tickets(), 7)
		var counted, decided int64
		for _, p := range store.problems(t) {
			counted += p.Count
		}
		for _, e := range engines {
			decided += sum(e.Stats().Decisions)
		}
		require.Equal(t, n, counted)
		require.Equal(t, n, decided)
	})
}

// What a process could not store is in its journal, and the next one has it: under
// the same key.
func TestAProcessThatEndsWithoutTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var store outage
		var page pager
		var issues shelf
		c := autoticket.Config{
			Sinks: map[string]sinks.Sink{"page": &page, "issues": &issues}, Store: &store, Journal: filepath.Join(t.TempDir(), "journal"),
			Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
		}
		for run := range 3 {
			store.refuses.Store(run == 0)
			engine, err := autoticket.New(c)
			require.NoError(t, err)
			if run == 0 {
				fail(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(engine.SpanProcessor())).Tracer("test"), "GET /", "boom")
			}
			time.Sleep(20 * time.Second)
			synctest.Wait()
			_, alerts, _ := page.state()
			require.Equal(t, 1, alerts)
			require.Len(t, issues.tickets(), min(run, 1))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := engine.Shutdown(ctx); run == 0 {
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, int64(1), engine.Stats().Dropped["after_shutdown"])
			} else {
				require.NoError(t, err)
			}
			cancel()
		}
		require.Len(t, store.problems(t), 1)
		require.Equal(t, int64(1), store.problems(t)[0].Count)
	})
}
