package redact

import "strings"

// maxKey is how far a key is looked for before its separator, in bytes.
const maxKey = 128

// pair finds the value of a key that names a secret, around the separator at
// s[i]: '=', ':' or one of them percent-encoded. It knows
//
//	password=x  password: x  "password":"x"  \"password\":\"x\"  'password' => 'x'
//	password := "x"  user[password]=x  Password=x;  &password=x&  %3Fpassword%3Dx
//	Authorization: Bearer x  map[Cookie:[a=b]]
func (r *Redactor) pair(s string, i, floor int) (match, bool) {
	sep := separator(s, i)
	if sep == 0 {
		return match{}, false
	}
	k := keyBefore(s, i, floor)
	if k.text == "" {
		return match{}, false
	}
	k.assign = s[i+sep-1] != ':' && s[i+sep-1] != 'A' && s[i+sep-1] != 'a'
	k.query = k.query && k.assign
	k.encoded = sep > 1
	k.kind = r.tellingKind(k.text)
	if k.kind == "" && (strings.EqualFold(k.text, "key") || strings.EqualFold(k.text, "string")) {
		k.kind = r.secretKind(s[wordBefore(s, k.from, floor):k.to]) // "api key", "connection string"
	}
	if k.kind == "" && k.query {
		k.kind = queryKind(k.text, s[i+sep:])
	}
	if c := k.text[len(k.text)-1]; k.kind == "" && !endsPersonal[c] && c|0x20 != 'y' && c|0x20 != 'd' {
		return match{}, false
	}
	v := i + sep
	if !k.assign && strings.HasPrefix(s[v:], ": ") && k.kind == "password" { // of LDIF, in base64
		v++
	}
	if !k.assign && !k.encoded && v < len(s) && (s[v] == ':' || isDigit(s[v]) && k.host) {
		return match{}, false // secret::Path, //session-store:6379
	}
	if !k.assign && isARN(s, k.from) {
		return match{}, false // arn:aws:secretsmanager:eu-west-1:123456789012:secret:x
	}
	if !k.assign && isVisibility(s, v) {
		return match{}, false
	}
	v = skip(s, v, isBlank)
	for v < len(s) && (s[v] == '=' || s[v] == '>' && s[v-1] == '=') {
		v++
	}
	v = skip(s, v, isBlank)
	if !k.assign && v < len(s) && (s[v] == '\n' || s[v] == '\r') { // the next line, where it is a literal
		if n := skip(s[:min(len(s), v+maxKey)], v, isSpace); n < len(s) && isQuote(s[n]) && k.kind != "" {
			v = n
		}
	}
	if k.kind != "" && !k.assign && !k.closed && !k.encoded {
		v = typedValue(s, v)
	}
	if k.kind == "" {
		if m, ok := r.namedValue(s, v, k, floor); ok {
			return m, true
		}
		return r.personalPair(s, v, k)
	}
	return valueAt(s, v, k)
}

// flag finds the value of a command line flag that names a secret and whose
// value is the next argument: --password x. It begins at s[i].
func (r *Redactor) flag(s string, i, floor int) (match, bool) {
	if i > 0 && !isSpace(s[i-1]) && !isQuote(s[i-1]) {
		return match{}, false
	}
	if m, ok := shortFlag(s, i, floor); ok {
		return m, true
	}
	if m, ok := loginFlag(s, i, floor); ok {
		return m, true
	}
	from := skip(s, i, func(c byte) bool { return c == '-' })
	to := skip(s[:min(len(s), from+maxKey)], from, isKey)
	v := skip(s, to, isBlank)
	if from-i > 2 || v == to || v == len(s) || s[v] == '-' {
		return match{}, false
	}
	name := s[from:to]
	if m, ok := longFlag(s, name, v, s[max(floor, i-maxCommand):i]); ok {
		return m, true
	}
	k := key{kind: r.secretKind(name), assign: true}
	if k.kind == "" || r.scan(name, nil) != name { // the scan goes on behind the value
		return match{}, false
	}
	return valueAt(s, v, k)
}

// key is the left side of a pair.
type key struct {
	text     string
	from, to int
	kind     string
	quote    byte // that the key is in, as in "password": or -H 'Cookie: x', or 0
	closed   bool // the quote ends before the separator
	host     bool // it may be a host name, and what follows its port
	query    bool // it is a parameter of a URL or a form
	assign   bool // the separator is '='
	encoded  bool // the separator is percent-encoded
	starts   bool // it begins a line
}

// separator returns the length of the separator at s[i], or 0.
func separator(s string, i int) int {
	if s[i] != '%' {
		return 1
	}
	n := i + 1
	for strings.HasPrefix(s[n:], "25") { // encoded more than once
		n += 2
	}
	if len(s)-n >= 2 && s[n] == '3' && (s[n+1]|0x20 == 'd' || s[n+1]|0x20 == 'a') {
		return n + 2 - i
	}
	return 0
}

// keyBefore returns the key that the separator at s[i] belongs to.
func keyBefore(s string, i, floor int) key {
	var k key
	k.to = i
	for k.to > max(floor, i-8) && isBlank(s[k.to-1]) {
		k.to--
	}
	index := false // user[password]
	if strings.HasSuffix(s[floor:k.to], "]") {
		index = true
		k.to--
	} else if strings.HasSuffix(s[floor:k.to], "%5D") {
		k.to -= 3
	}
	if k.to > floor && isQuote(s[k.to-1]) {
		k.to--
		k.quote, k.closed = s[k.to], true
		for k.to > max(floor, i-maxKey) && s[k.to-1] == '\\' {
			k.to--
		}
	}
	k.from = k.to
	for k.from > max(floor, k.to-maxKey) && isKey(s[k.from-1]) {
		k.from--
	}
	before := byte(' ')
	if k.from > 0 {
		before = s[k.from-1]
	}
	switch before {
	case '%': // the end of an escape, encoded how often so ever
		n := k.from
		for n < k.to && strings.HasPrefix(s[n:k.to], "25") {
			n += 2
		}
		if code := s[n:min(n+2, k.to)]; code == "3F" || code == "3f" || code == "26" || code == "23" {
			k.query = true
		}
		k.from = min(n+2, k.to)
	case '\\': // \n or, in JSON, & as \u0026
		if strings.HasPrefix(s[k.from:k.to], "u0026") {
			k.query = true
			k.from += 4
		}
		k.from = min(k.from+1, k.to)
	case '?', '&', '#':
		k.query = true
	case ';': // &amp; of HTML, ?a=b;c=d
		k.query = inQuery(s, k.from, floor)
	case '"', '\'', '`':
		k.quote = before
	case '@':
		k.host = true
	case '/':
		k.host = k.from > 1 && s[k.from-2] == '/'
	}
	if index && before != '[' && !(k.closed && k.from > 1 && s[k.from-2] == '[') {
		return key{}
	}
	k.text = s[k.from:k.to]
	k.starts = before == ' ' && startsLine(s, k.from) || before == '\n' || k.from == 0
	return k
}

// startsLine reports whether only blanks stand before s[i] on its line.
func startsLine(s string, i int) bool {
	const maxIndent = 32
	for n := 0; i > 0 && n < maxIndent && isBlank(s[i-1]); n++ {
		i--
	}
	return i == 0 || s[i-1] == '\n'
}

// wordBefore returns where the word before the one at s[i] begins.
func wordBefore(s string, i, floor int) int {
	if i-1 <= floor || s[i-1] != ' ' {
		return i
	}
	from := i - 1
	for from > max(floor, i-maxKey) && isAlpha(s[from-1]) {
		from--
	}
	return from
}

func isKey(c byte) bool { return isWord(c) || c == '.' }

// isARN reports whether s[:i] ends in the beginning of an Amazon Resource Name.
func isARN(s string, i int) bool {
	if i == 0 || s[i-1] != ':' {
		return false
	}
	before := s[max(0, i-maxKey):i]
	n := strings.LastIndex(before, "arn:aws")
	return n >= 0 && strings.IndexByte(before[n:], ' ') < 0
}
