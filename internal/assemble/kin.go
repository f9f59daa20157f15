package assemble

import "go.opentelemetry.io/otel/trace"

// kinship is how a span is related to a failure that has been decided.
type kinship uint8

const (
	ancestor kinship = iota + 1 // of its origin
	member                      // one that failed
)

// isKnown reports whether the span belongs to a failure that was decided: it
// is an ancestor of the origin, or lies just below what failed.
func (t *Table) isKnown(e *entry, n *Node) bool {
	k := e.kin(n.Span)
	if k == 0 && e.kin(n.Parent) != member {
		return false
	}
	if k == ancestor {
		t.learn(e, n.Parent, ancestor)
	}
	if n.counts() {
		t.learn(e, n.Span, member)
	}
	return true
}

const (
	// maxKnown bounds what is remembered of one trace.
	maxKnown = 1 << 12
	// maxRelations bounds what is remembered of all. Beyond it each trace has room
	// for leastKnown.
	maxRelations = 1 << 18
	leastKnown   = 64
)

func (e *entry) kin(id trace.SpanID) kinship { return max(e.known[id], e.older[id]) }

// learn remembers how a span is related. When there is no room, what was learnt
// longest ago is forgotten: in a trace without end, it is not what ends next.
func (t *Table) learn(e *entry, id trace.SpanID, k kinship) {
	if !id.IsValid() {
		return
	}
	k = max(k, e.kin(id))
	if full := len(e.known) >= maxKnown/2 || t.relations >= maxRelations && len(e.known) >= leastKnown/2; full && e.known[id] == 0 {
		t.relations -= len(e.older)
		e.older, e.known = e.known, nil
	}
	if e.known == nil {
		e.known = map[trace.SpanID]kinship{}
	}
	t.relations -= len(e.known)
	e.known[id] = k
	t.relations += len(e.known)
}
