package redact

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// email finds an e-mail address around the '@' or "%40" at s[i]. Addresses of
// version control (git@host) and versions (module@v1.2.3) are none.
func email(s string, i, floor int) (match, bool) {
	at := i + 1
	if s[i] == '%' {
		if !strings.HasPrefix(s[i:], "%40") {
			return match{}, false
		}
		at = i + 3
	}
	from := localStart(s, i, floor)
	end := at
	for end < len(s) {
		n := letterLen(s, end)
		if n == 0 && s[end] != '.' && !isWord(s[end]) {
			break
		}
		end += max(n, 1)
	}
	end = at + len(strings.TrimRight(s[at:end], ".-"))
	if from == i || s[from:i] == "git" || !isDomain(s[at:end]) {
		return match{}, false
	}
	return match{from, end, mark("email")}, true
}

// localStart returns where the local part that ends at i begins.
func localStart(s string, i, floor int) int {
	from := i
	for from > floor {
		c := s[from-1]
		n := 1
		if c >= utf8.RuneSelf {
			var r rune
			if r, n = utf8.DecodeLastRuneInString(s[floor:from]); !unicode.IsLetter(r) {
				break
			}
		} else if !isWord(c) && c != '.' && c != '+' && c != '%' {
			break
		}
		// An escape other than that of '+' separates: ?mail%3Dbob%40example.com
		if c == '%' && from+2 <= i && isHex(s[from]) && isHex(s[from+1]) && s[from:from+2] != "2B" {
			return from + 2
		}
		from -= n
	}
	return from
}

// isDomain reports whether s has a dot, and a label of two letters or more
// behind one.
func isDomain(s string) bool {
	if v := strings.TrimPrefix(s, "v"); v != "" && isDigit(v[0]) {
		if n := skip(v, 0, isDigit); n+1 < len(v) && v[n] == '.' && isDigit(v[n+1]) {
			return false // a version
		}
	}
	labels := strings.Split(s, ".")
	for n, label := range labels {
		letters := 0
		for j := 0; j < len(label); letters++ {
			k := letterLen(label, j)
			if k == 0 {
				break
			}
			j += k
		}
		if n > 0 && labels[0] != "" && (letters >= 2 || strings.HasPrefix(label, "xn--")) {
			return true
		}
	}
	return false
}

// letterLen returns the length in bytes of the letter at s[i], or 0.
func letterLen(s string, i int) int {
	if c := s[i]; c < utf8.RuneSelf {
		if isAlpha(c) {
			return 1
		}
		return 0
	}
	r, n := utf8.DecodeRuneInString(s[i:])
	if !unicode.IsLetter(r) {
		return 0
	}
	return n
}
