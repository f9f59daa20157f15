package redact

import (
	"math"
	"slices"
)

// Finding is a part of a text that is redacted: where it is, and what it is said
// to be, but not what it says.
type Finding struct {
	// Kind is what the mark names, "url" for the parts of a URL that are replaced
	// by REDACTED, "literal" for those of SQL, "cut" for what lies beyond the
	// longest text, and "failed" where all of a text is withheld.
	Kind string
	// From and To are where it begins and ends in the text, in bytes.
	From, To int
}

// Find returns what [Redactor.Text] would replace in s, in order and without
// overlaps. It is for metrics, logs and tests of kinds: Text is faster.
func (r *Redactor) Find(s string) (found []Finding) {
	all := []Finding{{Kind: "failed", To: len(s)}}
	defer func() {
		if recover() != nil {
			found = all
		}
	}()
	var t trail
	text, rest := s, len(s)
	if len(s) > maxText {
		text, rest = s[:maxText], maxText-margin
	}
	if text = r.settleTrail(text, &t); text == failedMark && s != failedMark {
		return all
	}
	for _, sp := range t.spans {
		if sp.from < rest {
			found = append(found, Finding{sp.kind, sp.from, min(sp.to, rest)})
		}
	}
	if rest < len(s) {
		found = append(found, Finding{"cut", rest, len(s)})
	}
	return found
}

// trail follows what was replaced in a text back to the text that it was at
// first. A nil one follows nothing.
type trail struct {
	spans []span // in order
	edits []match
}

// span says that text[at:at+size] stands for the original's [from:to].
type span struct {
	at, size int
	from, to int
	kind     string
}

// note adds an edit of the step that goes on. They come in order.
func (t *trail) note(m match) {
	if t != nil {
		t.edits = append(t.edits, m)
	}
}

// step ends a step: the next edits are of what it made.
func (t *trail) step() {
	if t == nil || len(t.edits) == 0 {
		return
	}
	var spans []span
	old := t.spans
	shift := 0  // from the positions before the step to those after it
	origin := 0 // from the positions before the step to those in the original
	take := func(until int) {
		for len(old) > 0 && old[0].at < until {
			sp := old[0]
			origin = sp.to - (sp.at + sp.size)
			sp.at += shift
			spans = append(spans, sp)
			old = old[1:]
		}
	}
	for _, e := range t.edits {
		take(e.from)
		sp := span{at: e.from + shift, size: len(e.with), from: e.from + origin, kind: kindOfEdit(e.with)}
		// What began before may reach into the edit, and what it covers goes.
		if n := len(spans); n > 0 && spans[n-1].at+spans[n-1].size > sp.at {
			sp.from, sp.at = spans[n-1].from, spans[n-1].at
			spans = spans[:n-1]
		}
		for len(old) > 0 && old[0].at < e.to {
			origin = old[0].to - (old[0].at + old[0].size)
			if end := old[0].at + old[0].size; end > e.to {
				origin = old[0].to - e.to
			}
			old = old[1:]
		}
		sp.to = e.to + origin
		spans = append(spans, sp)
		shift += len(e.with) - (e.to - e.from)
	}
	take(math.MaxInt)
	t.spans, t.edits = slices.Clip(spans), nil
}

// kindOfEdit returns the kind of a finding by what replaces it.
func kindOfEdit(with string) string {
	for i := 0; i < len(with); i++ {
		if n := markLen(with[i:]); n > 0 {
			kind := with[i+len(markPrefix) : i+n-1]
			for k := range len(kind) {
				if kind[k] == ':' { // and a token
					return kind[:k]
				}
			}
			return kind
		}
	}
	if len(with) >= len(masked) && with[:len(masked)] == masked {
		return "url"
	}
	return "literal"
}
