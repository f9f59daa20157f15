package redact

import "strings"

// traits are what a text has that calls for a closer look. Marks have none of
// them: what is replaced adds none.
type traits struct {
	breaks  bool // ends of lines, or what puts quoted texts together
	soft    bool // full lines of quoted-printable that go on
	escapes bool // escapes that may hide something
	blanks  bool // signs that may be the blanks of a form
}

// traitSigns are the bytes without which a text has no traits.
var traitSigns = func() (t [256]bool) {
	for _, c := range []byte("\n\\<+=&\x00") {
		t[c] = true
	}
	return t
}()

func traitsOf(s string) (t traits) {
	const short = 48
	if len(s) <= short {
		i := 0
		for i < len(s) && !traitSigns[s[i]] {
			i++
		}
		if i == len(s) {
			return t
		}
	}
	slash := strings.IndexByte(s, '\\') >= 0
	t.breaks = slash || strings.IndexByte(s, '\n') >= 0 || nextBreak(s, 0) < len(s)
	equals := firstQuotedPrintable(s)
	if equals >= 0 && t.breaks {
		t.soft = hasSoftLines(s)
	}
	t.blanks = strings.IndexByte(s, '+') >= 0 && strings.IndexByte(s, '=') >= 0
	t.escapes = equals >= 0 || firstEscape(s, slash) >= 0
	return t
}

// nextBreak returns where the next break is that a word may go on behind, from
// s[i] on, other than an end of a line: <br>, or a '+' between quotes; or where s
// ends.
func nextBreak(s string, i int) int {
	for at := i; ; at++ {
		n := strings.IndexByte(s[at:], '+')
		if n < 0 {
			break
		}
		if at += n; at > i+1 && at+2 < len(s) && s[at-1] == ' ' && s[at+1] == ' ' && isQuote(s[at-2]) && s[at+2] == s[at-2] {
			return min(at-2, nextTag(s[:at], i))
		}
	}
	return nextTag(s, i)
}

// nextTag returns where the next <br> begins, or where s ends.
func nextTag(s string, i int) int {
	for ; ; i++ {
		n := strings.IndexByte(s[i:], '<')
		if n < 0 {
			return len(s)
		}
		if i += n; strings.HasPrefix(s[i:], "<br") {
			return i
		}
	}
}
