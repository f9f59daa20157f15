package redact

import "strings"

// iban finds an International Bank Account Number (ISO 13616), written in one
// run or in groups of four, whose first check digit is s[i].
func iban(s string, i, floor int) (match, bool) {
	from := i - 2
	if from < floor || !isUpper(s[from]) || !isUpper(s[from+1]) || from > 0 && isAlnum(s[from-1]) && !escaped(s, from) {
		return match{}, false
	}
	end := ibanEnd(s, from, false)
	if end == 0 {
		return match{}, false
	}
	return match{from, end, mark(kindIBAN)}, true
}

// ibanEnd returns the end of the account number that begins at s[from], or 0. A
// loose one may be in lower case, and have signs between any two of its bytes.
func ibanEnd(s string, from int, loose bool) int {
	country := s[from : from+2]
	if loose {
		country = strings.ToUpper(country)
	}
	length := int(ibanLengths[country])
	// The check digits count behind the rest; until then they wait in head.
	rest, head, pos := 0, 0, from
	sep := ""
	for n := range length {
		if n > 1 && (n%4 == 0 || loose) && pos < len(s) && !isAlnum(s[pos]) {
			to := groupSigns(s, pos)
			if to > pos && n > 4 && !loose && s[pos:to] != sep {
				return 0
			}
			sep, pos = s[pos:to], to
		}
		if pos == len(s) {
			return 0
		}
		c := s[pos]
		if loose && isLower(c) {
			c &^= 0x20
		}
		if !isUpperAlnum(c) {
			return 0
		}
		sum := &rest
		if n < 4 {
			sum = &head
		}
		if isDigit(c) {
			*sum = *sum*10 + int(c-'0')
		} else {
			*sum = *sum*100 + int(c-'A'+10)
		}
		rest %= 97
		pos++
	}
	if length == 0 || !isolated(s, pos) || (rest*1_000_000+head)%97 != 1 {
		return 0
	}
	return pos
}

// ibanTold finds an account number soon behind the word "iban" at s[at:], also
// one in lower case or in groups of another length.
func ibanTold(x *scanner, at int) (match, bool) {
	const reach = 32
	s := x.s
	for i := at + len("iban"); i+4 < min(len(s), at+reach); i++ {
		if s[i] == '\n' {
			break
		}
		if !isAlpha(s[i]) || !isAlpha(s[i+1]) || i > at+len("iban") && isAlnum(s[i-1]) || isAlpha(s[i+2]) {
			continue
		}
		if end := ibanEnd(s, i, true); end > 0 {
			return match{i, end, mark(kindIBAN)}, true
		}
	}
	return match{}, false
}

// ibanLengths are from the IBAN registry of SWIFT; those of the countries on the
// last line, which banks there use without being in it, from their central banks.
var ibanLengths = func() map[string]uint8 {
	const table = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24" +
		"FI18FK18FO18FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21" +
		"LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33" +
		"SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30" +
		"AO25BF28BJ28CF27CG27CI28CM27CV25DZ26GA27GQ27GW25HN28IR26KM27MA28MG27ML28MZ25NE28SN28TD27TG28"
	m := map[string]uint8{}
	for i := 0; i < len(table); i += 4 {
		m[table[i:i+2]] = (table[i+2]-'0')*10 + table[i+3] - '0'
	}
	return m
}()
