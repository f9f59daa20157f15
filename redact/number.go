package redact

import "strings"

// number finds the personal data that the run of digits at s[i] belongs to. It
// looks at the length of the run and at the byte behind it, and only then at
// more: most numbers are none.
func (r *Redactor) number(s string, i, floor int) (match, bool) {
	if i > 0 && isAlnum(s[i-1]) && !escaped(s, i) {
		return iban(s, i, floor)
	}
	end := skip(s, i, isDigit)
	n := end - i
	next := byte(0)
	if end < len(s) {
		next = s[end]
	}
	switch {
	case n == 4 || n == 6 || 12 <= n && n <= maxCard:
		if m, ok := card(s, i, end); ok {
			return m, true
		}
	case n == 1 && next == '.':
		if m, ok := cardFloat(s, i); ok {
			return m, true
		}
	case n == 3 || n == 9:
		if m, ok := ssn(s, i, end, floor); ok {
			return m, true
		}
		if m, ok := areaPhone(s, i, end, floor); ok {
			return m, true
		}
	}
	if n <= 3 && next == '.' {
		if m, ok := geo(s, i, floor); ok {
			return m, true
		}
		if r.Personal.policy(kindIP) != Keep {
			if m, ok := ipv4(s, i); ok {
				return m, true
			}
		}
	}
	return localPhone(s, i, floor)
}

// isolated reports whether a number may end at s[i].
func isolated(s string, i int) bool {
	return i == len(s) || !isAlnum(s[i]) && (s[i] != '.' || i+1 == len(s) || !isDigit(s[i+1]))
}

// escaped reports whether the letter before s[i] is that of an escape, \n or \t,
// or says that the number of a card begins a magnetic stripe: %B4111...
func escaped(s string, i int) bool {
	if i < 2 {
		return false
	}
	switch s[i-1] {
	case 'n', 'r', 't':
		return s[i-2] == '\\'
	case 'B':
		return s[i-2] == '%'
	}
	return false
}

// groupSign returns the length of the sign at s[i] if it may stand between the
// groups of a number, or 0: a blank, a dash or a dot, also those of typography,
// percent-encoded or escaped as in JSON, and the '+' that is the blank of a form.
func groupSign(s string, i int) int {
	switch c := s[i]; c {
	case ' ', '-', '.':
		return 1
	case '+':
		if i > 0 && s[i-1] > ' ' && i+1 < len(s) && s[i+1] > ' ' {
			return 1
		}
	case 0xc2:
		if i+1 < len(s) && s[i+1] == 0xa0 {
			return 2
		}
	case 0xe2:
		if i+2 < len(s) && isTypographic(s[i+1], s[i+2]) {
			return 3
		}
	case '%':
		switch b, n := unescapeAt(s, i); b {
		case ' ', '-', '.':
			return n
		case 0xc2:
			if b, m := unescapeAt(s, i+n); b == 0xa0 {
				return n + m
			}
		case 0xe2:
			b1, m1 := unescapeAt(s, i+n)
			if b2, m2 := unescapeAt(s, i+n+m1); isTypographic(b1, b2) {
				return n + m1 + m2
			}
		}
	case '\\':
		if i+6 <= len(s) && s[i+1] == 'u' {
			switch code := s[i+2 : i+6]; {
			case code == "00a0", code == "00A0", code == "202f", code == "202F", code == "2009", strings.HasPrefix(code, "201") && code[3] <= '5':
				return 6
			}
		}
	}
	return 0
}

// isTypographic reports whether the bytes behind 0xe2 are those of a blank or a
// dash: U+2000 to U+200A, U+2010 to U+2015, U+202F, U+2212.
func isTypographic(b, c byte) bool {
	if b == 0x88 {
		return c == 0x92
	}
	return b == 0x80 && (0x80 <= c && c <= 0x8a || 0x90 <= c && c <= 0x95 || c == 0xaf)
}

// unescapeAt returns the byte that the percent-escape at s[i] stands for, and the
// length of the escape, or zeros.
func unescapeAt(s string, i int) (byte, int) {
	if i+3 > len(s) || s[i] != '%' || !isHex(s[i+1]) || !isHex(s[i+2]) {
		return 0, 0
	}
	return unhex(s[i+1])<<4 | unhex(s[i+2]), 3
}

// groupSigns returns the end of the signs at s[i] that may stand between two
// groups of a number: three at most, as in " - ".
func groupSigns(s string, i int) int {
	for n := 0; n < 3 && i < len(s); n++ {
		k := groupSign(s, i)
		if k == 0 {
			break
		}
		i += k
	}
	return i
}

// maxTelling is how far before a number the word that tells what it is may end
// and begin, in bytes.
const (
	maxTelling = 24
	maxGap     = 10
)

// fillers stand between the word that tells what a number is and the number:
// "phone number", "tel. no.", "phone (home)", "call me at".
var fillers = func() map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(`number no nr num nummer numero número numer is at the on to me us
		home work office private personal value file`) {
		m[w] = true
	}
	return m
}()

const maxFiller = 8 // bytes

// tellingWord returns the letters before s[i] and the signs that may stand
// between a name and its value: they end in the word that tells what the number
// at s[i] is, as in "phone: 1", `"homePhone":"1"` or "tel. (1". Of "phone
// number", "phone no." and "phone_number" that is "phone". filled says that there
// were such words between.
func tellingWord(s string, i, floor int) (word string, filled bool) {
	for range 4 {
		to := gapStart(s, i, floor)
		from := to
		for from > max(floor, to-maxTelling) && isLetter(s[from-1]) {
			from--
		}
		word = s[from:to]
		for _, w := range [...]string{"number", "nummer", "no", "nr"} {
			if foldSuffix(word, w) && !foldSuffix(word, "rufnummer") && len(word) > len(w) && (len(w) > 2 || isUpper(word[len(word)-2]) && isLower(word[len(word)-3])) {
				return word[:len(word)-len(w)], true
			}
		}
		if len(word) > maxFiller || !fillers[strings.ToLower(word)] {
			return word, filled
		}
		i, filled = from, true
	}
	return "", false
}

// isLetter reports whether c may be part of a letter of any script.
func isLetter(c byte) bool { return isAlpha(c) || c >= 0x80 }

// gapStart returns where the signs begin that stand before s[i], and the few
// digits that a name may end in.
func gapStart(s string, i, floor int) int {
	to := i
	for to > max(floor, i-maxGap) {
		switch {
		case isGap(s[to-1]):
			to--
		case to-3 >= floor && s[to-3] == '%' && isHex(s[to-1]) && isHex(s[to-2]) && isGap(unhex(s[to-2])<<4|unhex(s[to-1])):
			to -= 3
		case to-2 >= floor && s[to-2] == 0xc2 && s[to-1] >= 0xa0: // NBSP, «
			to -= 2
		case to-3 >= floor && (s[to-3] == 0xe2 && s[to-2] == 0x80 || s[to-3] == 0xef && s[to-2] == 0xbc): // „, ：
			to -= 3
		default:
			if n := to; n < i && isDigit(s[n-1]) && s[n] != '.' {
				for n > max(floor, to-2) && isDigit(s[n-1]) {
					n--
				}
				if n > floor && isAlpha(s[n-1]) {
					return n // phone1
				}
			}
			return to
		}
	}
	return to
}

// isGap reports whether c may stand between a name and its value.
func isGap(c byte) bool {
	switch c {
	case ' ', '\t', ':', '=', '"', '\'', '\\', '(', ')', '[', ']', '#', '.', '_', '-', '+', '>':
		return true
	}
	return false
}

// foldSuffix reports whether s ends in the lower-case letters of suffix, in any
// case.
func foldSuffix(s, suffix string) bool {
	return len(s) >= len(suffix) && equalFold(s[len(s)-len(suffix):], suffix)
}

// equalFold reports whether s is the lower-case letters of word, in any case.
func equalFold(s, word string) bool {
	if len(s) != len(word) {
		return false
	}
	for i := range len(s) {
		if s[i]|0x20 != word[i] {
			return false
		}
	}
	return true
}
