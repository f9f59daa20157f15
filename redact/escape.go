package redact

import (
	"strings"
	"unicode/utf8"
)

// nothing is what a code stands for that says nothing: a zero of UTF-16, the
// end of a line that goes on.
const nothing = -1

// firstEscape returns where the first escape is that may hide something, or -1:
// most texts with backslashes have line ends only, which detectors know. They know
// quotes too, where a pair has them, but not in each kind of shape and code.
func firstEscape(s string, slash bool) int {
	first := strings.IndexByte(s, 0)
	i := -1
	if slash {
		i = strings.IndexByte(s, '\\')
	}
	for i >= 0 && (first < 0 || i < first) {
		end := skip(s, i, func(c byte) bool { return c == '\\' })
		if end == len(s) {
			break
		}
		if c := s[end]; end-i >= manySlashes || c == '"' || c == '/' || c == 'u' || c == 'U' || c == 'x' || '0' <= c && c <= '3' {
			if _, n := escapeAt(s, end-1); n > 0 {
				first = i
			}
		}
		i = from(end, strings.IndexByte(s[end:], '\\'))
	}
	for i := strings.IndexByte(s, '&'); i >= 0 && (first < 0 || i < first); {
		if _, n := entityAt(s, i); n > 0 {
			return i
		}
		i = from(i+1, strings.IndexByte(s[i+1:], '&'))
	}
	return first
}

// escapeAt returns what the escape at s[i] stands for, and its length, or 0 if
// there is none.
func escapeAt(s string, i int) (rune, int) {
	switch s[i] {
	case 0:
		return nothing, 1
	case '&':
		return entityAt(s, i)
	case '\\':
	default:
		return 0, 0
	}
	if i+1 == len(s) {
		return 0, 0
	}
	switch c := s[i+1]; c {
	case '\\', '"', '\'', '/':
		return rune(c), 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u', 'U', 'x':
		digits := 4
		if c == 'U' {
			digits = 8
		} else if c == 'x' {
			digits = 2
		}
		if i+2 < len(s) && s[i+2] == '{' {
			return hexRune(s, i, 3, 6, '}')
		}
		return hexRune(s, i, 2, digits, 0)
	case '0', '1', '2', '3':
		if i+3 < len(s) && isOctal(s[i+2]) && isOctal(s[i+3]) {
			return visibleCode(rune(c-'0')<<6 | rune(s[i+2]-'0')<<3 | rune(s[i+3]-'0')), 4
		}
		if c == '0' {
			return nothing, 2
		}
	}
	return 0, 0
}

func isOctal(c byte) bool { return '0' <= c && c <= '7' }

// hexRune reads up to most hexadecimal digits from s[i+skip] on, as many if
// there is no stop, and the stop.
func hexRune(s string, i, skip, most int, stop byte) (rune, int) {
	c, n := rune(0), skip
	for ; n < skip+most && i+n < len(s) && isHex(s[i+n]); n++ {
		c = c<<4 | rune(unhex(s[i+n]))
	}
	switch {
	case stop == 0 && n < skip+most || n == skip:
		return 0, 0
	case stop != 0:
		if i+n >= len(s) || s[i+n] != stop {
			return 0, 0
		}
		n++
	}
	return visibleCode(c), n
}

// visibleCode returns what stands for c in a view: zeros for nothing.
func visibleCode(c rune) rune {
	if c == 0 {
		return nothing
	}
	if c < 0 || c > utf8.MaxRune {
		return utf8.RuneError
	}
	return c
}

// entities are the references of HTML to signs that matter to detectors.
var entities = map[string]rune{
	"amp": '&', "lt": '<', "gt": '>', "quot": '"', "apos": '\'', "nbsp": ' ', "equals": '=', "lowbar": '_', "hyphen": '-',
	"dash": '-', "period": '.', "colon": ':', "semi": ';', "excl": '!', "num": '#', "percnt": '%', "plus": '+', "sol": '/',
	"bsol": '\\', "commat": '@', "lpar": '(', "rpar": ')', "lsqb": '[', "rsqb": ']', "lcub": '{', "rcub": '}', "dollar": '$',
	"ast": '*', "comma": ',', "quest": '?', "NewLine": '\n', "Tab": '\t', "vert": '|', "verbar": '|', "grave": '`', "UnderBar": '_',
}

// entityAt returns what the reference of HTML or XML at s[i] stands for, and its
// length, or 0 if there is none.
func entityAt(s string, i int) (rune, int) {
	const maxEntity = 12
	if i+2 >= len(s) {
		return 0, 0
	}
	if s[i+1] == '#' {
		if s[i+2]|0x20 == 'x' {
			return hexRune(s, i, 3, 6, ';')
		}
		c, n := rune(0), 2
		for ; n < maxEntity-2 && i+n < len(s) && isDigit(s[i+n]); n++ {
			c = c*10 + rune(s[i+n]-'0')
		}
		if n == 2 || i+n >= len(s) || s[i+n] != ';' {
			return 0, 0
		}
		return visibleCode(c), n + 1
	}
	end := skip(s[:min(len(s), i+maxEntity)], i+1, isAlpha)
	if end < len(s) && s[end] == ';' {
		if c := entities[s[i+1:end]]; c != 0 {
			return c, end + 1 - i
		}
	}
	return 0, 0
}

// firstQuotedPrintable returns where the first code of quoted-printable (RFC
// 2045) is, or -1: a soft line end, an equals sign, or one code after another.
func firstQuotedPrintable(s string) int {
	for i := 0; ; i++ {
		n := strings.IndexByte(s[i:], '=')
		if n < 0 || i+n+1 >= len(s) {
			return -1
		}
		i += n
		switch c := s[i+1]; {
		case c > 'F' || c < '\n':
		case c == '\n', c == '\r' && strings.HasPrefix(s[i:], "=\r\n"), c == '3' && strings.HasPrefix(s[i:], "=3D"):
			return i
		case isHex(c) && i+6 <= len(s) && s[i+3] == '=':
			_, a := quotedPrintableAt(s, i)
			_, b := quotedPrintableAt(s, i+3)
			if a > 0 && b > 0 {
				return i
			}
		}
	}
}

// hasSoftLines reports whether a full line of quoted-printable ends in s as one
// does that goes on.
func hasSoftLines(s string) bool {
	for i := strings.Index(s, "=\n"); i >= 0; i = from(i+1, strings.Index(s[i+1:], "=\n")) {
		if softLine(s, i) {
			return true
		}
	}
	for i := strings.Index(s, "=\r\n"); i >= 0; i = from(i+1, strings.Index(s[i+1:], "=\r\n")) {
		if softLine(s, i) {
			return true
		}
	}
	return false
}

// softLine reports whether the '=' at s[i] ends a full line.
func softLine(s string, i int) bool {
	const minFull, maxFull = 72, 76
	before := max(0, i-maxFull)
	line := strings.LastIndexByte(s[before:i], '\n') + 1 + before
	return i+1-line >= minFull && i+1-line <= maxFull
}

// quotedPrintableAt returns what the code at s[i] stands for, and its length, or
// 0 if there is none.
func quotedPrintableAt(s string, i int) (rune, int) {
	switch rest := s[i:min(len(s), i+3)]; {
	case rest[0] != '=':
	case strings.HasPrefix(rest, "=\n"):
		return nothing, 2
	case rest == "=\r\n":
		return nothing, 3
	case len(rest) == 3 && isHex(rest[1]) && isHex(rest[2]) && !isLower(rest[1]) && !isLower(rest[2]):
		if c := unhex(rest[1])<<4 | unhex(rest[2]); c != 0 && c < utf8.RuneSelf {
			return rune(c), 3
		}
	}
	return 0, 0
}
