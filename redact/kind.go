package redact

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// Kind is a kind of secret that the host knows and this package does not.
type Kind struct {
	// Name is what the mark says: lower-case letters, digits and '-', at most 48.
	Name string
	// Keywords say where to look: where one of them stands, in any case. At least
	// one, of two bytes or more, and ASCII. The rarer they are in ordinary text, the
	// faster. Only a kind with FindAll may do without.
	Keywords []string
	// Pattern is a regular expression (RE2). It is tried on the text from 256
	// bytes before a keyword to 4 KiB behind it, or further. What its first group
	// matched is replaced, or, if it has none, all.
	Pattern string
	// Find is tried instead of Pattern, if it is set, where a keyword begins at
	// text[at]. It returns what to replace, text[from:to], or zeros. If it looked at
	// more than a fixed distance it returns an empty text behind at, from == to: no
	// keyword that begins before is tried for this kind, so that no byte is looked
	// at over and over. It may be called concurrently. A panic withholds the text.
	Find func(text string, at int) (from, to int)
	// FindAll is tried instead of both, if it is set, on each text that has a
	// keyword, whole and once; or on every text, if there are no keywords, which is
	// slow. It returns what to replace, in order and without overlaps, as
	// [regexp.Regexp.FindAllStringIndex] does, and may be called concurrently. It is
	// for what no word near it tells, and sees the text without what was found in it
	// otherwise. A panic withholds the text.
	FindAll func(text string) [][]int
}

const (
	maxKindName = 48 // with a token, its mark has maxMark bytes
	ownBefore   = 256
	ownBehind   = 4 << 10
)

// ownKind is a Kind made ready.
type ownKind struct {
	Kind
	n       int                   // its number in the plan
	pattern func() *regexp.Regexp // compiled when first needed
}

// ready returns k made ready. The error says what is wrong with it.
func (k Kind) ready() (*ownKind, error) {
	o := &ownKind{Kind: k}
	if k.Name == "" || len(k.Name) > maxKindName || strings.Trim(k.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return nil, fmt.Errorf("redact: the kind %q: a name has lower-case letters, digits and '-', at most %d", k.Name, maxKindName)
	}
	if len(k.Keywords) == 0 && k.FindAll == nil {
		return nil, fmt.Errorf("redact: the kind %s has no keyword: give a word that stands wherever it is to be found", k.Name)
	}
	for _, w := range k.Keywords {
		if len(w) < 2 || len(w) > maxBack || strings.ContainsFunc(w, func(c rune) bool { return c >= 0x80 }) {
			return nil, fmt.Errorf("redact: the kind %s: the keyword %q is not ASCII, or has less than 2 or more than %d bytes", k.Name, w, maxBack)
		}
	}
	if k.Find != nil || k.FindAll != nil {
		return o, nil
	}
	if k.Pattern == "" {
		return nil, errors.New("redact: the kind " + k.Name + " has neither a Pattern nor a Find")
	}
	o.pattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(k.Pattern) })
	return o, nil
}

// isToken reports whether a secret of the kind k that was cut or broken may be
// known by its keyword: of what a function finds, a word of letters alone may
// stand beside it.
func (k *ownKind) isToken(keyword string) bool {
	const minToken = 4
	if k.Find == nil {
		return k.FindAll == nil
	}
	return len(keyword) >= minToken && skip(keyword, 0, isAlpha) < len(keyword)
}

// looked is what a scan remembers of the host's kinds.
type looked struct {
	past []int      // where a kind is tried again, by its number
	due  []*ownKind // those to try on all of the text
}

// lookeds keeps the scans of clean texts from allocating.
var lookeds = sync.Pool{New: func() any { return new(looked) }}

// looked returns what x remembers of the host's kinds.
func (x *scanner) looked() *looked {
	if x.own == nil {
		x.own = lookeds.Get().(*looked)
		n := len(x.plan.kinds)
		if cap(x.own.past) < n {
			x.own.past = make([]int, n)
		}
		x.own.past, x.own.due = x.own.past[:n], x.own.due[:0]
		clear(x.own.past)
	}
	return x.own
}

// match finds the kind at its keyword s[at:end].
func (k *ownKind) match(x *scanner, at, end int) (from, to int) {
	l := x.looked()
	if at < l.past[k.n] {
		return 0, 0
	}
	switch {
	case k.FindAll != nil:
		l.due = append(l.due, k)
		l.past[k.n] = len(x.s)
	case k.Find != nil:
		if from, to = k.Find(x.s, at); from == to {
			l.past[k.n] = to
		}
	default:
		from, to = k.near(x, at, end, l)
	}
	if to <= at || to > len(x.s) {
		return 0, 0
	}
	return outsideMarks(x.s, max(from, x.floor), to)
}

// near tries the expression of k around its keyword x.s[at:end]. It looks twice as
// far as it has to, and so need not look again at the keywords of the first half.
func (k *ownKind) near(x *scanner, at, end int, l *looked) (from, to int) {
	begin := max(x.floor, at-ownBefore)
	text := x.s[begin:min(len(x.s), end+2*ownBehind)]
	for offset := 0; offset < len(text); {
		loc := k.pattern().FindStringSubmatchIndex(text[offset:])
		if loc == nil {
			break
		}
		next := offset + max(loc[1], 1)
		if len(loc) > 2 && loc[2] >= 0 {
			loc = loc[2:4]
		}
		from, to = begin+offset+loc[0], begin+offset+loc[1]
		if to > at && to > from {
			return from, to
		}
		offset = next
	}
	l.past[k.n] = at + ownBehind
	return 0, 0
}

// outsideMarks returns s[from:to] without the parts of marks that it begins or
// ends with, or zeros if nothing is left.
func outsideMarks(s string, from, to int) (int, int) {
	if i, n := markAround(s, from); n > 0 {
		from = i + n
	}
	if i, n := markAround(s, to); n > 0 {
		to = i
	}
	if to <= from || markLen(s[from:to]) == to-from {
		return 0, 0
	}
	return from, to
}

// markAround returns where the mark begins that s[i] is within, and its length,
// or zeros.
func markAround(s string, i int) (at, n int) {
	for at = i - 1; at >= max(0, i-maxMark); at-- {
		if s[at] == markPrefix[0] {
			if n = markLen(s[at:]); at+n > i {
				return at, n
			}
		}
	}
	return 0, 0
}

// whole replaces in s what the kinds find that look at all of a text.
func (r *Redactor) whole(kinds []*ownKind, s string, t *trail) string {
	for _, k := range kinds {
		var out []byte
		done := 0
		for _, loc := range k.FindAll(s) {
			from, to := outsideMarks(s, max(loc[0], done), loc[1])
			if to == 0 {
				continue
			}
			m, ok := r.decide(s, match{from, to, mark(k.Name)})
			if !ok || s[from:to] == m.with {
				continue
			}
			if out == nil {
				out = make([]byte, 0, len(s)+maxMark)
			}
			out = append(append(out, s[done:from]...), m.with...)
			t.note(m)
			done = to
		}
		if out != nil {
			s = string(append(out, s[done:]...))
			t.step()
		}
	}
	return s
}
