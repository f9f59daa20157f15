package assemble

import "time"

// slowest returns the operation that a slow one, or one that timed out, waited
// for: the deepest that took most of the time of what is above it. It is n itself
// if there is none below.
//
// A call of which the callee answers only for the smaller part was slow on the
// way there: by the network, or because the callee took it late. Then it is the
// callee, unless calls of other services were as slow at the same place: what
// they have in common is the caller.
func (f *forest) slowest(n *Node) *Node {
	at := n
	for range maxPath {
		next := f.longestBelow(at, n)
		if next == nil {
			break
		}
		at = next
	}
	callee := f.callee(at)
	if callee == nil || 2*f.onTheWay(at) < at.End.Sub(at.Start) {
		return at
	}
	p := f.parent(at)
	if p == nil {
		return callee
	}
	for _, c := range f.children[p.Span] {
		other := f.callee(c)
		if other != nil && other.Step.Service != callee.Step.Service && 2*f.onTheWay(c) >= f.onTheWay(at) {
			return p
		}
	}
	return callee
}

// longestBelow returns the healthy child that took most of the time of a node,
// as far as that is within the time of another, or nil.
func (f *forest) longestBelow(at, within *Node) (next *Node) {
	most := at.within(within) / 2
	for _, c := range f.children[at.Span] {
		if c.within(within) > most && !c.counts() && f.parent(c) == at {
			next = f.longer(next, c)
		}
	}
	return next
}

// callee returns the operation of another service that a node called, or nil if
// it is not seen.
func (f *forest) callee(n *Node) *Node {
	for _, c := range f.children[n.Span] {
		if f.parent(c) == n && c.Step.Service != n.Step.Service {
			return c
		}
	}
	return nil
}

// onTheWay returns how much of the time of a call its callee does not answer for.
func (f *forest) onTheWay(n *Node) time.Duration {
	return n.End.Sub(n.Start) - f.callee(n).within(n)
}

// longer returns the node that took longer; of two that took the same, the
// first. Of two that took about the same time at once, it is the one below which
// there is more to see: the other was waiting for the same.
func (f *forest) longer(a, b *Node) *Node {
	if a == nil {
		return b
	}
	tookA, tookB := a.End.Sub(a.Start), b.End.Sub(b.Start)
	if 5*min(tookA, tookB) >= 4*max(tookA, tookB) && 2*a.within(b) >= tookB {
		if la, lb := len(f.children[a.Span]) > 0, len(f.children[b.Span]) > 0; la != lb {
			if la {
				return a
			}
			return b
		}
	}
	if tookB > tookA {
		return b
	}
	return a
}
