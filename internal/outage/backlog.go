package outage

import (
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/coalesce"
	"github.com/spanticket/spanticket/internal/journal"
)

const (
	// maxBatches and maxBytes bound what waits for the store.
	maxBatches = 4096
	maxBytes   = 32 << 20
)

// Waiting is a batch that waits for the store, with what the journal has of it.
type Waiting struct {
	coalesce.Batch
	Kept []journal.Entry
	size int
}

// Backlog is what waits for the store, in the order in which it came. Its zero value
// is empty. It belongs to one goroutine.
type Backlog struct {
	waiting []*Waiting
	newest  map[correlate.Key]*Waiting // by the problem that a signature names
	bytes   int
}

// Len returns how many batches wait.
func (l *Backlog) Len() int { return len(l.waiting) }

// Next returns the batch that is to be stored next, or nil. Once it has a number it
// stays as it is: the store may have it.
func (l *Backlog) Next() *Waiting {
	if len(l.waiting) == 0 {
		return nil
	}
	return l.waiting[0]
}

// All returns what waits.
func (l *Backlog) All() []coalesce.Batch {
	all := make([]coalesce.Batch, len(l.waiting))
	for i, w := range l.waiting {
		all[i] = w.Batch
	}
	return all
}

// Stored drops the batch that Next returns.
func (l *Backlog) Stored() {
	w := l.waiting[0]
	l.waiting[0] = nil
	l.waiting = l.waiting[1:]
	l.bytes -= w.size
	if l.newest[w.Key()] == w {
		delete(l.newest, w.Key())
	}
	if len(l.waiting) == 0 {
		l.waiting, l.bytes = nil, 0
	}
}

// Add adds a batch to what waits. It reports false when there is no room for it.
func (l *Backlog) Add(b coalesce.Batch, kept []journal.Entry) bool {
	w := l.newest[b.Key()]
	if w != nil && (w.Number != 0 || b.Number != 0) {
		w = nil
	}
	size := b.Size()
	full := len(l.waiting) >= maxBatches || l.bytes+size > maxBytes
	switch {
	case w != nil && (full || together(w.Batch, b)):
		w.Batch, w.Kept = w.Merge(b), append(w.Kept, kept...)
		l.bytes -= w.size
		w.size = w.Batch.Size()
		l.bytes += w.size
		return true
	case full:
		return false
	}
	w = &Waiting{Batch: b, Kept: kept, size: size}
	l.waiting = append(l.waiting, w)
	l.bytes += size
	if l.newest == nil {
		l.newest = map[correlate.Key]*Waiting{}
	}
	l.newest[b.Key()] = w
	return true
}

// together reports whether two batches may become one: a threshold must not be
// reached by what lies further apart than it allows.
func together(b, next coalesce.Batch) bool {
	return b.Count >= next.Threshold.Count || next.Last.Sub(b.First) <= next.Threshold.Within
}
