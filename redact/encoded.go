package redact

import (
	"encoding/base64"
	"strings"
)

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
			if a, b := r.word64(s, from, to, level); b > 0 {
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

// word64 returns the part of the word s[from:to] that is base64 and holds a
// secret. A word may begin with a path: '/' is of the alphabet too.
func (r *Redactor) word64(s string, from, to, level int) (int, int) {
	for range 4 {
		if text := decode64(s[from:to]); r.holdsSecret(text, s[from:to], level) {
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

// decode64 returns the text that s is the base64 code of, as far as it is, or ""
// if s is no code of a text.
func decode64(s string) string {
	if !beginsText(s) {
		return "" // most words, known by a look at two bytes
	}
	var head [12]byte
	enc := base64.RawStdEncoding
	if strings.ContainsAny(s, "-_") {
		enc = base64.RawURLEncoding
	}
	if n, err := enc.Decode(head[:], []byte(s[:16])); err != nil || !isText(head[:n]) {
		return ""
	}
	b := make([]byte, enc.DecodedLen(len(s)))
	n, _ := enc.Decode(b, []byte(s[:len(s)/4*4]))
	if tail := len(s) / 4 * 4; n == tail/4*3 && len(s)-tail > 1 {
		m, _ := enc.Decode(b[n:], []byte(s[tail:]))
		n += m
	}
	return string(b[:n])
}

// beginsText reports whether the first byte of what s is the base64 code of may be
// one of a text.
func beginsText(s string) bool {
	return isTextByte(sixBits[s[0]]<<2 | sixBits[s[1]]>>4)
}

// sixBits is what each byte of base64 stands for.
var sixBits = func() (t [256]byte) {
	for _, alphabet := range []string{base64Alphabet + "+/", base64Alphabet + "-_"} {
		for n, c := range []byte(alphabet) {
			t[c] = byte(n)
		}
	}
	return t
}()

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// isText reports whether b is printable ASCII.
func isText(b []byte) bool {
	for _, c := range b {
		if !isTextByte(c) {
			return false
		}
	}
	return true
}

func isTextByte(c byte) bool { return ' ' <= c && c <= '~' || c == '\n' || c == '\t' || c == '\r' }

// unescape returns s with its percent-escapes decoded, those that are right.
func unescape(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			b = append(b, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
			continue
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
