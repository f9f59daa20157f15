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

// path returns the nodes from n to the root.
func (f *forest) path(n *Node) []*Node {
	nodes := []*Node{n}
	for len(nodes) < maxPath {
		if n = f.parent(n); n == nil {
			break
		}
		nodes = append(nodes, n)
	}
	return nodes
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

// describe completes the occurrence of an origin with what its path tells, and
// returns the root.
func (f *forest) describe(n *Node) (root *Node) {
	o := correlate.Occurrence{}
	if n.Occurrence != nil {
		o = *n.Occurrence
	}
	o.Path = nil
	for _, p := range f.path(n) {
		o.Path = append(o.Path, p.Step)
		if o.User == 0 {
			o.User = p.User
		}
		root = p
	}
	o.RemoteParent, o.Caller = root.Remote, ""
	if root.Remote {
		o.Caller = root.Parent.String()
	}
	o.Links = nil
	for _, l := range root.Links {
		o.Links = append(o.Links, correlate.Link{TraceID: l.Trace.String(), SpanID: l.Span.String()})
	}
	n.Occurrence = &o
	return root
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
