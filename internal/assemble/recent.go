package assemble

import (
	"time"

	"go.opentelemetry.io/otel/trace"
)

// maxRecent bounds the spans of traces in which nothing has failed that are kept
// where the spans of all processes come in.
const maxRecent = 1 << 16

// recent holds the spans of traces in which nothing has failed yet, for a while:
// what is slow ends after what it waited for. Only an engine to which whole traces
// come has the room for it.
type recent struct {
	traces map[trace.TraceID][]*Node
	queue  []came // of the first spans of traces, the oldest first
	spans  int
}

type came struct {
	trace trace.TraceID
	at    time.Time
}

// add keeps a healthy span.
func (r *recent) add(n *Node, most int, now time.Time) {
	if r.traces == nil {
		r.traces = map[trace.TraceID][]*Node{}
	}
	have := r.traces[n.Trace]
	if have == nil {
		r.queue = append(r.queue, came{n.Trace, now})
	}
	if len(have) < most {
		r.traces[n.Trace] = append(have, n)
		r.spans++
	}
	for r.spans > maxRecent {
		r.drop()
	}
}

// take returns what is kept of a trace, and lets it go.
func (r *recent) take(id trace.TraceID) []*Node {
	nodes := r.traces[id]
	r.spans -= len(nodes)
	delete(r.traces, id)
	return nodes
}

func (r *recent) drop() {
	r.take(r.queue[0].trace)
	r.queue = r.queue[1:]
}

// advance lets go of what came before a time.
func (r *recent) advance(before time.Time) {
	for len(r.queue) > 0 && r.queue[0].at.Before(before) {
		r.drop()
	}
}
