// Package coalesce signs occurrences and counts them per signature in memory,
// so that a storm of one failure is one update of its problem now and then.
package coalesce

import (
	"cmp"
	"slices"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/celrule"
)

// Batch is what was seen of one signature since it was last taken.
type Batch struct {
	correlate.Batch
	Set    *celrule.Set // of the rule
	Rule   int
	Newest *correlate.Occurrence
	// Calls are some of the calls of other services that the occurrences are: those
	// of the lowest trace IDs, so that the callee, which says of the lowest ones what
	// became of them, has said it of these.
	Calls []correlate.Call
	// Own is how many of the occurrences are decided with this batch. The others
	// were taken by another rule first, and are decided with its.
	Own int64
	// Earlier are IDs that the occurrences had by the version of the algorithm
	// before: several signatures may have become one. They are a sample.
	Earlier []string
	// Withheld counts, by kind, what was taken out of the evidence.
	Withheld map[string]int64

	// Signed is the occurrence that the signature was made of.
	Signed *correlate.Occurrence
	signer correlate.Signer

	operations [maxEarlier]string // that Earlier is of
	// exported is the newest whose trace is in a backend. Where a sampler takes one
	// in a hundred the newest of a storm is hardly ever, and no link leads there.
	exported *correlate.Occurrence
}

// maxEarlier bounds the IDs that a batch has for the version before, and so
// what signing them costs.
const maxEarlier = 4

// note remembers the ID of an occurrence by the version before, if it is of
// an operation that the batch has not seen.
func (b *Batch) note(o *correlate.Occurrence, earlier func() string) {
	for i, operation := range b.operations {
		switch operation {
		case o.Operation:
			return
		case "":
			b.operations[i] = o.Operation
			if id := earlier(); id != "" && !slices.Contains(b.Earlier, id) {
				b.Earlier = append(b.Earlier, id)
			}
			return
		}
	}
}

// Counts holds batches until they are taken. It belongs to one goroutine.
type Counts struct {
	Signer correlate.Signer
	Max    int // signatures that are held; more are refused

	batches map[string]*Batch
	known   map[string]string // signatures that were taken before, and their IDs by the version before
	fresh   bool
}

// maxKnown bounds the signatures that are remembered, to tell new ones.
const maxKnown = 100_000

// SpecOf returns what makes the signature of an occurrence that a rule takes.
func SpecOf(set *celrule.Set, rule int, o *correlate.Occurrence) correlate.Spec {
	spec, _ := set.Spec(rule, o) // what fails is counted by the set, and the default is used
	if r := set.Rule(rule); r.Continue {
		spec.Rule = r.Name // or it would count on the problems of the rules after it
	}
	return spec
}

// Add counts an occurrence that a rule of the set takes, and returns its
// signature. It returns false when there is no room for that. further says that
// another rule has taken it first.
func (c *Counts) Add(o *correlate.Occurrence, set *celrule.Set, rule int, further bool) (id string, ok bool) {
	spec, r := SpecOf(set, rule, o), set.Rule(rule)
	id = c.Signer.ID(*o, spec)
	b := c.batches[id]
	if b == nil {
		if len(c.batches) >= c.Max {
			return id, false
		}
		b = &Batch{Set: set, Rule: rule, Signed: o, signer: c.Signer}
		b.Batch = correlate.Batch{Scope: o.Scope, Signature: c.Signer.Sign(*o, spec), Rule: r.Name, Threshold: r.Threshold, Quiet: r.Quiet, First: o.End}
		if c.batches == nil {
			c.batches = map[string]*Batch{}
		}
		c.batches[id] = b
		known, ok := c.known[id]
		if !ok {
			c.fresh = true
			known = c.Signer.Earlier(*o, spec)
		}
		b.Signature.Earlier = known
		b.note(o, func() string { return known })
	} else {
		b.note(o, func() string { return c.Signer.Earlier(*o, spec) })
	}
	b.Count++
	b.Impact.Add(o)
	if IsCall(o) {
		b.Calls = Lowest(b.Calls, maxCalls, correlate.Call{TraceID: o.TraceID, SpanID: o.SpanID}, traceOf)
	}
	if !further {
		b.Own++
	}
	if o.End.Before(b.First) {
		b.First = o.End
	}
	if b.Newest == nil || !o.End.Before(b.Last) {
		b.Last, b.Newest = o.End, o
	}
	if o.Exported && (b.exported == nil || !o.End.Before(b.exported.End)) {
		b.exported = o
	}
	return id, true
}

// Grow counts n more occurrences of a signature that is held, of which nothing else
// is known.
func (c *Counts) Grow(id string, n int64) {
	if b := c.batches[id]; b != nil {
		b.Count += n
	}
}

// Fresh reports whether a signature is held that was never taken, so that
// somebody may be waiting for its ticket.
func (c *Counts) Fresh() bool { return c.fresh }

// Len returns how many signatures are held.
func (c *Counts) Len() int { return len(c.batches) }

// Take returns what is held, ordered by first occurrence and signature, and
// starts again.
func (c *Counts) Take() []Batch {
	if len(c.batches) == 0 {
		return nil
	}
	if c.known == nil || len(c.known) > maxKnown {
		c.known = map[string]string{}
	}
	out := make([]Batch, 0, len(c.batches))
	for id, b := range c.batches {
		c.known[id] = b.Signature.Earlier
		b.Sample = cmp.Or(b.exported, b.Newest).Sample()
		out = append(out, *b)
	}
	clear(c.batches)
	c.fresh = false
	slices.SortFunc(out, func(a, b Batch) int {
		return cmp.Or(a.First.Compare(b.First), cmp.Compare(a.Signature.ID, b.Signature.ID))
	})
	return out
}
