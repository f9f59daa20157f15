package assemble

import (
	"time"

	"go.opentelemetry.io/otel/trace"
)

// maxRecent bounds the bytes of the spans of traces in which nothing has failed
// that are kept where the spans of all processes come in.
const maxRecent = 64 << 20

// recent holds the spans of traces in which nothing has failed yet, for a while:
// what is slow ends after what it waited for. Only an engine to which whole traces
// come has the room for it.
type recent struct {
	traces map[trace.TraceID][]*Node
	queue  []came // of the first spans of traces, the oldest first
	held   int64  // bytes
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
		r.held += n.size()
	}
	for r.held > maxRecent {
		r.drop()
	}
}

// take returns what is kept of a trace, and lets it go.
func (r *recent) take(id trace.TraceID) []*Node {
	nodes := r.traces[id]
	for _, n := range nodes {
		r.held -= n.size()
	}
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
