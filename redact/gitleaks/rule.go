package gitleaks

import (
	"fmt"
	"math"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
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
		m.anchored(begin.rest)
		k.Keywords, k.Find = words, m.find
		return k, nil
	}
	m.anywhere(r.expr)
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

// maxFind is how long a find may be, in bytes.
const maxFind = 16 << 10

// matcher finds what a rule finds.
type matcher struct {
	rule  *rule
	allow []*allowlist
	// labels are the groups that are named or repeated: what they match is part of
	// a secret at most, and all of the match is replaced, unless secretGroup says
	// otherwise.
	labels map[int]bool
	// quick tells whether there is a match, most often that there is none.
	quick func() *automaton
	// ahead tells whether there is one from a place on.
	ahead func() *automaton
	// first is the expression at the beginning of a text, after behind the
	// character before it, and all is it anywhere.
	first, after, all func() *regexp.Regexp
	// A run of prefix, of at most reach bytes, before an anchored match is part of
	// it. There is none if it is nil.
	prefix *syntax.Regexp
	reach  int
}

// lazily returns a function that compiles an expression when it is first called.
func lazily(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

// anchored makes m find what begins with a keyword and has the expression.
func (m *matcher) anchored(expr string) {
	m.anywhere(expr)
	m.quick = sync.OnceValue(func() *automaton { return newAutomaton(expr) })
	m.first = lazily(`\A(?:` + expr + `)`)
	m.after = lazily(`\A(?s:.)(?:` + expr + `)`)
}

// anywhere makes m find what has the expression, wherever it stands.
func (m *matcher) anywhere(expr string) {
	m.ahead = sync.OnceValue(func() *automaton { return newAutomaton(`(?s:.*?)(?:` + expr + `)`) })
	m.all = lazily(expr)
}

// find is the Find of a kind: its keyword, which a match begins with, stands at
// text[at].
func (m *matcher) find(text string, at int) (from, to int) {
	limit := min(len(text), at+maxFind)
	ok, end := m.quick().run(text, at, limit)
	if ok {
		begin, re := at, m.first()
		if at > 0 {
			begin, re = before(text, at), m.after()
		}
		if loc := re.FindStringSubmatchIndex(text[begin:limit]); loc != nil {
			f := find{text: text, begin: m.start(text, at), end: begin + loc[1]}
			if m.accepts(&f, begin, loc) {
				return f.from, f.to
			}
			return f.end, f.end
		}
		end = limit
	}
	// A keyword that comes again and again may have the same bytes behind it.
	const far = 128
	if end-at < far {
		return 0, 0
	}
	next := m.next(text, at, limit)
	return next, next
}

// next returns before which place behind text[at], where none begins, no match
// begins that ends before limit and has half of maxFind or less.
func (m *matcher) next(text string, at, limit int) int {
	none := limit
	if limit < len(text) {
		none = at + maxFind/2
	}
	if ok, _ := m.ahead().run(text, at, limit); !ok {
		return none
	}
	begin := before(text, at)
	loc := m.all().FindStringIndex(text[begin:limit])
	if loc == nil {
		return none
	}
	return min(none, max(at+1, begin+loc[0]))
}

// before returns where the character begins that ends before text[at].
func before(text string, at int) int {
	_, n := utf8.DecodeLastRuneInString(text[:at])
	return at - n
}

// start returns where a match begins whose keyword stands at text[at].
func (m *matcher) start(text string, at int) int {
	if m.prefix == nil {
		return at
	}
	begin := at
	for n := 0; n < m.reach; n++ {
		c, size := utf8.DecodeLastRuneInString(text[:begin])
		if size == 0 || !inClass(m.prefix.Rune, c) {
			break
		}
		begin -= size
	}
	return begin
}

// findAll is the FindAll of a kind.
func (m *matcher) findAll(text string) [][]int {
	if ok, _ := m.ahead().run(text, 0, len(text)); !ok {
		return nil
	}
	var found [][]int
	for _, loc := range m.all().FindAllStringSubmatchIndex(text, -1) {
		f := find{text: text, begin: loc[0], end: loc[1]}
		if m.accepts(&f, 0, loc) {
			found = append(found, []int{f.from, f.to})
		}
	}
	return found
}

// accepts reports whether the groups loc, which begin at text[base], are of a
// secret, and notes in f what to replace.
func (m *matcher) accepts(f *find, base int, loc []int) bool {
	match := f.text[f.begin:f.end]
	f.begin += len(match) - len(strings.TrimLeft(match, "\n"))
	f.end -= len(match) - len(strings.TrimRight(match, "\n"))
	f.from, f.to = f.begin, f.end
	g := m.rule.group
	for n := 1; g == 0 && 2*n < len(loc); n++ {
		if loc[2*n] < loc[2*n+1] {
			g = n
		}
	}
	if g > 0 {
		if f.from, f.to = base+loc[2*g], base+loc[2*g+1]; loc[2*g] < 0 {
			return false
		}
	}
	if f.to <= f.from || m.rule.entropy != 0 && entropy(f.text[f.from:f.to]) <= m.rule.entropy {
		return false
	}
	if slices.ContainsFunc(m.allow, func(a *allowlist) bool { return a.allows(f) }) {
		return false
	}
	if m.rule.group == 0 && m.labels[g] {
		f.from, f.to = f.begin, f.end
	}
	return true
}

// entropy returns the bits of information of a byte of s, by the frequencies of
// its characters, as gitleaks counts them.
func entropy(s string) float64 {
	var ascii [utf8.RuneSelf]int
	var others map[rune]int
	for _, c := range s {
		if c < utf8.RuneSelf {
			ascii[c]++
			continue
		}
		if others == nil {
			others = map[rune]int{}
		}
		others[c]++
	}
	bits := 0.0
	add := func(n int) {
		if n > 0 {
			p := float64(n) / float64(len(s))
			bits -= p * math.Log2(p)
		}
	}
	for _, n := range ascii {
		add(n)
	}
	for _, n := range others {
		add(n)
	}
	return bits
}
