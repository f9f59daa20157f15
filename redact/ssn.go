package redact

import "strings"

// ssn finds a US social security number that begins with the digits s[i:end]:
// 123-45-6789, or, beside a word that says what it is, with spaces or dots or in
// one run.
//
// Its first three digits are not 000, 666 or 900 and above, its others not all
// zero in their groups (SSA, "Social Security Number Randomization").
func ssn(s string, i, end, floor int) (match, bool) {
	if area := s[i : i+3]; area == "000" || area == "666" || area[0] == '9' {
		return match{}, false
	}
	within := i > 1 && (s[i-1] == '-' || s[i-1] == '.') && isAlnum(s[i-2])
	telling := true
	group, serial := i+3, i+5
	if end == i+3 {
		group = groupSigns(s, end)
		serial = groupSigns(s, min(group+2, len(s)))
		if end < len(s)-4 && s[end] == '/' && s[end+3] == '/' {
			group, serial = end+1, end+4
		}
		if group == end || s[end:group] != s[min(group+2, len(s)):serial] {
			return match{}, false
		}
		telling = s[end:group] != "-"
		end = serial + 4
	}
	if end > len(s) || skip(s, group, isDigit) < group+2 || skip(s, serial, isDigit) != end || !isolated(s, end) || end < len(s) && s[end] == '-' {
		return match{}, false
	}
	if s[group:group+2] == "00" || s[serial:end] == "0000" || (telling || within) && !tellsSSN(s, i, floor) {
		return match{}, false
	}
	return match{i, end, mark(kindSSN)}, true
}

// tellsSSN reports whether a word before s[i] says that a social security number
// follows.
func tellsSSN(s string, i, floor int) bool {
	word, _ := tellingWord(s, i, floor)
	if foldSuffix(word, "ssn") || foldSuffix(word, "socialsecurity") {
		return true
	}
	before := strings.ToLower(s[max(floor, i-maxTelling-maxGap):i])
	return strings.Contains(before, "social security") || strings.Contains(before, "social_security") || strings.Contains(before, "social-security")
}
