package redact

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// skKey finds the keys that many services write as sk-...: at least 20 bytes
// with a digit among them, unlike the class names of some style sheets.
func skKey(x *scanner, at, end int) (from, to int) {
	const minBody = 20
	if at > 0 && isWord(x.s[at-1]) {
		return 0, 0
	}
	to = skip(x.s, end, isWord)
	if body := x.s[end:to]; len(body) < minBody || !strings.ContainsAny(body, "0123456789") || isFiller(body) {
		return 0, 0
	}
	return at, to
}

// snakeKey finds the keys that many services write as sk_..., also with a word
// between, such as live: the last part has at least 20 bytes, with several digits
// among them, unlike the names of variables.
func snakeKey(x *scanner, at, end int) (from, to int) {
	const minBody, minDigits = 20, 3
	if at > 0 && isWord(x.s[at-1]) {
		return 0, 0
	}
	to = skip(x.s, end, isWord)
	body := x.s[end:to]
	body = body[strings.LastIndexByte(body, '_')+1:]
	digits := 0
	for i := range len(body) {
		if isDigit(body[i]) {
			digits++
		}
	}
	if len(body) < minBody || digits < minDigits || strings.IndexByte(body, '-') >= 0 || isFiller(body) {
		return 0, 0
	}
	return at, to
}

// jwt finds a JSON Web Token, signed, encrypted or cut off (RFC 7519, RFC 7516),
// whose header begins at s[at]. A header alone says nothing.
func jwt(x *scanner, at, end int) (from, to int) {
	s := x.s
	// The end of a word is looked for once, however many headers it seems to hold.
	if x.word < end {
		x.word = skip(s, end, isWord)
	}
	dot := x.word
	if dot-at < 8 || dot == len(s) || s[dot] != '.' {
		return 0, 0
	}
	to = skip(s, dot+1, isWord)
	if to-dot < 5 {
		return 0, 0
	}
	for to < len(s) && s[to] == '.' {
		to = skip(s, to+1, isWord)
	}
	return at, to
}

// bearer finds what follows "Bearer " (RFC 6750), unless it reads like a word.
func bearer(x *scanner, _, i int) (from, to int) {
	from = skip(x.s, i, isBlank)
	to = skip(x.s, from, isToken68)
	if name := skip(x.s[:to], from, func(c byte) bool { return isAlpha(c) || c == '_' }); name+1 < to && x.s[name] == '=' && x.s[name+1] != '=' {
		return 0, 0 // token_type=bearer expires_in=3600
	}
	token := strings.TrimRight(x.s[from:to], ".")
	rest := strings.TrimLeft(token, "abcdefghijklmnopqrstuvwxyz.-_")
	if n := len(token); n < 8 || n < 24 && (rest == "" || len(rest) == n && isWordCapital(rest)) || isFiller(token) {
		return 0, 0
	}
	return from, to
}

// basic finds what follows "Basic " and decodes to user:password (RFC 7617).
func basic(x *scanner, _, i int) (from, to int) {
	from = skip(x.s, i, isBlank)
	to = skip(x.s, from, isToken68)
	if !isPairCode(x.s[from:to]) {
		return 0, 0
	}
	return from, to
}

// isPairCode reports whether code is base64 of a:b, or begins so.
func isPairCode(code string) bool {
	const maxCode = 1 << 10
	code = strings.TrimRight(code[:min(len(code), maxCode)], "=")
	text, _ := base64.RawStdEncoding.DecodeString(code[:len(code)/4*4]) // as much as is right
	return bytes.Contains(text, []byte(":"))
}

// apiKeyHeader finds what follows "ApiKey " and decodes to id:key, as
// Elasticsearch wants it.
func apiKeyHeader(x *scanner, _, i int) (from, to int) {
	to = skip(x.s, i, isToken68)
	if to-i < 40 || !isPairCode(x.s[i:to]) {
		return 0, 0
	}
	return i, to
}

// dockerAuth finds the credentials of a Docker configuration: "auth": "..." is
// base64 of user:password.
func dockerAuth(x *scanner, _, i int) (from, to int) {
	from = i
	for k := 0; k < 8 && from < len(x.s) && (isBlank(x.s[from]) || x.s[from] == ':' || x.s[from] == '"' || x.s[from] == '\\'); k++ {
		from++
	}
	to = skip(x.s, from, isBase64)
	if to-from < 8 || !isPairCode(x.s[from:to]) {
		return 0, 0
	}
	return from, to
}

// awsAccessKey finds the ID of an access key and, where it follows at once, as in
// id:secret, the secret.
func awsAccessKey(x *scanner, at, end int) (from, to int) {
	const idLen, secretLen = 20, 40
	to = at + idLen
	if skip(x.s[:min(len(x.s), to)], end, isUpperAlnum) < to || isFiller(x.s[end:to]) {
		return 0, 0
	}
	key := to
	for k := 0; k < 4 && key < len(x.s) && strings.IndexByte(":,;|/ \t\"'", x.s[key]) >= 0; k++ {
		key++ // the last may be of the secret
		if stop := skip(x.s[:min(len(x.s), key+secretLen+1)], key, isBase64); stop == key+secretLen && isMixed(x.s[key:stop]) {
			return at, stop
		}
	}
	return at, to
}

// isMixed reports whether s has letters of both cases and digits, as a random
// text of the length of a key has.
func isMixed(s string) bool {
	var upper, lower, digit bool
	for i := range len(s) {
		upper = upper || isUpper(s[i])
		lower = lower || isLower(s[i])
		digit = digit || isDigit(s[i])
	}
	return upper && lower && digit
}

// queryCode finds the value of a parameter that is worth a session for a while:
// an authorization code, a verifier, an assertion. The keyword ends with '='.
func queryCode(x *scanner, at, end int) (from, to int) {
	const minCode = 16
	if at == 0 || strings.IndexByte("?&#; \"'{(", x.s[at-1]) < 0 && !strings.HasSuffix(x.s[:at], "u0026") {
		return 0, 0
	}
	to = skip(x.s, end, func(c byte) bool { return isToken68(c) || c == '%' })
	if value := x.s[end:to]; len(value) < minCode || !isRandom(value) {
		return 0, 0
	}
	return end, to
}

// sessionCookie finds the value of a cookie whose name, the keyword, is that of a
// framework's session. It ends with the name, and may begin it.
func sessionCookie(x *scanner, at, end int) (from, to int) {
	const minCookie = 12
	if at > 0 && isAlnum(x.s[at-1]) {
		return 0, 0
	}
	i := end - 1
	if x.s[i] != '=' {
		i = skip(x.s[:min(len(x.s), end+80)], end, func(c byte) bool { return isWord(c) || c == '.' })
	}
	if i == len(x.s) || x.s[i] != '=' {
		return 0, 0
	}
	i++
	to = skip(x.s, i, func(c byte) bool { return isToken68(c) || c == '%' || c == '|' || c == ':' })
	if to-i < minCookie || isFiller(x.s[i:to]) {
		return 0, 0
	}
	return i, to
}

// quotedPassword finds a password that is quoted in prose: with password 'x'.
func quotedPassword(x *scanner, _, i int) (from, to int) {
	s := x.s
	i = skip(s[:min(len(s), i+2)], i, isBlank)
	for _, w := range []string{"is ", "was ", "of "} {
		if strings.HasPrefix(s[i:], w) {
			i += len(w)
		}
	}
	if i+4 > len(s) || !isQuote(s[i]) || !isBlank(s[i-1]) {
		return 0, 0
	}
	const maxPassword = 64
	n := strings.IndexByte(s[i+1:min(len(s), i+1+maxPassword)], s[i])
	value := ""
	if n >= 4 {
		value = s[i+1 : i+1+n]
	}
	if value == "" || strings.ContainsAny(value, " \n[]") || strings.Trim(value, "abcdefghijklmnopqrstuvwxyz_") == "" {
		return 0, 0
	}
	return i + 1, i + 1 + n
}

// isWordCapital reports whether s is a word that begins a sentence.
func isWordCapital(s string) bool {
	return isUpper(s[0]) && strings.TrimLeft(s[1:], "abcdefghijklmnopqrstuvwxyz.") == ""
}

func isBlank(c byte) bool      { return c == ' ' || c == '\t' }
func isHex(c byte) bool        { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
func isUpperAlnum(c byte) bool { return isUpper(c) || isDigit(c) }
func isBase64(c byte) bool     { return isAlnum(c) || c == '+' || c == '/' || c == '=' }
func isToken68(c byte) bool    { return isBase64(c) || c == '-' || c == '.' || c == '_' || c == '~' }
func isPath(c byte) bool       { return isWord(c) || c == '/' || c == '@' || c == '.' }

// sharedAccessSignature finds the signature in an Azure token such as
// SharedAccessSignature sr=...&sig=...&se=...
func sharedAccessSignature(x *scanner, _, end int) (from, to int) {
	const reach = 512
	text := x.s[end:min(len(x.s), end+reach)]
	text = text[:skip(text, 0, func(c byte) bool { return c > ' ' && !isQuote(c) })]
	n := strings.Index(text, "sig=")
	if n < 0 {
		return 0, 0
	}
	from = end + n + len("sig=")
	return from, skip(x.s, from, func(c byte) bool { return isToken68(c) || c == '%' })
}
