package celrule

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
)

// postings finds the rules that the value of one subject keeps possible. Rules
// are named by their position in an index.
type postings struct {
	typ      attributeType // of the subject, if it is an attribute
	texts    map[string][]int32
	filter   filter // of texts
	whole    map[int64][]int32
	truths   [2][]int32
	present  []int32
	prefixes []prefixed // sorted
	heads    filter     // of the beginnings of prefixes, as long as the shortest
	head     int        // their length, in bytes
	above    []bound    // by rising limit
	below    []bound    // by falling limit
}

type bound struct {
	limit float64
	rule  int32
}

type prefixed struct {
	prefix  string
	shorter int // the longest other prefix that this one begins with, or -1
	rules   []int32
}

// fileable reports whether a rule that needs the condition can be found by the
// value of its subject.
func (c *condition) fileable() bool {
	if c.subject.what == resourceAttribute || c.subject.host {
		return false // an index is of one resource, and hosts are compared in any case
	}
	switch c.op {
	case equal:
		// Fractions are left out: nobody counts on them to be equal. So are whole
		// numbers that equal some real number beside themselves.
		return !slices.ContainsFunc(c.values, func(v value) bool {
			f, isExact := v.number()
			return v.isNumber() && !(isExact && isWhole(f))
		})
	case prefix, less, lessOrEqual, greater, greaterOrEqual, present:
		return true
	}
	return false
}

func isWhole(f float64) bool { return f == math.Trunc(f) && math.Abs(f) < exact }

// file makes a rule findable by a condition that it needs.
func (p *postings) file(c *condition, rule int32) {
	switch c.op {
	case present:
		p.present = append(p.present, rule)
	case prefix:
		for _, v := range c.values {
			p.prefixes = append(p.prefixes, prefixed{prefix: v.text, rules: []int32{rule}})
		}
	case less, lessOrEqual:
		limit, _ := c.values[0].number()
		p.below = append(p.below, bound{limit, rule})
	case greater, greaterOrEqual:
		limit, _ := c.values[0].number()
		p.above = append(p.above, bound{limit, rule})
	case equal:
		for _, v := range c.values {
			p.fileEqual(v, rule)
		}
	}
}

func (p *postings) fileEqual(v value, rule int32) {
	switch v.kind {
	case kindText:
		if p.texts == nil {
			p.texts = make(map[string][]int32)
		}
		p.texts[v.text] = append(p.texts[v.text], rule)
	case kindInt, kindFloat:
		if p.whole == nil {
			p.whole = make(map[int64][]int32)
		}
		n := v.n
		if v.kind == kindFloat {
			n = int64(v.f)
		}
		p.whole[n] = append(p.whole[n], rule)
	case kindBool:
		p.truths[v.n] = append(p.truths[v.n], rule)
	}
}

// seal sorts what was filed. After it nothing may be.
func (p *postings) seal() {
	p.filter = newFilter(slices.Collect(maps.Keys(p.texts)))
	slices.SortStableFunc(p.above, func(a, b bound) int { return cmp.Compare(a.limit, b.limit) })
	slices.SortStableFunc(p.below, func(a, b bound) int { return cmp.Compare(b.limit, a.limit) })
	slices.SortStableFunc(p.prefixes, func(a, b prefixed) int { return strings.Compare(a.prefix, b.prefix) })
	var unique []prefixed
	for _, q := range p.prefixes {
		last := len(unique) - 1
		if last >= 0 && unique[last].prefix == q.prefix {
			unique[last].rules = append(unique[last].rules, q.rules...)
			continue
		}
		// What q begins with sorts before it, with only such prefixes in between
		// that begin with it too.
		for last >= 0 && !strings.HasPrefix(q.prefix, unique[last].prefix) {
			last = unique[last].shorter
		}
		q.shorter = last
		unique = append(unique, q)
	}
	p.prefixes = unique
	p.head = math.MaxInt
	for _, q := range unique {
		p.head = min(p.head, len(q.prefix))
	}
	var heads []string
	for _, q := range unique {
		heads = append(heads, q.prefix[:p.head])
	}
	p.heads = newFilter(heads)
}

// find appends the rules that are possible with the value.
func (p *postings) find(v value, out []int32) []int32 {
	switch v.kind {
	case kindNone:
		return out
	case kindText:
		out = p.findText(v.text, out)
	case kindInt:
		out = p.findInt(v.n, out)
	case kindFloat:
		if isWhole(v.f) {
			out = append(out, p.whole[int64(v.f)]...)
		}
		out = p.findNumber(v.f, out)
	case kindBool:
		out = append(out, p.truths[v.n]...)
	case kindDigits:
		var room [20]byte
		out = p.findText(string(strconv.AppendInt(room[:0], v.n, 10)), out)
	}
	return append(out, p.present...)
}

// findAttribute is find, without the detour for what most attributes are.
func (p *postings) findAttribute(v *attribute.Value, out []int32) []int32 {
	if p.typ <= textType && p.present == nil && v.Type() == attribute.STRING {
		return p.findText(v.AsString(), out)
	}
	return p.find(toValue(v, p.typ), out)
}

func (p *postings) findText(text string, out []int32) []int32 {
	if p.filter.mayHave(text) {
		out = append(out, p.texts[text]...)
	}
	if p.prefixes != nil {
		out = p.findPrefixes(text, out)
	}
	return out
}

func (p *postings) findInt(n int64, out []int32) []int32 {
	if p.whole != nil {
		out = append(out, p.whole[n]...)
	}
	return p.findNumber(float64(n), out)
}

func (p *postings) findNumber(f float64, out []int32) []int32 {
	for i := 0; i < len(p.above) && p.above[i].limit <= f; i++ {
		out = append(out, p.above[i].rule)
	}
	for i := 0; i < len(p.below) && p.below[i].limit >= f; i++ {
		out = append(out, p.below[i].rule)
	}
	return out
}

func (p *postings) findPrefixes(text string, out []int32) []int32 {
	if len(text) < p.head || !p.heads.mayHave(text[:p.head]) {
		return out
	}
	lo, hi := 0, len(p.prefixes) // the last one that does not sort after text
	for lo < hi {
		if mid := (lo + hi) / 2; p.prefixes[mid].prefix <= text {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	for i := lo - 1; i >= 0; i = p.prefixes[i].shorter {
		if strings.HasPrefix(text, p.prefixes[i].prefix) {
			out = append(out, p.prefixes[i].rules...)
		}
	}
	return out
}
