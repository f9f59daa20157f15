package coalesce

import (
	"cmp"
	"slices"

	"github.com/spanticket/spanticket/correlate"
)

// Merge returns one batch of two of the same signature, of which next came later.
// Neither is changed.
func (b Batch) Merge(next Batch) Batch {
	m := next
	m.Count, m.Own = b.Count+next.Count, b.Own+next.Own
	m.Impact = b.Impact.Merge(next.Impact)
	m.Signed, m.signer, m.operations = b.Signed, b.signer, b.operations
	if b.First.Before(m.First) {
		m.First = b.First
	}
	if b.Last.After(m.Last) {
		m.Last, m.Newest = b.Last, b.Newest
	}
	if b.Sample.Exported && !next.Sample.Exported || b.Sample.Exported == next.Sample.Exported && b.Sample.Time.After(next.Sample.Time) {
		m.Sample = b.Sample
	}
	m.Calls = slices.Clone(b.Calls)
	for _, c := range next.Calls {
		m.Calls = Lowest(m.Calls, maxCalls, c, traceOf)
	}
	m.Earlier = slices.Clone(b.Earlier)
	for _, id := range next.Earlier {
		if len(m.Earlier) < maxEarlier && !slices.Contains(m.Earlier, id) {
			m.Earlier = append(m.Earlier, id)
		}
	}
	m.Flood, m.Spilled = b.Flood.Merge(next.Flood), b.Spilled && next.Spilled
	m.shown = slices.Concat(b.shown, next.shown)
	m.shown = m.shown[:min(len(m.shown), maxShown)]
	m.Signature.Earlier = cmp.Or(b.Signature.Earlier, next.Signature.Earlier)
	return m
}

// Size is about how many bytes of memory the batch holds.
func (b Batch) Size() int {
	const own, each = 2048, 64
	n := own + each*len(b.Impact.Operations)
	for i, o := range []*correlate.Occurrence{b.Newest, b.Signed, b.exported} {
		if o == nil || i > 0 && o == b.Newest {
			continue
		}
		n += SizeOf(o)
	}
	for _, s := range b.shown {
		n += SizeOf(s.occurrence)
	}
	if b.Flood != nil {
		n += own * len(b.Flood.Fields)
	}
	for k, v := range b.Sample.Attributes { // most texts are those of an occurrence
		n += each + min(len(k), each) + min(len(v), each)
	}
	return n
}

// SizeOf is about how many bytes an occurrence holds. Its resource is shared.
func SizeOf(o *correlate.Occurrence) int {
	const own, each = 512, 64
	n := own + len(o.Operation) + len(o.Message) + len(o.Exception.Type) + len(o.Exception.Message) + len(o.Exception.Stacktrace)
	n += each * (len(o.Path) + len(o.Links))
	for _, a := range o.Attributes {
		n += each + len(a.Key)
		switch v := a.Value.(type) {
		case string:
			n += len(v)
		case []string:
			for _, text := range v {
				n += each/4 + len(text)
			}
		case []any:
			n += each * len(v)
		}
	}
	return n
}
