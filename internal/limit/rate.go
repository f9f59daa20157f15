// Package limit decides how many calls an account may get: under the configured
// rate and the limits that its system documents, under what its answers told, and
// while it is broken. All of it is pure functions of a small state, an input and a
// time, so that engines on one store can share the state; see [Load].
package limit

import (
	"math"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// Class is how much a call matters. Near a limit the least go first.
type Class uint8

const (
	Note   Class = iota // counts, and looks for doubles
	Change              // how a problem ended
	Open                // a problem that people do not know of, or that is back
)

// Classes are all of them, what matters most first.
var Classes = []Class{Open, Change, Note}

// ClassOf returns the class of a delivery.
func ClassOf(op correlate.Operation) Class {
	switch op {
	case correlate.OpOpen, correlate.OpReopen:
		return Open
	case correlate.OpResolve:
		return Change
	default:
		return Note
	}
}

// Operations returns what a claim for the class asks for.
func (c Class) Operations() []correlate.Operation {
	switch c {
	case Open:
		return []correlate.Operation{correlate.OpOpen, correlate.OpReopen}
	case Change:
		return []correlate.Operation{correlate.OpResolve}
	default:
		return []correlate.Operation{correlate.OpUpdate, correlate.OpLook}
	}
}

// String returns the class as it stands in metrics.
func (c Class) String() string {
	return [...]string{"note", "change", "open"}[min(c, Open)]
}

// reserve returns how much of a whole is kept back for better classes than c, given
// what is kept from notes.
func (c Class) reserve(whole int, fromNotes float64) int {
	return int(float64(whole) * fromNotes * float64(Open-min(c, Open)) / float64(Open))
}

const (
	bucketReserve = 0.5 // of the calls at once, for which notes leave room
	quotaReserve  = 0.2 // of what a system told
)

// Rate is a bucket of Burst calls, to which one comes back each Every. Engines that
// share a state share the buckets of the same name.
type Rate struct {
	Name  string
	Every time.Duration
	Burst int
}

// Within returns a rate at which, in any span of time of this length, no more calls
// are made than so many, though each may be made some time after it was taken, by
// engines whose clocks differ: both together are at most lag. A quarter may be made at
// once; the rest is spread.
func Within(calls int, per, lag time.Duration) Rate {
	calls, per = min(max(calls, 1), 1e9), min(max(per, 1), 31*24*time.Hour)
	burst := max(calls/4, 1)
	every := per + lag
	if calls > burst {
		every = every/time.Duration(calls-burst) + 1
	}
	return Rate{Name: per.String(), Every: every + 1, Burst: burst}
}

// slowed returns the rate at a pace, a share of it.
func (r Rate) slowed(pace float64) Rate {
	r.Every = time.Duration(min(float64(r.Every)/pace, math.MaxInt64/4))
	r.Burst = max(int(float64(r.Burst)*pace), 1)
	return r
}

// maxSkew is how far the clocks of engines may differ. What one that is ahead has
// taken is only waited for by the others.
const maxSkew = 2 * time.Minute

// debt returns how long the bucket takes to be full again. None can owe much more
// than all it holds: one that says so was taken from by a clock that was wrong.
func (r Rate) debt(full, now time.Time) time.Duration {
	all := time.Duration(r.Burst) * r.Every
	if d := max(full.Sub(now), 0); d <= all+maxSkew {
		return d
	}
	return all
}

// room returns how many calls of a class are in the bucket.
func (r Rate) room(full, now time.Time, c Class) int {
	return r.Burst - int((r.debt(full, now)+r.Every-1)/r.Every) - c.reserve(r.Burst, bucketReserve)
}

// next returns when there is one.
func (r Rate) next(full, now time.Time, c Class) time.Time {
	free := r.Burst - c.reserve(r.Burst, bucketReserve) - 1
	return now.Add(r.debt(full, now) - time.Duration(free)*r.Every)
}
