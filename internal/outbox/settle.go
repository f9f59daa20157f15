package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/render"
	"github.com/spanticket/spanticket/sinks"
)

// unauthorizedPause is how long a sink rests whose credential does not work.
const unauthorizedPause = time.Minute

// Settle stores what became of a job. waits says that the delivery is to be
// tried again. When the store fails, the lease runs out and the delivery is
// claimed again, with its outcome known to be unknown.
func (o *Outbox) Settle(ctx context.Context, r Result, now time.Time) (waits bool, err error) {
	o.learn(ctx, r, now)
	out, change, outcome := o.conclude(r, now)
	d := r.job.Delivery
	if !out.Done {
		d.Attempts = r.attempts()
	}
	var added int64 // to what is parked
	settle := correlate.UpdateProblem(func(p correlate.Problem) (correlate.Problem, []correlate.Delivery, error) {
		before := p.Filing(d.Sink).Parked != nil
		p, add := change(p)
		added = 0
		switch after := p.Filing(d.Sink).Parked != nil; {
		case after && !before:
			added = 1
		case before && !after:
			added = -1
		}
		return p, add, nil
	})
	keep := func(cur correlate.Record, found bool) (correlate.Record, []correlate.Delivery, error) {
		if !found { // forgotten meanwhile: there is no record to bring back
			return correlate.Record{}, nil, nil
		}
		return settle(cur, found)
	}
	err = o.Store.Settle(ctx, d, out, keep)
	if errors.Is(err, correlate.ErrLeaseLost) && r.err == nil {
		// Somebody else has the delivery now. That this one went well must be
		// known all the same, or the ticket is filed again.
		err = o.Store.Update(ctx, d.Key, keep)
	}
	if err == nil && added != 0 {
		o.Parked.Add(true, d.Sink, added)
	}
	if r.action != correlate.ActNothing {
		why := ""
		if r.err != nil {
			why = render.Clip(render.Safe(o.Redactor, r.err.Error()), maxReason)
		}
		r.job.target.authorized(r.err, why, now)
	}
	o.report(r, outcome, now)
	if err != nil && !errors.Is(err, correlate.ErrLeaseLost) {
		return !out.Done, fmt.Errorf("outbox: settling %s: %w", d.ID, err)
	}
	return !out.Done, nil
}

// attempts counts the call, if it says something about the delivery: a sink
// that asks for a pause or refuses the credential does not.
func (r Result) attempts() int {
	n := r.job.Delivery.Attempts
	if reason, _ := sinks.ReasonOf(r.err); reason == sinks.RateLimited || reason == sinks.Unauthorized || errors.Is(r.err, errLate) {
		return n
	}
	return n + 1
}

// maxReason bounds why a delivery was parked, in bytes: the text is the sink's,
// and is kept in the problem.
const maxReason = 1 << 10

// Outcomes of a delivery, as they are counted.
const (
	delivered = "delivered"
	nothing   = "nothing" // overtaken, or the sink cannot do it
	parked    = "parked"
	late      = "late" // for its turn, under a limit
)

// change is what an outcome does to a problem.
type change func(correlate.Problem) (correlate.Problem, []correlate.Delivery)

// conclude decides what a result means: for the delivery, for its problem, and
// in a word.
func (o *Outbox) conclude(r Result, now time.Time) (correlate.Outcome, change, string) {
	d, opts := r.job.Delivery, r.job.target.opts
	done := correlate.Outcome{Done: true}
	again := func(after time.Duration) correlate.Outcome { return correlate.Outcome{Due: now.Add(after)} }
	backoff := func() time.Duration { return o.jitter.after(max(1, r.attempts()), opts.MinBackoff, opts.MaxBackoff) }
	refused := func(p correlate.Problem) (correlate.Problem, []correlate.Delivery) {
		if !r.files() {
			return p, nil
		}
		return p.Refused(d, r.unknown), nil
	}
	unchanged := func(p correlate.Problem) (correlate.Problem, []correlate.Delivery) { return p, nil }
	park := func(why string, before change) (correlate.Outcome, change, string) {
		why = render.Clip(render.Safe(o.Redactor, why), maxReason)
		given := d
		given.Attempts = r.attempts()
		return done, func(p correlate.Problem) (correlate.Problem, []correlate.Delivery) {
			p, add := before(p)
			return p.GivenUp(given, why, now), add
		}, parked
	}

	if r.err == nil {
		outcome := delivered
		if r.action == correlate.ActNothing {
			outcome = nothing
		}
		return done, func(p correlate.Problem) (_ correlate.Problem, add []correlate.Delivery) {
			switch r.action {
			case correlate.ActNothing:
				p = p.Skipped(d)
				if r.job.target.updater != nil { // a receipt may have come since it was planned
					p, add = p.CatchUp(d.Sink, now)
				}
			case correlate.ActDedupe:
				return p.Looked(d, correlate.Receipt(r.receipt), now)
			default:
				p, add = p.Accepted(d, correlate.Receipt(r.receipt), r.ticket.Count, now).CatchUp(d.Sink, now)
			}
			if r.job.target.deduper != nil && (r.files() || r.overtaken) {
				var look []correlate.Delivery
				p, look = p.Look(d.Sink, now)
				add = append(add, look...)
			}
			return p, add
		}, outcome
	}
	if r.park {
		return park(r.err.Error(), refused)
	}
	if errors.Is(r.err, errLate) {
		return again(0), refused, late
	}
	reason, after := sinks.ReasonOf(r.err)
	switch reason {
	case sinks.RateLimited:
		// Never sooner than the account has calls again: other engines, which may not
		// know of it, go by the delivery.
		return again(max(r.job.target.account.shut().Sub(now), 0)), refused, reason.String()
	case sinks.Unauthorized:
		pause := max(unauthorizedPause, opts.MinBackoff)
		r.job.target.hold(now.Add(pause))
		return again(pause), refused, reason.String()
	case sinks.Rejected:
		return park(r.err.Error(), refused)
	case sinks.Unknown:
		switch {
		case r.files() && opts.ParkUnknown && r.job.target.finder == nil:
			return park("it may have been filed, and the sink cannot be asked: "+r.err.Error(), unchanged)
		case r.attempts() >= opts.Attempts:
			return park(r.err.Error(), unchanged)
		}
		return again(backoff()), unchanged, reason.String()
	default:
		if r.attempts() >= opts.Attempts {
			return park(r.err.Error(), refused)
		}
		return again(max(min(after, opts.MaxBackoff), backoff())), refused, sinks.Transient.String()
	}
}

// report counts an outcome and tells the operator what needs a person.
func (o *Outbox) report(r Result, outcome string, now time.Time) {
	d := r.job.Delivery
	o.Counters.Count(d.Sink, string(d.Operation), outcome)
	if outcome == delivered && !r.began.IsZero() && (d.Operation == correlate.OpOpen || d.Operation == correlate.OpReopen) {
		o.Counters.Latency(d.Sink, now.Sub(r.began))
	}
	if r.err == nil {
		return
	}
	attrs := []any{"sink", d.Sink, "operation", string(d.Operation), "problem", d.Key.ID, "outcome", outcome, "attempts", r.attempts(), "error", render.Safe(o.Redactor, r.err.Error())}
	switch outcome {
	case parked:
		o.Logger.Error("spanticket: a delivery is parked; Engine.Requeue sends it again, Engine.Discard gives it up", attrs...)
	case sinks.Unauthorized.String():
		o.Logger.Error("spanticket: the sink refuses its credential; deliveries wait", attrs...)
	default:
		o.Logger.Warn("spanticket: a delivery failed and will be tried again", attrs...)
	}
}
