package redact

import (
	"slices"
	"strings"
)

// maxCard is the length of the longest card number (ISO/IEC 7812).
const maxCard = 19

// card finds the number of a payment card in the digits s[i:end] and what
// follows them: its digits in one run, or in the groups that are printed on
// cards with the same signs between them, with the prefix and length of an
// issuer and a right check digit. It is no part of a longer run of digits or
// letters, or of a decimal number.
func card(s string, i, end int) (match, bool) {
	if i > 1 && (s[i-1] == '.' || s[i-1] == '-') && isDigit(s[i-2]) {
		return match{}, false
	}
	var buf [maxCard]byte
	if n := end - i; n != 4 && n != 6 { // all groups begin with four, or six
		if 12 <= n && n <= maxCard && isolated(s, end) && isCard(append(buf[:0], s[i:end]...)) && !(n > 16 && traces(s[max(0, i-maxTelling):i])) {
			return match{i, end, mark(kindCard)}, true
		}
		return match{}, false
	}
	lens, sep := digitGroups(s, i, end)
	for _, groups := range cardGroups {
		if len(groups) > len(lens) || !slices.Equal(groups, lens[:len(groups)]) {
			continue
		}
		digits, end := buf[:0], i
		for _, n := range groups {
			if len(digits) > 0 {
				end += len(sep)
			}
			digits = append(digits, s[end:end+int(n)]...)
			end += int(n)
		}
		if more := end + len(sep); len(digits) < 16 && len(groups) < len(lens) && skip(s, more, isDigit) > more+2 {
			continue // the digits go on
		}
		if isolated(s, end) && isCard(digits) {
			return match{i, end, mark(kindCard)}, true
		}
	}
	return match{}, false
}

// cardGroups are the ways card numbers are printed, longest first.
var cardGroups = [][]uint8{
	{4, 4, 4, 4, 3}, {4, 4, 4, 4, 2}, {4, 4, 4, 4, 1}, {4, 4, 4, 4}, {4, 6, 5}, {4, 6, 4},
	{4, 4, 4, 3}, {4, 4, 4, 2}, {4, 4, 5}, {4, 4, 4, 1}, {4, 4, 4}, {6, 13}, {6, 10},
}

// digitGroups returns the lengths of the groups of digits that s[i:end] is the first
// of, six at most, and what stands between them: the same each time.
func digitGroups(s string, i, end int) (lens []uint8, sep string) {
	var buf [6]uint8
	lens = append(buf[:0], uint8(end-i))
	for len(lens) < len(buf) {
		next := groupSigns(s, end)
		if next == end || len(lens) > 1 && s[end:next] != sep {
			break
		}
		to := skip(s[:min(len(s), next+maxCard)], next, isDigit)
		if to == next {
			break
		}
		sep = s[end:next]
		lens = append(lens, uint8(to-next))
		end = to
	}
	return lens, sep
}

// cardFloat finds the number of a card that was printed as a floating-point
// number, as Go does with those of JSON: 4.111111111111111e+15.
func cardFloat(s string, i int) (match, bool) {
	end := skip(s, i+2, isDigit)
	exp := 0
	n := end
	if n < len(s) && s[n]|0x20 == 'e' {
		n++
		if n < len(s) && s[n] == '+' {
			n++
		}
		for n < len(s) && isDigit(s[n]) && exp < maxCard {
			exp = exp*10 + int(s[n]-'0')
			n++
		}
	}
	if exp < 11 || exp >= maxCard || end-i-2 > exp || !isolated(s, n) {
		return match{}, false
	}
	var buf [maxCard]byte
	digits := append(append(buf[:0], s[i]), s[i+2:end]...)
	for len(digits) <= exp {
		digits = append(digits, '0')
	}
	if !isCard(digits) {
		return match{}, false
	}
	return match{i, n, mark(kindCard)}, true
}

// traces reports whether a name says that a long number is the identifier of a
// trace or a span, of which some tracers write 64 bits in decimal.
func traces(name string) bool {
	name = strings.ToLower(name)
	return strings.Contains(name, "trace") || strings.Contains(name, "span")
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
	case in(2200, 2205) && n >= 16: // Mir, Borica
	case (in(3400, 3499) || in(3700, 3799)) && n == 15: // American Express
	case (in(3000, 3059) || in(3095, 3095) || in(3600, 3699) || in(3800, 3999)) && n >= 14: // Diners Club
	case in(3528, 3589) && n >= 16: // JCB
	case (in(2131, 2131) || in(1800, 1800)) && n == 15: // JCB
	case (in(6011, 6011) || in(6440, 6599)) && n >= 16: // Discover
	case in(6200, 6299) && n >= 16, in(8100, 8299) && n == 16: // UnionPay, RuPay
	case (in(8600, 8600) || in(9704, 9704) || in(9792, 9792) || in(9860, 9860)) && n == 16: // Uzcard, Napas, Troy, Humo
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
