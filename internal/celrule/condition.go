package celrule

import (
	"slices"
	"strconv"
	"strings"
)

// tri is the answer to a question that may be open.
type tri uint8

const (
	no tri = iota
	unknown
	yes
)

func known(b bool) tri {
	if b {
		return yes
	}
	return no
}

// condition is what is known of a rule's condition without CEL, and without
// allocating: CEL's own three-valued logic over simple comparisons, in which
// everything else is unknown. Whenever it knows the answer, CEL gives the same.
type condition struct {
	op      op
	answer  tri         // of open
	args    []condition // of allOf, anyOf and negation
	subject subject     // of the others
	values  []value     // that it is compared with; of prefix, each of them
	pattern *patterns   // of match
}

type op uint8

const (
	open op = iota // answer is all there is to know
	allOf
	anyOf
	negation
	equal  // one of values
	prefix // one of values
	suffix
	contains
	match
	less
	lessOrEqual
	greater
	greaterOrEqual
	present
)

// eval answers the condition for a span.
func (c *condition) eval(p *probe) tri {
	switch c.op {
	case open:
		return c.answer
	case allOf:
		answer := yes
		for i := range c.args {
			if answer = min(answer, c.args[i].eval(p)); answer == no {
				break
			}
		}
		return answer
	case anyOf:
		answer := no
		for i := range c.args {
			if answer = max(answer, c.args[i].eval(p)); answer == yes {
				break
			}
		}
		return answer
	case negation:
		return yes - c.args[0].eval(p)
	}
	return c.compare(p.value(&c.subject))
}

// compare answers a comparison for a value of its subject.
func (c *condition) compare(v value) tri {
	switch {
	case c.op == present:
		return known(v.kind != kindNone)
	case c.op == match:
		return c.match(v)
	case v.kind == kindDigits:
		var room [20]byte
		v = textValue(string(strconv.AppendInt(room[:0], v.n, 10)))
	}
	switch c.op {
	case equal:
		answer := no
		for i := range c.values {
			answer = max(answer, c.equal(&v, &c.values[i]))
		}
		return answer
	case prefix:
		for i := range c.values {
			if v.kind == kindText && strings.HasPrefix(v.text, c.values[i].text) {
				return yes
			}
		}
		return no
	case suffix:
		return known(v.kind == kindText && strings.HasSuffix(v.text, c.values[0].text))
	case contains:
		return known(v.kind == kindText && strings.Contains(v.text, c.values[0].text))
	}
	if !v.isNumber() {
		return no
	}
	cmp, ok := v.compare(c.values[0])
	if !ok {
		return unknown
	}
	switch c.op {
	case less:
		return known(cmp < 0)
	case lessOrEqual:
		return known(cmp <= 0)
	case greater:
		return known(cmp > 0)
	default:
		return known(cmp >= 0)
	}
}

// equal compares as CEL does what it would be given.
func (c *condition) equal(v, with *value) tri {
	if c.subject.host && v.kind == kindText {
		return known(with.kind == kindText && isLowerOf(with.text, v.text))
	}
	return v.equal(with)
}

func (c *condition) match(v value) tri {
	if v.kind != kindText && v.kind != kindDigits {
		return no
	}
	return c.pattern.match(v.String())
}

// given returns what is left of the condition once some of its subjects are known.
func (c condition) given(lookup func(subject) (value, bool)) condition {
	switch c.op {
	case open:
		return c
	case allOf, anyOf, negation:
		args := make([]condition, 0, len(c.args))
		for _, arg := range c.args {
			args = append(args, arg.given(lookup))
		}
		return join(c.op, args)
	}
	if v, ok := lookup(c.subject); ok {
		if answer := c.compare(v); answer != unknown {
			return condition{answer: answer}
		}
	}
	return c
}

// join makes a condition of conditions, as simple as it can be.
func join(o op, args []condition) condition {
	if o == negation {
		if args[0].op == open {
			return condition{answer: yes - args[0].answer}
		}
		return condition{op: negation, args: args}
	}
	decisive, neutral := no, yes // of allOf
	if o == anyOf {
		decisive, neutral = yes, no
	}
	var rest []condition
	for _, arg := range args {
		switch {
		case arg.op == open && arg.answer == decisive:
			return arg
		case arg.op == open && arg.answer == neutral:
		case arg.op == o:
			rest = append(rest, arg.args...)
		default:
			rest = append(rest, arg)
		}
	}
	switch len(rest) {
	case 0:
		return condition{answer: neutral}
	case 1:
		return rest[0]
	}
	// What is cheap to look at comes first; the order does not change the answer.
	slices.SortStableFunc(rest, func(a, b condition) int { return a.cost() - b.cost() })
	return condition{op: o, args: rest}
}

// cost orders conditions by what they look at.
func (c condition) cost() int {
	switch c.op {
	case open:
		return subjectKinds
	case allOf, anyOf, negation:
		cost := 0
		for _, arg := range c.args {
			cost = max(cost, arg.cost())
		}
		return cost
	}
	if c.op == match {
		return subjectKinds
	}
	return int(c.subject.what)
}
