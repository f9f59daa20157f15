package assemble

import (
	"container/heap"
	"slices"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/correlate"
)

// Limits bounds a table.
type Limits struct {
	Traces int           // that are followed at once
	Spans  int           // that are kept of one trace
	Wait   time.Duration // for the local root to end, from the first failure
	Linger time.Duration // after the root has ended, where clocks of several processes meet
	Whole  bool          // the spans are of all processes: only a span without a parent is a root
}

// Table holds the traces that have a failure. It belongs to one goroutine. What
// is below a local root is decided when that has ended; a process may serve
// several requests of one trace at once, and what belongs to the others waits
// for theirs. Everything is decided when the wait is over, or when there is no
// room for more of it. Then its spans are let go, and for another wait only the
// identity of what was decided is kept, so that a symptom that ends late is
// known for one.
type Table struct {
	limits    Limits
	mark      *Mark
	traces    map[trace.TraceID]*entry
	open      queue // to be decided, by when
	closed    queue // to be forgotten, by when
	held      int64 // bytes of the nodes that wait
	relations int   // that entries remember
	recent    recent
	found     func(Found, time.Time)
	decided   func(n *Node, r correlate.Reason, origin *Node)
}

// NewTable returns an empty table. found is called with each failure that a
// rule wants; decided with what became of each span that failed or was matched,
// exactly once.
func NewTable(l Limits, m *Mark, found func(f Found, now time.Time), decided func(n *Node, r correlate.Reason, origin *Node)) *Table {
	return &Table{limits: l, mark: m, traces: map[trace.TraceID]*entry{}, found: found, decided: decided}
}

// lateWait is how long a failure that ended after its trace was decided waits
// for what belongs to it.
const lateWait = time.Second

// maxHeld bounds the bytes of all nodes that wait. Beyond it the traces that
// have waited longest are decided early.
const maxHeld = 64 << 20

// entry is one trace.
type entry struct {
	id       trace.TraceID
	waiting  map[trace.SpanID][]*Node // for the decision, by parent
	spans    int                      // how many wait
	counts   int                      // how many of them count
	known    map[trace.SpanID]kinship // to what was decided
	older    map[trace.SpanID]kinship // what known held before it was full
	marks    int                      // calls of Mark.Add to take back
	at       time.Time                // when it is decided or, if it is closed, forgotten
	ended    bool                     // a root has
	timeouts []*Node                  // calls among those that wait
	echoes   []echo                   // failures of what was sent from here
	index    int                      // in its queue
	closed   bool
}

// Add takes a span that ended. Of a trace that is not followed, only one that
// counts is kept; each of those was announced by one call of Mark.Add.
func (t *Table) Add(n *Node, now time.Time) {
	e := t.traces[n.Trace]
	if e == nil {
		if !n.counts() {
			if t.limits.Whole {
				t.recent.add(n, t.limits.Spans/2, now)
			}
			return
		}
		e = t.follow(n.Trace, now)
		for _, before := range t.recent.take(n.Trace) {
			t.hold(e, before)
		}
	}
	if n.counts() {
		e.marks++
	}
	switch {
	case t.isKnown(e, n):
		if n.counts() {
			t.decided(n, correlate.LateSymptom, nil)
		}
	case e.closed && !n.counts():
		return
	default:
		if e.closed {
			t.reopen(e, now)
		}
		t.hold(e, n)
	}
	switch {
	case e.closed:
	case t.root(n) && t.limits.Linger == 0:
		t.decide(e, t.tree(e, n), now)
		if e.counts == 0 {
			t.close(e, now)
		}
	case t.root(n):
		e.ended = true
	}
	if e.ended && !e.closed && !e.unanswered() {
		// The first root counts, or a trace of many would never be decided.
		e.ended = false
		if at := now.Add(t.limits.Linger); at.Before(e.at) {
			e.at = at
			heap.Fix(&t.open, e.index)
		}
	}
	if e.spans >= t.limits.Spans {
		t.decide(e, t.release(e), now) // a trace without end goes on, a part at a time
	}
	for t.held > maxHeld && len(t.open) > 0 {
		t.close(t.open[0], now)
	}
}

func (t *Table) hold(e *entry, n *Node) {
	if e.waiting == nil {
		e.waiting = map[trace.SpanID][]*Node{}
	}
	e.waiting[n.place()] = append(e.waiting[n.place()], n)
	if n.TimedOut && !n.Record && (n.Target != 0 || n.Step.Kind == "CLIENT") {
		e.timeouts = append(e.timeouts, n)
	}
	t.count(e, n, 1)
}

// count adds a node to what waits, or takes it away.
func (t *Table) count(e *entry, n *Node, by int) {
	e.spans += by
	if n.counts() {
		e.counts += by
	}
	t.held += int64(by) * n.size()
}

// tree takes a root and the nodes below it from those that wait.
func (t *Table) tree(e *entry, root *Node) []*Node {
	var nodes []*Node
	siblings := e.waiting[root.Parent] // of which none is there if the root was decided before
	if i := slices.Index(siblings, root); i >= 0 {
		nodes = append(nodes, root)
		if siblings = slices.Delete(siblings, i, i+1); len(siblings) == 0 {
			delete(e.waiting, root.Parent)
		} else {
			e.waiting[root.Parent] = siblings
		}
	}
	for parents := []trace.SpanID{root.Span}; len(parents) > 0; {
		id := parents[len(parents)-1]
		parents = parents[:len(parents)-1]
		for _, n := range e.waiting[id] {
			nodes = append(nodes, n)
			parents = append(parents, n.Span)
		}
		delete(e.waiting, id) // so that a circle of parents ends
	}
	for _, n := range nodes {
		t.count(e, n, -1)
	}
	e.timeouts = slices.DeleteFunc(e.timeouts, func(n *Node) bool { return slices.Contains(nodes, n) })
	return nodes
}

// release takes all nodes that wait.
func (t *Table) release(e *entry) []*Node {
	nodes := make([]*Node, 0, e.spans)
	for _, siblings := range e.waiting {
		nodes = append(nodes, siblings...)
	}
	for _, n := range nodes {
		t.count(e, n, -1)
	}
	e.waiting, e.timeouts = nil, nil
	return nodes
}

// unanswered reports whether a call that timed out waits whose callee is not
// there yet: that takes as long as it likes.
func (e *entry) unanswered() bool {
	return slices.ContainsFunc(e.timeouts, func(n *Node) bool { return len(e.waiting[n.Span]) == 0 })
}

func (t *Table) root(n *Node) bool {
	if n.Record {
		return !n.Span.IsValid()
	}
	if t.limits.Whole {
		return !n.Parent.IsValid()
	}
	return n.localRoot()
}

// follow makes an entry, and room for it.
func (t *Table) follow(id trace.TraceID, now time.Time) *entry {
	for len(t.traces) >= t.limits.Traces {
		if len(t.closed) == 0 {
			t.close(t.open[0], now)
		}
		t.forget(t.closed[0])
	}
	e := &entry{id: id, at: now.Add(t.limits.Wait)}
	t.traces[id] = e
	heap.Push(&t.open, e)
	return e
}

// Advance decides and forgets what is due.
func (t *Table) Advance(now time.Time) {
	t.recent.advance(now.Add(-t.limits.Wait))
	for len(t.open) > 0 && !t.open[0].at.After(now) {
		t.close(t.open[0], t.open[0].at)
	}
	for len(t.closed) > 0 && !t.closed[0].at.After(now) {
		t.forget(t.closed[0])
	}
}

// CloseAll decides every trace that is open, without waiting for its root.
func (t *Table) CloseAll(now time.Time) {
	for len(t.open) > 0 {
		t.close(t.open[0], now)
	}
}

// Next returns when Advance has something to do. It is zero if no trace is
// followed.
func (t *Table) Next() time.Time {
	var next time.Time
	for _, q := range []queue{t.open, t.closed} {
		if len(q) > 0 && (next.IsZero() || q[0].at.Before(next)) {
			next = q[0].at
		}
	}
	return next
}

// Len returns how many traces are open.
func (t *Table) Len() int { return len(t.open) }

func (t *Table) close(e *entry, now time.Time) {
	heap.Remove(&t.open, e.index)
	e.closed = true
	e.at = now.Add(t.limits.Wait)
	heap.Push(&t.closed, e)
	t.decide(e, t.release(e), now)
}

func (t *Table) reopen(e *entry, now time.Time) {
	heap.Remove(&t.closed, e.index)
	e.closed = false
	e.at = now.Add(lateWait)
	if e.known == nil { // nothing was decided: it was opened by an echo
		e.at = now.Add(t.limits.Wait)
	}
	heap.Push(&t.open, e)
}

func (t *Table) forget(e *entry) {
	heap.Remove(&t.closed, e.index)
	delete(t.traces, e.id)
	t.mark.Remove(e.id, e.marks)
	t.relations -= len(e.known) + len(e.older)
}

// decide answers for nodes of an entry, which it does not hold any more.
func (t *Table) decide(e *entry, nodes []*Node, now time.Time) {
	f := link(t.fold(e, nodes))
	found, retried := f.failures()
	for _, n := range retried {
		// What ends later below it, as in a server that the caller did not
		// wait for, is as little of a failure.
		t.learn(e, n.Span, member)
		t.decided(n, correlate.Retried, nil)
	}
	for _, fail := range found {
		t.answer(e, f, fail, now)
	}
}

func (t *Table) answer(e *entry, f *forest, fail failure, now time.Time) {
	switch {
	case !fail.wanted:
		for _, n := range fail.members {
			t.decided(n, correlate.NoRule, nil)
		}
		return
	case fail.canceled:
		// What waited for it in vain may end later: that is a failure.
		for _, n := range fail.members {
			t.decided(n, correlate.Canceled, nil)
		}
		return
	}
	origins := fail.origins
	if e.echoed(origins) {
		origins = nil
	}
	for _, n := range fail.members {
		t.learn(e, n.Span, member)
		switch {
		case len(origins) == 0:
			t.decided(n, correlate.LateSymptom, nil)
		case slices.ContainsFunc(origins, func(o origin) bool { return o.via == n }):
			t.decided(n, correlate.Origin, nil)
		default:
			t.decided(n, correlate.Symptom, origins[0].node)
		}
	}
	f.eachAncestor(fail.members[0], func(id trace.SpanID) { t.learn(e, id, ancestor) })
	for i, o := range origins {
		root := f.describe(o.node)
		t.echo(root, o.node, now)
		t.found(Found{Node: o.node, By: o.by, Further: i > 0}, now)
	}
}

// queue is a heap of entries, the earliest first.
type queue []*entry

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i]; q[i].index, q[j].index = i, j }
func (q *queue) Push(x any)        { e := x.(*entry); e.index = len(*q); *q = append(*q, e) }
func (q *queue) Pop() any {
	old := *q
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	return e
}
