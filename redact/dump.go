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
