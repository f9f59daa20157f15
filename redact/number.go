package redact

// number finds the personal data that the run of digits at s[i] belongs to. It
// looks at the length of the run and at the byte behind it, and only then at
// more: most numbers are none.
func (r *Redactor) number(s string, i, floor int) (match, bool) {
	if i > 0 && isAlnum(s[i-1]) {
		return iban(s, i, floor)
	}
	end := skip(s, i, isDigit)
	n := end - i
	next := byte(0)
	if end < len(s) {
		next = s[end]
	}
	switch {
	case n == 4 || 12 <= n && n <= maxCard:
		if m, ok := card(s, i, end); ok {
			return m, true
		}
	case n == 3 || n == 9:
		if m, ok := ssn(s, i, end, floor); ok {
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

// maxTelling is how far before a number the word that tells what it is may end
// and begin, in bytes.
const (
	maxTelling = 24
	maxGap     = 6
)

// tellingWord returns the letters before s[i] and the signs that may stand
// between a name and its value: they end in the word that tells what the number
// at s[i] is, as in "phone: 1", `"homePhone":"1"` or "tel. (1". Of "phone
// number", "phone no." and "phone_number" that is "phone".
func tellingWord(s string, i, floor int) string {
	for range 3 {
		to := i
		for to > max(floor, i-maxGap) && isGap(s[to-1]) {
			to--
		}
		from := to
		for from > max(floor, to-maxTelling) && isAlpha(s[from-1]) {
			from--
		}
		word := s[from:to]
		switch {
		case foldSuffix(word, "number") && len(word) > len("number"):
			return word[:len(word)-len("number")]
		case equalFold(word, "number") || equalFold(word, "no") || equalFold(word, "nr") || equalFold(word, "num") ||
			equalFold(word, "is") || equalFold(word, "at") || equalFold(word, "the"):
			i = from
		default:
			return word
		}
	}
	return ""
}

// isGap reports whether c may stand between a name and its value.
func isGap(c byte) bool {
	switch c {
	case ' ', '\t', ':', '=', '"', '\'', '\\', '(', '[', '#', '.', '_', '-', '+', '>':
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
