package celrule

import "slices"

// cover finds, among rules that take all that meets their condition, one that
// takes whatever meets another condition. A rule is looked for by one comparison
// that it needs, so that ten thousand rules are not compared with each other.
type cover struct {
	equal    map[posting][]covering // by a comparison with a constant
	subjects map[subject][]covering // by another comparison, by its subject
	others   []covering
}

// covering is a rule, and the comparison that it is looked for by, if any.
type covering struct {
	rule *rule
	need *condition
}

func newCover() *cover {
	return &cover{equal: make(map[posting][]covering), subjects: make(map[subject][]covering)}
}

// parts returns the conditions of a conjunction.
func (c *condition) parts() []condition {
	if c.op == allOf {
		return c.args
	}
	return []condition{*c}
}

func (cv *cover) add(r *rule) {
	var best *condition
	parts := r.when.condition.parts()
	for i := range parts {
		if rank := parts[i].rank(); rank > 0 && (best == nil || rank > best.rank()) {
			best = &parts[i]
		}
	}
	entry := covering{r, best}
	switch {
	case best == nil:
		cv.others = append(cv.others, entry)
	case best.op == equal:
		for _, p := range best.postingsOf() {
			cv.equal[p] = append(cv.equal[p], entry)
		}
	default:
		cv.subjects[best.subject] = append(cv.subjects[best.subject], entry)
	}
}

// rank orders comparisons by how well they tell rules apart; 0 is none.
func (c *condition) rank() int {
	switch {
	case c.op == open, c.op == allOf, c.op == anyOf, c.op == negation:
		return 0
	case c.op == equal && c.subject.what != spanStatus && c.subject.what != spanKind:
		return 4
	case c.op == prefix:
		return 3
	case c.op == equal:
		return 1
	}
	return 2
}

// find returns the first rule that takes all that meets the condition, or nil.
func (cv *cover) find(c *condition) *rule {
	parts := c.parts()
	for i := range parts {
		part := &parts[i]
		if part.op == equal {
			if ps := part.postingsOf(); len(ps) > 0 {
				if r := firstOf(cv.equal[ps[0]], parts, c); r != nil {
					return r
				}
			}
		}
		if r := firstOf(cv.subjects[part.subject], parts, c); r != nil {
			return r
		}
	}
	return firstOf(cv.others, parts, c)
}

// firstOf returns the first of the rules that takes all that meets c.
func firstOf(rules []covering, parts []condition, c *condition) *rule {
	for _, r := range rules {
		if r.need != nil && !slices.ContainsFunc(parts, func(part condition) bool {
			return part.subject == r.need.subject && part.rank() > 0 && includes(&part, r.need)
		}) {
			continue
		}
		if implies(c, &r.rule.when.condition) {
			return r.rule
		}
	}
	return nil
}
