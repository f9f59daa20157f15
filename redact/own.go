package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
)

const (
	// minOwn is the length of the shortest own secret that is looked for: a
	// shorter one would tear ordinary words apart.
	minOwn = 6
	// minOwnPart is the length of the shortest part of one that a cut leaves.
	minOwnPart = 8
)

// ownSecrets finds given values, wherever they stand and however they are
// encoded. It looks at one byte in five or so (Wu and Manber, "A Fast Algorithm
// for Multi-Pattern Searching", 1994).
type ownSecrets struct {
	forms []ownForm
	// width is how many bytes of each form the tables know.
	width int
	// shift says how far to go on, by the last three bytes of a window.
	shift [1 << 15]uint8
	// ends holds the forms whose window ends in given three bytes.
	ends map[uint16][]int32
	// tails holds where a form goes on with given bytes, for those that a cut
	// took the beginning of.
	tails map[[minOwnPart]byte][]ownTail
}

// ownForm is one way to write a secret.
type ownForm struct {
	text string
	// encoded forms are part of a longer word, which goes with them.
	encoded bool
}

type ownTail struct{ form, at int32 }

// newOwnSecrets returns what finds the values, or nil if there is none to find.
func newOwnSecrets(values []string) *ownSecrets {
	o := &ownSecrets{width: minOwnPart, ends: map[uint16][]int32{}, tails: map[[minOwnPart]byte][]ownTail{}}
	seen := map[string]bool{}
	add := func(text string, encoded bool) {
		if len(text) >= minOwn && !seen[text] {
			seen[text] = true
			o.forms = append(o.forms, ownForm{text, encoded})
			o.width = min(o.width, len(text))
		}
	}
	for _, v := range values {
		// What is part of a mark would be found in what replaces it.
		if len(v) < minOwn || strings.Contains(mark(kindOwn), v) || strings.Contains(masked+":"+masked, v) {
			continue
		}
		add(v, false)
		if s, err := json.Marshal(v); err == nil {
			add(string(s[1:len(s)-1]), false)
		}
		for _, s := range []string{url.QueryEscape(v), url.PathEscape(v)} {
			add(s, false)
			add(lowerEscapes(s), false)
		}
		add(hex.EncodeToString([]byte(v)), true)
		add(strings.ToUpper(hex.EncodeToString([]byte(v))), true)
		for before := range 3 {
			add(within64(base64.RawStdEncoding, v, before), true)
			add(within64(base64.RawURLEncoding, v, before), true)
		}
	}
	if len(o.forms) == 0 {
		return nil
	}
	o.index()
	return o
}

const kindOwn = "secret"

// within64 returns the part of the base64 code of v that does not hang on what
// stands around v, if as many bytes stand before it, modulo three.
func within64(enc *base64.Encoding, v string, before int) string {
	code := enc.EncodeToString(append(make([]byte, before), v...))
	return code[(before*8+5)/6 : (before+len(v))*8/6]
}

// lowerEscapes returns s with the digits of its percent-escapes in lower case.
func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], bytes.ToLower(b[i+1:i+3]))
		}
	}
	return string(b)
}

// block is the number of the three bytes at s[i].
func block(s string, i int) uint16 {
	n := uint32(s[i]) | uint32(s[i+1])<<8 | uint32(s[i+2])<<16
	return uint16(n * 0x9e3779b1 >> 17)
}

// index fills in the tables.
func (o *ownSecrets) index() {
	far := uint8(o.width - 2)
	for i := range o.shift {
		o.shift[i] = far
	}
	for n, f := range o.forms {
		for i := 0; i+3 <= o.width; i++ {
			b := block(f.text, i)
			left := uint8(o.width - 3 - i)
			o.shift[b] = min(o.shift[b], left)
			if left == 0 {
				o.ends[b] = append(o.ends[b], int32(n))
			}
		}
		for i := 1; i+minOwnPart <= len(f.text); i++ {
			g := [minOwnPart]byte([]byte(f.text[i : i+minOwnPart]))
			o.tails[g] = append(o.tails[g], ownTail{int32(n), int32(i)})
		}
	}
}

// redact returns s with what is found in it replaced by what with returns.
func (o *ownSecrets) redact(s string, with func(from, to int) string) string {
	var out []byte
	done := 0
	replace := func(from, to int) {
		if out == nil {
			out = make([]byte, 0, len(s)+maxMark)
		}
		out = append(append(out, s[done:from]...), with(from, to)...)
		done = to
	}
	start := 0
	if end := o.head(s); end > 0 {
		replace(len(s[:end])-len(strings.TrimLeft(s[:end], ".…")), end)
		start = end
	}
	for i := start + o.width; i <= len(s); {
		b := block(s, i-3)
		if n := o.shift[b]; n > 0 {
			i += int(n)
			continue
		}
		from, to := o.at(s, i-o.width, b, done)
		if to == 0 {
			i++
			continue
		}
		replace(from, to)
		i = to + o.width
	}
	if out == nil {
		return s
	}
	return string(append(out, s[done:]...))
}

// at returns the longest find whose window begins at s[i], or 0.
func (o *ownSecrets) at(s string, i int, b uint16, floor int) (from, to int) {
	for _, n := range o.ends[b] {
		f := &o.forms[n]
		end := 0
		if strings.HasPrefix(s[i:], f.text) {
			end = i + len(f.text)
		} else if n := common(s[i:], f.text); n >= minOwnPart && isCut(s[i+n:]) {
			end = i + n
		}
		if end == 0 {
			continue
		}
		begin := i
		if f.encoded {
			for begin > floor && is64(s[begin-1]) {
				begin--
			}
			end = skip(s, end, func(c byte) bool { return is64(c) || c == '=' })
		}
		if end > to || end == to && begin < from {
			from, to = begin, end
		}
	}
	return from, to
}

// head returns the end of the part of a secret that s begins with, because what
// stood before was cut off, or 0.
func (o *ownSecrets) head(s string) int {
	rest := strings.TrimLeft(s, ".…")
	if len(rest) < minOwnPart {
		return 0
	}
	end := 0
	for _, t := range o.tails[[minOwnPart]byte([]byte(rest[:minOwnPart]))] {
		if tail := o.forms[t.form].text[t.at:]; strings.HasPrefix(rest, tail) {
			end = max(end, len(s)-len(rest)+len(tail))
		}
	}
	return end
}

// common returns the length of the longest text that both begin with.
func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// isCut reports whether a text was cut off where s goes on.
func isCut(s string) bool {
	return s == "" || strings.HasPrefix(s, "…") || strings.HasPrefix(s, "...") || strings.HasPrefix(s, cutMark)
}

// is64 reports whether c is of one of the alphabets of base64.
func is64(c byte) bool { return in64[c] }

var in64 = func() (t [256]bool) {
	for c := range t {
		t[c] = isWord(byte(c)) || c == '+' || c == '/'
	}
	return t
}()
