package redact

import "strings"

const (
	// min64 is the length of the shortest base64 word that is looked into: 18
	// bytes, about the shortest token.
	min64 = 24
	// maxLevels is how often a word is decoded: what is encoded more often than
	// that is no accident.
	maxLevels = 2

	kindEncoded = "encoded"
)

// encoded returns s without the words that are base64 of a text, or have
// percent-escapes, and hold a secret when decoded: which part of such a word is
// secret cannot be said, so all of it goes.
//
// Most texts have no such word, which a look at one byte in 24 shows.
func (r *Redactor) encoded(s string, level int, t *trail) string {
	var out []byte
	done := 0
	replace := func(from, to int) {
		with := r.replacement(kindEncoded, s[from:to])
		t.note(match{from, to, with})
		out = append(append(out, s[done:from]...), with...)
		done = to
	}
	for probe := min64 - 1; probe < len(s); probe += min64 {
		if !is64(s[probe]) {
			continue
		}
		from, to := probe, skip(s, probe, is64)
		for from > done && from > probe-min64 && is64(s[from-1]) {
			from--
		}
		if to-from >= min64 {
			if a, b := r.block64(s, from, to, level); b > to {
				if a < b {
					replace(max(a, done), b)
				}
				to = b
			} else if a, b := r.word64(s, from, to, level); b > 0 {
				replace(a, skip(s, b, func(c byte) bool { return c == '=' }))
			}
		}
		probe = max(probe, to-1)
	}
	if out != nil {
		s = string(append(out, s[done:]...))
		out, done = nil, 0
		t.step()
	}
	for i := strings.IndexByte(s, '%'); i >= 0; {
		from, to := i, i
		for from > done && !isSpace(s[from-1]) && !isQuote(s[from-1]) {
			from--
		}
		for to < len(s) && !isSpace(s[to]) && !isQuote(s[to]) {
			to++
		}
		if r.holdsSecret(unescape(s[from:to]), s[from:to], level) {
			replace(from, to)
		}
		next := strings.IndexByte(s[to:], '%')
		if next < 0 {
			break
		}
		i = to + next
	}
	if out == nil {
		return s
	}
	t.step()
	return string(append(out, s[done:]...))
}

// word64 returns the part of the word s[from:to] that is base64 or hexadecimal
// and holds a secret. A word may begin with a path: '/' is of the alphabet too.
func (r *Redactor) word64(s string, from, to, level int) (int, int) {
	if code := hexWord(s[from:to]); code != "" && r.holdsSecret(decodeHex(code), code, level) {
		return to - len(code), to
	}
	for range 4 {
		if r.holdsSecret(decode64(s[from:to]), s[from:to], level) {
			return from, to
		}
		n := strings.IndexByte(s[from:to], '/')
		if n < 0 || to-from-n <= min64 {
			break
		}
		from += n + 1
	}
	return 0, 0
}

// block64 looks into the lines that begin with the word s[from:to] and are
// base64, of equal length but for the last. If there are several, it returns
// where they end, and where what is to be replaced begins: there too if they
// hold no secret.
func (r *Redactor) block64(s string, from, to, level int) (int, int) {
	const minWidth = 40
	width := to - from
	if width < minWidth || !endsLine(s, to) {
		return 0, 0
	}
	code := append(make([]byte, 0, 4*width), s[from:to]...)
	end := to
	for {
		next := nextLine(s, end)
		if next == end {
			break
		}
		next = skip(s, next, isBlank)
		line := skip(s[:min(len(s), next+width)], next, is64)
		if line == next || line-next < width && line < len(s) && isWordLetter(s[line]) {
			break
		}
		code = append(code, s[next:line]...)
		end = line
		if line-next < width || !endsLine(s, line) {
			break
		}
	}
	if end == to {
		return 0, 0
	}
	padded := skip(s, end, func(c byte) bool { return c == '=' })
	text := decode64(string(code))
	if r.holdsSecret(text, "", level) {
		return from, padded
	}
	if begin := cutBody(s, from); text == "" && level == 1 && begin >= 0 && isMixed(s[from:to]) && entropy(string(code)) >= minBodyEntropy {
		return begin, padded
	}
	return end, end
}

// minBodyEntropy is the least entropy of two random lines of base64, and more than
// that of words.
const minBodyEntropy = 4.8

// cutBody returns where the lines of base64 begin that go on at s[i], if they may
// be the middle of a private key, because what stood before was cut off, or -1.
func cutBody(s string, i int) int {
	const maxLine = 128
	if cutBefore(s, i) {
		return i
	}
	end := len(strings.TrimRight(s[:i], "\r\n"))
	begin := end
	for begin > max(0, end-maxLine) && isBase64(s[begin-1]) {
		begin--
	}
	if begin < end && cutBefore(s, begin) {
		return begin
	}
	return -1
}

// isWordLetter reports whether c goes on with what is no code of base64.
func isWordLetter(c byte) bool { return c == '.' || c == ':' || c == '_' || c >= 0x80 }

// endsLine reports whether a line ends at s[i].
func endsLine(s string, i int) bool {
	return i < len(s) && (s[i] == '\n' || s[i] == '\r' || s[i] == '\\') && nextLine(s, i) > i
}

// values64 are those of both alphabets of base64, and 0xff.
var values64 = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		t[c] = byte(i)
	}
	t['-'], t['_'] = 62, 63
	return t
}()

// minPrinted is how many printable bytes in a row make a text of what was decoded.
const minPrinted = 12

// decode64 returns the text in what s is the base64 code of, or "" if that is no
// text. It decodes no more than samples of what is not: minPrinted bytes span
// three whole groups of four characters.
func decode64(s string) string {
	for i := 0; ; i += 12 {
		if i+4 > len(s) {
			return ""
		}
		if !isPrinted64(s, i) {
			continue
		}
		from, to := i, i+4
		for from >= 4 && i-from < 8 && isPrinted64(s, from-4) {
			from -= 4
		}
		for to+4 <= len(s) && to-i < 12 && isPrinted64(s, to) {
			to += 4
		}
		if to-from >= 12 {
			break
		}
	}
	b := make([]byte, 0, len(s)/4*3+3)
	for i := 0; i < len(s); i += 4 {
		var n uint32
		group := s[i:min(len(s), i+4)]
		for k := range 4 {
			n <<= 6
			if k < len(group) {
				n |= uint32(values64[group[k]])
			}
		}
		b = append(b, byte(n>>16), byte(n>>8), byte(n))[:len(b)+max(0, len(group)-1)]
	}
	return printed(b)
}

// isPrinted64 reports whether the group of base64 at s[i] stands for printable
// bytes.
func isPrinted64(s string, i int) bool {
	a, b, c, d := values64[s[i]], values64[s[i+1]], values64[s[i+2]], values64[s[i+3]]
	return inText[a<<2|b>>4] && inText[b<<4|c>>2] && inText[c<<6|d]
}

// inText has the bytes of isPrinted.
var inText = func() (t [256]bool) {
	for c := range t {
		t[c] = isPrinted(byte(c))
	}
	return t
}()

// isPrinted reports whether c is printable ASCII, a space, or a zero of UTF-16.
func isPrinted(c byte) bool {
	return c >= ' ' && c < 0x7f || c == '\n' || c == '\t' || c == '\r' || c == 0
}

// printed returns b as text: without zeros, and with spaces for what is neither
// printable nor beyond ASCII; or "" if no part of it is one.
func printed(b []byte) string {
	run, longest := 0, 0
	out := b[:0]
	for _, c := range b {
		switch {
		case c == 0:
			continue
		case isPrinted(c):
			run++
			longest = max(longest, run)
		case c < 0x80:
			c = ' '
			run = 0
		default:
			run = 0
		}
		out = append(out, c)
	}
	if longest < minPrinted {
		return ""
	}
	return string(out)
}

// hexWord returns the hexadecimal code that is all of a word, or what follows 0x
// in it, or "".
func hexWord(s string) string {
	if len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' {
		s = s[2:]
	} else if len(s) > 1 && s[0] == 'x' { // \x70...
		s = s[1:]
	}
	if len(s) < min64 || !isPrintedHex(s) && !isPrintedHex(s[len(s)/4*2:]) {
		return ""
	}
	if skip(s, 0, isHex) < len(s) {
		return ""
	}
	return s
}

// isPrintedHex reports whether s begins with the code of printable bytes.
func isPrintedHex(s string) bool {
	const sample = 10
	for i := 0; i < sample; i += 2 {
		if !isHex(s[i]) || !isHex(s[i+1]) || !isPrinted(hexByte(s, i)) {
			return false
		}
	}
	return true
}

func hexByte(s string, i int) byte { return unhex(s[i])<<4 | unhex(s[i+1]) }

// decodeHex returns the text that s is the hexadecimal code of, or "".
func decodeHex(s string) string {
	b := make([]byte, len(s)/2)
	for i := range b {
		b[i] = hexByte(s, 2*i)
	}
	return printed(b)
}

// unescape returns s with its percent-escapes decoded, those that are right, how
// often so ever they were made.
func unescape(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' {
			n := i + 1
			for n+4 <= len(s) && s[n] == '2' && s[n+1] == '5' && isHex(s[n+2]) && isHex(s[n+3]) {
				n += 2
			}
			if n+2 <= len(s) && isHex(s[n]) && isHex(s[n+1]) {
				b = append(b, hexByte(s, n))
				i = n + 1
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

func unhex(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return (c | 0x20) - 'a' + 10
}

// holdsSecret reports whether a decoded text has something to redact, level
// codes below the surface.
func (r *Redactor) holdsSecret(text, code string, level int) bool {
	if text == "" || text == code {
		return false
	}
	if r.scan(r.own(text, nil), nil) != text {
		return true
	}
	return level < maxLevels && r.encoded(text, level+1, nil) != text
}
