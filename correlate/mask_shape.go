package correlate

import "strings"

// Classes of bytes.
const (
	maskOther = iota
	maskSpace
	maskWord
	maskQuote
	maskOpen
	maskWide
)

const (
	maskDigit = 1 << iota
	maskLower
	maskUpper
	maskHex
)

var maskClass, maskBits = func() (class, bits [256]uint8) {
	for c := range class {
		switch {
		case c >= 0x80:
			class[c] = maskWide
		case c >= '0' && c <= '9':
			class[c], bits[c] = maskWord, maskDigit|maskHex
		case c >= 'a' && c <= 'z':
			class[c], bits[c] = maskWord, maskLower
		case c >= 'A' && c <= 'Z':
			class[c], bits[c] = maskWord, maskUpper
		case c <= ' ' || c == 0x7F:
			class[c] = maskSpace
		}
	}
	for _, c := range "abcdefABCDEF" {
		bits[c] |= maskHex
	}
	for _, c := range `_-.:/\@%+$#~` {
		class[c] = maskWord
	}
	for _, c := range "\"'`" {
		class[c] = maskQuote
	}
	for _, c := range "([{" {
		class[c] = maskOpen
	}
	return class, bits
}()

// maskToken is what a word is made of.
type maskToken struct {
	end     int
	letters int
	digits  int
	humps   int // capitals after small letters or digits
	dots    int
	joins   int // hyphens and underscores
	slashes int
	backs   int
	at      bool
	url     bool
	address bool
	simple  bool // small letters up to a space or the end

	info maskInfo // what is known of the word, once it was looked up
}

// maskScan reads the word at i.
func maskScan(t *maskToken, s string, i int) {
	*t = maskToken{}
	var prev uint8
	colon := false
	k := i
	// Most words are small letters and nothing else.
	for k < len(s) && maskBits[s[k]]&maskLower != 0 {
		k++
	}
	if k > i {
		t.letters, prev = k-i, maskLower
		if k == len(s) || s[k] == ' ' {
			t.end, t.simple = k, true
			return
		}
	}
scan:
	for ; k < len(s); k++ {
		c := s[k]
		bits := maskBits[c]
		switch {
		case bits&maskLower != 0:
			t.letters++
		case bits&maskUpper != 0:
			t.letters++
			if prev&(maskLower|maskDigit) != 0 {
				t.humps++
			}
		case bits != 0:
			t.digits++
		case maskClass[c] != maskWord && c != '\'':
			break scan
		default:
			switch c {
			case '.':
				t.dots++
			case '-', '_':
				t.joins++
			case '/':
				t.slashes++
			case '\\':
				t.backs++
			case '@':
				t.at = t.at || k > i
			case ':':
				if k+1 == len(s) || maskClass[s[k+1]] != maskWord || k == i && s[k+1] != ':' {
					break scan
				}
				if strings.HasPrefix(s[k:], "://") {
					t.url = true
					k = maskURL(s, k)
					break scan
				}
				if s[k+1] == ':' || colon {
					break
				}
				if n := maskAddress(s[i:min(len(s), i+48)]); n > 0 && i+n > k {
					t.address = true
					k = i + n
					break scan
				}
				if t.digits == 0 && !t.at && t.slashes == 0 && !(k == i+1 && s[k+1] == '\\') {
					host := t.dots > 0 || strings.IndexByte(s[i:k], '-') >= 0
					if !host || maskBits[s[k+1]]&maskDigit == 0 {
						break scan
					}
				}
				colon = true
			case '\'':
				if prev == 0 || k+1 == len(s) || maskBits[s[k+1]]&(maskLower|maskUpper) == 0 {
					break scan // not an apostrophe
				}
			}
		}
		prev = bits
	}
	if t.slashes > 0 && s[i] == '/' && k < len(s) && s[k] == '?' {
		k = maskURL(s, k)
	}
	// A full stop at the end is not of the word.
	for t.letters+t.digits > 0 && (s[k-1] == '.' || s[k-1] == ':') {
		t.dots--
		k--
	}
	if t.digits > 0 && k-i >= 10 && strings.HasPrefix(s[k:], "=") {
		// Padding of base64, unless a value follows.
		end := k + 1
		if strings.HasPrefix(s[end:], "=") {
			end++
		}
		if end == len(s) || maskClass[s[end]] == maskSpace || maskClass[s[end]] == maskOther && s[end] != '=' {
			k = end
		}
	}
	t.end = max(k, i+1)
}

// maskURL returns the end of the URL whose scheme ends at i.
func maskURL(s string, i int) int {
	start := i
	for i < len(s) && (maskClass[s[i]] == maskWord || strings.IndexByte("?&=,;!*([{}])|^", s[i]) >= 0 || s[i] >= 0x80) {
		i++
	}
	closed := strings.ContainsAny(s[start:i], "([{") // brackets of its own
	for strings.IndexByte(".,:;!?", s[i-1]) >= 0 || !closed && strings.IndexByte(")]}", s[i-1]) >= 0 {
		i--
	}
	return i
}

// maskAddress returns the length of the IPv6 or MAC address that s begins
// with, or 0.
func maskAddress(s string) int {
	n, colons := 0, 0
	for n < len(s) {
		if s[n] == ':' {
			colons++
		} else if maskBits[s[n]]&maskHex == 0 && s[n] != '.' {
			break
		}
		n++
	}
	if n < len(s) && (maskBits[s[n]] != 0 || s[n] == '<') {
		return 0
	}
	for n > 0 && (s[n-1] == '.' || s[n-1] == ':' && !strings.HasSuffix(s[:n], "::")) {
		if s[n-1] == ':' {
			colons--
		}
		n--
	}
	if colons < 2 {
		return 0
	}
	return n
}

// varies reports whether a word that is not plain has the shape of a value.
func (t *maskToken) varies(w string) bool {
	if t.url || t.at || t.address {
		return true
	}
	if t.letters+t.digits == 0 {
		return false
	}
	if t.digits > 0 {
		return !t.isName(w)
	}
	switch {
	case w[0] == '/', strings.HasPrefix(w, "./"), strings.HasPrefix(w, "../"), strings.HasPrefix(w, "~/"):
		return true
	case t.slashes >= 2, t.backs >= 2, t.backs == 1 && strings.IndexByte(w, ':') == 1:
		return true
	case t.dots > 0:
		if maskIsFile(w[strings.LastIndexByte(w, '.')+1:]) {
			return true
		}
	}
	return false
}

// isRandom reports whether letters look drawn, not spelled: hex digits, or
// capitals and small letters in turn.
func (t *maskToken) isRandom(w string) bool {
	if t.letters >= 16 && t.humps*10 >= t.letters*2 {
		parts := 0
		for i := 0; i < len(w); parts++ {
			if maskBits[w[i]] == 0 {
				i++
				continue
			}
			i += maskHump(w[i:])
		}
		return parts*10 >= t.letters*3 && !maskWords().isText(w)
	}
	for i := range len(w) {
		if maskBits[w[i]]&maskHex == 0 {
			return false
		}
	}
	return true
}

// isName reports whether a word with digits names something all the same:
// a technique (sha256, http2), or a type (Http2Exception).
func (t *maskToken) isName(w string) bool {
	if t.letters == 0 {
		return false
	}
	if len(w) <= 12 && maskIsTechnique(w) {
		return true
	}
	if t.digits > 2 || t.slashes+t.backs > 0 || maskBits[w[0]]&(maskLower|maskUpper) == 0 {
		return false
	}
	if t.dots > 0 {
		// Only the last part of a qualified name is looked at: the ones before
		// it hold versions.
		last := w[strings.LastIndexByte(w, '.')+1:]
		return last != "" && maskBits[last[0]]&maskUpper != 0 && strings.IndexByte(w, '-') < 0 && strings.IndexByte(w, ':') < 0
	}
	return t.humps > 0 && t.letters >= 8 && maskWords().isText(w)
}
