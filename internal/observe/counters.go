// Package observe counts what the engine does and shows it: as numbers for
// Engine.Stats and as OpenTelemetry metrics.
package observe

import (
	"sync/atomic"

	"github.com/spanticket/spanticket/correlate"
)

// Counters counts spans and what became of them. It is safe for concurrent
// use.
type Counters struct {
	healthy [stripes]stripe
	failing atomic.Int64
	reasons map[correlate.Reason]*atomic.Int64 // not changed after New
	// Partial counts healthy spans of failing traces that were let go because
	// the queue was busy: paths may lack a step.
	Partial atomic.Int64
	// Records counts log records that tell of an error, and Merged those of them
	// that became a part of their span. The others are counted as spans are.
	Records, Merged atomic.Int64
	// Occurrences counts origins of failures.
	Occurrences atomic.Int64
	// Matches counts spans that a rule matched.
	Matches atomic.Int64
	// Reloaded counts the times that rules were loaded again, and Refused those
	// that something was wrong with them.
	Reloaded, Refused atomic.Int64
	// Panics counts panics of the engine's own goroutines, which went on.
	Panics atomic.Int64
	// Journal counts first occurrences by what became of them in the journal.
	Journal Journal
	// Withheld counts values that were taken out as secret or personal, by kind.
	Withheld Kinds
	// Suspects counts answers to who is to blame, as tickets are told of them, by the class
	// of the first suspect; "none" if there is none.
	Suspects Kinds
}

// Journal counts first occurrences: those that were kept before OnEnd returned,
// those that were not, because there were too many in a second or because it failed;
// and those of an earlier process that were counted, and that cannot be read.
type Journal struct {
	Kept, RateLimited, Failed, Replayed, Lost atomic.Int64
}

// The counter of healthy spans is the only one that most spans of the host
// touch, so it is spread over cache lines.
const stripes = 32

type stripe struct {
	n atomic.Int64
	_ [56]byte
}

// NewCounters returns counters that stand at zero.
func NewCounters() *Counters {
	c := &Counters{reasons: map[correlate.Reason]*atomic.Int64{}}
	for _, set := range [][]correlate.Reason{correlate.Decided(), correlate.Dropped()} {
		for _, r := range set {
			c.reasons[r] = new(atomic.Int64)
		}
	}
	return c
}

// Seen counts a span that ended: a healthy one, or one that counts, which must
// be counted under a reason as well. hint is any byte that differs between
// spans.
func (c *Counters) Seen(hint byte, counts bool) {
	if counts {
		c.failing.Add(1)
	} else {
		c.healthy[hint%stripes].n.Add(1)
	}
}

// Add counts n spans under a reason.
func (c *Counters) Add(r correlate.Reason, n int64) { c.reasons[r].Add(n) }

// Spans returns how many spans were seen.
func (c *Counters) Spans() int64 { return c.Healthy() + c.failing.Load() }

// Healthy returns how many spans there was nothing to decide about. It never
// goes down.
func (c *Counters) Healthy() int64 {
	var n int64
	for i := range c.healthy {
		n += c.healthy[i].n.Load()
	}
	return n
}

// Decisions returns how many spans were decided, by reason, without zeros.
func (c *Counters) Decisions() map[string]int64 { return c.nonzero(correlate.Decided()) }

// Dropped returns how many failing spans were lost, by reason, without zeros.
func (c *Counters) Dropped() map[string]int64 { return c.nonzero(correlate.Dropped()) }

func (c *Counters) nonzero(set []correlate.Reason) map[string]int64 {
	m := map[string]int64{}
	for _, r := range set {
		if n := c.reasons[r].Load(); n != 0 {
			m[string(r)] = n
		}
	}
	return m
}
