package redact

import (
	"strings"
	"unicode/utf8"
)

// maxViews is how often a text is read without its escapes: what was put into
// JSON three times has as many.
const maxViews = 4

// view is a text as it reads without its escapes, and where each byte of it has
// its code in the text.
type view struct {
	text string
	from []int32 // one more than text has bytes
}

// unescaped returns s without what is a secret once the escapes of s are
// decoded: \x70, \160, \u0070, &#112;, &quot;, =70 of quoted-printable, and
// the zeros of UTF-16. What is replaced is what the find is written in, no more.
// Lines with escapes that follow each other are looked at together.
func (r *Redactor) unescaped(s string, t *trail) string {
	var out []byte
	done := 0
	for line := 0; line < len(s); {
		end := lineStop(s, line)
		if !hasEscape(s[line:end]) {
			line = end + 1
			continue
		}
		for end < len(s) {
			next := lineStop(s, end+1)
			if s[end-1] != '=' && !strings.HasSuffix(s[:end], "=\r") && !hasEscape(s[end+1:next]) {
				break
			}
			end = next
		}
		for _, e := range r.readings(s[line:end]) {
			e.from, e.to = e.from+line, e.to+line
			t.note(e)
			out = append(append(out, s[done:e.from]...), e.with...)
			done = e.to
		}
		line = end + 1
	}
	if out == nil {
		return s
	}
	t.step()
	return string(append(out, s[done:]...))
}

// hasEscape reports whether a line has what a view takes away.
func hasEscape(s string) bool {
	return strings.HasSuffix(s, "=") || strings.HasSuffix(s, "=\r") || firstEscape(s, true) >= 0 || firstQuotedPrintable(s) >= 0
}

// readings returns what is to be replaced in s because of what it reads like
// without its escapes.
func (r *Redactor) readings(s string) []match {
	v := view{text: s}
	for level := 1; level <= maxViews; level++ {
		if !v.decode() {
			break
		}
		var seen trail
		has := traitsOf(v.text)
		text := v.text
		if has.breaks {
			text, has.breaks = r.wrapped(text, true, &seen)
		}
		text = r.looked(r.scan(r.own(text, &seen), &seen), has, &seen)
		if len(seen.spans) > 0 {
			return v.edits(s, text, seen.spans, level)
		}
	}
	return nil
}

// edits returns what is to be replaced in s, of which v is the view, where the
// spans say what became of the view in text.
func (v *view) edits(s, text string, spans []span, level int) (all []match) {
	done := 0
	for _, sp := range spans {
		with, a, b := text[sp.at:sp.at+sp.size], sp.from, sp.to
		if sp.kind == "literal" { // of a long statement
			old := v.text[a:b]
			n := common(old, with)
			end := min(commonEnd(old, with), len(old)-n, len(with)-n)
			a, b, with = a+n, b-end, with[n:len(with)-end]
		}
		from, to := v.begin(a), v.begin(b)
		if from < done || to < from {
			continue // within the code of what went already
		}
		for range level {
			with = escapeLike(with, s[from:to])
		}
		all = append(all, match{from, to, with})
		done = to
	}
	return all
}

// begin returns where the code of the byte at text[i] begins. If it is not the
// first byte of its code, that is where the next code begins.
func (v *view) begin(i int) int {
	for i > 0 && i < len(v.text) && v.from[i] == v.from[i-1] {
		i++
	}
	return int(v.from[i])
}

// commonEnd returns the length of the longest text that both end in.
func commonEnd(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return n
}

// escapeLike returns what stands in the place of old, escaped as old is.
func escapeLike(s, old string) string {
	if !strings.ContainsAny(s, "\n\t\"'<>&\\") {
		return s
	}
	if strings.IndexByte(old, '\\') >= 0 {
		return strings.NewReplacer("\n", `\n`, "\t", `\t`, `"`, `\"`, `\`, `\\`).Replace(s)
	}
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;").Replace(s)
}

// decode takes one level of escapes away, of all kinds that stand in the text
// together. It reports whether there was any.
func (v *view) decode() bool {
	s := v.text
	var code func(s string, i int) (c rune, n int)
	i := firstEscape(s, true)
	switch j := firstQuotedPrintable(s); {
	case i >= 0:
		code = escapeAt
	case j >= 0:
		i, code = j, quotedPrintableAt
	default:
		return false
	}
	out := make([]byte, i, len(s))
	copy(out, s[:i])
	from := make([]int32, i, len(s)+1)
	for k := range from {
		from[k] = v.at(k)
	}
	for i < len(s) {
		c, n := rune(s[i]), 1
		if s[i] == '\\' || s[i] == '&' || s[i] == '=' || s[i] == 0 {
			if d, m := code(s, i); m > 0 {
				c, n = d, m
			}
		}
		switch {
		case c < 0: // nothing
		case c < utf8.RuneSelf || n == 1:
			out = append(out, byte(c))
			from = append(from, v.at(i))
		default:
			before := len(out)
			out = utf8.AppendRune(out, c)
			for range len(out) - before {
				from = append(from, v.at(i))
			}
		}
		i += n
	}
	v.text, v.from = string(out), append(from, v.at(len(s)))
	return true
}

func (v *view) at(i int) int32 {
	if v.from == nil {
		return int32(i)
	}
	return v.from[i]
}

// manySlashes is how many backslashes before a quote detectors do not count.
const manySlashes = 8

// from returns the index n within s[i:] as one within s.
func from(i, n int) int {
	if n < 0 {
		return n
	}
	return i + n
}
