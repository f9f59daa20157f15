// Package assemble puts the spans of failing traces together and finds the
// origin of each failure in them.
//
// Children end before their parents, so a trace is of no interest until one of
// its spans has failed: that span opens an entry, and what ends later in the
// same trace finds it. [Mark] tells the application's goroutines, at the price
// of one load, whether a span may belong to such a trace; [Table] holds the
// entries and belongs to the engine's goroutine.
package assemble

import (
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/correlate"
)

// Node is one finished span of a trace that has a failure.
type Node struct {
	Trace  trace.TraceID
	Span   trace.SpanID
	Parent trace.SpanID // zero for the root of a trace
	Remote bool         // the parent is in another process

	Step   correlate.Step // Step.Failed: the span's status is ERROR
	Start  time.Time
	End    time.Time
	Target uint64 // what a call was made to, hashed; 0 if it was no call
	User   uint64 // for whom, hashed; 0 if that is not known
	Links  []Link // of a span that continues what another trace began

	TimedOut bool // it failed because it gave up waiting
	Canceled bool // it failed because its caller gave up

	// Record says that it is a log record: Span is the one that it belongs to, and
	// may be invalid. Plain says that its exception is but the message of one.
	Record, Plain bool

	// Matched says that a rule matched the span.
	Matched bool
	// Minds says that the rule minds cancellations too, Slow that it asks for how
	// long the span took.
	Minds, Slow bool
	// Occurrence has the details of a span that failed or was matched. Of any other
	// it has no more than what all spans have.
	Occurrence *correlate.Occurrence
	// Tag is carried for the caller.
	Tag any
}

// Link is a span in another trace.
type Link struct {
	Trace trace.TraceID
	Span  trace.SpanID
}

// counts reports whether the node is one that may become a ticket.
func (n *Node) counts() bool { return n.Matched || n.Step.Failed }

// size is about how much memory the node holds. A resource is shared.
func (n *Node) size() int64 {
	const node, attr = 512, 64
	o := n.Occurrence
	if o == nil {
		return node
	}
	s := node + len(o.Message) + len(o.Exception.Message) + len(o.Exception.Stacktrace)
	for _, a := range o.Attributes {
		s += attr + len(a.Key)
		switch v := a.Value.(type) {
		case string:
			s += len(v)
		case []string:
			for _, text := range v {
				s += len(text)
			}
		}
	}
	return int64(s)
}

// within returns how much of the time of another node this one took.
func (n *Node) within(other *Node) time.Duration {
	from, to := n.Start, n.End
	if from.Before(other.Start) {
		from = other.Start
	}
	if to.After(other.End) {
		to = other.End
	}
	return to.Sub(from)
}

// localRoot reports whether the request entered this process here.
func (n *Node) localRoot() bool { return n.Remote || !n.Parent.IsValid() }

// Found is the origin of one failure.
type Found struct {
	Node *Node // the origin, with its path in the occurrence
	By   *Node // the node whose rule takes it: the origin or what failed with it

	// Further says that another origin of the same failure was found before it.
	Further bool
}
