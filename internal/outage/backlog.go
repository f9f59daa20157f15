package outage

import (
	"slices"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/coalesce"
	"github.com/spanticket/spanticket/internal/journal"
)

const (
	// maxBatches and maxBytes bound what waits for the store, but for what is folded.
	maxBatches = 4096
	maxBytes   = 28 << 20
	// maxFolded, of each kind, and maxFoldedBytes bound what there was no room for, and
	// that is counted by rule and operation, by rule, or by service.
	maxFolded      = 128
	maxFoldedBytes = 4 << 20
)

// bounds are those of a backlog.
type bounds struct{ batches, bytes, folded, foldedBytes int }

// folds are the ways to count what there is no room for, the best first.
var folds = []correlate.Fold{correlate.FoldOperation, correlate.FoldRule, correlate.FoldService}

// Waiting is a batch that waits for the store, with what the journal has of it.
type Waiting struct {
	coalesce.Batch
	Kept   []journal.Entry
	size   int
	folded correlate.Fold // for want of room; "" if it is not
}

// Backlog is what waits for the store, in the order in which it came. Its zero value
// is empty. It belongs to one goroutine.
type Backlog struct {
	waiting []*Waiting
	newest  map[correlate.Key]*Waiting // by the problem that a signature names
	bytes   int                        // but for those of what is folded
	folded  map[correlate.Fold]int     // batches
	spilt   int                        // their bytes
	bounds  bounds                     // zero is the usual ones
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
	l.weigh(w, -1)
	if l.newest[w.Key()] == w {
		delete(l.newest, w.Key())
	}
	if len(l.waiting) == 0 {
		l.waiting = nil
	}
}

// Add adds a batch to what waits, and returns it as it waits: where there is no room,
// it is folded into a count of its rule and operation, or what is wider. It reports
// false when there is no room for that either, or the batch may be in the store.
func (l *Backlog) Add(b coalesce.Batch, kept []journal.Entry) (as coalesce.Batch, ok bool) {
	if l.bounds == (bounds{}) {
		l.bounds = bounds{maxBatches, maxBytes, maxFolded, maxFoldedBytes}
	}
	w := &Waiting{Batch: b, Kept: kept, size: b.Size()}
	full := len(l.waiting)-l.many() >= l.bounds.batches || l.bytes+w.size > l.bounds.bytes
	if l.merge(w, full) {
		return b, true
	}
	if !full {
		l.push(w)
		return b, true
	}
	if b.Number != 0 {
		return b, false
	}
	for i, fold := range folds {
		if b.Flood != nil && i < slices.Index(folds, b.Flood.Fold) {
			continue
		}
		w := &Waiting{Batch: b.Spill(fold), Kept: kept, folded: fold}
		w.size = w.Batch.Size()
		if l.merge(w, true) {
			return w.Batch, true
		}
		if l.folded[fold] < l.bounds.folded && l.spilt+w.size <= l.bounds.foldedBytes {
			l.push(w)
			return w.Batch, true
		}
	}
	return b, false
}

// merge makes a batch one with the newest of its problem, if there is one and it may.
func (l *Backlog) merge(w *Waiting, full bool) bool {
	into := l.newest[w.Key()]
	if into == nil || into.Number != 0 || w.Number != 0 || !full && !together(into.Batch, w.Batch) {
		return false
	}
	l.weigh(into, -1)
	into.Batch, into.Kept = into.Merge(w.Batch), append(into.Kept, w.Kept...)
	into.size = into.Batch.Size()
	l.weigh(into, 1)
	return true
}

func (l *Backlog) push(w *Waiting) {
	l.waiting = append(l.waiting, w)
	l.weigh(w, 1)
	if l.newest == nil {
		l.newest = map[correlate.Key]*Waiting{}
	}
	l.newest[w.Key()] = w
}

// weigh adds the weight of a batch to that of its kind, or takes it off.
func (l *Backlog) weigh(w *Waiting, sign int) {
	if w.folded == "" {
		l.bytes += sign * w.size
		return
	}
	if l.folded == nil {
		l.folded = map[correlate.Fold]int{}
	}
	l.folded[w.folded] += sign
	l.spilt += sign * w.size
}

// many returns how many batches are folded.
func (l *Backlog) many() (n int) {
	for _, of := range l.folded {
		n += of
	}
	return n
}

// together reports whether two batches may become one: a threshold must not be
// reached by what lies further apart than it allows.
func together(b, next coalesce.Batch) bool {
	return b.Count >= next.Threshold.Count || next.Last.Sub(b.First) <= next.Threshold.Within
}
