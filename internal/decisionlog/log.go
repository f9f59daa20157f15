// Package decisionlog remembers decisions, so that somebody can ask why. It is
// bounded, and samples what is frequent: each reason has room of its own, in
// which rare decisions stay long whatever storm the others are in.
package decisionlog

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// room is how many decisions are remembered for each reason.
const room = 384

// A reason of which more than tooMany are kept in a second is sampled twice as
// thinly from then on, one of which fewer than tooFew are, half as thinly.
// Both are by the decisions' own times, so that a replay keeps the same.
const (
	tooMany = 32
	tooFew  = 8
)

// Limits of the texts of a decision, in bytes.
const (
	maxName   = 256
	maxDetail = 512
)

// Entry is a decision that was kept.
type Entry struct {
	correlate.Decision
	// Sampled is how many decisions, this one among them, it stands for.
	Sampled int64
}

// Log remembers decisions. It is safe for concurrent use.
type Log struct {
	rings map[correlate.Reason]*ring // not changed after New
}

// ring has the newest decisions of one reason.
type ring struct {
	seen  atomic.Uint64
	thin  atomic.Uint64 // all but one in thin+1 are passed over; a power of two less one
	mu    sync.Mutex
	kept  []Entry
	next  int
	since time.Time // when the second that is counted began
	count int       // kept in it
}

// New returns an empty log.
func New() *Log {
	l := &Log{rings: map[correlate.Reason]*ring{}}
	for _, r := range append(append(correlate.Decided(), correlate.Dropped()...), correlate.Origin) {
		l.rings[r] = new(ring)
	}
	return l
}

// Wants counts a decision and reports whether it is one to keep. It takes no
// lock, so that a caller can ask before it makes the decision.
func (l *Log) Wants(r correlate.Reason) bool {
	ring := l.rings[r]
	return ring != nil && ring.seen.Add(1)&ring.thin.Load() == 0
}

// Add keeps a decision that the log wants.
func (l *Log) Add(d correlate.Decision) {
	ring := l.rings[d.Reason]
	if ring == nil {
		return
	}
	d.Operation, d.Rule = clip(d.Operation, maxName), clip(d.Rule, maxName)
	d.Signature, d.Detail = clip(d.Signature, maxName), clip(d.Detail, maxDetail)
	ring.add(d)
}

func (r *ring) add(d correlate.Decision) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := Entry{Decision: d, Sampled: int64(r.thin.Load()) + 1}
	if len(r.kept) < room {
		r.kept = append(r.kept, e)
	} else {
		r.kept[r.next] = e
	}
	r.next = (r.next + 1) % room
	r.count++
	if d.Time.Before(r.since) || d.Time.Sub(r.since) >= time.Second {
		if r.count < tooFew {
			r.thin.Store(r.thin.Load() >> 1)
		}
		r.since, r.count = d.Time, 0
	} else if r.count > tooMany {
		r.thin.Store(min(r.thin.Load()<<1|1, 1<<20-1))
		r.count = 0
	}
}

// Find returns up to n decisions that match, the newest first.
func (l *Log) Find(match func(*correlate.Decision) bool, n int) []Entry {
	var out []Entry
	for _, r := range l.rings {
		r.mu.Lock()
		for i := range r.kept {
			if match(&r.kept[i].Decision) {
				out = append(out, r.kept[i])
			}
		}
		r.mu.Unlock()
	}
	slices.SortStableFunc(out, func(a, b Entry) int {
		if c := b.Time.Compare(a.Time); c != 0 {
			return c
		}
		if c := strings.Compare(string(a.Reason), string(b.Reason)); c != 0 {
			return c
		}
		return strings.Compare(a.SpanID, b.SpanID)
	})
	return out[:min(n, len(out))]
}

// clip cuts a text, without half a character at its end.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.Clone(strings.ToValidUTF8(s[:n], ""))
}
