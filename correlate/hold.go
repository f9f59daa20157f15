package correlate

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"
)

// Admission is what a rule and an engine say at a time about new tickets. Its
// zero value lets every problem have one.
type Admission struct {
	Shadow   bool          // nothing is filed
	Percent  float64       // of the signatures have tickets, the others are shadowed; 0 means all
	Draft    time.Duration // a problem waits for an approval, for so long; 0 means that it needs none
	Learning bool          // what fails now is known from now on
	Full     bool          // there were too many new tickets
	Upstream Upstream      // what the failure is a symptom of, and is filed already
	Suppress Suppress      // when a new problem waits
	Changed  time.Time     // when the service was last deployed; zero if that is not known
}

const (
	// A problem that is known has grown when it comes so much more often than
	// it ever did while it was learnt, and often enough to be no accident.
	growth    = 3
	leastGrow = 10
)

// admit says why a problem that is open, and was seen again, has no ticket of its
// own, or "".
func (p Problem) admit(b Batch, now time.Time) Reason {
	switch a := b.Admission; {
	case a.Shadow:
		return Shadow
	case a.Percent > 0 && share(p.ID) >= a.Percent:
		return Canary
	case a.Upstream.known():
		return Downstream
	case p.Episode > 0:
		return "" // the ticket is not a new one
	case a.Learning, p.Usual > 0 && !p.grown():
		return Known
	case p.settles(b):
		return Settling
	case a.Draft > 0:
		if p.Hold == Expired || p.Hold == Draft && !now.Before(p.HeldAt.Add(a.Draft)) {
			return Expired
		}
		return Draft
	case a.Full:
		return Over
	}
	return ""
}

// share places a signature on a scale of a hundred, where it stays.
func share(id string) float64 {
	sum := sha256.Sum256([]byte(id))
	return float64(binary.BigEndian.Uint64(sum[:])>>11) / (1 << 53) * 100
}

// grown reports whether a known problem comes far more often than it used to.
func (p Problem) grown() bool {
	span, _ := p.Answers.Threshold.window()
	return p.Rate() > growth*p.Usual && p.CountWithin(span, p.LastSeen) >= leastGrow
}

// hold sets why the problem is held; "" lets it go.
func (p *Problem) hold(r Reason, now time.Time) {
	if r == p.Hold {
		return
	}
	if r != "" {
		p.note(now, "held: "+string(r))
	}
	p.Hold, p.HeldAt = r, now
}

// Listed reports whether the problem stands on a ticket for many, because it
// has none of its own.
func (p Problem) Listed() bool { return p.State == Open && (p.Hold == Over || p.Hold == Known) }

// Approve lets a problem that is held have a ticket. It reports false if there
// is nothing to approve: the problem is not held, is over, or is a draft that
// has expired. Whoever calls it queues the delivery, in the same atomic step.
// It is a pure function: p is not changed.
func (p Problem) Approve(by string, now time.Time) (Problem, bool) {
	if p.State != Open || !slices.Contains([]Reason{Draft, Over, Known, Downstream, Settling}, p.Hold) {
		return p, false
	}
	p = p.clone()
	p.note(now, "approved by "+by)
	p.release(now)
	return p, true
}

// release lets a problem that is held have a ticket.
func (p *Problem) release(now time.Time) {
	p.hold("", now)
	p.Episode++
	p.OpenedAt, p.UpdatedAt, p.Updates = now, now, 0
}
