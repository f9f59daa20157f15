package assemble

import "slices"

// failure is the nodes that failed together: one that counts, with nothing
// above it that does, and everything below it that does.
type failure struct {
	members  []*Node
	origins  []origin
	wanted   bool // a rule matched a member
	canceled bool // none failed but because its caller had given up
}

// origin is where a failure began.
type origin struct {
	node *Node // the operation
	via  *Node // the member that counts for it: itself or, if it is healthy, the one that it kept waiting
	by   *Node // whose rule takes it; nil if no member was matched
}

// maxFan bounds the independent failures below one operation.
const maxFan = 8

// failures finds what failed in a trace, apart from what was retried.
// The result does not depend on the order of the nodes.
func (f *forest) failures() (found []failure, retried []*Node) {
	below := map[*Node][]*Node{} // the nearest ones that count
	var tops []*Node
	gone := f.withinRetried()
	tried := attempts{}
	again := map[*Node]*Node{} // of attempts after the first, that
	for _, n := range f.nodes {
		if !n.counts() {
			continue
		}
		if gone[n] {
			retried = append(retried, n)
		} else if p := f.above(n); p != nil && !gone[p] {
			below[p] = append(below[p], n)
		} else if first := tried.first(f, n); first != nil {
			again[n] = first
		} else {
			tops = append(tops, n)
		}
	}
	index := make(map[*Node]int, len(tops))
	for i, top := range tops {
		index[top] = i
		fail := failure{members: members(top, below)}
		f.findOrigins(&fail, top, below)
		found = append(found, fail)
	}
	for _, n := range f.nodes { // in order, so that the result is
		if first := again[n]; first != nil {
			fail := &found[index[first]]
			fail.members = append(fail.members, members(n, below)...)
		}
	}
	for i := range found {
		found[i].judge()
	}
	return found, retried
}

// members returns a node that counts and all below it that do.
func members(top *Node, below map[*Node][]*Node) (out []*Node) {
	stack := []*Node{top}
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		stack = append(stack[:len(stack)-1], below[n]...)
		out = append(out, n)
	}
	return out
}

// findOrigins goes down from the top to where it began.
func (f *forest) findOrigins(fail *failure, top *Node, below map[*Node][]*Node) {
	type step struct{ node, by *Node }
	for walk := []step{{node: top}}; len(walk) > 0; {
		at := walk[0]
		walk = walk[1:]
		n := at.node
		if n.Matched {
			at.by = n
		}
		for _, c := range f.causes(n, below[n], maxFan-len(walk)-len(fail.origins)) {
			walk = append(walk, step{c, at.by})
			at.node = nil
		}
		if at.node == nil {
			continue
		}
		o := origin{node: n, via: n, by: at.by}
		if len(below[n]) == 0 && (n.TimedOut || n.Slow && !n.Step.Failed) {
			o.node = f.slowest(n)
		}
		fail.origins = append(fail.origins, o)
	}
}

// causes returns which of the nodes below one that counts made it do so.
//
// It is the earliest that failed: what came after it was tried again, or tried
// instead. Others that were under way by then, and are not the same call, failed
// on their own account. One that was canceled is the cause only of an operation
// that gave up, or was canceled itself: it is what that waited for. One that was
// only matched, as slow, is the cause if none failed.
func (f *forest) causes(n *Node, below []*Node, most int) (out []*Node) {
	var canceled, slow *Node
	for _, c := range below {
		switch {
		case !c.Step.Failed:
			slow = f.longer(slow, c)
		case c.Canceled:
			canceled = f.longer(canceled, c)
		case len(out) == 0 || len(out) < most && apart(c, out):
			out = append(out, c)
		}
	}
	switch {
	case len(out) > 0:
		return out
	case canceled != nil && (n.TimedOut || n.Canceled):
		return []*Node{canceled}
	case slow != nil:
		return []*Node{slow}
	}
	return nil
}

// apart reports whether a node that failed has nothing to do with others
// beside it that did, before: it had begun when they were not over, and is
// another call.
func apart(n *Node, others []*Node) bool {
	return !slices.ContainsFunc(others, func(o *Node) bool {
		return !n.Start.Before(o.End) || n.Target == o.Target && n.Step.Operation == o.Step.Operation
	})
}

// judge completes a failure whose members are known.
func (fail *failure) judge() {
	fail.canceled = true
	var by *Node
	for _, n := range fail.members {
		if n.Matched && by == nil {
			by = n
		}
		if !n.Canceled || n.Matched && n.Minds {
			fail.canceled = false
		}
	}
	fail.wanted = by != nil
	for i := range fail.origins {
		if fail.origins[i].by == nil {
			fail.origins[i].by = by
		}
	}
}
