package simulate

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/coalesce"
	"github.com/spanticket/spanticket/internal/ledger"
	"github.com/spanticket/spanticket/internal/observe"
	"github.com/spanticket/spanticket/internal/outage"
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
	known   *outage.Store // the same, with a memory
	ledger  *ledger.Ledger
	outbox  *outbox.Outbox
	skew    time.Duration // of its clock
	waiting outage.Backlog
	jobs    []job
	results []result
	under   []*outbox.Outbox // calls that are under way
	killed  bool

	fit   map[string]sinks.Sink
	stand *outage.StandIn   // while the store is out of reach
	left  []*outage.StandIn // that have something to hand over, or to resolve
}

// job and result know whose they are.
type (
	job struct {
		outbox.Job
		of *outbox.Outbox
	}
	result struct {
		outbox.Result
		of *outbox.Outbox
	}
)

func newEngine(w *world, name string) *engine {
	e := &engine{w: w, store: &store{Memory: w.memory, w: w}}
	e.known = outage.NewStore(e.store, time.Hour, true)
	log := slog.New(slog.DiscardHandler)
	r := new(redact.Redactor)
	named := map[string]sinks.Sink{}
	var names []string
	for _, tr := range w.trackers {
		named[tr.class.String()] = tr.sink()
		names = append(names, tr.class.String())
	}
	e.ledger = ledger.New(ledger.Config{
		Store: e.known, Redactor: r, Sinks: names, Counters: observe.NewCounters(), Decided: func(correlate.Decision) {}, Logger: log, Writer: name,
	})
	e.ledger.Changed = func(_ correlate.Scope, at time.Time) time.Time { return w.changed(at) }
	e.ledger.Join(scope)
	e.outbox = outbox.New(outbox.Config{
		Store: e.known, Renderer: &render.Renderer{Redactor: r, Budget: time.Second}, Redactor: r, Scopes: e.ledger.Scopes,
		Counters: new(observe.Deliveries), Parked: new(observe.Parked), Logger: log, Jitter: rand.NewPCG(1, 2),
		Own: func(ctx context.Context) (context.Context, func()) { return ctx, func() {} },
	}, named, options)
	e.fit = outage.Fit(named)
	return e
}

func options(string) outbox.Options {
	return outbox.Options{
		Rate: 1e6, Burst: 1e6, Concurrency: 1e3, Timeout: 10 * time.Second, Attempts: 5, MinBackoff: 2 * time.Second, MaxBackoff: time.Minute, ParkUnknown: true,
	}
}

func (e *engine) now() time.Time { return e.w.now.Add(e.skew) }

// occur adds a batch to what waits for the store.
func (e *engine) occur(b coalesce.Batch) {
	if _, ok := e.waiting.Add(b, nil); !ok {
		e.w.broken("there is no room for a batch")
	}
	if e.stand != nil {
		e.count(b)
	}
}

func (e *engine) count(b coalesce.Batch) {
	if _, err := e.stand.Count(context.Background(), b, e.now()); err != nil {
		e.w.broken("the stand-in: %v", err)
	}
}

// apply counts the batch that waits longest.
func (e *engine) apply() {
	b := e.waiting.Next()
	if b == nil {
		return
	}
	if b.Number == 0 {
		e.ledger.Number(&b.Batch)
	}
	if _, err := e.ledger.Apply(context.Background(), b.Batch, e.now()); err == nil {
		e.waiting.Stored()
	} else if e.stand == nil && e.store.out {
		if e.stand, err = outage.New(context.Background(), outage.Config{
			Ledger: e.ledger, Outbox: e.outbox.Config, Sinks: e.fit, Options: options, Known: e.known.Known(),
		}, e.now()); err != nil {
			e.w.broken("the stand-in: %v", err)
		}
		for _, b := range e.waiting.All() {
			e.count(b)
		}
	}
	if e.stand != nil && e.waiting.Len() == 0 {
		e.left = append(e.left, e.stand)
		e.stand = nil
	}
}

func (e *engine) sweep() {
	for len(e.left) > 0 {
		i := e.left[0]
		busy := slices.Contains(e.under, i.Outbox) || slices.ContainsFunc(e.jobs, func(j job) bool { return j.of == i.Outbox }) ||
			slices.ContainsFunc(e.results, func(r result) bool { return r.of == i.Outbox })
		if busy || i.HandOver(context.Background(), e.ledger, e.now()) != nil {
			break
		}
		e.claimOf(i.Outbox) // what is to be resolved, if there is something
		if i.Left(context.Background()) > 0 {
			break
		}
		e.left = e.left[1:]
	}
	_, _ = e.ledger.Sweep(context.Background(), e.now())
}

func (e *engine) claim() {
	e.claimOf(e.outbox)
	if e.stand != nil {
		e.claimOf(e.stand.Outbox)
	}
}

func (e *engine) claimOf(o *outbox.Outbox) {
	jobs, _, _ := o.Claim(context.Background(), e.now())
	for _, j := range jobs {
		e.jobs = append(e.jobs, job{j, o})
	}
}

// deliver carries out the nth job that was claimed.
func (e *engine) deliver(n int) {
	if len(e.jobs) == 0 {
		return
	}
	n %= len(e.jobs)
	j := e.jobs[n]
	e.jobs = append(e.jobs[:n:n], e.jobs[n+1:]...)
	e.under = append(e.under, j.of)
	r := j.of.Deliver(context.Background(), j.Job)
	e.under = e.under[:len(e.under)-1]
	e.results = append(e.results, result{r, j.of})
}

// settle stores the nth result. When the store fails, it is never stored.
func (e *engine) settle(n int) {
	if len(e.results) == 0 {
		return
	}
	n %= len(e.results)
	r := e.results[n]
	e.results = append(e.results[:n:n], e.results[n+1:]...)
	_, _ = r.of.Settle(context.Background(), r.Result, e.now())
}
