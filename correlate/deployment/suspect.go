package deployment

import "time"

// Class says how sure it is that a deployment is to blame. The tests measure, in a
// simulated fleet, how often one that is named first is: of 100 that are called
// confirmed at least 98, strong 95, likely 85, and possible 70. That holds some minutes after the first
// failure; at the first one itself, possible is right less often.
type Class string

const (
	// Confirmed means that it was undone, and that the failures went with it.
	Confirmed Class = "confirmed"
	// Strong means that its version fails clearly more often than the one before, while
	// both run; or that a failure that was never seen before began with the change, more
	// than twice as frequent as failures were before.
	Strong Class = "strong"
	// Likely means that failures became more than twice as frequent with the change,
	// and that something is left open: the failure is not new, or the change was in
	// another service.
	Likely Class = "likely"
	// Possible means that something speaks for it and nothing against it, but
	// not more: counts are not known, or it began only when the version had run well for some time.
	Possible Class = "possible"
)

// Text returns what a class means, in words.
func (c Class) Text() string {
	switch c {
	case Confirmed:
		return "it was rolled back, and the failures went with it"
	case Strong:
		return "the failures began with it, or its version fails and the one before does not"
	case Likely:
		return "failures became much more frequent with it, and something is left open"
	case Possible:
		return "something speaks for it, but not much"
	}
	return string(c)
}

// rank is higher, the surer a class.
func (c Class) rank() int {
	switch c {
	case Confirmed:
		return 4
	case Strong:
		return 3
	case Likely:
		return 2
	case Possible:
		return 1
	}
	return 0
}

// lower returns the class below, if there is one.
func (c Class) lower() Class {
	switch c {
	case Confirmed, Strong:
		return Likely
	}
	return Possible
}

// Suspect is a deployment that is probably to blame.
type Suspect struct {
	Deployment Deployment    `json:"deployment"`
	Class      Class         `json:"class"`
	Distance   int           `json:"distance"`         // calls from the failing service to the one that was changed; 0 is the same
	Shared     bool          `json:"shared,omitempty"` // it is infrastructure that several services use
	Delay      time.Duration `json:"delay"`            // from the change to the first failure; may be a little negative, by clocks
	Before     Count         `json:"before"`           // of the operation, before the change
	After      Count         `json:"after"`            // and as long after it
	Ratio      float64       `json:"ratio"`            // how many times as frequent failures became; 0 if that is not known
	Evidence   []Evidence    `json:"evidence"`
	Undone     time.Time     `json:"undone,omitzero"`    // when it was rolled back, after the first failure
	Unhelped   bool          `json:"unhelped,omitempty"` // the failures went on after that

	late   bool // it ran well for long before
	beside bool // its version fails beside the old one
}

// Evidence is one thing that speaks for a suspect, or against it.
type Evidence struct {
	For  bool   `json:"for"`
	Text string `json:"text"`
}

// Reason says why a deployment is not to blame, or why none is known to be.
type Reason string

const (
	NoHistory   Reason = "no_history"     // what was deployed is not known
	NoChange    Reason = "no_change"      // nothing was deployed within the window
	BeganBefore Reason = "began_before"   // it failed before the change
	SameBefore  Reason = "same_before"    // it failed as often before
	OldToo      Reason = "old_too"        // it fails in the old version, too
	NotReached  Reason = "not_reached"    // the version was not in the failing processes
	Elsewhere   Reason = "elsewhere"      // the change was in another region
	RanHealthy  Reason = "ran_healthy"    // it ran well for long, and then failed at once
	MoreTraffic Reason = "more_traffic"   // there were so many more requests that this may be why
	TooLittle   Reason = "too_little"     // there is too little traffic to tell
	NotCounted  Reason = "not_counted"    // most of what failed is not counted yet
	NotHelped   Reason = "did_not_help"   // it was undone, and the failures went on as before
	NotKnown    Reason = "nothing_for_it" // nothing speaks for it
)

// Text returns the reason in words.
func (r Reason) Text() string {
	switch r {
	case NoHistory:
		return "it is not known what was deployed"
	case NoChange:
		return "nothing was deployed shortly before"
	case BeganBefore:
		return "it began before the change"
	case SameBefore:
		return "it failed about as often before the change"
	case OldToo:
		return "it fails in the old version, too"
	case NotReached:
		return "the new version was not in the processes that failed"
	case Elsewhere:
		return "the change was made in another region"
	case RanHealthy:
		return "it had run well since the change, and then failed at once"
	case MoreTraffic:
		return "there was much more traffic when it began"
	case TooLittle:
		return "there is too little traffic to tell"
	case NotCounted:
		return "most of what failed is not counted yet"
	case NotHelped:
		return "it was undone, and the failures went on"
	case NotKnown:
		return "nothing but the time speaks for it"
	}
	return string(r)
}

// Cleared is a deployment that was looked at and is not to blame.
type Cleared struct {
	Deployment Deployment `json:"deployment"`
	Distance   int        `json:"distance"`
	Reason     Reason     `json:"reason"`
}

// Verdict is what [Suspects] finds.
type Verdict struct {
	// Suspects are ranked, the surest first.
	Suspects []Suspect `json:"suspects"`
	// Reason says why there are none; empty if there are some.
	Reason Reason `json:"reason,omitempty"`
	// Cleared are those that are not to blame, the nearest first.
	Cleared []Cleared `json:"cleared"`
}
