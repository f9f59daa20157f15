// Package outbox delivers: it claims what the store has due for this engine's
// scopes and sinks, renders each ticket as it is by then, calls the sink, and
// settles what became of it.
package outbox

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/observe"
	"github.com/spanticket/spanticket/internal/render"
	"github.com/spanticket/spanticket/redact"
	"github.com/spanticket/spanticket/sinks"
)

// Config is what an outbox works with. Every field but Accounts and
// Alone is required.
type Config struct {
	Store    correlate.Store
	Renderer *render.Renderer
	Redactor *redact.Redactor
	Scopes   func() []correlate.Scope
	Counters *observe.Deliveries
	Parked   *observe.Parked
	Logger   *slog.Logger
	Jitter   rand.Source
	// Own marks a context as the library's, until done is called.
	Own func(context.Context) (_ context.Context, done func())
	// Accounts is shared by outboxes that call the same sinks. Nil means that no
	// other does.
	Accounts *Accounts
	// Alone says that no other process has the store, whatever wraps it.
	Alone bool
}

// Outbox hands out jobs and carries them out. Claim is called by one goroutine
// at a time; Deliver and Settle by any number.
type Outbox struct {
	Config
	targets map[string]*target
	names   []string
	jitter  jitter
	lease   time.Duration
	lag     time.Duration // how long after it was taken a call may be made
	turn    turn
}

// turn says which scope and which sink are the first to be asked.
type turn struct{ scope, sink int }

const (
	// handling is how long a delivery may take, beside its enrichers, from when it is
	// claimed until its call is made, and skew by how much clocks may differ.
	handling = 3 * time.Second
	skew     = 2 * time.Second
	// askAgain is when claims near a limit that found nothing are made again.
	askAgain = time.Second
)

// New returns an outbox for the sinks, each with its options.
func New(c Config, named map[string]sinks.Sink, options func(name string) Options) *Outbox {
	o := &Outbox{
		Config: c, targets: map[string]*target{}, jitter: jitter{rng: rand.New(c.Jitter)},
		lag: c.Renderer.Budget + handling,
	}
	if c.Accounts == nil {
		o.Accounts = new(Accounts)
	}
	for name, s := range named {
		t := newTarget(name, s, options(name))
		var documented []sinks.Rate
		t.account, documented = o.Accounts.of(name, s, c.Redactor)
		t.rates, t.strict = limitsOf(t.opts, documented, o.lag+skew)
		if o.fleet(t.account) {
			t.account.fleet.Store(true)
		}
		o.targets[name] = t
		o.names = append(o.names, name)
		// A lease must outlive everything that is done under it.
		o.lease = max(o.lease, 2*(t.opts.Timeout+grace+c.Renderer.Budget)+time.Minute)
	}
	slices.Sort(o.names)
	return o
}

// Job is one delivery that was claimed. Each must be given to Deliver.
type Job struct {
	Delivery correlate.Delivery
	target   *target
	claimed  time.Time // by the engine's clock
	taken    time.Time // by the process's
}

// Result is what became of a job, for Settle.
type Result struct {
	job       Job
	action    correlate.Action
	ticket    sinks.Ticket
	receipt   sinks.Receipt
	unknown   bool      // as the filing stood before the call
	overtaken bool      // another engine has settled the delivery, and may have filed
	began     time.Time // the end of the span that opened the problem
	err       error
	park      bool          // whatever the error says
	called    bool          // and the call says something of its account
	quotas    []sinks.Quota // that the sink reported
}

// files reports whether the call may have filed a ticket.
func (r Result) files() bool { return r.action == correlate.ActFile || r.action == correlate.ActFind }

// Deliver renders and sends one delivery. It does not settle it.
func (o *Outbox) Deliver(ctx context.Context, j Job) (r Result) {
	r = Result{job: j, action: correlate.ActNothing}
	sent := false
	defer func() {
		if !sent {
			<-j.target.slots
		}
	}()
	d, t := j.Delivery, j.target
	ctx, done := o.Own(ctx)
	defer done()

	p, err := o.plan(ctx, &r)
	if err != nil {
		r.err = err
		return r
	}
	if r.action == correlate.ActNothing || r.park {
		return r
	}
	if r.action == correlate.ActDedupe {
		r.ticket.Key = render.Key(p, d.Sink)
	} else if r.ticket, err = o.Renderer.Ticket(ctx, p, d, t.limits); err != nil {
		r.err, r.park = err, true
		return r
	}
	if t.strict && time.Since(j.taken) > o.lag {
		r.err = errLate
		return r
	}
	sent = true
	engine, told := ctx, new(told)
	action, ticket, receipt := r.action, r.ticket, sinks.Receipt(p.Filing(d.Sink).Receipt)
	r.receipt, r.err = t.call(sinks.OnQuota(ctx, told.quota), func(ctx context.Context) (sinks.Receipt, error) {
		// A call that is abandoned outlives this delivery, and is the library's
		// own until it returns.
		ctx, done := o.Own(ctx)
		defer done()
		switch action {
		case correlate.ActUpdate:
			return t.updater.Update(ctx, receipt, ticket)
		case correlate.ActDedupe:
			found, _, err := t.deduper.Dedupe(ctx, ticket.Key)
			return found, err
		case correlate.ActFind:
			found, ok, err := t.finder.Find(ctx, ticket.Key)
			if err != nil {
				return found, asTransient(err) // looking harms nothing
			}
			if ok {
				return found, nil
			}
			if err := ctx.Err(); err != nil {
				// The delivery may be tried again by now: this call files no more.
				return found, asTransient(err)
			}
		}
		return t.sink.File(ctx, ticket)
	})
	// What the end of the engine cuts short says nothing of the account.
	r.called, r.quotas = r.err == nil || engine.Err() == nil, told.all()
	switch {
	case r.err != nil || r.receipt.ID != "" || r.action == correlate.ActDedupe:
	case r.action == correlate.ActUpdate:
		r.receipt = receipt
	default:
		r.receipt.ID = r.ticket.Key
	}
	r.receipt.URL = render.URL(o.Redactor, r.receipt.URL)
	return r
}

// errLate says that a call would come too late for the limit under which it was taken.
var errLate = errors.New("it took too long until the ticket was ready, and the next call has to wait for its turn")

// errUnknown parks what must not be sent twice.
var errUnknown = errors.New("it may have been filed before a crash, and the sink cannot be asked")

// asTransient keeps a failed look-up from being taken for a failed filing.
func asTransient(err error) error {
	if reason, after := sinks.ReasonOf(err); reason != sinks.Unknown {
		return &sinks.Error{Reason: reason, RetryAfter: after, Err: err}
	}
	return &sinks.Error{Reason: sinks.Transient, Err: err}
}

// errLook ends an update that is only to look.
var errLook = errors.New("outbox: nothing to note")

// plan decides what the delivery of a result comes to. A ticket that is to be
// filed is noted as such in the same step: from then on a crash leaves one that
// may have been filed.
func (o *Outbox) plan(ctx context.Context, r *Result) (p correlate.Problem, err error) {
	d, t := r.job.Delivery, r.job.target
	err = o.Store.Update(ctx, d.Key, correlate.UpdateProblem(func(cur correlate.Problem) (correlate.Problem, []correlate.Delivery, error) {
		p, r.action, r.park, r.err, r.overtaken = cur, correlate.ActNothing, false, nil, false
		f := cur.Filing(d.Sink)
		if !slices.Contains(f.Pending, d.ID) {
			// The problem is forgotten, or an earlier claim of the delivery went
			// well after its lease had run out.
			r.overtaken = true
			return cur, nil, errLook
		}
		r.action, r.unknown = cur.Plan(d, t.capabilities()), f.Unknown
		switch r.action {
		case correlate.ActNothing, correlate.ActUpdate, correlate.ActDedupe:
			return cur, nil, errLook
		case correlate.ActFile:
			if r.unknown && t.opts.ParkUnknown {
				r.park, r.err = true, errUnknown
				return cur, nil, errLook
			}
		}
		p = cur.Trying(d.Sink)
		return p, nil, nil
	}))
	if errors.Is(err, errLook) {
		err = nil
	}
	for _, s := range p.Samples { // the newest by then is the one that opened it
		if !s.Time.After(p.OpenedAt) && s.Time.After(r.began) {
			r.began = s.Time
		}
	}
	return p, err
}
