package correlate

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
	return maskIsCode(w, before, len(m.dst) == m.start)
}

// maskIsCode reports whether a word of letters and digits is an error code, as
// in "ORA-00942: no such table". Order numbers look the same, and one of them
// taken for a code makes a problem of every order, so only those count that
// are introduced as codes or are of a known family.
func maskIsCode(w, before string, first bool) bool {
	n := 0
	for n < len(w) && maskBits[w[n]]&maskUpper != 0 {
		n++
	}
	family := w[:n]
	if n > 0 && n < len(w) && (w[n] == '-' || w[n] == '_') {
		n++
	}
	digits := len(w) - n
	if len(w) == 5 && maskIsState(before) {
		return true // letters may stand anywhere
	}
	for _, c := range []byte(w[n:]) {
		if maskBits[c]&maskDigit == 0 {
			return false
		}
	}
	switch family {
	case "ORA", "PLS", "TNS", "RMAN", "MSB", "HHH", "JBAS", "WFLYCTL", "WSA", "CVE", "CS", "TS":
		return digits >= 4
	case "E":
		return digits >= 4 && first
	}
	return digits >= 1 && digits <= 6 && maskIsCodeOf(w, before, "")
}

// maskIsCodeOf reports whether a number is the code of an error or status,
// given the word before it and what follows it.
func maskIsCodeOf(w, before, rest string) bool {
	for rest != "" && maskClass[rest[0]] == maskSpace {
		rest = rest[1:]
	}
	phrase := rest == "" || maskBits[rest[0]]&maskLower == 0 // as in "returned 404 Not Found", not "received 512 bytes"
	var buf [16]byte
	switch string(maskHead(buf[:], before)) {
	case "status", "code", "errno", "signal", "http", "exit":
		return len(w) <= 3 || maskBits[w[0]]&maskUpper != 0 && len(w) <= 6
	case "sqlstate", "sqlcode", "errcode":
		return len(w) <= 6
	case "error", "err":
		return len(w) <= 5 && phrase
	case "returned", "response", "got", "received", "with":
		return len(w) == 3 && (w[0] == '4' || w[0] == '5') && phrase
	}
	return false
}

func maskIsState(before string) bool {
	var buf [16]byte
	return string(maskHead(buf[:], before)) == "sqlstate"
}
