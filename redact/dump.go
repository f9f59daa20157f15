package redact

import "strings"

// braces returns the end of what is in braces or brackets from s[i] on, their
// own included, or the end of s if they are not closed. Quotes are gone over.
func braces(s string, i int) int {
	depth := 0
	for i < len(s) {
		switch c := s[i]; c {
		case '{', '[':
			if n := markLen(s[i:]); n > 0 {
				i += n
				continue
			}
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				return i + 1
			}
		case '"':
			i = closing(s, i+1, c, 0)
			if i == len(s) {
				return i
			}
		}
		i++
	}
	return i
}

// goBytes returns the end of the bytes that "%#v" prints at s[i], as in
// []uint8{0x68, 0x69} or []string{"a"}, or 0.
func goBytes(s string, i int) int {
	if !strings.HasPrefix(s[i:], "[]") {
		return 0
	}
	open := skip(s[:min(len(s), i+maxKey)], i+2, func(c byte) bool { return isKey(c) || c == '*' })
	if open == i+2 || open == len(s) || s[open] != '{' {
		return 0
	}
	return braces(s, open)
}

// blockScalar returns where the lines begin and end that belong to the indicator
// of a block scalar of YAML at s[i], as in "password: |-", or 0. They are
// indented deeper than the line that s[i] is on.
func blockScalar(s string, i int) (from, to int) {
	if s[i] != '|' && s[i] != '>' {
		return 0, 0
	}
	end := skip(s[:min(len(s), i+4)], i+1, func(c byte) bool { return c == '-' || c == '+' || isDigit(c) })
	end = skip(s, end, func(c byte) bool { return isBlank(c) || c == '\r' })
	if end == len(s) || s[end] != '\n' {
		return 0, 0
	}
	begin := strings.LastIndexByte(s[max(0, i-maxKey*2):i], '\n') + 1 + max(0, i-maxKey*2)
	depth := skip(s, begin, isBlank) - begin
	to = end
	for to < len(s) {
		text := skip(s, to+1, isBlank)
		next := len(s)
		if n := strings.IndexByte(s[text:], '\n'); n >= 0 {
			next = text + n
		}
		if next > text && text-(to+1) <= depth {
			break
		}
		if from == 0 && next > text {
			from = text
		}
		to = next
	}
	if from == 0 {
		return 0, 0
	}
	return from, to
}

// namedValue finds the value of a pair whose name stands in a field of its own,
// behind the name at s[v]: {"name":"password","value":"x"}, <add key="password"
// value="x"/>, {Key:password Value:x}.
func (r *Redactor) namedValue(s string, v int, k key) (match, bool) {
	if !equalFold(k.text, "name") && !equalFold(k.text, "key") && !equalFold(k.text, "field") && !equalFold(k.text, "header") {
		return match{}, false
	}
	v = skip(s, v, func(c byte) bool { return c == '\\' || isQuote(c) })
	to := skip(s[:min(len(s), v+maxKey)], v, isKey)
	if to == v {
		return match{}, false
	}
	kind := r.tellingKind(s[v:to])
	if kind == "" {
		return match{}, false
	}
	const gap = 16
	rest := s[to:min(len(s), to+gap+maxKey)]
	n := skip(rest, 0, func(c byte) bool { return c == '\\' || isQuote(c) || isBlank(c) || c == ',' || c == '\n' })
	if n > gap || !foldPrefix(rest[n:], "value") {
		return r.namedElsewhere(s, to, k, kind)
	}
	i := to + n + len("value")
	closed := i < len(s) && (s[i] == '\\' || isQuote(s[i]))
	i = skip(s, i, func(c byte) bool { return c == '\\' || isQuote(c) })
	i = skip(s, i, isBlank)
	if i == len(s) || s[i] != ':' && s[i] != '=' {
		return match{}, false
	}
	return valueAt(s, skip(s, i+1, isBlank), key{kind: kind, closed: closed, assign: s[i] == '='})
}
