package redact

import "strings"

// typedValue returns where the value begins behind a type that stands at s[v],
// behind a name and a colon: password: str = 'x', let token: &'static str = "x".
// Without one it is v.
func typedValue(s string, v int) int {
	const maxType = 40
	limit := min(len(s), v+maxType)
	i := v
	for i < limit && (isAlpha(s[i]) || strings.IndexByte("&'<>[]?.:|_! \\", s[i]) >= 0) {
		switch {
		case s[i] == '[' && markLen(s[i:]) > 0:
			return v
		case strings.HasPrefix(s[i:], `\u0026`):
			i += len(`\u0026`)
		default:
			i++
		}
	}
	if i == v || i >= limit || s[i] != '=' || !isType(s[v:i]) {
		return v
	}
	i = skip(s, i+1, isBlank)
	if quote := skip(s, i, func(c byte) bool { return c == '\\' }); literalStart(s, i) == 0 && (quote == len(s) || !isQuote(s[quote])) {
		return v
	}
	return i
}

// isType reports whether s has the name of a type of text.
func isType(s string) bool {
	for _, w := range []string{"str", "Str", "STR", "char", "Char", "bytes", "Text", "text", "Secret", "secret", "any", "Any"} {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// literalStart returns where the text begins of a literal at s[v] that has a
// prefix, or is the argument of a function: b'x', @"x", []byte("x"),
// SecretString.of("x"), new String("x"). Otherwise it is 0. The functions that
// look something up say its name, not its value.
func literalStart(s string, v int) int {
	const maxName = 64
	i := v
	for strings.HasPrefix(s[i:], "new ") || strings.HasPrefix(s[i:], "await ") {
		i += strings.IndexByte(s[i:], ' ') + 1
	}
	begin := i
	limit := min(len(s), i+maxName)
	for i < limit && (isKey(s[i]) || strings.IndexByte("@$&*[]:<>", s[i]) >= 0) {
		if s[i] == '[' && markLen(s[i:]) > 0 {
			return 0
		}
		i++
	}
	name := s[begin:i]
	if i == begin || i == len(s) {
		return 0
	}
	if isQuote(s[i]) && s[i] != '`' && isPrefix(name) {
		if tripled(s, i) {
			return i + 3
		}
		return i + 1
	}
	if s[i] != '(' || !isFunction(name) {
		return 0
	}
	i = skip(s, i+1, isBlank)
	n := skip(s[:min(len(s), i+3)], i, func(c byte) bool { return isAlpha(c) || c == '@' || c == '\\' })
	if n == len(s) || !isQuote(s[n]) || n > i && s[n-1] != '\\' && !isPrefix(s[i:n]) {
		return 0
	}
	return n + 1
}

// literalEnd returns the end of the literal whose text begins at s[from].
func literalEnd(s string, from int) int {
	if from >= 3 && tripled(s, from-3) {
		return tripledEnd(s, from-3)
	}
	slashes := 0
	for from-2-slashes >= 0 && s[from-2-slashes] == '\\' {
		slashes++
	}
	return closing(s, from, s[from-1], slashes)
}

// isPrefix reports whether s may stand before the quote of a literal.
func isPrefix(s string) bool {
	switch s {
	case "b", "r", "u", "f", "B", "R", "U", "F", "L", "rb", "br", "fr", "rf", "@", "$", "$@", "@$", "u8", "s", "N", "E", "q", "e":
		return true
	}
	return false
}

// isFunction reports whether name is the path of a function, or a conversion,
// that does not look something up.
func isFunction(name string) bool {
	if !isPathStart(name) && name[0] != '[' {
		return false
	}
	var b keyBuffer
	start := 0
	w := b.split(name[strings.LastIndexAny(name, ".:")+1:])
	for _, end := range w.ends {
		if lookups[string(w.letters[start:end])] {
			return false
		}
		start = end
	}
	return true
}

// lookups are words in the names of functions that look up what their argument
// names, or say something of it.
var lookups = map[string]bool{}

func init() {
	for w := range strings.FieldsSeq(`get env getenv load lookup read find fetch prompt input param header config query attribute key
		field open file errorf sprintf format printf error new var require data ref import has is check validate parse resolve`) {
		lookups[w] = true
	}
}

// tripled reports whether three quotes of a kind stand at s[i], and a text behind them.
func tripled(s string, i int) bool {
	return i+3 < len(s) && isQuote(s[i]) && s[i+1] == s[i] && s[i+2] == s[i]
}

// tripledEnd returns where the text ends that three quotes at s[i] begin.
func tripledEnd(s string, i int) int {
	if n := strings.Index(s[i+3:], s[i:i+3]); n >= 0 {
		return i + 3 + n
	}
	return len(s)
}

// doubledEnd returns where the text ends that begins behind two quotes at s[i], as
// in a literal of CSV, SQL or Basic that holds another, or 0.
func doubledEnd(s string, i int) int {
	if i+2 >= len(s) || !isQuote(s[i]) || s[i+1] != s[i] || !isAlnum(s[i+2]) && s[i+2] < 0x80 {
		return 0
	}
	n := strings.Index(s[i+2:], s[i:i+2])
	if n <= 0 || lineEnd(s[:i+2+n], i+2, 0) < i+2+n {
		return 0
	}
	return i + 2 + n
}

// hereEnd returns where the text ends of a here document whose sign is at s[i],
// <<EOF, or 0.
func hereEnd(s string, i int) int {
	const maxWord = 16
	if !strings.HasPrefix(s[i:], "<<") {
		return 0
	}
	from := skip(s[:min(len(s), i+4)], i+2, func(c byte) bool { return c == '-' || c == '~' })
	to := skip(s[:min(len(s), from+maxWord)], from, isWord)
	if to == from || to >= len(s) || s[to] != '\n' {
		return 0
	}
	if n := strings.Index(s[to:min(len(s), to+maxElement)], "\n"+s[from:to]); n > 0 {
		return to + n
	}
	return 0
}

// bracedEnd returns the end of a value in braces, as ODBC has them, or 0 if what
// stands in the braces at s[i] has names of its own.
func bracedEnd(s string, i int) int {
	const maxBraced = 128
	for j := i + 1; j < min(len(s), i+maxBraced); j++ {
		switch s[j] {
		case '}':
			if j == i+1 || markLen(s[i+1:j]) == j-i-1 {
				return 0
			}
			return j
		case '{', ':', '\n', '"':
			return 0
		}
	}
	return 0
}

// lineOfWords returns the end of a password with spaces: that of the line, where
// a few words follow and nothing that looks like another key, a flag or a mark.
func lineOfWords(s string, i int) int {
	const maxWords, maxRest = 4, 48
	if i+3 >= len(s) || s[i] != ' ' || !isAlnum(s[i+1]) && s[i+1] != '$' || isSpace(s[i+2]) {
		return i
	}
	words := 0
	for j := i; ; j++ {
		if j == len(s) || s[j] == '\n' || s[j] == '\r' {
			return j
		}
		if j-i >= maxRest || strings.IndexByte("=:[\"'`\\|/<>(){}", s[j]) >= 0 {
			return i
		}
		if s[j] == ' ' {
			if words++; words > maxWords || j+1 < len(s) && (s[j+1] == '-' || s[j+1] == ' ' || s[j+1] == '#') {
				return i
			}
		}
	}
}

// isCode reports whether a bare value is an expression: the call of a function,
// or the member of something that has the name of a secret too.
func isCode(s string) bool {
	if n := strings.IndexByte(s, '('); n > 2 && (isNamePath(s[:n]) || isMember(s[:n])) {
		switch s[:n] {
		case "Some", "Just", "Optional": // how a type prints that there is a value
			return false
		}
		rest := s[n+1:]
		return rest == "" || rest == ")" || rest[len(rest)-1] == ')' || isPathStart(rest)
	}
	if n := strings.IndexByte(s, '['); n > 0 {
		s = s[:n] // of its parts one
	}
	dot := strings.LastIndexByte(s, '.')
	if dot <= 0 || !isNamePath(s) {
		return false
	}
	if strings.HasPrefix(s, "self.") || strings.HasPrefix(s, "this.") {
		return true
	}
	var r Redactor
	return r.secretKind(s[dot+1:]) != ""
}

// isMember reports whether s is the name of a member, digits or not: tls13.New.
func isMember(s string) bool {
	dot := strings.IndexByte(s, '.')
	return dot > 0 && isPathStart(s) && isPathStart(s[dot+1:]) && skip(s, 0, isKey) == len(s)
}

// isPathStart reports whether s begins with a name.
func isPathStart(s string) bool {
	return s != "" && (isAlpha(s[0]) || s[0] == '_' || s[0] == '*' || s[0] == '&')
}

// isPath reports whether s is a path of names without digits: user.password,
// foo.bar_baz.
func isNamePath(s string) bool {
	if !isPathStart(s) {
		return false
	}
	for i := range len(s) {
		if !isAlpha(s[i]) && s[i] != '_' && (s[i] != '.' || s[i-1] == '.') {
			return false
		}
	}
	return true
}

// isNeverShort reports whether nobody chooses the secrets of a kind, which are
// long for that.
func isNeverShort(kind string) bool {
	switch kind {
	case "token", "session", "cookie", "credential", "authorization", "private-key", "access-key", "api-key", "connection-string":
		return true
	}
	return false
}

// isFewDigits reports whether s is a small number: a count, a state, a version.
func isFewDigits(s string) bool {
	return len(s) <= 5 && skip(s, 0, isDigit) == len(s)
}

// isConstant reports whether s is a number as programs write constants: 0x80090320.
func isConstant(s string) bool {
	s = strings.TrimPrefix(s, "-")
	return len(s) <= 10 && strings.HasPrefix(s, "0x") && skip(s, 2, isHex) == len(s)
}
