package correlate

import "strings"

// appendOperation appends a span name with the numbers and identifiers in it
// masked. Names are meant to have none, so more is kept than of a message:
// paths, and words with a digit or two.
func appendOperation(dst []byte, name string) []byte {
	if maskIsPlain(name) {
		return append(dst, name...) // as nearly all are
	}
	if strings.IndexByte(name, '\'') >= 0 || strings.IndexByte(name, '"') >= 0 || strings.IndexByte(name, '=') >= 0 || strings.Contains(name, "://") {
		return appendMask(dst, name) // a statement or a URL
	}
	name = maskCut(name, maskKeep)
	for i := 0; i < len(name); {
		if maskIsBreak(name[i]) {
			dst = append(dst, name[i])
			i++
			continue
		}
		end := i
		for end < len(name) && !maskIsBreak(name[end]) {
			end++
		}
		dst = appendSegment(dst, name[i:end])
		i = end
	}
	return dst
}

// maskIsPlain reports whether a span name is made of letters and of what
// stands between the parts of one, without a part that may be hex digits.
func maskIsPlain(name string) bool {
	hex := 0
	for i := range len(name) {
		switch bits := maskBits[name[i]]; {
		case bits&maskDigit != 0:
			return false
		case bits&maskHex != 0:
			if hex++; hex == 8 {
				return false
			}
		case bits != 0, maskIsBreak(name[i]):
			hex = 0
		case name[i] != '_' && name[i] != '-' && name[i] != '.' && name[i] != '{' && name[i] != '}':
			return false
		}
	}
	return len(name) <= maskKeep
}

// maskIsBreak reports whether c stands between the parts of a span name.
func maskIsBreak(c byte) bool {
	return c <= ' ' || c == '/' || c == ',' || c == ';' || c == '?' || c == '&'
}

func appendSegment(dst []byte, s string) []byte {
	digits, letters, hex := 0, 0, true
	for i := range len(s) {
		switch bits := maskBits[s[i]]; {
		case bits&maskDigit != 0:
			digits++
		case bits != 0:
			letters++
			hex = hex && bits&maskHex != 0
		case s[i] >= 0x80:
			hex = false
		case s[i] == '@':
			return append(dst, maskPlaceholder...)
		}
	}
	if hex && digits >= 4 || hex && digits == 0 && letters >= 8 {
		return append(dst, maskPlaceholder...)
	}
	if digits == 0 || maskIsTechnique(s) {
		return append(dst, s...)
	}
	for i := 0; i < len(s); {
		end, digits := i, 0
		for end < len(s) && maskBits[s[end]] != 0 {
			if maskBits[s[end]]&maskDigit != 0 {
				digits++
			}
			end++
		}
		if end == i {
			dst = append(dst, s[i])
			i++
			continue
		}
		if run := s[i:end]; digits == len(run) || digits > 2 || digits*2 >= len(run) && digits > 0 && !maskIsTechnique(run) {
			dst = append(dst, maskPlaceholder...)
		} else {
			dst = append(dst, run...)
		}
		i = end
	}
	return dst
}
