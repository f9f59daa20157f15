//go:build linux

package replicas

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/redisstore"
	"github.com/spanticket/spanticket/internal/observe"
	"github.com/spanticket/spanticket/internal/outbox"
	"github.com/spanticket/spanticket/internal/realserver"
	"github.com/spanticket/spanticket/internal/render"
	"github.com/spanticket/spanticket/redact"
	"github.com/spanticket/spanticket/sinks"
)

// limited is a tracker that takes so many calls in any window, and counts the others.
type limited struct {
	calls  int
	window time.Duration

	mu      sync.Mutex
	times   []time.Time
	refused int
	filed   map[string]int
}

func (l *limited) Account() sinks.Account {
	return sinks.Account{ID: "tracker.example-bot", Rates: []sinks.Rate{{Calls: l.calls, Per: l.window}}}
}

func (l *limited) File(_ context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.times = slices.DeleteFunc(l.times, func(at time.Time) bool { return now.Sub(at) > l.window })
	if len(l.times) >= l.calls {
		l.refused++
		return sinks.Receipt{}, &sinks.Error{Reason: sinks.RateLimited, RetryAfter: time.Second}
	}
	l.times = append(l.times, now)
	l.filed[t.Key]++
	return sinks.Receipt{ID: t.Key}, nil
}

// TestFleetStorm has 20 engines of ten services with far more due than their one
// tracker takes. All together stay under its limit, of which no single one knows how
// much is left; half of them end on the way.
func TestFleetStorm(t *testing.T) {
	const engines, services, each = 20, 10, 20
	addr := realserver.Redis(t).Addr
	tracker := &limited{calls: 150, window: 10 * time.Second, filed: map[string]int{}}
	ctx, stop := context.WithCancel(t.Context())
	first, end := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	scope := func(n int) correlate.Scope { return correlate.Scope{Service: fmt.Sprint("service ", n%services)} }
	began := time.Now()
	for n := range engines {
		client := redis.NewClient(&redis.Options{Addr: addr, PoolSize: 4})
		t.Cleanup(func() { _ = client.Close() })
		store, err := redisstore.New(client, redisstore.Config{Timeout: 20 * time.Second})
		require.NoError(t, err)
		if n < services {
			for i := range each {
				require.NoError(t, file(ctx, store, scope(n), fmt.Sprintf("%d-%d", n, i)))
			}
		}
		lives := ctx
		if n >= services {
			lives = first
		}
		box := newBox(store, scope(n), tracker, uint64(n))
		wg.Go(func() { drive(lives, ctx, box) })
	}
	done := func() int { tracker.mu.Lock(); defer tracker.mu.Unlock(); return len(tracker.filed) }
	require.Eventually(t, func() bool { return done() > services*each/3 }, 60*time.Second, 100*time.Millisecond)
	end()
	require.Eventually(t, func() bool { return done() == services*each }, 120*time.Second, 100*time.Millisecond)
	took := time.Since(began)
	stop()
	wg.Wait()
	require.Zero(t, tracker.refused, "the fleet stays under the limit")
	for key, n := range tracker.filed {
		require.Equal(t, 1, n, key)
	}
	require.Greater(t, took, tracker.window, "it would not have been kept by chance")
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer func() { _ = client.Close() }()
	for line := range strings.Lines(client.Info(t.Context(), "commandstats").Val()) {
		var calls int
		if k, _ := fmt.Sscanf(line, "cmdstat_evalsha:calls=%d,", &calls); k == 1 {
			t.Logf("%d tickets in %v; %.1f scripts a second for each engine", len(tracker.filed), took.Round(time.Second), float64(calls)/engines/took.Seconds())
		}
	}
}

// file queues what opens a ticket.
func file(ctx context.Context, s correlate.Store, scope correlate.Scope, id string) error {
	now := time.Now()
	key := correlate.Key{Scope: scope, Kind: correlate.KindProblem, ID: id}
	return s.Update(ctx, key, correlate.UpdateProblem(func(p correlate.Problem) (correlate.Problem, []correlate.Delivery, error) {
		p, _ = p.Observe(correlate.Batch{
			Scope: scope, Signature: correlate.Signature{ID: id}, Rule: "errors", Threshold: correlate.Threshold{Count: 1, Within: time.Minute},
			Quiet: time.Hour, Count: 1, First: now, Last: now, Sample: correlate.Sample{Time: now, Operation: "POST /pay"},
		}, now)
		p, add := p.Queue(correlate.OpOpen, []string{"tracker"}, now)
		return p, add, nil
	}))
}

func newBox(s correlate.Store, scope correlate.Scope, tracker sinks.Sink, seed uint64) *outbox.Outbox {
	r := new(redact.Redactor)
	return outbox.New(outbox.Config{
		Store: s, Renderer: &render.Renderer{Redactor: r, Budget: 100 * time.Millisecond}, Redactor: r,
		Scopes: func() []correlate.Scope { return []correlate.Scope{scope} }, Counters: new(observe.Deliveries),
		Logger: slog.New(slog.DiscardHandler), Jitter: rand.NewPCG(seed, 1),
		Own: func(ctx context.Context) (context.Context, func()) { return ctx, func() {} },
	}, map[string]sinks.Sink{"tracker": tracker}, func(string) outbox.Options {
		return outbox.Options{Rate: 1000, Burst: 1000, Concurrency: 4, Timeout: 10 * time.Second, Attempts: 5, MinBackoff: time.Second, MaxBackoff: time.Minute}
	})
}

// drive claims and delivers while lives does, and ends what it has begun while ctx
// does.
func drive(lives, ctx context.Context, box *outbox.Outbox) {
	var wg sync.WaitGroup
	defer wg.Wait()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-lives.Done():
			return
		case <-tick.C:
		}
		jobs, _, _ := box.Claim(ctx, time.Now()) // an error is tried again
		for _, j := range jobs {
			wg.Go(func() { _, _ = box.Settle(ctx, box.Deliver(ctx, j), time.Now()) })
		}
	}
}
