package redact

import "strings"

// forms returns s without the values of forms and queries that hold a secret when
// read as what they are: with a blank where a '+' stands, and without escapes.
func (r *Redactor) forms(s string, t *trail) string {
	var out []byte
	done := 0
	for i := strings.IndexByte(s, '+'); i >= 0; {
		from, to := i, i+1
		for from > done && !isSpace(s[from-1]) && !isQuote(s[from-1]) {
			from--
		}
		for from < i && to < len(s) && !isSpace(s[to]) && !isQuote(s[to]) {
			to++ // not of what begins with the sign: +0x1d3
		}
		if strings.IndexByte(s[from:to], '=') < 0 || !r.holdsSecret(unescape(strings.ReplaceAll(s[from:to], "+", " ")), s[from:to], maxLevels) {
			from = to
		}
		for from < to { // one parameter after another
			end := from + strings.IndexByte(s[from:to], '&')
			if end < from {
				end = to
			}
			if begin, ok := r.formValue(s, from, end); ok {
				with := r.replacement(kindEncoded, s[begin:end])
				out = append(append(out, s[done:begin]...), with...)
				t.note(match{begin, end, with})
				done = end
			}
			from = end + 1
		}
		next := strings.IndexByte(s[to:], '+')
		if next < 0 {
			break
		}
		i = to + next
	}
	if out == nil {
		return s
	}
	t.step()
	return string(append(out, s[done:]...))
}

// formValue returns where the value begins of the parameter s[from:to], and whether
// it holds a secret that only its blanks hide.
func (r *Redactor) formValue(s string, from, to int) (int, bool) {
	sign := strings.IndexByte(s[from:to], '=')
	if sign < 1 {
		return 0, false
	}
	begin := from + sign + 1
	if strings.IndexByte(s[begin:to], '+') < 0 || !isKey(s[begin-2]) && s[begin-2] != ']' && s[begin-2] != 'D' {
		return 0, false
	}
	if n := strings.LastIndexByte(s[from:begin], '?'); n >= 0 {
		from += n + 1
	}
	plain := s[from:begin] + unescape(strings.ReplaceAll(s[begin:to], "+", " "))
	return begin, r.holdsSecret(plain, s[from:to], maxLevels)
}

// formPart finds the value of a part of a form (RFC 7578) whose name says that it is
// secret, behind the keyword at s[at:]: a line with its name, other headers, an empty
// line, the value.
func formPart(x *scanner, at int) (match, bool) {
	const maxHeaders = 512
	s := x.s
	i := skip(s, at+len("form-data; name="), func(c byte) bool { return c == '"' || c == '\\' })
	to := skip(s[:min(len(s), i+maxKey)], i, func(c byte) bool { return isKey(c) || c == '[' || c == ']' })
	kind := x.r.secretKind(s[i:to])
	if kind == "" {
		if kind = x.r.elementKind(s[i:to]); kind == "" {
			return match{}, false
		}
	}
	head := s[to:min(len(s), to+maxHeaders)]
	for _, blank := range [...]string{"\r\n\r\n", "\n\n", `\r\n\r\n`, `\n\n`} {
		n := strings.Index(head, blank)
		if n < 0 {
			continue
		}
		from := to + n + len(blank)
		end := lineEnd(s, from, 0)
		old := s[from:end]
		if old == "" || markLen(old) == len(old) || isNothing(old) {
			return match{}, false
		}
		return match{from, end, mark(kind)}, true
	}
	return match{}, false
}
