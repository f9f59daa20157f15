package correlate

import "time"

// Suppress says when a problem that is new waits for its ticket, because it may
// vanish by itself. Its zero value lets none wait.
type Suppress struct {
	Deploy time.Duration `json:"deploy"` // after each deployment of its service, at most [MaxSuppress]
}

// MaxSuppress is the longest time that a problem may be kept waiting: whoever has
// deployed is still there.
const MaxSuppress = time.Hour

// settles reports whether what was seen now was seen so shortly after a deployment
// that it may be a part of it: processes that end, and others that are not ready.
//
// What counts is when it was seen, not when that is told, so that a batch that comes
// late opens no ticket for what was over in time. And no problem waits for longer
// than that since it opened: where a deployment follows the other, what goes on is
// filed all the same. One that waits for something else, on a list or for an
// approval, goes on to do so.
func (p Problem) settles(b Batch) bool {
	switch p.Hold {
	case Draft, Expired, Over, Known:
		return false
	}
	grace, changed := min(b.Admission.Suppress.Deploy, MaxSuppress), b.Admission.Changed
	return grace > 0 && !changed.IsZero() && !b.Last.Before(changed) &&
		b.Last.Before(changed.Add(grace)) && b.Last.Before(p.OpenedAt.Add(grace))
}

// Settled ends the waiting of a problem that waits for a deployment to settle,
// because somebody has filed it already, who did not know of that. It reports
// whether the problem waited. It is a pure function: p is not changed.
func (p Problem) Settled(now time.Time) (Problem, bool) {
	if p.State != Open || p.Hold != Settling {
		return p, false
	}
	p = p.clone()
	p.note(now, "has a ticket already")
	p.release(now)
	return p, true
}
