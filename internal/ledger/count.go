package ledger

import (
	"context"
	"errors"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/coalesce"
)

// observe counts a batch on its problem, and returns what that was like before and is
// now. If it comes to what is to be asked for before, the error is errUnpaid.
func (l *Ledger) observe(ctx context.Context, key correlate.Key, b coalesce.Batch, ask asking, now time.Time) (before, next correlate.Problem, change correlate.Change, err error) {
	err = l.Store.Update(ctx, key, correlate.UpdateProblem(func(p correlate.Problem) (_ correlate.Problem, add []correlate.Delivery, _ error) {
		if p.ID == "" && key != b.Key() {
			return p, nil, errForgotten
		}
		before = p
		var again bool
		if change, again = p.Counted(b.Batch); again {
			next = p // the answer was lost
			return p, nil, nil
		}
		next, change = p.Observe(b.Batch, now)
		if change == correlate.ChangeOpened && ask.opened || change == correlate.ChangeHeld && next.Hold == correlate.Over && ask.held {
			return p, nil, errUnpaid
		}
		switch change {
		case correlate.ChangeOpened:
			l.freeze(&next, b, now)
			next, add = next.Queue(correlate.OpOpen, next.Answers.Sinks, now)
		case correlate.ChangeReopened:
			l.freeze(&next, b, now)
			next, add = next.Queue(correlate.OpReopen, next.Answers.Sinks, now)
		case correlate.ChangeHeld:
			if before.Hold == "" {
				l.freeze(&next, b, now)
			}
		case correlate.ChangeUpdated:
			next, add = next.Queue(correlate.OpUpdate, next.Answers.Sinks, now)
		}
		return next.Counting(b.Batch, change), add, nil
	}))
	return before, next, change, err
}

// gone reports whether there is no such problem any more.
func gone(err error) bool { return errors.Is(err, correlate.ErrNotFound) }

// refused reports whether a store will not do what it was asked, however often
// it is.
func refused(err error) bool {
	return errors.Is(err, correlate.ErrStoreFull) || errors.As(err, new(*correlate.FormatError))
}

// decided counts what became of a batch. The occurrence that opens a problem
// is one; those with it are counted on it.
func (l *Ledger) decided(b coalesce.Batch, change correlate.Change, hold correlate.Reason) {
	first, rest := correlate.Reason(""), correlate.Deduplicated
	if b.Flood != nil {
		rest = correlate.Flooded
	}
	switch change {
	case correlate.ChangeBelow:
		rest = correlate.BelowThreshold
	case correlate.ChangeHeld:
		rest = hold
	case correlate.ChangeOpened:
		first = correlate.Opened
	case correlate.ChangeReopened:
		first = correlate.Reopened
	}
	n, own := b.Count, b.Own
	if first != "" {
		l.decide(b, first, 1, min(own, 1))
		n, own = n-1, max(own-1, 0)
	}
	l.decide(b, rest, n, own)
}

// Lose counts a batch as lost.
func (l *Ledger) Lose(b coalesce.Batch, r correlate.Reason) { l.decide(b, r, b.Count, b.Own) }

// decide tells of n occurrences of a batch, and counts those that are its own.
func (l *Ledger) decide(b coalesce.Batch, r correlate.Reason, n, own int64) {
	l.Counters.Add(r, own)
	if n == 0 {
		return
	}
	d := correlate.Decision{
		Withheld: b.Withheld, Time: b.Last, Stage: correlate.StageDecide, Reason: r, Count: n,
		TraceID: b.Newest.TraceID, SpanID: b.Newest.SpanID, Scope: b.Scope, Operation: b.Newest.Operation,
		Rule: b.Batch.Rule, Signature: b.Signature.ID,
	}
	if u := b.Admission.Upstream; r == correlate.Downstream {
		if d.Detail = "of " + u.String(); u.ID != "" {
			d.Detail += ", problem " + u.ID
		}
	}
	if r == correlate.Settling && !b.Admission.Changed.IsZero() {
		d.Detail = "deployed at " + b.Admission.Changed.UTC().Format(time.RFC3339)
	}
	l.Decided(d)
}
