package redact

// card finds the number of a payment card whose first digit is s[i]: its digits
// in one run, or in the groups that are printed on cards, separated by spaces
// or dashes, with the prefix and length of an issuer and a right check digit.
// It is no part of a longer run of digits or letters, or of a decimal number.
func card(s string, i int) (match, bool) {
	if i > 1 && s[i-1] == '.' && isDigit(s[i-2]) {
		return match{}, false
	}
	var buf [19]byte
	end := skip(s, i, isDigit)
	if n := end - i; n != 4 { // all groups begin with four
		if 13 <= n && n <= len(buf) && isolated(s, end) && isCard(append(buf[:0], s[i:end]...)) {
			return match{i, end, mark("card")}, true
		}
		return match{}, false
	}
	for _, groups := range cardGroups {
		digits, end := grouped(buf[:0], s, i, groups)
		if end > 0 && isolated(s, end) && isCard(digits) {
			return match{i, end, mark("card")}, true
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
			if i >= len(s) || s[i] != ' ' && s[i] != '-' || k > 1 && s[i] != sep {
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

// isolated reports whether a number may end at s[i].
func isolated(s string, i int) bool {
	return i == len(s) || !isAlnum(s[i]) && (s[i] != '.' || i+1 == len(s) || !isDigit(s[i+1]))
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
	case (in(3400, 3499) || in(3700, 3799)) && n == 15: // American Express
	case (in(3000, 3059) || in(3600, 3699) || in(3800, 3999)) && n >= 14 && n <= 19: // Diners Club
	case in(3528, 3589) && n >= 16: // JCB
	case (in(6011, 6011) || in(6440, 6599)) && n >= 16: // Discover
	case in(6200, 6299) && n >= 16: // UnionPay
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

// iban finds an International Bank Account Number (ISO 13616), written in one
// run or in groups of four, whose first check digit is s[i].
func iban(s string, i, floor int) (match, bool) {
	from := i - 2
	if from < floor || !isUpper(s[from]) || !isUpper(s[from+1]) || from > 0 && isAlnum(s[from-1]) {
		return match{}, false
	}
	length := int(ibanLengths[s[from:i]])
	// The check digits count behind the rest; until then they wait in head.
	rest, head, pos := 0, 0, from
	for n := range length {
		if n > 0 && n%4 == 0 && pos < len(s) && (s[pos] == ' ' || s[pos] == '-') {
			pos++
		}
		if pos == len(s) || !isUpperAlnum(s[pos]) {
			return match{}, false
		}
		sum := &rest
		if n < 4 {
			sum = &head
		}
		if c := s[pos]; isDigit(c) {
			*sum = *sum*10 + int(c-'0')
		} else {
			*sum = *sum*100 + int(c-'A'+10)
		}
		rest %= 97
		pos++
	}
	if length == 0 || !isolated(s, pos) || (rest*1_000_000+head)%97 != 1 {
		return match{}, false
	}
	return match{from, pos, mark("iban")}, true
}

// ibanLengths are from the IBAN registry of SWIFT.
var ibanLengths = func() map[string]uint8 {
	const table = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24" +
		"FI18FK18FO18FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21" +
		"LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33" +
		"SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30"
	m := map[string]uint8{}
	for i := 0; i < len(table); i += 4 {
		m[table[i:i+2]] = (table[i+2]-'0')*10 + table[i+3] - '0'
	}
	return m
}()
