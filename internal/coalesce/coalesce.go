// Package coalesce signs occurrences and counts them per signature in memory,
// so that a storm of one failure is one update of its problem now and then.
package coalesce

import (
	"cmp"
	"slices"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/celrule"
	"github.com/spanticket/spanticket/internal/flood"
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

	// Fold is the ID of the flood that an earlier process may have counted the
	// batch with; "" means that it was none.
	Fold string

	// Spilled says that the batch stands for many signatures for want of room alone: it
	// is no flood that must have its ticket.
	Spilled bool

	// Signed is the occurrence that the signature was made of.
	Signed *correlate.Occurrence
	signer correlate.Signer

	operations [maxEarlier]string // that Earlier is of
	// exported is the newest whose trace is in a backend. Where a sampler takes one
	// in a hundred the newest of a storm is hardly ever, and no link leads there.
	exported *correlate.Occurrence
	shown    []shown // of a batch that stands for many signatures
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
	// Max bounds the signatures that are held. New ones beyond it are counted as one
	// of their service.
	Max int
	// Flood says which signatures have problems of their own. Counts of one goroutine
	// may share it. Defaults to one with the default limits.
	Flood *flood.Control
	// Full reports whether there are as many problems as there may be; nil means never.
	Full func() bool

	batches map[string]*Batch
	fresh   bool
	bytes   int // that the occurrences of batches hold
}

// SpecOf returns what makes the signature of an occurrence that a rule takes.
func SpecOf(set *celrule.Set, rule int, o *correlate.Occurrence) correlate.Spec {
	spec, _ := set.Spec(rule, o) // what fails is counted by the set, and the default is used
	if r := set.Rule(rule); r.Continue {
		spec.Rule = r.Name // or it would count on the problems of the rules after it
	}
	return spec
}

// Add counts an occurrence that a rule of the set takes, and returns the signature
// that it is counted under, which is that of a flood if there are too many. It
// returns false when there is no room for a signature that has a problem. further
// says that another rule has taken it first.
func (c *Counts) Add(o *correlate.Occurrence, set *celrule.Set, rule int, further bool, now time.Time) (id string, ok bool) {
	if c.Flood == nil {
		c.Flood = flood.New(flood.Limits{})
	}
	spec, r := SpecOf(set, rule, o), set.Rule(rule)
	own := spec
	id = c.Signer.ID(*o, spec)
	b := c.batches[id]
	if b == nil {
		earlier, known := c.Flood.Knows(id)
		if !known {
			spec, id = c.fold(id, o, spec, r.Name, now)
			b = c.batches[id]
		} else if len(c.batches) >= pendingKnown*c.Max {
			return id, false
		}
		if b == nil {
			b = c.begin(id, o, spec, set, rule, known, earlier)
		}
	}
	if b.Flood != nil {
		c.stand(b, o, own)
	} else {
		b.note(o, func() string { return c.Signer.Earlier(*o, own) })
	}
	b.Count++
	b.Impact.Add(o)
	if IsCall(o) {
		b.Calls = Lowest(b.Calls, maxCalls, correlate.Call{TraceID: o.TraceID, SpanID: o.SpanID}, traceOf)
	}
	if !further {
		b.Own++
	}
	c.see(b, o)
	return id, true
}

// see notes when an occurrence of a batch was, and keeps it if it is the newest.
func (c *Counts) see(b *Batch, o *correlate.Occurrence) {
	if o.End.Before(b.First) {
		b.First = o.End
	}
	if b.Newest == nil || !o.End.Before(b.Last) {
		b.Last = o.End
		c.hold(b, &b.Newest, o)
	}
	if o.Exported && (b.exported == nil || !o.End.Before(b.exported.End)) {
		c.hold(b, &b.exported, o)
	}
}

// begin begins the batch of a signature that spec makes.
func (c *Counts) begin(id string, o *correlate.Occurrence, spec correlate.Spec, set *celrule.Set, rule int, known bool, earlier string) *Batch {
	r := set.Rule(rule)
	b := &Batch{Set: set, Rule: rule, signer: c.Signer}
	c.hold(b, &b.Signed, o)
	b.Batch = correlate.Batch{Scope: o.Scope, Signature: c.Signer.Sign(*o, spec), Rule: r.Name, Threshold: r.Threshold, Quiet: r.Quiet, First: o.End}
	b.Signature.ID = id // it is kept for long, and would keep all components
	if c.batches == nil {
		c.batches = map[string]*Batch{}
	}
	c.batches[id] = b
	switch {
	case spec.Fold != "":
		b.Flood = &correlate.Flood{Fold: spec.Fold, Since: o.End}
		if _, known := c.Flood.Knows(id); !known {
			c.fresh = true
			c.Flood.Known(id, "")
		}
	case !known:
		c.fresh = true
		earlier = c.Signer.Earlier(*o, spec)
		c.Flood.Known(id, earlier)
	}
	b.Signature.Earlier = earlier
	if b.Flood == nil {
		b.note(o, func() string { return earlier })
	}
	return b
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
	out := make([]Batch, 0, len(c.batches))
	for _, b := range c.batches {
		b.Sample = cmp.Or(b.exported, b.Newest).Sample()
		out = append(out, *b)
	}
	c.batches, c.bytes, c.fresh = nil, 0, false // a map keeps the room that it had
	slices.SortFunc(out, func(a, b Batch) int {
		return cmp.Or(a.First.Compare(b.First), cmp.Compare(a.Signature.ID, b.Signature.ID))
	})
	return out
}
