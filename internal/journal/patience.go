package journal

import "time"

const (
	// maxWait is how long a write may take before nobody waits for the disk any more. On
	// a machine that is busy the writer itself may have to wait for its turn.
	maxWait = 250 * time.Millisecond
	// minWait is how long everybody waits: ten to a hundred times what a write takes.
	minWait = time.Millisecond
	// regain is the part of the time that somebody may be waiting, in the long run.
	regain = 10
)

// patience is for how long somebody may wait for the disk: for a quarter of a
// second, and from then on in a tenth of the time. A disk that stalls is not waited
// for anyway; this is for one that is slow again and again, as when the system holds
// up writers because there is too much to be written. The zero value has waited for
// nothing.
type patience struct {
	used  time.Duration
	since time.Time // when that was so
	until time.Time // to when waiting is counted: those who wait at the same time count once
}

// left returns how long a caller that comes now may wait.
func (p *patience) left(now time.Time) time.Duration {
	p.used = max(0, p.used-now.Sub(p.since)/regain)
	p.since = now
	return max(minWait, maxWait-p.used)
}

// spend takes away what a caller has waited.
func (p *patience) spend(began, now time.Time) {
	if began.Before(p.until) {
		began = p.until
	}
	p.used = min(maxWait, p.used+max(0, now.Sub(began)-minWait))
	p.until = now
}
