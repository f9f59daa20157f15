package assemble

import (
	"container/heap"
	"slices"
	"time"
)

// echo is a failure in a trace that continues this one, as the consumer of a
// message does. Who sent the message and waits for what comes of it fails too,
// later: that is the same failure.
//
// The span that sent the message has mostly ended by then, and nothing of it was
// kept, because nothing had failed. So the echo is known by time.
type echo struct{ from, to time.Time }

// maxEchoes bounds the failures that are remembered of what one trace has sent.
const maxEchoes = 16

// echo remembers a failure in the traces that its root continues, one hop away.
func (t *Table) echo(root, origin *Node, now time.Time) {
	for _, l := range root.Links {
		if l.Trace == root.Trace || !l.Trace.IsValid() {
			continue
		}
		e := t.traces[l.Trace]
		if e == nil {
			if len(t.traces) >= t.limits.Traces {
				continue
			}
			e = &entry{id: l.Trace, closed: true, at: now.Add(t.limits.Wait), marks: 1}
			t.mark.Add(l.Trace)
			t.traces[l.Trace] = e
			heap.Push(&t.closed, e)
		}
		if len(e.echoes) < maxEchoes {
			e.echoes = append(e.echoes, echo{root.Start, origin.End})
		}
	}
}

// echoed reports whether a failure is one that was found in a trace which
// continues this one: its origin is no call, and was under way all the time.
func (e *entry) echoed(origins []origin) bool {
	return len(origins) == 1 && origins[0].node.Target == 0 && slices.ContainsFunc(e.echoes, func(h echo) bool {
		n := origins[0].node
		return !n.Start.After(h.from) && !n.End.Before(h.to)
	})
}
