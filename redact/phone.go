package redact

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
	if from == len(s) || s[from] < '1' || s[from] > '9' || i > 0 && (isAlnum(s[i-1]) || s[i-1] == '.' || s[i-1] == '+') {
		return match{}, false
	}
	end, n, _ := phoneDigits(s, from)
	if n < minPhone || !countryCode(s[from:end]) {
		return match{}, false
	}
	return match{i, end, mark(kindPhone)}, true
}

// phoneDigits returns the end of the phone number whose first digit, or the
// parenthesis before it, is s[i], how many digits it has, and in how many
// groups. The number of digits is 0 where they go on beyond a phone number.
func phoneDigits(s string, i int) (end, digits, groups int) {
	end = i
	dots := false
	for {
		to := skip(s, i, isDigit)
		if dot := to+1 < len(s) && s[to] == '.' && isDigit(s[to+1]); digits == 0 {
			dots = dot
		} else if dot && !dots {
			return end, digits, groups // a decimal or an address follows
		}
		if n := to - i; n == 0 || digits+n > maxPhone {
			if digits == 0 {
				return end, 0, 0
			}
			return end, digits, groups
		}
		if !isolated(s, to) && isAlnum(s[to]) {
			return end, digits, groups // 0x..., 12ms
		}
		digits += to - i
		groups++
		end = to
		// At most three signs stand between two groups: ") ", " (", ") - ".
		i = to
		for i < len(s) && i < to+3 && isPhoneSign(s[i]) {
			i++
		}
		if i == to || i == len(s) || !isDigit(s[i]) {
			return end, digits, groups
		}
	}
}

func isPhoneSign(c byte) bool {
	return c == ' ' || c == '-' || c == '.' || c == '/' || c == '(' || c == ')'
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

// phoneWords tell that the number behind them is one to call.
var phoneWords = []string{"phone", "tel", "mobile", "fax", "cell", "call", "sms", "msisdn", "whatsapp", "handy"}

// endsPhoneWord holds the last letters of phoneWords, and of the words between
// them and a number.
var endsPhoneWord = func() (t [256]bool) {
	for _, w := range append([]string{"number", "no", "nr", "num", "is", "at", "the"}, phoneWords...) {
		c := w[len(w)-1]
		t[c], t[c&^0x20] = true, true
	}
	return t
}()

// localPhone finds a phone number without a country's code whose first digit is
// s[i], behind a word that tells what it is: "tel. 030/1234567", "call (555)
// 123-4567".
func localPhone(s string, i, floor int) (match, bool) {
	j := i
	for j > max(floor, i-maxGap) && isGap(s[j-1]) {
		j--
	}
	if j == i || j == floor || !endsPhoneWord[s[j-1]] {
		return match{}, false
	}
	word := tellingWord(s, i, floor)
	telling := ""
	for _, w := range phoneWords {
		if foldSuffix(word, w) {
			telling = w
		}
	}
	if telling == "" {
		return match{}, false
	}
	from := i
	if s[i-1] == '(' {
		from--
	}
	end, n, groups := phoneDigits(s, i)
	if n < minLocalPhone || isDate(s[i:end]) {
		return match{}, false
	}
	if _, ok := ipv4(s, i); ok {
		return match{}, false
	}
	// Calls are counted, and have identifiers; so have messages.
	if (telling == "call" || telling == "sms" || telling == "cell") && groups == 1 && (n < 9 || s[i] != '0') {
		return match{}, false
	}
	return match{from, end, mark(kindPhone)}, true
}

// isDate reports whether s begins like 2026-08-01.
func isDate(s string) bool {
	return len(s) >= 10 && s[4] == '-' && s[7] == '-' && skip(s, 0, isDigit) == 4 && skip(s, 5, isDigit) == 7
}
