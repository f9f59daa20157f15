package deployment

import (
	"time"

	"github.com/spanticket/spanticket/correlate"
)

const (
	// What is counted before and after a change is counted for so long at least,
	// and at most for the window and so long.
	leastSpan = 5 * time.Minute
	extraSpan = 30 * time.Minute
	// fewCalls are too few to compare with; then a day is taken.
	fewCalls = 20
	// settle is how long after it was undone a deployment may still be felt. What failed for less
	// than four times that is taken to be felt for a quarter of how long it failed; but
	// that it did not help is said only later.
	settle = 2 * time.Minute
	// maxElsewhere bounds the other services whose same change is looked at.
	maxElsewhere = 8
)

// measures are the counts by which a candidate is judged. Those that are not
// known are nil.
type measures struct {
	span          time.Duration // of before and after
	before, after *Count        // of the operation
	day           *Count        // of the operation, the day before the change
	service       *Count        // of all operations, before
	between       *Count        // from the change to the first failure, in the new version
	since         *Count        // from the first failure on, likewise
	early, late   *Count        // the first quarter of since, and the rest
	trafficThen   *Count        // of the operation, before the first failure, as long as trafficNow
	trafficNow    *Count
	fresh, old    *Count // since the first failure, in the new version and in the one before
	own, ownOld   *Count // of the service that was changed, if it is another, after and before
	bad, relief   *Count // of the operation, from the first failure until the change was undone, and after that
	undone        time.Time
	settled       bool // long ago
	healthy, sick int  // other services with the same change
}

// measure asks for all counts. It asks for no more than it would if nothing were
// known.
func measure(c Case, d candidate, h *History, r Rates, now time.Time) measures {
	if r == nil {
		r = &recorder{}
	}
	ask := func(scope correlate.Scope, operation, version string, from, to time.Time) *Count {
		if !to.After(from) {
			return nil
		}
		n, ok := r.Count(Query{Scope: scope, Operation: operation, Version: version, From: from, To: to})
		if !ok {
			return nil
		}
		n = n.sane()
		return &n
	}
	at := d.Time
	if d.slack() == untold {
		at = at.Add(-untold)
	}
	end := now // of what the change can have done
	m := measures{undone: undoing(d.Deployment, h, c.First, now)}
	if !m.undone.IsZero() {
		end = m.undone
		m.bad = ask(c.Scope, c.Operation, "", c.First, end)
		felt := min(settle, end.Sub(c.First)/4)
		m.relief = ask(c.Scope, c.Operation, "", end.Add(felt), now)
		m.settled = now.Sub(end) >= 2*settle || felt == settle
	}
	m.span = min(max(end.Sub(at), leastSpan), c.window()+extraSpan)
	m.before = ask(c.Scope, c.Operation, "", at.Add(-m.span), at)
	m.after = ask(c.Scope, c.Operation, "", at, at.Add(m.span))
	if m.before == nil || m.before.Total < fewCalls {
		m.day = ask(c.Scope, c.Operation, "", at.Add(-24*time.Hour), at)
	}
	if m.before == nil || m.before.Total == 0 {
		m.service = ask(c.Scope, "", "", at.Add(-m.span), at)
	}

	version := ""
	ran := d.Time // since when the change was in effect
	if d.distance == 0 {
		version = d.Version
	}
	if version == "" {
		ran = latest(ran, d.Done)
	}
	m.between = ask(c.Scope, c.Operation, version, ran, c.First)
	m.since = ask(c.Scope, c.Operation, version, c.First, end)
	begun := c.First.Add(end.Sub(c.First) / 4)
	m.early = ask(c.Scope, c.Operation, version, c.First, begun)
	m.late = ask(c.Scope, c.Operation, version, begun, end)
	m.trafficThen = ask(c.Scope, c.Operation, "", c.First.Add(c.First.Sub(end)), c.First)
	m.trafficNow = ask(c.Scope, c.Operation, "", c.First, end)

	if d.distance == 0 && d.Version != "" && d.Previous != "" {
		from, to := c.First, end
		if d.Done.After(c.First.Add(time.Minute)) && d.Done.Before(end) {
			to = d.Done // after it only one of them ran, at other times
		}
		m.fresh = ask(c.Scope, c.Operation, d.Version, from, to)
		m.old = ask(c.Scope, c.Operation, d.Previous, from, to)
	}
	if d.distance > 0 && !d.shared {
		scope := d.Scope
		scope.Environment = c.Scope.Environment
		m.ownOld = ask(scope, "", "", at.Add(-m.span), at)
		m.own = ask(scope, "", "", at, at.Add(m.span))
	}
	m.healthy, m.sick = elsewhere(c, d, h, ask, now)
	return m
}

// undoing returns when a deployment was undone, after it had failed; zero if it
// was not.
func undoing(d Deployment, h *History, first, now time.Time) time.Time {
	if d.Undone.After(first) && !d.Undone.After(now) {
		return d.Undone
	}
	for later := range h.between(d.Scope, first, now) {
		if later.Back && later.Time.After(d.Time) && later.Region == d.Region && !sameVersion(later.version(), d.version()) {
			return later.Time
		}
	}
	return time.Time{}
}

// elsewhere counts other services with the same change by whether they fail more
// since.
func elsewhere(c Case, d candidate, h *History, ask func(correlate.Scope, string, string, time.Time, time.Time) *Count, now time.Time) (healthy, sick int) {
	if d.Revision == "" || h == nil {
		return 0, 0
	}
	for _, other := range h.sameRevision(d.Revision) {
		if other.Scope.Service == d.Scope.Service || !agrees(other.Scope.Environment, c.Scope.Environment) || other.Time.Sub(d.Time).Abs() > defaultWindow || healthy+sick >= maxElsewhere {
			continue
		}
		scope := other.Scope
		scope.Environment = c.Scope.Environment
		span := min(max(now.Sub(other.Time), leastSpan), c.window())
		before, after := ask(scope, "", "", other.Time.Add(-span), other.Time), ask(scope, "", "", other.Time, other.Time.Add(span))
		switch {
		case before == nil || after == nil || after.Total < fewCalls:
		case moreOften(*after, *before):
			sick++
		default:
			healthy++
		}
	}
	return healthy, sick
}
