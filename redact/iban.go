package redact

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
	return match{from, pos, mark(kindIBAN)}, true
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
