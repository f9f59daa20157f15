package redact

import "strings"

// The digits of a phone number (ITU-T E.164), with a country's code or without.
const (
	maxPhone      = 15
	minPhone      = 8
	minLocalPhone = 6
)

// phone finds a phone number with a country's code whose '+', or the "%2B" that
// stands for it, is at s[i]: +49 30 1234567, +1 (555) 123-4567.
func phone(s string, i int) (match, bool) {
	from := i + 1
	if s[i] == '%' {
		if len(s)-i < 4 || s[i+1] != '2' || s[i+2]|0x20 != 'b' {
			return match{}, false
		}
		from = i + 3
	}
	within := i > 0 && isAlnum(s[i-1]) && !escaped(s, i)
	if within && i > 2 {
		_, n := unescapeAt(s, i-3) // %28%2B49
		within = n == 0
	}
	if from == len(s) || s[from] < '1' || s[from] > '9' || within || i > 0 && (s[i-1] == '.' || s[i-1] == '+') {
		return match{}, false
	}
	end, n, _ := phoneDigits(s, from, maxPhone)
	if n < minPhone || !countryCode(s[from:end]) || isPair(s, from) {
		return match{}, false
	}
	return match{i, end, mark(kindPhone)}, true
}

// phoneDigits returns the end of the phone number whose first digit, or the
// parenthesis before it, is s[i], how many digits it has, and in how many
// groups. It ends where digits go on beyond limit.
func phoneDigits(s string, i, limit int) (end, digits, groups int) {
	end = i
	dots := false
	for {
		to := skip(s, i, isDigit)
		if dot := to+1 < len(s) && s[to] == '.' && isDigit(s[to+1]); digits == 0 {
			dots = dot
		} else if dot && !dots {
			return end, digits, groups // a decimal or an address follows
		}
		if n := to - i; n == 0 || digits+n > limit {
			if digits == 0 {
				return end, 0, 0
			}
			return end, digits, groups
		}
		if !isolated(s, to) && isAlnum(s[to]) {
			if s[to] != 'x' || to+1 == len(s) || !isDigit(s[to+1]) || digits == 0 {
				return end, digits, groups // 0x..., 12ms
			}
			return to, digits + to - i, groups + 1 // an extension
		}
		digits += to - i
		groups++
		end = to
		// At most three signs stand between two groups: ") ", " (", ") - ".
		i = to
		for n := 0; i < len(s) && n < 3; n++ {
			k := phoneSign(s, i)
			if k == 0 {
				break
			}
			i += k
		}
		if i == to || i == len(s) || !isDigit(s[i]) {
			return end, digits, groups
		}
	}
}

// phoneSign returns the length of the sign at s[i] if it may stand between the
// groups of a phone number, or 0.
func phoneSign(s string, i int) int {
	switch s[i] {
	case '/', '(', ')':
		return 1
	case '%':
		if c, n := unescapeAt(s, i); c == '/' || c == '(' || c == ')' {
			return n
		}
	case '+': // of a form: 30+1234, 30)+1234
		if i > 0 && (isDigit(s[i-1]) || s[i-1] == ')' || i > 2 && s[i-3:i] == "%29") && i+1 < len(s) && (isDigit(s[i+1]) || s[i+1] == '(' || s[i+1] == '%') {
			return 1
		}
		return 0
	}
	return groupSign(s, i)
}

// areaPhone finds a phone number of North America with its area code, s[i:end], in
// parentheses: (212) 555-0199. Its shape alone tells.
func areaPhone(s string, i, end, floor int) (match, bool) {
	if end != i+3 || i <= floor || s[i-1] != '(' || end == len(s) || s[end] != ')' || s[i] < '2' {
		return match{}, false
	}
	from := end + 1
	if from < len(s) && (s[from] == ' ' || s[from] == '+') {
		from++
	}
	to := from + len("555-0199")
	if to > len(s) || s[from] < '2' || skip(s, from, isDigit) != from+3 || s[from+3] != '-' && s[from+3] != '.' && s[from+3] != ' ' || skip(s, from+4, isDigit) != to || !isolated(s, to) {
		return match{}, false
	}
	return match{i - 1, to, mark(kindPhone)}, true
}

// countryCode reports whether s begins with a code that the ITU has given out.
func countryCode(s string) bool {
	switch s[0] {
	case '1', '7':
		return true
	}
	if len(s) < 3 || !isDigit(s[1]) {
		return false
	}
	switch s[:2] {
	case "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48", "49",
		"51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66",
		"81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98":
		return true
	case "28", "83", "89":
		return false
	}
	return isDigit(s[2]) // all others have three digits, few of them unused
}

// phoneWords tell that the number behind them is one to call. Those that are short
// count only as a word of their own.
var phoneWords = []string{
	"phone", "phoned", "mobile", "telefon", "telefone", "telefono", "teléfono", "telefoon", "téléphone", "fax", "msisdn", "whatsapp",
	"rufnummer", "mobil", "móvil", "movil", "celular", "cellulare", "hotline", "puhelin",
	"telefonu", "телефон", "телефону", "телефона", "电话", "電話", "電話番号", "电话号码", "手机", "手机号", "手机号码", "携帯", "전화", "전화번호",
	"tel", "cell", "call", "sms", "handy", "gsm", "dial", "tél", "тел", "portable", "contact",
}

// phoneTriggers are what phoneWords begin or end in.
var phoneTriggers = []string{
	"phon", "mobil", "tel", "tél", "fax", "msisdn", "whatsapp", "rufn", "móvil", "movil", "cell", "celular", "hotline", "puhelin",
	"тел", "电话", "電話", "手机", "携帯", "전화", "call", "sms", "handy", "gsm", "dial", "portable", "contact",
}

const shortPhoneWord = 5 // bytes

// phoneWordsBy holds phoneWords by their last byte.
var phoneWordsBy = func() (t [256][]string) {
	for _, w := range phoneWords {
		c := w[len(w)-1]
		t[c] = append(t[c], w)
		if isAlpha(c) {
			t[c&^0x20] = append(t[c&^0x20], w)
		}
	}
	return t
}()

// endsPhoneWord holds the last bytes of phoneWords, of several, and of fillers.
var endsPhoneWord = func() (t [256]bool) {
	for c, words := range phoneWordsBy {
		t[c] = len(words) > 0 || c >= 0x80
	}
	t['s'], t['S'] = true, true
	for w := range fillers {
		c := w[len(w)-1]
		t[c], t[c&^0x20] = true, true
	}
	return t
}()

// phoneWord returns which of phoneWords a word is or ends in, or "".
func phoneWord(word string) string {
	if word == "" {
		return ""
	}
	for _, w := range phoneWordsBy[word[len(word)-1]] {
		n := len(word) - len(w)
		if n < 0 || !strings.EqualFold(word[n:], w) {
			continue
		}
		if n == 0 || w[0] >= 0x80 || isUpper(word[n]) && isLower(word[n-1]) { // homeTel
			return w
		}
		switch w {
		case "portable", "contact", "mobil", "hotline":
			continue
		}
		if len(w) >= shortPhoneWord || w == "fax" {
			return w
		}
	}
	return ""
}

// isPhoneWord reports the same, of one or of several.
func isPhoneWord(word string) bool {
	return phoneWord(word) != "" || strings.HasSuffix(word, "s") && phoneWord(word[:len(word)-1]) != ""
}

// localPhone finds a phone number without a country's code whose first digit is
// s[i], behind a word that tells what it is: "tel. 030/1234567", "call (555)
// 123-4567".
func localPhone(s string, i, floor int) (match, bool) {
	if n := gapStart(s, i, floor); n == i || n == floor || !endsPhoneWord[s[n-1]] {
		return match{}, false
	}
	word, filled := tellingWord(s, i, floor)
	telling := phoneWord(word)
	if telling == "" {
		telling = phoneWord(strings.TrimSuffix(word, "s"))
	}
	if telling == "" || telling == "call" && foldSuffix(word, "calls") {
		return match{}, false
	}
	from := i
	if s[i-1] == '(' {
		from--
	}
	limit := maxPhone
	if strings.HasPrefix(s[i:], "00") {
		limit += 2
	}
	end, n, groups := phoneDigits(s, i, limit)
	if n < minLocalPhone || isDate(s[i:end]) {
		return match{}, false
	}
	if _, ok := ipv4(s, i); ok {
		return match{}, false
	}
	// Calls are counted, and have identifiers; so have messages.
	switch telling {
	case "call", "sms", "cell", "handy", "gsm", "dial", "portable", "contact":
		long := n >= 8 && filled || n >= 9 && (s[i] == '0' || telling != "call" && telling != "sms" && telling != "contact")
		if groups == 1 && !long || n < 7 || telling == "contact" && !filled {
			return match{}, false
		}
	}
	return match{from, end, mark(kindPhone)}, true
}

// isDate reports whether s begins like 2026-08-01.
func isDate(s string) bool {
	return len(s) >= 10 && s[4] == '-' && s[7] == '-' && skip(s, 0, isDigit) == 4 && skip(s, 5, isDigit) == 7
}
