package redact

import (
	"fmt"
	"strings"
)

// A shape says how the secrets of a kind are written, as in "ghp_{a36}": literal
// bytes, and runs of a class of bytes with their length.
//
//	{a36}    36 bytes of a class; what else of the word follows goes with them
//	{a20-30} from 20 to 30
//	{a20+}   20 or more
//	{uuid}   a UUID
//	^        at the beginning: no part of a longer word
//	$        at the end: no part of a longer word
//	(        what stands before stays
//
// The classes:
//
//	a  letters and digits      w  a, '_' and '-'    b  base64: a, '+' and '/'
//	l  lower case and digits   x  a and '_'         B  base64 with '='
//	u  upper case and digits   h  hexadecimal       t  b, '=', '-', '.', '_' and '~'
//	d  digits                  L  letters           p  of a path: w, '/', '@' and '.'
//	c  base32 in upper case    v  visible bytes other than quotes, '<', '>', '&' and brackets
type shape struct {
	ops         []op
	anchor      int    // the offset of word
	word        string // the literal that the index looks for
	left, right bool   // the ends must be those of a word
	// narrow shapes have a run of digits, of hexadecimal, or of one case.
	narrow bool
	keep   int  // how many ops stay
	first  byte // what it begins with, if that is a literal
	lead   int  // how long the word is at least that it begins with, up to maxBeside
}

// op is a literal, or a run of a class.
type op struct {
	lit      string
	class    uint16
	min, max int
}

// classes has a bit for each class that a byte is of.
var classes [256]uint16

const classNames = "alhduwxbBtpLcv"

func init() {
	tests := []func(byte) bool{
		isAlnum, func(c byte) bool { return isLower(c) || isDigit(c) }, isHex, isDigit, isUpperAlnum, isWord,
		func(c byte) bool { return isAlnum(c) || c == '_' },
		func(c byte) bool { return isAlnum(c) || c == '+' || c == '/' }, isBase64, isToken68, isPath, isAlpha,
		func(c byte) bool { return isUpper(c) || '2' <= c && c <= '7' },
		func(c byte) bool { return c > ' ' && c < 0x7f && strings.IndexByte("\"'`<>&()[]{}\\", c) < 0 },
	}
	for n, is := range tests {
		for c := range 256 {
			if is(byte(c)) {
				classes[c] |= 1 << n
			}
		}
	}
}

// parseShape reads a shape. The shapes are constants: a bad one is a bug.
func parseShape(text string) *shape {
	sh := &shape{}
	rest := strings.ReplaceAll(text, "{uuid}", "{h8}-{h4}-{h4}-{h4}-{h12}")
	rest, sh.left = strings.CutPrefix(rest, "^")
	rest, sh.right = strings.CutSuffix(rest, "$")
	for rest != "" {
		switch n := strings.IndexAny(rest, "{("); {
		case rest[0] == '(':
			sh.keep = len(sh.ops)
			rest = rest[1:]
		case rest[0] == '{':
			inner, after, ok := strings.Cut(rest[1:], "}")
			class := strings.IndexByte(classNames, inner[0])
			var o op
			o.class = 1 << max(class, 0)
			switch _, err := fmt.Sscanf(inner[1:], "%d-%d", &o.min, &o.max); {
			case !ok || class < 0 || o.min == 0:
				panic("redact: shape " + text)
			case strings.HasSuffix(inner, "+"):
				o.max = 1 << 30
			case err != nil:
				o.max = o.min
			}
			sh.narrow = sh.narrow || strings.IndexByte("hdluc", inner[0]) >= 0
			sh.ops = append(sh.ops, o)
			rest = after
		default:
			if n < 0 {
				n = len(rest)
			}
			sh.ops = append(sh.ops, op{lit: rest[:n]})
			rest = rest[n:]
		}
	}
	sh.findAnchor()
	sh.findLead()
	return sh
}

// findLead adds up what a shape begins with that is of a word.
func (sh *shape) findLead() {
	if lit := sh.ops[0].lit; lit != "" {
		sh.first = lit[0]
	}
	for _, o := range sh.ops {
		n := skip(o.lit, 0, isWord)
		if o.class != 0 && isWordClass(o.class) {
			n = o.min
		}
		sh.lead = min(sh.lead+n, maxBeside)
		if n == 0 || n < len(o.lit) || o.min < o.max {
			return
		}
	}
}

// isWordClass reports whether all bytes of a class may be part of a word.
func isWordClass(class uint16) bool {
	for c := range classes {
		if classes[c]&class != 0 && !isWord(byte(c)) {
			return false
		}
	}
	return true
}

// findAnchor chooses the literal that is rarest in text and stands at a known
// offset.
func (sh *shape) findAnchor() {
	at, best := 0, 1000
	for _, o := range sh.ops {
		if o.lit == "" {
			if o.min < o.max {
				break
			}
			at += o.min
			continue
		}
		if len(o.lit) > 1 {
			if w := bigramAt(o.lit, rarest(o.lit)).weight(); w < best {
				sh.anchor, sh.word, best = at, o.lit, w
			}
		}
		at += len(o.lit)
	}
}

// match returns where the secret is whose shape begins at s[i], or 0.
func (sh *shape) match(s string, i, floor int) (from, to int) {
	if i < floor || sh.left && !startsWord(s, i) {
		return 0, 0
	}
	from, pos := i, i
	for k := range sh.ops {
		o := &sh.ops[k]
		if k == sh.keep {
			from = pos
		}
		if o.lit != "" {
			if !strings.HasPrefix(s[pos:], o.lit) {
				return 0, 0
			}
			pos += len(o.lit)
			continue
		}
		end := pos
		for limit := min(len(s), pos+min(o.max, len(s))); end < limit && classes[s[end]]&o.class != 0; end++ {
		}
		if end-pos < o.min {
			return 0, 0
		}
		pos = end
	}
	if sh.right && pos < len(s) && isWord(s[pos]) || isFiller(s[from:pos]) {
		return 0, 0
	}
	return from, pos
}

// startsWord reports whether a word may begin at s[i]: at the beginning, behind
// what is no part of words, or behind an escape (%3D, \n, \u0026).
func startsWord(s string, i int) bool {
	return i == 0 || !isWord(s[i-1]) || i > 2 && s[i-3] == '%' && isHex(s[i-2]) && isHex(s[i-1]) ||
		i > 1 && s[i-2] == '\\' || i > 5 && s[i-6] == '\\' && s[i-5] == 'u'
}
