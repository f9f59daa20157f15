// Package observe counts what the engine does and shows it: as numbers for
// Engine.Stats and as OpenTelemetry metrics.
package observe

import "sync/atomic"

// Reason says what became of a span. The set is closed. Every span that was
// seen is healthy, dropped or decided: it is counted under exactly one reason,
// or under none if it is healthy.
type Reason string

// The decisions about failing spans.
const (
	NoRule         Reason = "no_rule"         // no rule wants it, nor anything that failed with it
	Excluded       Reason = "excluded"        // the unless of a rule holds
	Symptom        Reason = "symptom"         // it failed because another one did
	LateSymptom    Reason = "late_symptom"    // the same, and it ended after its trace was decided
	Retried        Reason = "retried"         // the same call was made again and went well
	BelowThreshold Reason = "below_threshold" // counted; no ticket yet
	Opened         Reason = "opened"          // it opened a problem
	Reopened       Reason = "reopened"        // it brought one back
	Deduplicated   Reason = "deduplicated"    // counted on a problem that is open
)

// The ways in which a failing span is lost.
const (
	QueueFull      Reason = "queue_full"      // the engine does not keep up
	SignaturesFull Reason = "signatures_full" // too many new problems at once
	StoreRefused   Reason = "store_refused"   // the store is full, or the record cannot be read
	AfterShutdown  Reason = "after_shutdown"
	Panicked       Reason = "panic" // in the library: a defect
)

var (
	decisions = []Reason{NoRule, Excluded, Symptom, LateSymptom, Retried, BelowThreshold, Opened, Reopened, Deduplicated}
	drops     = []Reason{QueueFull, SignaturesFull, StoreRefused, AfterShutdown, Panicked}
)

// Counters counts spans and what became of them. It is safe for concurrent
// use.
type Counters struct {
	healthy [stripes]stripe
	failing atomic.Int64
	reasons map[Reason]*atomic.Int64 // not changed after New
	// Partial counts healthy spans of failing traces that were let go because
	// the queue was busy: paths may lack a step.
	Partial atomic.Int64
	// Occurrences counts origins of failures.
	Occurrences atomic.Int64
	// Matches counts spans that a rule matched.
	Matches atomic.Int64
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
	c := &Counters{reasons: map[Reason]*atomic.Int64{}}
	for _, set := range [][]Reason{decisions, drops} {
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
func (c *Counters) Add(r Reason, n int64) { c.reasons[r].Add(n) }

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
func (c *Counters) Decisions() map[string]int64 { return c.nonzero(decisions) }

// Dropped returns how many failing spans were lost, by reason, without zeros.
func (c *Counters) Dropped() map[string]int64 { return c.nonzero(drops) }

func (c *Counters) nonzero(set []Reason) map[string]int64 {
	m := map[string]int64{}
	for _, r := range set {
		if n := c.reasons[r].Load(); n != 0 {
			m[string(r)] = n
		}
	}
	return m
}
