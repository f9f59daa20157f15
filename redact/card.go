package redact

// maxCard is the length of the longest card number (ISO/IEC 7812).
const maxCard = 19

// card finds the number of a payment card in the digits s[i:end] and what
// follows them: its digits in one run, or in the groups that are printed on
// cards, separated by spaces, dashes or dots, with the prefix and length of an
// issuer and a right check digit. It is no part of a longer run of digits or
// letters, or of a decimal number.
func card(s string, i, end int) (match, bool) {
	if i > 1 && (s[i-1] == '.' || s[i-1] == '-') && isDigit(s[i-2]) {
		return match{}, false
	}
	var buf [maxCard]byte
	if n := end - i; n != 4 { // all groups begin with four
		if 12 <= n && n <= maxCard && isolated(s, end) && isCard(append(buf[:0], s[i:end]...)) {
			return match{i, end, mark(kindCard)}, true
		}
		return match{}, false
	}
	for _, groups := range cardGroups {
		digits, end := grouped(buf[:0], s, i, groups)
		if end > 0 && isolated(s, end) && isCard(digits) {
			return match{i, end, mark(kindCard)}, true
		}
	}
	return match{}, false
}

// cardGroups are the ways card numbers are printed, longest first.
var cardGroups = [][]int{{4, 4, 4, 4, 3}, {4, 4, 4, 4}, {4, 6, 5}, {4, 6, 4}}

// grouped appends to digits those of the groups that begin at s[i], and returns
// the end of the last group, or 0.
func grouped(digits []byte, s string, i int, groups []int) ([]byte, int) {
	var sep byte
	for k, n := range groups {
		if k > 0 {
			if i >= len(s) || s[i] != ' ' && s[i] != '-' && s[i] != '.' || k > 1 && s[i] != sep {
				return nil, 0
			}
			sep = s[i]
			i++
		}
		if len(s)-i < n || skip(s[i:i+n], 0, isDigit) < n {
			return nil, 0
		}
		digits = append(digits, s[i:i+n]...)
		i += n
	}
	return digits, i
}

// isCard reports whether the digits have the prefix and length of an issuer
// (ISO/IEC 7812) and the check digit of Luhn.
func isCard(digits []byte) bool {
	p, n := 0, len(digits)
	for _, c := range digits[:4] {
		p = p*10 + int(c-'0')
	}
	in := func(lo, hi int) bool { return lo <= p && p <= hi }
	switch {
	case in(4000, 4999) && (n == 13 || n == 16 || n == 19): // Visa
	case (in(5100, 5599) || in(2221, 2720)) && n == 16: // Mastercard
	case in(2200, 2204) && n >= 16: // Mir
	case (in(3400, 3499) || in(3700, 3799)) && n == 15: // American Express
	case (in(3000, 3059) || in(3095, 3095) || in(3600, 3699) || in(3800, 3999)) && n >= 14: // Diners Club
	case in(3528, 3589) && n >= 16: // JCB
	case (in(2131, 2131) || in(1800, 1800)) && n == 15: // JCB
	case (in(6011, 6011) || in(6440, 6599)) && n >= 16: // Discover
	case in(6200, 6299) && n >= 16: // UnionPay
	case (in(5018, 5018) || in(5020, 5020) || in(5038, 5038) || in(5893, 5893) || in(6304, 6304) || in(6759, 6763)) && n >= 12: // Maestro
	case (in(5000, 5099) || in(5600, 5899) || in(6000, 6999)) && n >= 16: // Maestro, RuPay and others
	default:
		return false
	}
	sum := 0
	for k := range digits {
		d := int(digits[n-1-k] - '0')
		if k%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
