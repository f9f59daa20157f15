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
	// lastly is how long before a deployment was undone failures may not have gone by themselves.
	lastly = 4 * time.Minute
	// beginning is how long failures begin, at most.
	beginning = 8 * time.Minute
	// shortly is within what time traffic surges; what takes longer is the time of the day.
	shortly = 30 * time.Minute
	// grain is the time that who counts may count as one, so that some of what came after its
	// beginning is counted before it.
	grain = time.Minute
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
	between       *Count        // from the change to shortly before the first failure, in the new version
	since         *Count        // from the first failure on, likewise
	early, late   *Count        // the first quarter of since, and the rest
	onset, rise   *Count        // of its beginning, the first quarter and the rest
	allBetween    *Count        // as between and since, of all operations; for the service itself
	allSince      *Count
	trafficThen   *Count // of the operation, before the first failure, as long as trafficNow
	trafficNow    *Count
	fresh, old    *Count // since the first failure, in the new version and in the one before
	own, ownOld   *Count // of the service that was changed, if it is another, after and before
	bad, relief   *Count // of the operation, from the first failure until the change was undone, and after that
	last          *Count // the last of bad
	undone        time.Time
	settled       bool // long ago
	healthy, sick int  // other services with the same change
	// later and earlier are versions that were deployed after it, and that ran before.
	later, earlier []string
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
		m.last = ask(c.Scope, c.Operation, "", latest(c.First, end.Add(-lastly)), end)
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
	until := c.First.Add(-grain)
	m.between = ask(c.Scope, c.Operation, version, ran, until)
	m.since = ask(c.Scope, c.Operation, version, c.First, end)
	begun := c.First.Add(end.Sub(c.First) / 4)
	m.early = ask(c.Scope, c.Operation, version, c.First, begun)
	m.late = ask(c.Scope, c.Operation, version, begun, end)
	begins := min(beginning, end.Sub(c.First)/2)
	m.onset = ask(c.Scope, c.Operation, version, c.First, c.First.Add(begins/4))
	m.rise = ask(c.Scope, c.Operation, version, c.First.Add(begins/4), c.First.Add(begins))
	if d.distance == 0 && c.Operation != "" {
		m.allBetween = ask(c.Scope, "", version, ran, until)
		m.allSince = ask(c.Scope, "", version, c.First, end)
	}
	surge := min(end.Sub(c.First), shortly)
	m.trafficThen = ask(c.Scope, c.Operation, "", c.First.Add(-surge), c.First)
	m.trafficNow = ask(c.Scope, c.Operation, "", c.First, c.First.Add(surge))

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
	if d.distance == 0 {
		for e := range h.between(d.Scope, time.Time{}, d.Time) {
			m.earlier = append(m.earlier, e.Version, e.Previous)
		}
		for later := range h.between(d.Scope, d.Time, now) {
			if later.Version != "" && !later.Back && later.Time.After(d.Time) {
				m.later = append(m.later, later.Version)
			}
		}
	}
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
