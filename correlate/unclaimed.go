package correlate

import (
	"slices"
	"time"
)

// Unclaimed notes that a delivery is parked because nobody has its sink. Of
// several that waited, one stands for all: sent again, it says what is true by
// then, so that only what it may do counts. One that files a ticket, or brings one
// back, stands for any, and a look for doubles for none. It is a pure function: p
// is not changed.
func (p Problem) Unclaimed(d Delivery, reason string, now time.Time) Problem {
	f := p.Filing(d.Sink)
	if !slices.Contains(f.Pending, d.ID) {
		return p // another engine has settled it
	}
	if f.Parked != nil && weight(d.Operation) < weight(f.Parked.Operation) {
		return p.Skipped(d)
	}
	return p.GivenUp(d, reason, now)
}

// weight orders operations by what they say of a problem.
func weight(op Operation) int {
	switch {
	case op.opens():
		return 2
	case op == OpLook:
		return 0
	}
	return 1
}

// Orphaned resolves an open problem that is quiet and whose service is gone, so
// that no engine resolves it. No sink is told: each that has a ticket has its end
// parked, for as long as the problem is kept; there was none that was queued, and
// nobody else would say that the ticket is open still. While deliveries wait
// nothing changes. It is a pure function like [Problem.Observe].
func (p Problem) Orphaned(reason string, now time.Time) (Problem, Change) {
	if slices.ContainsFunc(p.Filings, func(f Filing) bool { return len(f.Pending) > 0 }) {
		return p, ChangeNone
	}
	next, change := p.Quieten(now)
	if change != ChangeResolved {
		return p, ChangeNone
	}
	for i := range next.Filings {
		f := &next.Filings[i]
		if f.Receipt == (Receipt{}) || f.Parked == nil && f.State == Resolved || f.Parked != nil && f.Parked.Operation.opens() {
			continue // there is no ticket, or it is closed, or what is parked says how it ended
		}
		end := Parked{Operation: OpResolve, At: now, Reason: reason, Until: now.Add(keepResolved)}
		if f.Parked != nil && f.Parked.Operation != OpLook {
			end.Until = f.Parked.Until // that was queued: somebody must decide about it
		}
		f.Parked = &end
		next.note(now, string(OpResolve)+" parked for "+f.Sink+": "+reason)
	}
	return next, ChangeResolved
}

// Discard gives up for good what is parked for a sink. by is who says so. It
// reports false if nothing is. The sink is told of the problem again when it comes
// back after its end. It is a pure function: p is not changed.
func (p Problem) Discard(sink, by string, now time.Time) (Problem, bool) {
	parked := p.Filing(sink).Parked
	if parked == nil {
		return p, false
	}
	p = p.change(sink, func(f *Filing) { f.Parked = nil })
	p.note(now, string(parked.Operation)+" for "+sink+" discarded by "+by)
	return p, true
}
