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
