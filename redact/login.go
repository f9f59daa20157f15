package redact

import "strings"

// loginArgument finds the password among the arguments of a function that takes a
// user and a password, the keyword.
func loginArgument(x *scanner, at, i int) (from, to int) {
	const auth = len("auth(")
	if x.inner {
		return 0, 0
	}
	if i-at == auth { // BasicAuth, basic_auth, MongoDB's db.auth
		name := strings.TrimSuffix(x.s[x.floor:max(x.floor, at)], "_")
		if !foldSuffix(name, "basic") && !strings.HasSuffix(name, "db.") {
			return 0, 0
		}
	}
	from, to = lastLiteral(x.s, i)
	if to == 0 || !holdsNothing(x, at, from) {
		return 0, 0
	}
	return from, to
}

// lastLiteral finds the last literal before the next parenthesis is closed, where
// there are two or more.
func lastLiteral(s string, i int) (from, to int) {
	const reach = 256
	limit := min(len(s), i+reach)
	for n := 0; i < limit; n++ {
		i = skip(s[:limit], i, func(c byte) bool { return c != '\'' && c != '"' && c != ')' && c != '\n' })
		if i >= limit || !isQuote(s[i]) {
			break
		}
		end := closing(s[:limit], i+1, s[i], 0)
		if n > 0 {
			from, to = i+1, end
		}
		i = end + 1
	}
	if to-from < 1 || markLen(s[from:to]) == to-from || isPlaceholder(s[from:to]) {
		return 0, 0
	}
	return from, to
}

// secureString finds the text that a command of PowerShell makes a secure one.
func secureString(x *scanner, _, i int) (from, to int) {
	s := x.s
	i = skip(s, i, isBlank)
	if foldPrefix(s[i:], "-string") {
		i = skip(s, i+len("-string"), isBlank)
	}
	if i >= len(s) || s[i] == '-' || s[i] == '$' || s[i] == '(' || s[i] == '[' {
		return 0, 0
	}
	if s[i] == '\'' || s[i] == '"' {
		return i + 1, closing(s, i+1, s[i], 0)
	}
	return i, skip(s, i, func(c byte) bool { return !isSpace(c) })
}

// pgpass finds the password of a line of a password file of PostgreSQL,
// host:port:database:user:password, around the port.
func pgpass(x *scanner, at, i int) (from, to int) {
	s := x.s
	if at == 0 || !isWord(s[at-1]) && s[at-1] != '*' && s[at-1] != '.' {
		return 0, 0
	}
	for range 2 {
		end := skip(s[:min(len(s), i+maxKey)], i, func(c byte) bool { return isKey(c) || c == '*' })
		if end == i || end == len(s) || s[end] != ':' {
			return 0, 0
		}
		i = end + 1
	}
	to = skip(s, i, func(c byte) bool { return c != '\n' && c != '\r' && c != '[' && !isQuote(c) })
	return i, to
}

// netUse finds the password behind the share of a command of Windows: net use z:
// \\host\\share x.
func netUse(x *scanner, _, i int) (from, to int) {
	s := x.s
	for share := false; !share; i = to {
		from = skip(s, i, isBlank)
		to = skip(s, from, func(c byte) bool { return !isSpace(c) && c != '[' })
		if share = strings.HasPrefix(s[from:to], `\\`); !share && (to == from || s[to-1] != ':') {
			return 0, 0
		}
	}
	from = skip(s, i, isBlank)
	to = skip(s, from, func(c byte) bool { return !isSpace(c) && c != '[' })
	if to == from || s[from] == '/' {
		return 0, 0
	}
	return from, to
}

// nextWord finds the word behind a directive, the keyword.
func nextWord(x *scanner, at, i int) (from, to int) {
	s := x.s
	if at > 0 && isWord(s[at-1]) {
		return 0, 0
	}
	from = skip(s, i, isBlank)
	if n := from; n+1 < len(s) && isDigit(s[n]) && isBlank(s[n+1]) {
		from = skip(s, n+1, isBlank) // how it is coded
	}
	if from < len(s) && isQuote(s[from]) {
		to = closing(s, from+1, s[from], 0)
		from++
	} else {
		to = skip(s, from, func(c byte) bool { return !isSpace(c) && c != ';' && c != '[' && !isQuote(c) })
	}
	if to <= from || isPlaceholder(s[from:to]) || isNothing(s[from:to]) {
		return 0, 0
	}
	return from, to
}
