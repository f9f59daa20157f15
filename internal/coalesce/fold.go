package coalesce

import (
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/celrule"
	"github.com/spanticket/spanticket/internal/flood"
)

// Beyond Max signatures those with problems of their own go on being held, up to
// pendingKnown times as many, but new ones are counted as one.
const pendingKnown = 4

// maxShown bounds the occurrences by which a batch shows what varies.
const maxShown = 3

// fold returns what makes the signature that an occurrence of a new signature is
// counted under: its own, or that of a flood.
func (c *Counts) fold(id string, o *correlate.Occurrence, spec correlate.Spec, rule string, now time.Time) (correlate.Spec, string) {
	if c.full() {
		return c.folded(correlate.FoldService, o, rule)
	}
	_, operation := c.folded(correlate.FoldOperation, o, rule)
	_, all := c.folded(correlate.FoldRule, o, rule)
	if fold := c.Flood.Admit(id, operation, all, now); fold != "" {
		return c.folded(fold, o, rule)
	}
	return spec, id
}

// full reports whether there is no room for new signatures.
func (c *Counts) full() bool { return len(c.batches) >= c.Max || c.Full != nil && c.Full() }

// folded returns what makes the signature of a flood, and its ID.
func (c *Counts) folded(fold correlate.Fold, o *correlate.Occurrence, rule string) (correlate.Spec, string) {
	spec := correlate.Spec{Fold: fold, Rule: rule}
	if fold == correlate.FoldService {
		spec.Rule = ""
	}
	return spec, c.Signer.ID(*o, spec)
}

// Learn tells what keeps the floods of a problem that the store has.
func Learn(f *flood.Control, signer correlate.Signer, p correlate.Problem) {
	past := flood.Past{ID: p.ID, Earlier: p.Signature.Earlier, First: p.FirstSeen, Last: p.LastSeen, Open: p.State == correlate.Open}
	if p.Flood != nil {
		past.Fold = p.Flood.Fold
	} else if n := p.Newest(); p.Report == "" {
		c, o := Counts{Signer: signer}, &correlate.Occurrence{Scope: p.Scope, Operation: n.Operation, Kind: n.Kind}
		_, past.Operation = c.folded(correlate.FoldOperation, o, p.Rule)
		_, past.Rule = c.folded(correlate.FoldRule, o, p.Rule)
	}
	f.Learn(past)
}

// AddUnlike counts n occurrences of the rule and operation of o, of which is only
// known that there were too many unlike ones to look at each: as a flood.
func (c *Counts) AddUnlike(o *correlate.Occurrence, set *celrule.Set, rule int, n int64) {
	if c.Flood == nil {
		c.Flood = flood.New(flood.Limits{})
	}
	fold := correlate.FoldOperation
	if c.full() {
		fold = correlate.FoldService
	}
	spec, id := c.folded(fold, o, set.Rule(rule).Name)
	b := c.batches[id]
	if b == nil {
		earlier, known := c.Flood.Knows(id)
		b = c.begin(id, o, spec, set, rule, known, earlier)
	}
	c.stand(b, o, SpecOf(set, rule, o))
	b.Count += n
	c.see(b, o)
}

// stand notes an occurrence on a batch that stands for many signatures.
func (c *Counts) stand(b *Batch, o *correlate.Occurrence, spec correlate.Spec) {
	b.Flood.Add(b.signer, o, spec)
	if size := SizeOf(o); len(b.shown) < maxShown && c.bytes+size <= maxBytes {
		b.shown = append(b.shown, shown{o, spec})
		c.bytes += size
	}
}

// shown is an occurrence by which a batch shows what varies.
type shown struct {
	occurrence *correlate.Occurrence
	spec       correlate.Spec
}

// show tells what varies by redacted copies of the occurrences that are shown.
func (b *Batch) show(scrub func(*correlate.Occurrence) (found bool, err error)) error {
	for _, s := range b.shown {
		o := cloned(s.occurrence)
		found, err := scrub(o)
		if err != nil {
			return err
		}
		spec := s.spec
		if found && len(spec.Values) > 0 { // which were made of what is redacted
			spec = SpecOf(b.Set, b.Rule, o)
		}
		b.Flood.Show(b.signer, o, spec)
	}
	b.shown = nil
	return nil
}

// maxBytes bounds what the occurrences of batches hold. Beyond it counts go on and
// evidence does not.
const maxBytes = 12 << 20

// hold puts an occurrence in a place of a batch, if there is room for it.
func (c *Counts) hold(b *Batch, place **correlate.Occurrence, o *correlate.Occurrence) {
	before, was := b.weight(), *place
	*place = o
	more := b.weight() - before
	if c.bytes+more > maxBytes && more > 0 {
		if *place = was; was != nil {
			return
		}
		*place = Light(o)
		more = b.weight() - before
	}
	c.bytes += more
}

// weight is what the occurrences of a batch hold. Mostly they are one.
func (b *Batch) weight() (n int) {
	if b.Signed != nil {
		n = SizeOf(b.Signed)
	}
	if b.Newest != nil && b.Newest != b.Signed {
		n += SizeOf(b.Newest)
	}
	if b.exported != nil && b.exported != b.Newest && b.exported != b.Signed {
		n += SizeOf(b.exported)
	}
	return n
}

// Light returns an occurrence without what is only evidence, and without what a rule
// may make a signature of.
func Light(o *correlate.Occurrence) *correlate.Occurrence {
	l := *o
	l.Attributes, l.Resource, l.Path, l.Links, l.Exception.Stacktrace = nil, nil, nil, nil, ""
	return &l
}
