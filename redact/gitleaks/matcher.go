package gitleaks

import (
	"math"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

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
func (m *matcher) anchored(expr string) error {
	if err := m.anywhere(expr); err != nil {
		return err
	}
	m.quick = sync.OnceValue(func() *automaton { return newAutomaton(expr) })
	m.first = lazily(`\A(?:` + expr + `)`)
	m.after = lazily(`\A(?s:.)(?:` + expr + `)`)
	return nil
}

// anywhere returns an expression that matches where expr does later on.
func anywhere(expr string) string { return `(?s:.*?)(?:` + expr + `)` }

// anywhere makes m find what has the expression, wherever it stands. An error
// says that it is too long or too deep to look for.
func (m *matcher) anywhere(expr string) error {
	if _, err := syntax.Parse(anywhere(expr), syntax.Perl); err != nil {
		return err
	}
	m.ahead = sync.OnceValue(func() *automaton { return newAutomaton(anywhere(expr)) })
	m.all = lazily(expr)
	return nil
}

// find is the Find of a kind: its keyword, which a match begins with, stands at
// text[at].
func (m *matcher) find(text string, at int) (from, to int) {
	limit := min(len(text), at+maxFind)
	found, end := m.quick().run(text, at, limit)
	if found != no {
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
	if found, _ := m.ahead().run(text, at, limit); found == no {
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
	if found, _ := m.ahead().run(text, 0, len(text)); found == no {
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
