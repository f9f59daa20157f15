package assemble

// findRetried marks the failed calls that were made again, to the same target,
// and went well, under a parent that did not fail. Without a target there is no
// telling a second attempt from the next piece of work.
func (f *forest) findRetried(siblings []*Node) {
	if p := f.parent(siblings[0]); p.Step.Failed {
		return
	}
	lastOK := map[uint64]*Node{}
	for i := len(siblings) - 1; i >= 0; i-- {
		n := siblings[i]
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

// attempts finds the first of several attempts at a call, none of which went
// well: they are one failure.
type attempts map[attempt]*Node

type attempt struct {
	parent *Node
	target uint64
}

// first returns the first attempt at the call that n is, if n was made after it
// had failed, and remembers n if it is the first itself.
func (a attempts) first(f *forest, n *Node) *Node {
	p := f.parent(n)
	if p == nil || n.Target == 0 || !n.Step.Failed {
		return nil
	}
	key := attempt{p, n.Target}
	first := a[key]
	if first == nil {
		a[key] = n
		return nil
	}
	if n.Start.Before(first.End) {
		return nil
	}
	return first
}
