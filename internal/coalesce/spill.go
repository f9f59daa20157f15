package coalesce

import (
	"cmp"

	"github.com/spanticket/spanticket/correlate"
)

// Spill returns a batch for which there is no room as one that stands for all
// signatures of its rule and operation, of its rule or of its service, and so becomes
// one with the others. It must not have a number. The batch itself is not changed.
func (b Batch) Spill(fold correlate.Fold) Batch {
	o := cmp.Or(b.Signed, b.Newest)
	c := Counts{Signer: b.signer}
	if b.Flood == nil {
		b.Spilled = true
		own := SpecOf(b.Set, b.Rule, o)
		b.Flood, b.shown = &correlate.Flood{Since: b.First}, nil
		b.Flood.Add(b.signer, o, own)
		if len(own.Values) == 0 { // which are made of what is left out
			b.shown = []shown{{Light(o), own}}
		}
	} else {
		flood := *b.Flood
		b.Flood = &flood
	}
	b.Flood.Fold = fold
	spec, id := c.folded(fold, o, b.Batch.Rule)
	b.Signature = c.Signer.Sign(*o, spec)
	b.Signature.ID = id
	b.Earlier, b.operations, b.Fold, b.exported = nil, [maxEarlier]string{}, "", nil
	b.Signed, b.Newest = Light(o), Light(cmp.Or(b.Newest, o))
	b.Sample.Attributes, b.Sample.Path, b.Sample.Exception.Stacktrace = nil, nil, ""
	return b
}
