package gitleaks

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spanticket/spanticket/redact"
)

// rule is a rule of a configuration.
type rule struct {
	id       string
	expr     string
	path     string
	group    int // of the expression that has the secret; 0 for the first that is not empty
	entropy  float64
	keywords []string // in lower case; the text must have one of them, if there are any
	allow    []*allowlist
	skip     bool // it is not for itself
}

// over returns base with what r says.
func (r *rule) over(base rule) rule {
	if r.entropy != 0 {
		base.entropy = r.entropy
	}
	if r.group != 0 {
		base.group = r.group
	}
	if r.expr != "" {
		base.expr = r.expr
	}
	if r.path != "" {
		base.path = r.path
	}
	base.keywords = slices.Concat(base.keywords, r.keywords)
	base.allow = slices.Concat(base.allow, r.allow)
	return base
}

// check returns what is wrong with r.
func (r *rule) check() error {
	if r.expr == "" && r.path == "" {
		return fmt.Errorf("gitleaks: the rule %q has neither a regex nor a path", r.id)
	}
	if _, err := syntax.Parse(r.path, syntax.Perl); err != nil {
		return fmt.Errorf("gitleaks: the rule %q: its path: %w", r.id, err)
	}
	re, err := syntax.Parse(r.expr, syntax.Perl)
	if err != nil {
		return fmt.Errorf("gitleaks: the rule %q: its regex: %w", r.id, err)
	}
	if n := re.MaxCap(); r.group < 0 || r.group > n {
		return fmt.Errorf("gitleaks: the rule %q: its secretGroup is %d, and its regex has %d groups", r.id, r.group, n)
	}
	return nil
}

// name returns the ID as the name of a kind.
func (r *rule) name() string {
	const maxName = 48
	name := strings.Map(func(c rune) rune {
		switch {
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
			return c
		case 'A' <= c && c <= 'Z':
			return c | 0x20
		}
		return '-'
	}, r.id)
	return strings.TrimRight(name[:min(len(name), maxName)], "-")
}

// kind returns r made ready, with the allowlists for all rules.
//
// An expression that begins with one of a few words is tried where one of those
// stands, and there alone. All others are tried on the whole of each text that has
// a keyword, as gitleaks does.
func (r *rule) kind(global []*allowlist) (redact.Kind, error) {
	k := redact.Kind{Name: r.name()}
	if k.Name == "" {
		return k, fmt.Errorf("gitleaks: the rule %q: its id has no letter and no digit, and makes no mark", r.id)
	}
	m := &matcher{rule: r, allow: slices.Concat(global, r.allow), labels: map[int]bool{}}
	tree, err := syntax.Parse(r.expr, syntax.Perl)
	if err != nil {
		return k, err
	}
	label(m.labels, tree, false)
	begin := beginningOf(tree)
	if words := begin.words; len(words) > 0 && r.impliedBy(words) {
		m.prefix, m.reach = begin.prefix, begin.reach
		if err := m.anchored(begin.rest); err == nil {
			k.Keywords, k.Find = words, m.find
			return k, nil
		}
	}
	if err := m.anywhere(r.expr); err != nil {
		return k, fmt.Errorf("gitleaks: the rule %q: its regex: %w", r.id, err)
	}
	k.FindAll = m.findAll
	for _, w := range r.keywords {
		w = w[:min(len(w), maxWord)]
		if len(w) < 2 || strings.ContainsFunc(w, func(c rune) bool { return c >= utf8.RuneSelf }) {
			k.Keywords = nil // it cannot be looked for, so every text is tried
			break
		}
		k.Keywords = append(k.Keywords, w)
	}
	return k, nil
}

// label adds the groups of re that are named or repeated.
func label(labels map[int]bool, re *syntax.Regexp, repeated bool) {
	switch re.Op {
	case syntax.OpStar, syntax.OpPlus, syntax.OpRepeat:
		repeated = true
	case syntax.OpCapture:
		labels[re.Cap] = repeated || re.Name != ""
	}
	for _, sub := range re.Sub {
		label(labels, sub, repeated)
	}
}

// impliedBy reports whether a text that has one of the words has a keyword.
func (r *rule) impliedBy(words []string) bool {
	if len(r.keywords) == 0 {
		return true
	}
	for _, w := range words {
		if !slices.ContainsFunc(r.keywords, func(k string) bool { return strings.Contains(w, k) }) {
			return false
		}
	}
	return true
}
