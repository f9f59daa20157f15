//go:build linux

package replicas

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/pgstore"
	"github.com/spanticket/spanticket/internal/observe"
	"github.com/spanticket/spanticket/internal/realserver"
	"github.com/spanticket/spanticket/internal/sweep"
	"github.com/spanticket/spanticket/sinks"
)

// shared calls fn with each of the shared stores.
func shared(t *testing.T, fn func(t *testing.T, store correlate.Store)) {
	t.Run("redis", func(t *testing.T) {
		store, err := order{Redis: realserver.Redis(t).Addr}.store()
		require.NoError(t, err)
		fn(t, store)
	})
	t.Run("postgres", func(t *testing.T) {
		_, u := realserver.Postgres(t)
		store, err := order{Postgres: u.String()}.store()
		require.NoError(t, err)
		require.NoError(t, store.(*pgstore.Store).Migrate(t.Context()))
		fn(t, store)
	})
}

// box is a tracker that one service means by a name that others use, too.
type box struct {
	down  atomic.Bool
	mu    sync.Mutex
	filed []sinks.Ticket
}

func (b *box) File(_ context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	if b.down.Load() {
		return sinks.Receipt{}, &sinks.Error{Err: errors.New("down")}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.filed = append(b.filed, t)
	return sinks.Receipt{ID: t.Key}, nil
}

// Services with rules of their own, and trackers of their own by one name, share a
// store. No ticket carries another's facts or is in another's tracker.
func TestMixedFleet(t *testing.T) {
	shared(t, func(t *testing.T, store correlate.Store) {
		marks := []string{"alpha", "bravo", "delta"}
		const problems = 5
		boxes, engines := map[string]*box{}, map[string]*autoticket.Engine{}
		for _, mark := range marks {
			b := new(box)
			b.down.Store(true) // so that all wait at once
			res := resource.NewSchemaless(attribute.String("service.name", mark))
			engine, err := autoticket.New(autoticket.Config{
				Store: store, Resource: res, Sinks: map[string]sinks.Sink{"tracker": b},
				Delivery: map[string]autoticket.Delivery{"tracker": {MinBackoff: 100 * time.Millisecond, MaxBackoff: time.Second, Attempts: 1 << 30, PerMinute: 6000, Burst: 100}},
				Rules:    []autoticket.Rule{{Name: "errors", When: `span.status == "ERROR"`, Severity: mark, Team: "team-" + mark}},
				Logger:   slog.New(slog.DiscardHandler),
			})
			require.NoError(t, err)
			defer func() { require.NoError(t, engine.Shutdown(context.WithoutCancel(t.Context()))) }()
			boxes[mark], engines[mark] = b, engine
			tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(engine.SpanProcessor()), sdktrace.WithResource(res)).Tracer("test")
			for n := range problems {
				_, span := tracer.Start(t.Context(), "GET /"+name(n))
				span.SetStatus(codes.Error, "out of memory in "+mark)
				span.End()
			}
			require.NoError(t, engine.ForceFlush(t.Context()))
		}
		for _, b := range boxes {
			b.down.Store(false)
		}
		for _, mark := range marks {
			b := boxes[mark]
			require.Eventually(t, func() bool {
				b.mu.Lock()
				defer b.mu.Unlock()
				return len(b.filed) == problems
			}, 30*time.Second, 50*time.Millisecond)
		}
		for _, mark := range marks {
			require.NoError(t, engines[mark].Flush(t.Context()))
			require.Len(t, boxes[mark].filed, problems, "each once")
			for _, ticket := range boxes[mark].filed {
				text := fmt.Sprintf("%+v", ticket)
				for _, other := range marks {
					if other == mark {
						require.Equal(t, "team-"+mark, ticket.Team)
						require.Equal(t, mark, ticket.Service)
					} else {
						require.NotContains(t, text, other)
					}
				}
			}
		}
	})
}

// What nobody claims is parked in a shared store as in memory, and what has an engine
// is not. The time is the engines', and runs fast.
func TestSweep(t *testing.T) {
	shared(t, func(t *testing.T, store correlate.Store) {
		now := time.Now()
		member := func(service string, after time.Duration, names ...string) *sweep.Sweeper {
			return sweep.New(sweep.Config{
				Store: store, Scopes: func() []correlate.Scope { return []correlate.Scope{{Service: service}} }, Sinks: names, After: after,
				Engine: service, Counters: new(observe.Deliveries), Parked: new(observe.Parked),
				Logger: slog.New(slog.DiscardHandler), Jitter: rand.NewPCG(1, 2),
			})
		}
		key := correlate.Key{Scope: correlate.Scope{Service: "checkout"}, Kind: correlate.KindProblem, ID: "v2a"}
		require.NoError(t, store.Update(t.Context(), key, correlate.UpdateProblem(func(p correlate.Problem) (_ correlate.Problem, add []correlate.Delivery, _ error) {
			p, _ = p.Observe(correlate.Batch{
				Scope: key.Scope, Signature: correlate.Signature{ID: key.ID, Version: 2}, Threshold: correlate.Threshold{Count: 1, Within: time.Minute},
				Quiet: time.Hour, Count: 1, First: now, Last: now,
			}, now)
			p, add = p.Queue(correlate.OpOpen, []string{"tracker", "renamed"}, now)
			return p, add, nil
		})))
		sweeper := member("ops", sweep.Least, "renamed")
		for _, all := range [][]*sweep.Sweeper{{sweeper, member("checkout", 0, "tracker")}, {sweeper}} {
			for range 14 * 6 {
				now = now.Add(10 * time.Minute)
				for _, s := range all {
					s.Tick(t.Context(), now)
				}
			}
			p, err := correlate.ReadProblem(t.Context(), store, key)
			require.NoError(t, err)
			require.NotNil(t, p.Filing("renamed").Parked)
			require.Equal(t, len(all) == 1, p.Filing("tracker").Parked != nil)
			require.Equal(t, len(all) == 1, p.State == correlate.Resolved)
		}
		require.Equal(t, map[string]int64{"renamed": 1, "tracker": 1}, sweeper.Parked.Counts())
	})
}
