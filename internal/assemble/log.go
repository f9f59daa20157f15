package assemble

import (
	"cmp"
	"slices"

	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/correlate"
)

// place is where a node waits: below its parent or, if it is a log record,
// below the span that it belongs to.
func (n *Node) place() trace.SpanID {
	if n.Record {
		return n.Span
	}
	return n.Parent
}

// fold puts log records into the spans that they belong to, and returns the nodes
// that are left. What is logged within a span that ended well is information. One
// whose span is not there stands in its place, with what else is told of it; so
// does one from after the end of a span that ended well.
func (t *Table) fold(e *entry, nodes []*Node) []*Node {
	records := slices.Collect(func(yield func(*Node) bool) {
		for _, n := range nodes {
			if n.Record && !yield(n) {
				return
			}
		}
	})
	if len(records) == 0 {
		return nodes
	}
	nodes = slices.DeleteFunc(nodes, func(n *Node) bool { return n.Record })
	spans := map[trace.SpanID]*Node{}
	for _, n := range nodes {
		if s := spans[n.Span]; s == nil || earlier(n, s) < 0 {
			spans[n.Span] = n
		}
	}
	slices.SortFunc(records, moreTelling)
	alone := substitutes{bySpan: map[trace.SpanID]*Node{}, byException: map[correlate.Exception]*Node{}}
	for _, r := range records {
		s := spans[r.Span]
		if s != nil && r.Span.IsValid() {
			if s.counts() {
				t.absorb(s, r)
				continue
			}
			if !r.End.After(s.End) && (r.Step.Failed || !r.counts()) {
				if r.counts() {
					t.decided(r, correlate.Handled, s)
				}
				continue
			}
			r.Parent, r.Remote = s.Parent, s.Remote
		}
		if other := alone.find(r); other != nil {
			t.absorb(other, r)
			continue
		}
		switch {
		case !r.counts():
		case r.Span.IsValid() && t.isKnown(e, r):
			t.decided(r, correlate.LateSymptom, nil)
		default:
			alone.add(r)
			nodes = append(nodes, r)
		}
	}
	return nodes
}

// substitutes are the log records that stand in the places of spans.
type substitutes struct {
	bySpan      map[trace.SpanID]*Node
	byException map[correlate.Exception]*Node
}

// find returns one that is of the same failure: of the same span, or of the same
// exception in another one of which no more is known. Records without a span
// have nothing to do with each other.
func (s *substitutes) find(r *Node) *Node {
	if !r.Span.IsValid() {
		return nil
	}
	n := s.bySpan[r.Span]
	if n == nil {
		if n = s.byException[failureOf(r)]; n != nil {
			s.bySpan[r.Span] = n
		}
	}
	return n
}

func (s *substitutes) add(r *Node) {
	if r.Span.IsValid() {
		s.bySpan[r.Span], s.byException[failureOf(r)] = r, r
	}
}

func failureOf(r *Node) correlate.Exception {
	x := r.Occurrence.Exception
	x.Stacktrace = ""
	return x
}

// moreTelling orders log records so that the first of a span is the one to stand
// for it: one that counts, one with an exception, of these the newest, and
// otherwise the oldest, as what is said later mostly follows from it.
func moreTelling(a, b *Node) int {
	if a.counts() != b.counts() {
		return first(a.counts())
	}
	if a.Plain != b.Plain {
		return first(b.Plain)
	}
	if a.Plain {
		return cmp.Or(earlier(a, b), compareExceptions(a, b))
	}
	return cmp.Or(earlier(b, a), compareExceptions(a, b))
}

// compareExceptions orders those that were recorded at the same time.
func compareExceptions(a, b *Node) int {
	x, y := a.Occurrence.Exception, b.Occurrence.Exception
	return cmp.Or(cmp.Compare(x.Message, y.Message), cmp.Compare(x.Type, y.Type), cmp.Compare(x.Stacktrace, y.Stacktrace))
}

func first(a bool) int {
	if a {
		return -1
	}
	return 1
}

// absorb adds to a node that counts what a log record knows besides.
func (t *Table) absorb(n, r *Node) {
	if r.counts() {
		t.decided(r, correlate.Symptom, n)
	}
	if r.Matched && !n.Matched {
		n.Matched, n.Minds, n.Tag = true, r.Minds, r.Tag
	}
	if n.Record && r.Step.Failed && !n.Step.Failed {
		n.Step.Failed = true
	}
	o := *n.Occurrence
	if n.Record && r.Occurrence.Status == "ERROR" {
		o.Status, o.Message = r.Occurrence.Status, cmp.Or(o.Message, r.Occurrence.Message)
	}
	x, more := o.Exception, r.Occurrence.Exception
	if n.Plain && !r.Plain {
		x.Message = ""
	}
	switch full, same := x.Complete(more); {
	case same:
		o.Exception, n.Plain = full, n.Plain && r.Plain
	case x.Message != "" || r.Plain && (o.Message != "" || !correlate.SaysNothing(x.Type)):
		// It has more to say of itself.
	default:
		o.Exception = correlate.Exception{Type: cmp.Or(more.Type, x.Type), Message: more.Message, Stacktrace: cmp.Or(more.Stacktrace, x.Stacktrace)}
		n.Plain = r.Plain
		n.TimedOut, n.Canceled = n.TimedOut || r.TimedOut, n.Canceled || r.Canceled
	}
	n.Occurrence = &o
}
