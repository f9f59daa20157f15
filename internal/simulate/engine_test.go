package simulate

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/coalesce"
	"github.com/spanticket/spanticket/internal/ledger"
	"github.com/spanticket/spanticket/internal/observe"
	"github.com/spanticket/spanticket/internal/outbox"
	"github.com/spanticket/spanticket/internal/render"
	"github.com/spanticket/spanticket/redact"
	"github.com/spanticket/spanticket/sinks"
)

// engine is one process: the stages behind the one that counts, without the
// goroutines that drive them.
type engine struct {
	w       *world
	store   *store
	ledger  *ledger.Ledger
	outbox  *outbox.Outbox
	skew    time.Duration // of its clock
	waiting []coalesce.Batch
	jobs    []outbox.Job
	results []outbox.Result
	killed  bool
}

func newEngine(w *world, name string) *engine {
	e := &engine{w: w, store: &store{Memory: w.memory, w: w}}
	log := slog.New(slog.DiscardHandler)
	r := new(redact.Redactor)
	named := map[string]sinks.Sink{}
	var names []string
	for _, tr := range w.trackers {
		named[tr.class.String()] = tr.sink()
		names = append(names, tr.class.String())
	}
	e.ledger = ledger.New(ledger.Config{
		Store: e.store, Redactor: r, Sinks: names, Counters: observe.NewCounters(), Decided: func(correlate.Decision) {}, Logger: log, Writer: name,
	})
	e.ledger.Join(scope)
	e.outbox = outbox.New(outbox.Config{
		Store: e.store, Renderer: &render.Renderer{Redactor: r, Budget: time.Second}, Redactor: r, Scopes: e.ledger.Scopes,
		Counters: new(observe.Deliveries), Parked: new(observe.Parked), Logger: log, Jitter: rand.NewPCG(1, 2),
		Own: func(ctx context.Context) (context.Context, func()) { return ctx, func() {} },
	}, named, func(string) outbox.Options {
		return outbox.Options{
			Rate: 1e6, Burst: 1e6, Concurrency: 1e3, Timeout: 10 * time.Second, Attempts: 5, MinBackoff: 2 * time.Second, MaxBackoff: time.Minute, ParkUnknown: true,
		}
	})
	return e
}

func (e *engine) now() time.Time { return e.w.now.Add(e.skew) }

// apply counts the batch that waits longest.
func (e *engine) apply() {
	if len(e.waiting) == 0 {
		return
	}
	if _, err := e.ledger.Apply(context.Background(), e.waiting[0], e.now()); err == nil {
		e.waiting = e.waiting[1:]
	}
}

func (e *engine) sweep() { _, _ = e.ledger.Sweep(context.Background(), e.now()) }

func (e *engine) claim() {
	jobs, _, _ := e.outbox.Claim(context.Background(), e.now())
	e.jobs = append(e.jobs, jobs...)
}

// deliver carries out the nth job that was claimed.
func (e *engine) deliver(n int) {
	if len(e.jobs) == 0 {
		return
	}
	n %= len(e.jobs)
	j := e.jobs[n]
	e.jobs = append(e.jobs[:n:n], e.jobs[n+1:]...)
	r := e.outbox.Deliver(context.Background(), j)
	e.results = append(e.results, r)
}

// settle stores the nth result. When the store fails, it is never stored.
func (e *engine) settle(n int) {
	if len(e.results) == 0 {
		return
	}
	n %= len(e.results)
	r := e.results[n]
	e.results = append(e.results[:n:n], e.results[n+1:]...)
	_, _ = e.outbox.Settle(context.Background(), r, e.now())
}
