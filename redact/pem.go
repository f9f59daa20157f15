package redact

import (
	"encoding/base64"
	"strings"
)

// privateKey finds a private key in PEM (RFC 7468), OpenPGP or SSH2 armour whose
// "BEGIN" follows the dashes s[at:end]: its whole block, or all that follows
// where the end is missing. Line ends may be written as \n, and spaces as %20
// or +.
func privateKey(x *scanner, at, end int) (from, to int) {
	s := x.s
	if _, ok := privateLabel(s[end:]); !ok {
		return 0, 0
	}
	for at > x.floor && s[at-1] == '-' {
		at--
	}
	for {
		n := strings.Index(s[end:], "END")
		if n < 0 {
			return at, len(s)
		}
		end += n + len("END")
		if dashes := end - len("END") - 1; dashes < 0 || s[dashes] != '-' && s[dashes] != ' ' {
			continue // of the key itself
		}
		if label, ok := privateLabel(s[end:]); ok {
			return at, skip(s, end+label, func(c byte) bool { return c == '-' })
		}
	}
}

// privateLabel reports whether the label of an armour is one of a private key,
// and how long it is.
func privateLabel(s string) (int, bool) {
	const maxLabel = 64
	label := s[:min(len(s), maxLabel)]
	for _, stop := range []string{"----", "\n", `\n`} {
		label, _, _ = strings.Cut(label, stop)
	}
	p := strings.Index(label, "PRIVATE")
	return len(label), p >= 0 && strings.Contains(label[p:], "KEY")
}

// privateKeyEnd finds the end of a private key whose beginning was cut off:
// base64 before the "END" that follows the dashes s[at:end].
func privateKeyEnd(x *scanner, at, end int) (from, to int) {
	s := x.s
	label, ok := privateLabel(s[end:])
	if !ok {
		return 0, 0
	}
	from = at
	for from > x.floor && (isBase64(s[from-1]) || isSpace(s[from-1]) || s[from-1] == '\\') {
		from--
	}
	if strings.TrimSpace(s[from:at]) == "" {
		return 0, 0
	}
	return from, skip(s, end+label, func(c byte) bool { return c == '-' })
}

// codedPrivateKey finds a private key in PEM armour that is coded in base64 once
// more, as in Kubernetes' configurations. The keyword is the code of "-----BEGIN".
func codedPrivateKey(x *scanner, at, _ int) (from, to int) {
	const head = 64 // "-----BEGIN OPENSSH PRIVATE KEY-----" and more
	to = skip(x.s, at, isBase64)
	code := x.s[at:min(to, at+head)]
	text, _ := base64.RawStdEncoding.DecodeString(code[:len(code)/4*4])
	if !strings.Contains(string(text), "PRIVATE") {
		return 0, 0
	}
	return at, to
}

// puttyKey finds the private part of a key of PuTTY.
func puttyKey(x *scanner, _, i int) (from, to int) {
	s := x.s
	from = i + skip(s[i:min(len(s), i+8)], 0, func(c byte) bool { return isDigit(c) || isBlank(c) || c == '\r' })
	if from == len(s) || s[from] != '\n' && s[from] != '\\' {
		return 0, 0
	}
	if s[from] == '\\' {
		from++
	}
	from++
	to = skip(s, from, func(c byte) bool { return isBase64(c) || c == '\n' || c == '\r' || c == '\\' })
	if n := strings.Index(s[from:to], "Private"); n >= 0 { // Private-MAC
		to = from + n
	}
	if to-from < 16 {
		return 0, 0
	}
	return from, to
}

// jwkPrivate finds the private parts of a JSON Web Key (RFC 7517): the values of
// "d", "p", "q", "dp", "dq", "qi" and "k" beside a "kty". The keyword is `"d"` and
// its like, also within a string of JSON.
func jwkPrivate(x *scanner, at, end int) (from, to int) {
	const minPart, maxPart, around = 20, 1 << 10, 2 << 10
	s := x.s
	i := skip(s[:min(len(s), end+4)], end, func(c byte) bool { return isBlank(c) || c == ':' })
	if i < len(s) && s[i] == '\\' {
		i++
	}
	if i == end || i == len(s) || s[i] != '"' {
		return 0, 0
	}
	to = skip(s[:min(len(s), i+maxPart)], i+1, isWord)
	if to-i < minPart || to == len(s) || s[to] != '"' && s[to] != '\\' {
		return 0, 0
	}
	if !strings.Contains(s[max(0, at-around):min(len(s), to+around)], `"kty`) {
		return 0, 0
	}
	return i + 1, to
}
