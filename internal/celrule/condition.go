package celrule

import (
	"slices"
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

// condition is a condition, as far as it can be decided without CEL and without
// allocating: CEL's own three-valued logic over simple comparisons, in which
// everything else is unknown. Whenever a condition knows the answer, it is the one
// that CEL gives.
type condition struct {
	op      op
	answer  tri         // of open
	args    []condition // of all, any and not
	subject subject     // of the others
	values  []value     // that it is compared with
}

type op uint8

const (
	open op = iota // answer is all there is to know
	all
	any_
	not
	equal // one of values
	prefix
	suffix
	contains
	less
	lessOrEqual
	greater
	greaterOrEqual
	present
)

// eval answers the condition for a span.
func (t *condition) eval(p *probe) tri {
	switch t.op {
	case open:
		return t.answer
	case all:
		answer := yes
		for i := range t.args {
			if answer = min(answer, t.args[i].eval(p)); answer == no {
				break
			}
		}
		return answer
	case any_:
		answer := no
		for i := range t.args {
			if answer = max(answer, t.args[i].eval(p)); answer == yes {
				break
			}
		}
		return answer
	case not:
		return yes - t.args[0].eval(p)
	}
	return t.compare(p.value(t.subject))
}

// compare answers a comparison for a value of its subject.
func (t *condition) compare(v value) tri {
	switch t.op {
	case equal:
		answer := no
		for i := range t.values {
			answer = max(answer, v.equal(t.values[i]))
		}
		return answer
	case present:
		return known(v.kind != nothing)
	case prefix:
		return known(v.kind == textual && strings.HasPrefix(v.text, t.values[0].text))
	case suffix:
		return known(v.kind == textual && strings.HasSuffix(v.text, t.values[0].text))
	case contains:
		return known(v.kind == textual && strings.Contains(v.text, t.values[0].text))
	}
	if !v.isNumber() {
		return no
	}
	cmp, ok := v.compare(t.values[0])
	if !ok {
		return unknown
	}
	switch t.op {
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

// given returns what is left of the condition once some of its subjects are known.
func (t condition) given(lookup func(subject) (value, bool)) condition {
	switch t.op {
	case open:
		return t
	case all, any_, not:
		args := make([]condition, 0, len(t.args))
		for _, arg := range t.args {
			args = append(args, arg.given(lookup))
		}
		return join(t.op, args)
	}
	if v, ok := lookup(t.subject); ok {
		if answer := t.compare(v); answer != unknown {
			return condition{answer: answer}
		}
	}
	return t
}

// join makes a condition of conditions, as simple as it can be.
func join(o op, args []condition) condition {
	if o == not {
		if args[0].op == open {
			return condition{answer: yes - args[0].answer}
		}
		return condition{op: not, args: args}
	}
	decisive, neutral := no, yes // of all
	if o == any_ {
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
func (t condition) cost() int {
	switch t.op {
	case open:
		return subjectKinds
	case all, any_, not:
		cost := 0
		for _, arg := range t.args {
			cost = max(cost, arg.cost())
		}
		return cost
	}
	return int(t.subject.what)
}
