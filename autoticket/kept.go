package autoticket

import (
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/assemble"
	"github.com/spanticket/spanticket/internal/coalesce"
	"github.com/spanticket/spanticket/internal/journal"
)

// batch is what is to be counted in the store, and what the journal has of it,
// which is released when the store has it.
type batch struct {
	coalesce.Batch
	kept []journal.Entry
}

// counted names a batch that is still being counted in memory: a signature, in
// the counts or in those of calls.
type counted struct {
	id   string
	call bool
}

// keep remembers what the journal has of a batch.
func (s *stages) keep(c counted, kept []journal.Entry) {
	if s.kept == nil {
		s.kept = map[counted][]journal.Entry{}
	}
	s.kept[c] = append(s.kept[c], kept...)
}

// withKept returns batches with what the journal has of them.
func (s *stages) withKept(batches []coalesce.Batch, calls bool) []batch {
	out := make([]batch, len(batches))
	for i, b := range batches {
		c := counted{b.Signature.ID, calls}
		out[i] = batch{b, s.kept[c]}
		delete(s.kept, c)
	}
	return out
}

// release lets go of what the journal has.
func (s *stages) release(kept []journal.Entry) {
	if len(kept) > 0 && s.firsts != nil {
		s.firsts.journal.Release(kept...)
	}
}

// takeKept returns what the journal has of a node, once.
func takeKept(n *assemble.Node) []journal.Entry {
	tag, ok := n.Tag.(source)
	if !ok || len(tag.kept) == 0 {
		return nil
	}
	kept := tag.kept
	tag.kept = nil
	n.Tag = tag
	return kept
}

// passOn decides about what the journal has of a node that is no origin: what it
// kept for the origin goes there, and anything else is needed no more.
func (s *stages) passOn(n *assemble.Node, r correlate.Reason, origin *assemble.Node) {
	kept := takeKept(n)
	tag, ok := source{}, false
	if origin != nil && r == correlate.Symptom {
		tag, ok = origin.Tag.(source)
	}
	if !ok {
		s.release(kept)
		return
	}
	tag.kept = append(tag.kept, kept...)
	origin.Tag = tag
}
