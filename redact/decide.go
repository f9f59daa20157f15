package redact

import "strings"

// decide applies the policies of r to a find in s. It reports whether anything
// is to be replaced.
func (r *Redactor) decide(s string, m match) (match, bool) {
	old := s[m.from:m.to]
	if old == m.with {
		return m, true // keeps other detectors away
	}
	kind := markKind(m.with)
	if kind == "" { // a part of a URL
		if r.use().isHarmless(old) {
			m.with = old
		}
		return m, true
	}
	if r.use().isHarmless(old) {
		m.with = old
		return m, true
	}
	switch r.Personal.policy(kind) {
	case Keep:
		return match{}, false
	case Mask:
		m.with = maskPart(kind, old)
	default:
		if r.use().tokenKey != nil || markKindOf(kind) != kind {
			m.with = r.replacement(kind, old)
		}
	}
	return m, m.with != old
}

// replacement returns what a find is replaced by.
func (r *Redactor) replacement(kind, old string) string {
	kind = markKindOf(kind)
	return mark(kind + r.use().token(kind, old))
}

// own returns s with the host's own secrets replaced.
func (r *Redactor) own(s string, t *trail) string {
	o := r.use().own
	if o == nil {
		return s
	}
	out := o.redact(s, func(from, to int) string {
		with := r.replacement(kindOwn, s[from:to])
		t.note(match{from, to, with})
		return with
	})
	t.step()
	return out
}

// markKind returns the kind of a mark that is all of s, or "".
func markKind(s string) string {
	if n := markLen(s); n == 0 || n < len(s) || !strings.HasPrefix(s, markPrefix) {
		return ""
	}
	return s[len(markPrefix) : len(s)-1]
}

// withGap returns m, which was found at s[i], with the tokens between.
func (r *Redactor) withGap(s string, i int, m match) match {
	gap := s[i:m.from]
	if !r.hasTokenWord(gap) {
		return m
	}
	if with := r.scan(gap, nil); with != gap {
		return match{i, m.to, with + m.with}
	}
	return m
}

// wordEnd returns where the word ends that s[i] may be within, and with it what
// a match may have torn: the rest of a token that the match ate the beginning
// of, and its further parts, where a token has parts.
func wordEnd(s string, i int) int {
	const part = 16
	i = skip(s, i, isWord)
	for i < len(s) && (s[i] == '.' || s[i] == ':') {
		end := skip(s, i+1, isWord)
		if end-i <= part {
			break
		}
		i = end
	}
	return i
}
