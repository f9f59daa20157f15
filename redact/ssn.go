package redact

import "strings"

// ssn finds a US social security number that begins with the digits s[i:end]:
// 123-45-6789, or, beside a word that says what it is, with spaces or dots or in
// one run.
//
// Its first three digits are not 000, 666 or 900 and above, its others not all
// zero in their groups (SSA, "Social Security Number Randomization").
func ssn(s string, i, end, floor int) (match, bool) {
	if i > 0 && (s[i-1] == '_' || i > 1 && (s[i-1] == '-' || s[i-1] == '.') && isAlnum(s[i-2])) {
		return match{}, false
	}
	if area := s[i : i+3]; area == "000" || area == "666" || area[0] == '9' {
		return match{}, false
	}
	telling := false
	group, serial := i+3, i+5
	if end == i+3 {
		if end == len(s) || s[end] != '-' && s[end] != ' ' && s[end] != '.' || len(s) < i+11 || s[i+6] != s[end] {
			return match{}, false
		}
		telling = s[end] != '-'
		group, serial, end = i+4, i+7, i+11
	} else {
		telling = true
	}
	if skip(s, group, isDigit) < group+2 || skip(s, serial, isDigit) != end || !isolated(s, end) || end < len(s) && s[end] == '-' {
		return match{}, false
	}
	if s[group:group+2] == "00" || s[serial:end] == "0000" || telling && !tellsSSN(s, i, floor) {
		return match{}, false
	}
	return match{i, end, mark(kindSSN)}, true
}

// tellsSSN reports whether a word before s[i] says that a social security number
// follows.
func tellsSSN(s string, i, floor int) bool {
	word := tellingWord(s, i, floor)
	if foldSuffix(word, "ssn") || foldSuffix(word, "socialsecurity") {
		return true
	}
	before := strings.ToLower(s[max(floor, i-maxTelling-maxGap):i])
	return strings.Contains(before, "social security") || strings.Contains(before, "social_security")
}
