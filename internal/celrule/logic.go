package celrule

import (
	"regexp"
	"slices"
	"strings"
)

// fact is that a comparison holds, or that it does not. An answer that is open
// is one that may hold or not.
type fact struct {
	c   *condition
	not bool
}

// maxTerms bounds the ways in which a condition can hold that are looked at.
const maxTerms = 256

// satisfiable reports whether a condition can hold. It says no only if that is
// certain.
func satisfiable(cs ...*condition) bool {
	ways := [][]fact{nil}
	for _, c := range cs {
		w, ok := waysOf(c, false)
		if !ok || len(ways)*len(w) > maxTerms {
			return true
		}
		ways = bothOf(ways, w)
	}
	return slices.ContainsFunc(ways, consistent)
}

// implies reports whether b holds whenever a does. It says yes only if that is
// certain.
func implies(a, b *condition) bool {
	return !satisfiable(a, &condition{op: negation, args: []condition{*b}})
}

// waysOf returns the ways in which a condition holds, or does not: each is a
// list of facts. It reports false if there are too many.
func waysOf(c *condition, not bool) ([][]fact, bool) {
	switch {
	case c.op == open && c.answer == unknown:
		return [][]fact{nil}, true
	case c.op == open:
		if (c.answer == yes) != not {
			return [][]fact{nil}, true
		}
		return nil, true
	case c.op == negation:
		return waysOf(&c.args[0], !not)
	case (c.op == allOf) != not && (c.op == allOf || c.op == anyOf):
		ways := [][]fact{nil}
		for i := range c.args {
			w, ok := waysOf(&c.args[i], not)
			if !ok || len(ways)*len(w) > maxTerms {
				return nil, false
			}
			ways = bothOf(ways, w)
		}
		return ways, true
	case c.op == allOf, c.op == anyOf:
		var ways [][]fact
		for i := range c.args {
			w, ok := waysOf(&c.args[i], not)
			if !ok || len(ways)+len(w) > maxTerms {
				return nil, false
			}
			ways = append(ways, w...)
		}
		return ways, true
	}
	return [][]fact{{{c, not}}}, true
}

func bothOf(a, b [][]fact) [][]fact {
	var out [][]fact
	for _, x := range a {
		for _, y := range b {
			out = append(out, slices.Concat(x, y))
		}
	}
	return out
}

// consistent reports whether facts can be true together. It says no only if
// that is certain.
func consistent(facts []fact) bool {
	for i, a := range facts {
		for _, b := range facts[:i] {
			if a.c.subject == b.c.subject && contradict(a, b) {
				return false
			}
		}
	}
	for w, all := range enumerated {
		left := slices.Clone(all)
		for _, f := range facts {
			if f.c.subject.what == w && f.c.op == equal {
				left = slices.DeleteFunc(left, func(s string) bool { return (f.c.compare(textValue(s)) == yes) == f.not })
			}
		}
		if len(left) == 0 {
			return false
		}
	}
	return true
}

// enumerated are the subjects that have one of a few values.
var enumerated = map[what][]string{
	spanStatus: {"ERROR", "OK", "UNSET"},
	spanKind:   {"SERVER", "CLIENT", "INTERNAL", "PRODUCER", "CONSUMER"},
}

// contradict reports whether two facts about one subject cannot both be.
func contradict(a, b fact) bool {
	switch {
	case a.not && b.not:
		return false
	case a.not:
		return includes(b.c, a.c)
	case b.not:
		return includes(a.c, b.c)
	}
	return apart(a.c, b.c) || apart(b.c, a.c)
}

// includes reports whether b holds of every value of the subject that a holds of.
func includes(a, b *condition) bool {
	switch {
	case b.op == present:
		return true // what is absent compares to nothing
	case a.op == equal:
		return len(a.values) > 0 && !slices.ContainsFunc(a.values, func(v value) bool { return b.compareConstant(v) != yes })
	case a.op == b.op && a.op == match:
		return slices.EqualFunc(a.pattern.all, b.pattern.all, func(x, y *regexp.Regexp) bool { return x.String() == y.String() })
	case slices.Contains([]op{prefix, suffix, contains}, a.op):
		return len(a.values) > 0 && !slices.ContainsFunc(a.values, func(v value) bool { return !b.holdsOfPart(a.op, v.text) })
	case a.isLower() && b.isLower(), a.isUpper() && b.isUpper():
		return b.compareConstant(a.values[0]) == yes || a.op == b.op && a.values[0].equal(&b.values[0]) == yes
	}
	return false
}

// holdsOfPart reports whether a comparison holds of every text that begins with,
// ends with or contains a part.
func (c *condition) holdsOfPart(how op, part string) bool {
	for _, v := range c.values {
		switch {
		case c.op == contains && strings.Contains(part, v.text),
			c.op == prefix && how == prefix && strings.HasPrefix(part, v.text),
			c.op == suffix && how == suffix && strings.HasSuffix(part, v.text):
			return true
		}
	}
	return false
}

// apart reports whether b holds of no value of the subject that a holds of.
func apart(a, b *condition) bool {
	switch {
	case a.op == equal:
		return !slices.ContainsFunc(a.values, func(v value) bool { return b.compareConstant(v) != no })
	case a.op == prefix && b.op == prefix:
		return !slices.ContainsFunc(a.values, func(v value) bool {
			return slices.ContainsFunc(b.values, func(w value) bool {
				return strings.HasPrefix(v.text, w.text) || strings.HasPrefix(w.text, v.text)
			})
		})
	case a.isLower() && b.isUpper(): // x > 5 and x < 3
		cmp, ok := a.values[0].compare(b.values[0])
		strict := a.op == greater || b.op == less
		return ok && (cmp > 0 || cmp == 0 && strict)
	}
	return false
}

// compareConstant answers a comparison for a constant that its subject may be.
func (c *condition) compareConstant(v value) tri {
	if c.op == present {
		return yes
	}
	return c.compare(v)
}

func (c *condition) isLower() bool { return c.op == greater || c.op == greaterOrEqual }
func (c *condition) isUpper() bool { return c.op == less || c.op == lessOrEqual }
