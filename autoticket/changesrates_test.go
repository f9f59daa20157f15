package autoticket_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate/deployment"
	"github.com/spanticket/spanticket/sinks"
)

// Rates that have to be fetched are, before anybody asks, and by nobody who waits.
func TestRatesAreFetched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sink shelf
		var rates ledgerOfCalls
		fetched := &fetcher{of: &rates}
		config := autoticket.Config{
			Sinks: map[string]sinks.Sink{"shelf": &sink}, Store: newDurable(), Deployments: autoticket.Deployments{Rates: fetched},
			Rules: []autoticket.Rule{{Name: "errors", When: `span.status == "ERROR"`, Quiet: 10 * time.Minute}},
		}
		old := startRelease(t, "1.4.2", nil, config)
		old.rates = &rates
		old.serve(40*time.Minute, 0)
		require.Zero(t, fetched.calls(), "without a problem nothing is asked")
		old.stop(t)
		bad := startRelease(t, "1.5.0", nil, config)
		bad.rates = &rates
		bad.serve(6*time.Minute, 4)
		updated := updates(&sink)
		last := updated[len(updated)-1]
		require.Equal(t, "strong", last.Suspects[0].Class, last.Text())
		require.Positive(t, last.Suspects[0].Before.Requests)
		require.LessOrEqual(t, fetched.calls(), 8)
		bad.stop(t)
	})
}

// fetcher answers what it has fetched.
type fetcher struct {
	of     *ledgerOfCalls
	mu     sync.Mutex
	n      int
	answer map[deployment.Query]deployment.Count
}

func (f *fetcher) calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n
}

// Prefetch implements [deployment.Fetcher].
func (f *fetcher) Prefetch(ctx context.Context, queries []deployment.Query) error {
	select {
	case <-time.After(2 * time.Second):
	case <-ctx.Done():
		return ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
	f.answer = map[deployment.Query]deployment.Count{}
	for _, q := range queries {
		f.answer[q], _ = f.of.Count(q)
	}
	return nil
}

// Count implements [deployment.Rates].
func (f *fetcher) Count(q deployment.Query) (deployment.Count, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, ok := f.answer[q]
	return n, ok
}

// Rates that panic, or never come back, cost an answer.
func TestRatesThatHarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sink shelf
		config := autoticket.Config{
			Sinks: map[string]sinks.Sink{"shelf": &sink}, Store: newDurable(), Deployments: autoticket.Deployments{Rates: harmful{}},
		}
		old := startRelease(t, "1.4.2", nil, config)
		old.serve(2*time.Minute, 0)
		old.stop(t)
		bad := startRelease(t, "1.5.0", nil, config)
		bad.serve(2*time.Minute, 4)
		require.Len(t, sink.tickets(), 1)
		require.NotContains(t, sink.tickets()[0].Text(), "uspect")
		require.Positive(t, bad.engine.Stats().Panics)
		bad.stop(t)
	})
}

type harmful struct{}

func (harmful) Count(deployment.Query) (deployment.Count, bool) { panic("no rates") }

func (harmful) Prefetch(context.Context, []deployment.Query) error { panic("no rates") }
