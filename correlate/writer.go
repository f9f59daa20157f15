package correlate

import (
	"cmp"
	"slices"
)

// Writer is an engine that counted on a problem. When an answer of the store is
// lost, it counts the same batch again: what it counted last says whether that
// is done.
type Writer struct {
	ID     string `json:"id"`             // random, of one run of one process
	Batch  int64  `json:"batch"`          // number of the last batch that was counted
	Change Change `json:"change"`         // what it made of the problem
	Hold   Reason `json:"hold,omitempty"` // why it has no ticket, if that is what it made
}

// maxWriters bounds the writers that a problem remembers: those that counted last.
// One that is forgotten has had an answer for long.
const maxWriters = 32

// Counted returns what a batch made of the problem, if it was counted before.
func (p Problem) Counted(b Batch) (Change, bool) {
	i := p.writer(b.Writer)
	if b.Number == 0 || i < 0 || p.Writers[i].Batch < b.Number {
		return ChangeNone, false
	}
	return p.Writers[i].Change, true
}

// HeldFor returns why what a batch counts has no ticket, if the batch was held: the
// problem may have got one, or be over, since it was counted.
func (p Problem) HeldFor(b Batch) Reason {
	if _, before := p.Counted(b); before {
		return cmp.Or(p.Writers[p.writer(b.Writer)].Hold, p.Hold, Deduplicated)
	}
	return p.Hold
}

// Counting notes that a batch was counted. It is a pure function: p is not changed.
func (p Problem) Counting(b Batch, change Change) Problem {
	if b.Number == 0 {
		return p
	}
	p.Writers = slices.Clone(p.Writers)
	if i := p.writer(b.Writer); i >= 0 {
		p.Writers = slices.Delete(p.Writers, i, i+1)
	} else if len(p.Writers) >= maxWriters {
		p.Writers = slices.Delete(p.Writers, 0, 1)
	}
	w := Writer{ID: b.Writer, Batch: b.Number, Change: change}
	if change == ChangeHeld {
		w.Hold = p.Hold
	}
	p.Writers = append(p.Writers, w)
	return p
}

func (p Problem) writer(id string) int {
	return slices.IndexFunc(p.Writers, func(w Writer) bool { return w.ID == id })
}
