package celrule

import (
	"maps"
	"slices"
)

// index finds the rules that a span of one resource and one status can match.
// Each rule is filed under one condition that it needs: the one that it shares
// with the fewest other rules, so that a span meets as few rules as possible.
type index struct {
	rules  []filed
	fields [subjectKinds]*postings // nil where nothing is filed
	attrs  map[string]*postings
	keys   filter  // of attrs
	always []int32 // rules that no condition could file
}

// filed is a rule with what is left of its conditions for the spans of an index.
type filed struct {
	rule         int // in the set
	when, unless condition
}

// newIndex builds the index of the spans for which lookup knows some subjects.
func newIndex(rules []*rule, lookup func(subject) (value, bool)) *index {
	x := &index{attrs: make(map[string]*postings)}
	shared := make(map[posting]int)
	for i, r := range rules {
		f := filed{rule: i, when: r.when.condition.given(lookup), unless: condition{answer: no}}
		if r.unless != nil {
			f.unless = r.unless.condition.given(lookup)
		}
		if f.when.op == open && f.when.answer == no {
			continue // never for these spans
		}
		f.when.count(shared)
		x.rules = append(x.rules, f)
	}
	for i := range x.rules {
		needs, _, ok := x.rules[i].when.rarest(shared)
		if !ok {
			x.always = append(x.always, int32(i))
			continue
		}
		for _, c := range needs {
			x.postings(c.subject).file(c, int32(i))
		}
	}
	for _, p := range x.fields {
		if p != nil {
			p.seal()
		}
	}
	for _, p := range x.attrs {
		p.seal()
	}
	x.keys = newFilter(maps.Keys(x.attrs), len(x.attrs))
	return x
}

func (x *index) postings(s subject) *postings {
	if s.what != spanAttribute {
		if x.fields[s.what] == nil {
			x.fields[s.what] = new(postings)
		}
		return x.fields[s.what]
	}
	p := x.attrs[s.key]
	if p == nil {
		p = new(postings)
		x.attrs[s.key] = p
	}
	return p
}

// candidates appends the rules that the span can match, in order; some stand
// there twice.
func (x *index) candidates(p *probe, out []int32) []int32 {
	for w, ps := range x.fields {
		if ps != nil {
			out = ps.find(p.value(subject{what: what(w)}), out)
		}
	}
	attrs := p.attrs
	if len(x.attrs) == 0 {
		attrs = nil
	}
	for i := range attrs {
		key := string(attrs[i].Key)
		if !x.keys.mayHave(key) {
			continue
		}
		if ps := x.attrs[key]; ps != nil {
			out = ps.find(toValue(&attrs[i]), out)
		}
	}
	out = append(out, x.always...)
	slices.Sort(out)
	return out
}

// posting is what a rule can be filed under.
type posting struct {
	subject subject
	op      op
	value   value // of equal and prefix
}

// postingsOf returns what a condition is filed under.
func (c *condition) postingsOf() []posting {
	if c.op != equal && c.op != prefix {
		return []posting{{subject: c.subject, op: c.op}}
	}
	var out []posting
	for _, v := range c.values {
		out = append(out, posting{c.subject, c.op, v})
	}
	return out
}

// count counts what rules could be filed under.
func (c *condition) count(shared map[posting]int) {
	for i := range c.args {
		c.args[i].count(shared)
	}
	if c.fileable() {
		for _, p := range c.postingsOf() {
			shared[p]++
		}
	}
}

// rarest returns conditions of which one holds whenever c does, those that are
// shared least, and how much they are.
func (c *condition) rarest(shared map[posting]int) (needs []*condition, weight int, ok bool) {
	switch c.op {
	case all:
		for i := range c.args {
			if n, w, found := c.args[i].rarest(shared); found && (!ok || w < weight) {
				needs, weight, ok = n, w, true
			}
		}
		return needs, weight, ok
	case any_:
		for i := range c.args {
			n, w, found := c.args[i].rarest(shared)
			if !found {
				return nil, 0, false
			}
			needs, weight = append(needs, n...), weight+w
		}
		return needs, weight, true
	}
	if !c.fileable() {
		return nil, 0, false
	}
	for _, p := range c.postingsOf() {
		weight += shared[p] * commonness(c)
	}
	return []*condition{c}, weight, true
}

// commonness guesses how many spans meet a condition. Limits are mostly set
// where few spans go.
func commonness(c *condition) int {
	switch {
	case c.op == greater, c.op == greaterOrEqual:
		return 1
	case c.subject.what == spanKind, c.op == present:
		return 256
	case c.subject.what == scopeName, c.op == less, c.op == lessOrEqual:
		return 128
	case c.op == prefix:
		return 32
	}
	return 16
}
