package coalesce

import (
	"slices"

	"github.com/spanticket/spanticket/correlate"
)

// Redact redacts the components of the batch's signature, which were made of
// masked text: a secret that lost a part of itself is known for none. So they are
// made again of what scrub leaves of the occurrence. scrub redacts the copy that it
// is given, and reports whether there was anything; if it fails, the components go.
// The ID stays: it is stored.
func (b *Batch) Redact(scrub func(*correlate.Occurrence) (found bool, err error)) error {
	if b.Signed == nil {
		return nil
	}
	if b.Flood != nil {
		if err := b.show(scrub); err != nil {
			b.Signature.Components = nil
			return err
		}
	}
	o := cloned(b.Signed)
	found, err := scrub(o)
	if err != nil {
		b.Signature.Components = nil
		return err
	}
	if !found {
		return nil
	}
	clean := b.signer.Sign(*o, b.spec(o)).Components
	b.Signature.Components = slices.Clone(b.Signature.Components)
	for i := range b.Signature.Components {
		c := &b.Signature.Components[i]
		at := slices.IndexFunc(clean, func(other correlate.Component) bool { return other.Name == c.Name })
		if at < 0 {
			c.Value = "[REDACTED:failed]"
			continue
		}
		c.Value = clean[at].Value
		clean = slices.Delete(clean, at, at+1)
	}
	return nil
}

// spec returns what makes the signature of the batch, for an occurrence of it.
func (b *Batch) spec(o *correlate.Occurrence) correlate.Spec {
	switch {
	case b.Flood == nil:
		return SpecOf(b.Set, b.Rule, o)
	case b.Flood.Fold == correlate.FoldService:
		return correlate.Spec{Fold: b.Flood.Fold}
	}
	return correlate.Spec{Fold: b.Flood.Fold, Rule: b.Batch.Rule}
}

// cloned returns a copy of an occurrence that shares nothing with it.
func cloned(o *correlate.Occurrence) *correlate.Occurrence {
	c := *o
	c.Attributes, c.Resource = clonedAttributes(o.Attributes), clonedAttributes(o.Resource)
	c.Path, c.Links = slices.Clone(o.Path), slices.Clone(o.Links)
	return &c
}

func clonedAttributes(attrs []correlate.Attribute) []correlate.Attribute {
	out := slices.Clone(attrs)
	for i, a := range out {
		switch v := a.Value.(type) {
		case []string:
			out[i].Value = slices.Clone(v)
		case []any:
			out[i].Value = slices.Clone(v)
		}
	}
	return out
}
