package redact

import "strings"

// tuple finds the value of a key, around the word at s[at] that makes it secret
// and up to s[end], where no ':' and no '=' stand between them:
//
//	("password", "x")   {:password, "x"}   {password,<<"x">>}   "password" -> "x"
//	[Password, x1]      password x1        "--token", "x"       s:8:"password";s:1:"x"
//	Password("x")       PASSWORD 'x'       DB_PASSWORD x        [password x1 a b]
func (x *scanner) tuple(at, end int) (match, bool) {
	s := x.s
	if end == len(s) || x.inner {
		return match{}, false
	}
	quoted, i := isQuote(s[end]) || s[end] == '\\', end
	switch c := s[end]; {
	case quoted:
		i = skip(s, end, func(c byte) bool { return c == '\\' })
		if i++; i >= len(s) {
			return match{}, false
		}
	case c == ',' || isBlank(c) || c == '(' || c == '|' || c == '\n' || c == '\r' || strings.HasPrefix(s[end:], `\r\n$`):
	default:
		return match{}, false
	}
	if isBlank(s[end]) && isProseAhead(s[end:min(len(s), end+maxAhead)]) {
		return match{}, false // as in most places
	}
	begin := at
	for begin > max(x.floor, at-maxKey) && isKey(s[begin-1]) {
		begin--
	}
	k := key{text: s[begin:end], assign: true, closed: quoted}
	if k.kind = x.r.secretKind(k.text); k.kind == "" {
		return match{}, false
	}
	const minName = 5
	if !quoted && (s[end] == ',' || isBlank(s[end])) && (len(k.text) < minName && k.text != "pwd" || strings.IndexByte(k.text, '.') > 0) {
		return match{}, false // of code: pass *analysis.Pass, token.FOR, pw
	}
	v, sure := x.tupleValue(begin, end, i, quoted, k)
	if v == 0 || v >= len(s) || s[v] == '*' {
		return match{}, false
	}
	m, ok := valueAt(s, v, k)
	if ok && x.r.scan(k.text, nil) != k.text {
		return match{}, false // the name is a secret itself, and the scan goes on behind the value
	}
	if !ok || s[m.from:m.to] == m.with {
		return m, ok && s[m.from:m.to] == m.with && holdsNothing(x, begin, m.from)
	}
	const maxWord = 256 // what is longer is no word
	if value := s[m.from:m.to]; len(value) > maxWord {
		return m, true
	} else if !sure && !isMixedWord(value) || m.to-m.from < 3 || x.r.secretKind(value) != "" && skip(value, 0, isKey) == len(value) || strings.HasPrefix(value, "--") {
		return match{}, false
	}
	if !quoted && m.from == v { // not quoted either: brackets end it
		for n := m.from; n < m.to; n++ {
			if strings.IndexByte(",)]}|", s[n]) >= 0 && markLen(s[m.from:m.to]) == 0 {
				m.to = n
				break
			}
		}
		if m.to-m.from < 3 || !sure && (m.to-m.from < 6 || !isMixedWord(s[m.from:m.to])) {
			return match{}, false
		}
	}
	return m, holdsNothing(x, begin, m.from)
}

// maxAhead is how far behind a key and a blank something is looked for that no
// prose has, in bytes.
const maxAhead = 24

// isProseAhead reports whether s has letters and blanks only.
func isProseAhead(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isAlpha(c) && c != ' ' {
			return c == '.' || c == ',' || c == '\n'
		}
	}
	return true
}

// tupleValue returns where the value of the key s[begin:end] begins that may
// follow at s[i], or 0, and whether it is one whatever it looks like.
func (x *scanner) tupleValue(begin, end, i int, quoted bool, k key) (v int, sure bool) {
	s := x.s
	open := byte(0)
	if n := begin - 1; n >= x.floor {
		open = s[n]
		if quoted || open == ':' {
			for n >= x.floor && (isQuote(s[n]) || s[n] == '\\' || s[n] == ':' || s[n] == 'b') {
				n--
			}
			if n >= x.floor {
				open = s[n]
			}
		}
	}
	if strings.HasPrefix(s[i:], ">>") { // of <<"password">>
		i += 2
	}
	flag := open == '-' || strings.HasPrefix(k.text, "-")
	switch rest := s[i:min(len(s), i+8)]; {
	case quoted && strings.HasPrefix(rest, ";s:"): // as PHP serializes
		i = skip(s, i+3, isDigit)
		if i+1 < len(s) && s[i] == ':' && isQuote(s[i+1]) {
			return i + 1, true
		}
	case strings.HasPrefix(rest, " -> "), strings.HasPrefix(rest, " | "), strings.HasPrefix(rest, "->"):
		return i + 1 + skip(rest[1:], 0, func(c byte) bool { return c == '-' || c == '>' || c == '|' || isBlank(c) }), quoted
	case rest != "" && rest[0] == ',':
		i = skip(s, i+1, isBlank)
		if i == len(s) || s[i] == '\n' {
			return 0, false
		}
		if strings.HasPrefix(s[i:], "<<") {
			return i + 2, true
		}
		value := skip(s[:min(len(s), i+4)], i, func(c byte) bool { return c == 'b' || c == 'u' || c == '\\' || c == 'N' })
		if value < len(s) && isQuote(s[value]) {
			return value, flag || open == '(' || open == '{'
		}
		if !quoted && (open == '[' || open == '{' || open == '(' && (begin < 2 || !isAlnum(s[begin-2]))) || flag {
			return i, false
		}
	case quoted && len(rest) > 2 && rest[0] == ' ' && isQuote(rest[1]): // "AUTH" "x"
		return i + 1, false
	case quoted:
	case rest != "" && rest[0] == '(':
		return x.constructed(begin, i), false
	case strings.HasPrefix(rest, "\r\n$"), strings.HasPrefix(rest, "\n$"), strings.HasPrefix(rest, `\r\n$`):
		n := skip(s, i+strings.IndexByte(rest, '$')+1, isDigit) // as Redis has it
		if end := nextLine(s, n); end > n {
			return end, true
		}
	case rest != "" && isBlank(rest[0]):
		return x.afterBlank(begin, end, open, k)
	}
	return 0, false
}

// constructed returns where the value begins of what looks like a call of the
// key's name, as types print themselves: Password("x"), Token(x1); or 0.
func (x *scanner) constructed(begin, open int) int {
	s := x.s
	if begin > 0 && (isAlnum(s[begin-1]) || s[begin-1] == '.') || !isUpper(s[begin]) {
		return 0
	}
	v := open + 1
	if v < len(s) && isQuote(s[v]) {
		return v
	}
	end := skip(s[:min(len(s), v+maxKey)], v, isWord)
	if end-v < 8 || end == len(s) || s[end] != ')' || strings.HasPrefix(s[v:], "0x") || !isMixedWord(s[v:end]) {
		return 0
	}
	return v
}

// afterBlank returns where the value begins that follows a key and a blank, or
// 0, and whether it is one whatever it looks like. In prose that is hardly ever one.
func (x *scanner) afterBlank(begin, end int, open byte, k key) (v int, sure bool) {
	s := x.s
	v = skip(s, end, isBlank)
	for _, w := range []string{"is ", "was ", "from "} {
		if foldPrefix(s[v:], w) {
			v = skip(s, v+len(w), isBlank)
		}
	}
	if v == len(s) || s[v] == '-' || strings.IndexByte("=:<>([{", s[v]) >= 0 || open == '<' {
		return 0, false
	}
	if name := skip(s, v, isKey); name > v && name < len(s) && (s[name] == '=' || s[name] == ':') {
		return 0, false // another pair
	}
	setting := strings.ToUpper(k.text) == k.text && strings.Contains(k.text, "_")
	name := skip(s[begin:end], 0, isLower) < end-begin && strings.ContainsAny(k.text, "_ABCDEFGHIJKLMNOPQRSTUVWXYZ") && !isUpper(k.text[0])
	switch {
	case k.kind == "password" && (open == '[' || open == '{'), setting, k.kind == "password", isQuote(s[v]):
	case name, (open == '[' || open == '{') && k.kind != "session":
	default:
		return 0, false
	}
	word := skip(s, v, func(c byte) bool { return !isSpace(c) })
	const minSetting, minName = 6, 8 // a field of a struct has a type there
	if strings.IndexByte(s[v:word], '(') >= 0 || word-v < minSetting || name && !setting && word-v < minName {
		return 0, false
	}
	return v, false
}
