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

// settles reports whether a problem was seen only so shortly after a deployment
// that it may be a part of it: processes that end, and others that are not ready.
//
// What counts is when it was last seen, not when that is told, so that a batch
// that comes late opens no ticket for what was over in time. And no problem waits
// for longer than that since it opened: where a deployment follows the other,
// what goes on is filed all the same. One that waits for something else, on a
// list or for an approval, goes on to do so.
func (p Problem) settles(a Admission) bool {
	grace := min(a.Suppress.Deploy, MaxSuppress)
	switch p.Hold {
	case Draft, Expired, Over, Known:
		return false
	}
	return grace > 0 && !a.Changed.IsZero() && !p.LastSeen.Before(a.Changed) &&
		p.LastSeen.Before(a.Changed.Add(grace)) && p.LastSeen.Before(p.OpenedAt.Add(grace))
}
