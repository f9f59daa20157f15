package redact

import (
	"math"
	"strings"
)

// maxBeside is how far behind a telling word a secret is looked for, in bytes,
// and maxBefore how far before it a word that says that there is one.
const (
	maxBeside = 96
	maxBefore = 32
)

// beside finds a secret that has one of the shapes, on the line of the telling
// word s[at:end] and soon behind it. What stands around must say that it is a
// secret (see tells); what is called an identifier or a hash is none.
func (x *scanner) beside(at, end int, shapes []*shape) (from, to int) {
	s := x.s
	limit := min(len(s), end+maxBeside)
	last := at // where the last word began
	for i := skip(s[:limit], end, isWord); i < limit; {
		if s[i] == '\n' || s[i] == '[' && markLen(s[i:]) > 0 {
			break
		}
		if !isWord(s[i]) {
			i++
			continue
		}
		word := skip(s[:min(len(s), i+maxBeside)], i, isWord) - i
		if !isWordOrEscape(s, i) {
			for _, sh := range shapes {
				if word < sh.lead || sh.first != 0 && s[i] != sh.first {
					continue
				}
				from, to = sh.match(s, i, x.floor)
				if to > 0 && sh.isDrawn(s[from:to]) && x.told(at, i) && !identifies(s[last:i]) {
					return from, to
				}
			}
		}
		last = i
		i += word
	}
	return 0, 0
}

// told reports whether the words around the telling word s[at:], on its line, say
// that there is a secret at s[i].
func (x *scanner) told(at, i int) bool {
	from := max(x.floor, at-maxBefore)
	if n := strings.LastIndexByte(x.s[from:at], '\n'); n >= 0 {
		from += n + 1
	}
	return tells(x.s[from:at]) || tells(x.s[at:i])
}

// isWordOrEscape reports whether s[i] is the end of an escape: \n, %3D.
func isWordOrEscape(s string, i int) bool { return i > 0 && (s[i-1] == '%' || s[i-1] == '\\') }

// tellingWords say that there is a secret, as a part of a name or at its end.
var tellingWords = map[string]bool{}

// tells reports whether one of tellingWords is among the parts of s.
func tells(s string) bool {
	for len(s) > 0 {
		var b keyBuffer
		n := min(len(s), len(b.letters))
		if tellsPart(b.split(s[:n])) {
			return true
		}
		if n == len(s) {
			break
		}
		s = s[n/2:] // a word may have been cut
	}
	return false
}

func tellsPart(w words) bool {
	start := 0
	for _, end := range w.ends {
		part := string(w.letters[start:end])
		start = end
		if tellingWords[part] {
			return true
		}
		for _, suffix := range []string{"key", "token", "secret", "password", "pwd", "auth"} {
			if strings.HasSuffix(part, suffix) {
				return true
			}
		}
	}
	return false
}

// identifiers are words that say that what follows is no secret.
var identifiers = map[string]bool{}

func init() {
	for w := range strings.FieldsSeq(`keys tokens secrets pass passwords passwd passphrase authorization authentication authenticated
		credential credentials creds cred pat sid license licence bearer psk skey ssws bindpw`) {
		tellingWords[w] = true
	}
	for w := range strings.FieldsSeq(`id ids uid uuid guid trace traceid span spanid hash sha sha1 sha256 sha512 md5 crc digest commit
		rev revision version etag checksum fingerprint thumbprint integrity request requestid correlation
		build image layer blob tree parent public publickey pubkey pub project account client user sub kid
		partition routing idempotency cache primary foreign shard row sort dedup object message group public_key`) {
		identifiers[w] = true
	}
}

// identifies reports whether the last part of a name says that what it stands
// for is no secret.
func identifies(name string) bool {
	var b keyBuffer
	if len(name) > len(b.letters) {
		name = name[len(name)-len(b.letters):]
	}
	return identifiers[string(b.split(name).last())]
}

// isDrawn reports whether s, which has the shape, looks drawn rather than
// written. Where letters of both cases may stand, what is a hash or a UUID, or a
// name in lower case with dashes, was not.
func (sh *shape) isDrawn(s string) bool {
	if !isRandom(s) {
		return false
	}
	if sh.narrow {
		return true
	}
	var upper, lower, joined bool
	hex := true
	for i := range len(s) {
		c := s[i]
		upper = upper || isUpper(c)
		lower = lower || isLower(c)
		joined = joined || c == '-' || c == '_'
		hex = hex && (isHex(c) || c == '-')
	}
	return !hex && (upper && lower || !joined) && entropy(s) >= 3
}

// isRandom reports whether s looks drawn rather than written: it has a digit, as
// hardly any name has in its midst, and not too few different bytes.
func isRandom(s string) bool {
	digits := 0
	var seen [256]bool
	different := 0
	for i := range len(s) {
		if isDigit(s[i]) {
			digits++
		}
		if !seen[s[i]] {
			seen[s[i]] = true
			different++
		}
	}
	return digits > 0 && different >= min(6, len(s)/3)
}

// isFiller reports whether s is what documents put in the place of a secret: one
// byte makes out three quarters of it or more. What follows the first 64 bytes,
// longer than most secrets, may not be part of one.
func isFiller(s string) bool {
	s = s[:min(len(s), 64)]
	var count [256]uint8
	for i := range len(s) {
		if count[s[i]]++; int(count[s[i]])*4 >= len(s)*3 {
			return true
		}
	}
	return false
}

// entropy returns how many bits of information a byte of s has, by the
// frequencies of its bytes.
func entropy(s string) float64 {
	var count [256]uint16
	s = s[:min(len(s), 1<<12)]
	for i := range len(s) {
		count[s[i]]++
	}
	bits := 0.0
	for _, n := range count {
		if n > 0 {
			p := float64(n) / float64(len(s))
			bits -= p * math.Log2(p)
		}
	}
	return bits
}
