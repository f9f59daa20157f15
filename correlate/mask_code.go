package correlate

import "strings"

// isCode reports whether a word with digits is the code of an error or status.
func (m *masker) isCode(t *maskToken, w string) bool {
	if len(w) > 12 {
		return false
	}
	before := m.text(m.last)
	if m.value != 0 {
		before = m.text(m.key)
	}
	if t.digits == len(w) || t.digits == len(w)-1 && w[0] == '-' {
		return maskIsCodeOf(w, before, m.s[t.end:])
	}
	return maskIsCode(w, before, strings.HasPrefix(m.s[t.end:], ":"), len(m.dst) == m.start)
}

// maskIsCode reports whether a word of letters and digits is an error code:
// ORA-00942, E1062.
func maskIsCode(w, before string, colon, first bool) bool {
	n := 0
	for n < len(w) && maskBits[w[n]]&maskUpper != 0 {
		n++
	}
	letters := n
	if n == 0 {
		return maskIsCodeOf(w, before, ":")
	}
	if n < len(w) && (w[n] == '-' || w[n] == '_') {
		n++
	}
	digits := len(w) - n
	if digits < 1 || digits > 6 {
		return false
	}
	for _, c := range []byte(w[n:]) {
		if maskBits[c]&maskDigit == 0 {
			return false
		}
	}
	switch {
	case letters >= 3 && n > letters && digits == 5:
		return true
	case colon && (letters >= 2 || first):
		return digits >= 3
	}
	return first && digits >= 4 && letters <= 4 || maskTells(before)
}

// maskIsCodeOf reports whether a number is the code of an error or status,
// given the word before it and what follows it.
func maskIsCodeOf(w, before, rest string) bool {
	digits := len(strings.TrimPrefix(w, "-"))
	var buf [16]byte
	switch string(maskHead(buf[:], before)) {
	case "status", "code", "errno", "signal", "http", "exit":
		return digits <= 3
	case "error", "err", "sqlstate", "sqlcode", "errcode":
		return digits <= 5
	case "returned", "response", "got", "received", "with":
		if digits != 3 || w[0] < '4' || w[0] > '5' {
			return false
		}
		// As in "returned 404 Not Found", not "received 512 bytes".
		for rest != "" && maskClass[rest[0]] == maskSpace {
			rest = rest[1:]
		}
		return rest == "" || maskBits[rest[0]]&maskUpper != 0 || maskClass[rest[0]] != maskWord || rest[0] == ':'
	}
	return false
}
