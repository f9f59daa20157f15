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
	used   []what                  // of fields, but durations and exceptions
	attrs  map[string]*postings

	keys    filter  // of what the attributes of a span are looked at for
	healthy []int32 // what is filed under having no exception
	always  []int32 // rules that no condition could file
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
	x.seal()
	return x
}

// seal prepares for look-ups.
func (x *index) seal() {
	keys := slices.Collect(maps.Keys(x.attrs))
	for w, p := range x.fields {
		if p == nil {
			continue
		}
		p.seal()
		switch w := what(w); {
		case w >= exceptionType:
			keys = append(keys, exceptionKeys...)
		case w != spanDuration:
			x.used = append(x.used, w)
		}
	}
	for _, p := range x.attrs {
		p.seal()
	}
	x.keys = newFilter(keys)
	// Most spans have no exception, and need not look for one.
	var none probe
	none.looked = true
	x.healthy = x.exceptions(none.value, nil)
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
		p = &postings{typ: s.typ}
		x.attrs[s.key] = p
	}
	return p
}

// candidates appends the rules that the span can match, in order; some stand
// there twice.
func (x *index) candidates(p *probe, out []int32) []int32 {
	out = append(out, x.always...)
	for w := range x.used {
		out = x.fields[x.used[w]].find(p.value(&fieldSubjects[x.used[w]]), out)
	}
	if ps := x.fields[spanDuration]; ps != nil {
		out = ps.findInt(p.duration(), out)
	}
	if x.keys.bits == nil { // neither attributes nor exceptions matter
		return sorted(out)
	}
	failed := len(p.span.Events()) > 0
	for i := range p.attrs {
		key := string(p.attrs[i].Key)
		if !x.keys.mayHave(key) {
			continue
		}
		if ps := x.attrs[key]; ps != nil {
			out = ps.findAttribute(&p.attrs[i].Value, out)
		}
		failed = failed || slices.Contains(exceptionKeys, key)
	}
	if failed {
		out = x.exceptions(p.value, out)
	} else {
		out = append(out, x.healthy...)
	}
	return sorted(out)
}

func sorted(rules []int32) []int32 {
	if len(rules) > 1 {
		slices.Sort(rules)
	}
	return rules
}

// exceptions appends the rules that are possible with what is read of an exception.
func (x *index) exceptions(read func(*subject) value, out []int32) []int32 {
	for w := exceptionType; w < subjectKinds; w++ {
		if ps := x.fields[w]; ps != nil {
			out = ps.find(read(&fieldSubjects[w]), out)
		}
	}
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
	case allOf:
		for i := range c.args {
			if n, w, found := c.args[i].rarest(shared); found && (!ok || w < weight) {
				needs, weight, ok = n, w, true
			}
		}
		return needs, weight, ok
	case anyOf:
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
	case c.subject.what == statusClass:
		return 64
	case c.subject.what == scopeName, c.op == less, c.op == lessOrEqual:
		return 128
	case c.op == prefix:
		return 32
	}
	return 16
}
