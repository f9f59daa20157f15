package assemble

import (
	"bytes"
	"slices"

	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/correlate"
)

// maxPath bounds the steps from an origin to its root.
const maxPath = 64

// forest is the spans of one trace, linked, in order. Spans whose parent is not
// there are roots of their own. Of spans with the same ID the earliest is the
// parent of what names it.
type forest struct {
	nodes    []*Node
	byID     map[trace.SpanID]*Node
	children map[trace.SpanID][]*Node
	cut      map[*Node]bool // roots, whatever parent they name
	retried  map[*Node]bool
}

func link(nodes []*Node) *forest {
	f := &forest{
		nodes:    slices.SortedFunc(slices.Values(nodes), earlier),
		byID:     make(map[trace.SpanID]*Node, len(nodes)),
		children: make(map[trace.SpanID][]*Node, len(nodes)),
		cut:      map[*Node]bool{},
		retried:  map[*Node]bool{},
	}
	for _, n := range f.nodes {
		if n.Span.IsValid() && f.byID[n.Span] == nil {
			f.byID[n.Span] = n
		}
	}
	f.cutCircles()
	for _, n := range f.nodes {
		if p := f.parent(n); p != nil {
			f.children[p.Span] = append(f.children[p.Span], n)
		}
	}
	for _, siblings := range f.children {
		f.findRetried(siblings)
	}
	return f
}

// parent returns the parent if it is there. A span that names itself has none.
func (f *forest) parent(n *Node) *Node {
	if n.Parent == n.Span || f.cut[n] {
		return nil
	}
	return f.byID[n.Parent]
}

// cutCircles makes a root of the earliest of spans that are each other's
// ancestors, so that every walk up ends.
func (f *forest) cutCircles() {
	met := make(map[*Node]int, len(f.nodes)) // on the walk from which node
	for i, n := range f.nodes {
		p := n
		for ; p != nil; p = f.parent(p) {
			if _, ok := met[p]; ok {
				break
			}
			met[p] = i
		}
		if p == nil || met[p] != i {
			continue
		}
		first := p
		for q := f.parent(p); q != p; q = f.parent(q) {
			if earlier(q, first) < 0 {
				first = q
			}
		}
		f.cut[first] = true
	}
}

// findRetried marks the failed calls that were made again, to the same target,
// and went well, under a parent that did not fail. Without a target there is no
// telling a second attempt from the next piece of work.
func (f *forest) findRetried(siblings []*Node) {
	if p := f.parent(siblings[0]); p.Step.Failed {
		return
	}
	lastOK := map[uint64]*Node{}
	for _, n := range slices.Backward(siblings) {
		if n.Target == 0 {
			continue
		}
		if !n.Step.Failed {
			if lastOK[n.Target] == nil {
				lastOK[n.Target] = n
			}
		} else if ok := lastOK[n.Target]; ok != nil && !ok.Start.Before(n.End) {
			f.retried[n] = true
		}
	}
}

// above returns the nearest ancestor that counts, whether or not it is retried.
func (f *forest) above(n *Node) *Node {
	p := f.parent(n)
	for range maxPath {
		if p == nil || p.counts() {
			return p
		}
		p = f.parent(p)
	}
	return nil
}

// path returns the steps from n to the root, and the node of the last one.
func (f *forest) path(n *Node) ([]correlate.Step, *Node) {
	steps := []correlate.Step{n.Step}
	for len(steps) < maxPath {
		p := f.parent(n)
		if p == nil {
			break
		}
		steps = append(steps, p.Step)
		n = p
	}
	return steps, n
}

// failure is the nodes that failed together: one that counts, with nothing
// above it that does, and everything below it that does.
type failure struct {
	members []*Node
	origin  *Node
	by      *Node // whose rule takes it; nil if no member was matched
}

// failures finds what failed in a trace, apart from what was retried.
// The result does not depend on the order of the nodes.
func (f *forest) failures() (found []failure, retried []*Node) {
	below := map[*Node][]*Node{} // the nearest ones that count
	var tops []*Node
	gone := f.withinRetried()
	for _, n := range f.nodes {
		if !n.counts() {
			continue
		}
		if gone[n] {
			retried = append(retried, n)
		} else if p := f.above(n); p != nil && !gone[p] {
			below[p] = append(below[p], n)
		} else {
			tops = append(tops, n)
		}
	}
	for _, top := range tops {
		fail := failure{origin: top}
		stack := []*Node{top}
		for len(stack) > 0 {
			n := stack[len(stack)-1]
			stack = append(stack[:len(stack)-1], below[n]...)
			fail.members = append(fail.members, n)
		}
		chain := []*Node{top}
		for len(below[fail.origin]) > 0 {
			fail.origin = cause(below[fail.origin])
			chain = append(chain, fail.origin)
		}
		for _, n := range slices.Backward(chain) {
			if n.Matched {
				fail.by = n
				break
			}
		}
		if fail.by == nil {
			if i := slices.IndexFunc(fail.members, func(n *Node) bool { return n.Matched }); i >= 0 {
				fail.by = fail.members[i]
			}
		}
		f.describe(fail.origin)
		found = append(found, fail)
	}
	return found, retried
}

// cause returns which of the nodes below one that counts made it do so: the
// earliest that failed, because what came after it was tried again, or tried
// instead. One that was only matched, as slow, is the cause if none failed.
func cause(below []*Node) *Node {
	if i := slices.IndexFunc(below, func(n *Node) bool { return n.Step.Failed }); i >= 0 {
		return below[i]
	}
	return below[0]
}

// withinRetried returns the nodes that are retried or lie below one that is.
func (f *forest) withinRetried() map[*Node]bool {
	gone := map[*Node]bool{}
	if len(f.retried) == 0 {
		return gone
	}
	for _, n := range f.nodes {
		p := n
		for range maxPath {
			if p == nil {
				break
			}
			if f.retried[p] {
				gone[n] = true
				break
			}
			p = f.parent(p)
		}
	}
	return gone
}

// eachAncestor calls fn with the ID of each span above n, the one beyond the
// last that is there included.
func (f *forest) eachAncestor(n *Node, fn func(trace.SpanID)) {
	for range maxPath {
		fn(n.Parent)
		if n = f.parent(n); n == nil {
			return
		}
	}
}

// describe completes the occurrence of an origin with its path.
func (f *forest) describe(n *Node) {
	o := *n.Occurrence
	steps, last := f.path(n)
	o.Path = steps
	o.RemoteParent = last.Remote
	n.Occurrence = &o
}

// earlier orders nodes by start, end and span ID. Of spans with the same ID
// and times, which are recorded in error, it prefers the one that says more.
func earlier(a, b *Node) int {
	if c := a.Start.Compare(b.Start); c != 0 {
		return c
	}
	if c := a.End.Compare(b.End); c != 0 {
		return c
	}
	if c := bytes.Compare(a.Span[:], b.Span[:]); c != 0 {
		return c
	}
	if c := bytes.Compare(a.Parent[:], b.Parent[:]); c != 0 {
		return c
	}
	return b.rank() - a.rank()
}

func (n *Node) rank() int {
	r := 0
	if n.Step.Failed {
		r += 2
	}
	if n.Matched {
		r++
	}
	return r
}
