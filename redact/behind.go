package redact

import "strings"

// behindName finds the value of a name that tells, where neither '=' nor ':'
// stands between: what pair does not see. A word of the name begins at s[at].
// It knows
//
//	setPassword("x")  put("password", "x")  {"password", "x"}  ENV TOKEN x
//	#define TOKEN "x"  password is x9  token -> x  token|x  password    = "x"
//	<key>password</key><string>x</string>  name="password"... value="x"
func behindName(x *scanner, at int) (match, bool) {
	if x.inner {
		return match{}, false
	}
	m, from, ok := x.behind(at)
	return m, ok && holdsNothing(x, from, m.from)
}

// holdsNothing is set by init, because the rules refer to it that it refers to.
var holdsNothing func(x *scanner, from, to int) bool

func init() { holdsNothing = (*scanner).holdsNothing }

// holdsNothing reports whether nothing is to be replaced in s[from:to], which the
// scan would not look at behind a match that begins further on.
func (x *scanner) holdsNothing(from, to int) bool {
	y := scanner{r: x.r, plan: x.plan, s: x.s[:to], floor: from, key: -1, word: -1, phone: -1, ssn: -1, colon: -1, tag: -1, ips: x.ips, inner: true}
	for i := from + 1; i < to; i++ {
		w := bigramAt(y.s, i-1)
		if !y.plan.gate.has(w) {
			continue
		}
		if m, ok := y.at(i, w, y.plan.words.has(w) && y.plan.may(y.s, i-1, w)); ok {
			if m, ok = y.r.decide(y.s, m); ok && y.s[m.from:m.to] != m.with {
				return false
			}
		}
	}
	return true
}

// behind is behindName. It also returns where the name begins.
func (x *scanner) behind(at int) (m match, begin int, ok bool) {
	s := x.s
	from, to := at, skip(s[:min(len(s), at+maxKey)], at, isKey)
	for from > max(x.floor, at-maxKey) && isKey(s[from-1]) {
		from--
	}
	if to == len(s) || s[to] == '=' || s[to] == ':' || s[to] == ',' || s[to] == '\n' {
		return match{}, 0, false
	}
	k := key{from: from, to: to, text: s[from:to], assign: true}
	v := 0
	switch c := s[to]; {
	case c == '(':
		v = x.argument(from, to)
	case isQuote(c) || c == '\\':
		sep := 0
		if v, sep = x.behindQuote(from, to); sep > 0 {
			f := keyBefore(s, sep, x.floor)
			f.assign = s[sep] == '='
			if k.kind = x.r.secretKind(k.text); k.kind != "" && isFieldName(f.text) {
				m, ok = namedElsewhere(s, to, f, k.kind, x.floor)
			}
			return m, from, ok
		}
	case isBlank(c) || c == '-':
		v = x.behindBlank(from, to)
	case c == '|':
		v = to + 1
	case c == '<':
		if k.kind = x.r.secretKind(k.text); k.kind != "" {
			m, ok = namedByElement(s, to, k.kind)
		}
		return m, from, ok
	}
	if v == 0 || v >= len(s) {
		return match{}, 0, false
	}
	if k.kind = x.r.secretKind(k.text); k.kind == "" {
		return match{}, 0, false
	}
	m, ok = valueAt(s, v, k)
	return m, from, ok
}

// argument returns where the literal begins that is the only argument of a
// function that sets what its name, s[from:to], says, or 0.
func (x *scanner) argument(from, to int) int {
	s := x.s
	v := skip(s, to+1, isBlank)
	if v >= len(s) || !isQuote(s[v]) && literalStart(s, v) == 0 {
		return 0
	}
	name := strings.TrimLeft(s[from:to], ".")
	if name == "" || !isFunction(name) {
		return 0
	}
	end := literalEndAt(s, v)
	if next := skip(s, end, func(c byte) bool { return isQuote(c) || isBlank(c) }); next < len(s) && s[next] == ',' {
		return 0 // there are more
	}
	if end <= v || strings.IndexByte(":?", s[end-1]) >= 0 || strings.Count(s[v:end], " ") > 3 {
		return 0 // what is asked, what went wrong
	}
	if kind := x.r.secretKind(name); kind != "password" && !looksChosen(s, v) {
		return 0
	}
	return v
}

// literalEndAt returns the end of the literal that begins at s[v].
func literalEndAt(s string, v int) int {
	if from := literalStart(s, v); from > 0 {
		return literalEnd(s, from)
	}
	return closing(s, v+1, s[v], 0)
}

// behindQuote returns where the value begins that belongs to the quoted name
// s[from:to]: the next argument or member, the field that is called value, or
// the text of the element that the name is an attribute of.
func (x *scanner) behindQuote(from, to int) (v, sep int) {
	s := x.s
	i := skip(s, to, func(c byte) bool { return c == '\\' })
	if i == len(s) || !isQuote(s[i]) || from == 0 {
		return 0, 0
	}
	open := from
	for open > max(x.floor, from-maxKey) && (isKey(s[open-1]) || s[open-1] == '/') {
		open--
	}
	if open == 0 || s[open-1] != s[i] {
		return 0, 0
	}
	for open--; open > 0 && s[open-1] == '\\'; open-- {
	}
	before := open
	for before > max(x.floor, open-4) && isBlank(s[before-1]) {
		before--
	}
	after := skip(s, i+1, isBlank)
	if before == x.floor || after >= len(s) {
		return 0, 0
	}
	switch c := s[before-1]; {
	case (c == '(' || c == '{' || c == ',') && s[after] == ',':
		v := skip(s, after+1, isBlank)
		if v >= len(s) || !isQuote(s[v]) && literalStart(s, v) == 0 {
			return 0, 0
		}
		end := literalEndAt(s, v)
		if end <= v || strings.IndexByte(":?", s[end-1]) >= 0 {
			return 0, 0
		}
		if end = skip(s, end, func(c byte) bool { return isQuote(c) || c == '\\' || isBlank(c) }); end >= len(s) || s[end] != ')' && s[end] != '}' && s[end] != '.' {
			return 0, 0
		}
		return v, 0
	case c == '=' || c == ':':
		return 0, before - 1
	case c == ' ' || c == 'e': // variable "password" { default = "x" }
		if strings.HasSuffix(s[x.floor:before], "variable") || before < open && strings.HasSuffix(s[x.floor:before], "variable") {
			if n := strings.Index(s[after:min(len(s), after+maxBeside*4)], "default"); n >= 0 {
				v := skip(s, after+n+len("default"), isBlank)
				if v < len(s) && s[v] == '=' {
					return skip(s, v+1, isBlank), 0
				}
			}
		}
	}
	return 0, 0
}

// behindBlank returns where the value begins that stands behind blanks, an arrow
// or a verb.
func (x *scanner) behindBlank(from, to int) int {
	s := x.s
	v := skip(s, to, isBlank)
	if v >= len(s) {
		return 0
	}
	switch {
	case strings.HasPrefix(s[v:], "->") || strings.HasPrefix(s[v:], "=>"):
		return skip(s, v+2, isBlank)
	case s[v] == '=' || s[v] == ':':
		if v-to < maxSigns/2 {
			return 0 // a pair
		}
		v++
		if v < len(s) && (s[v] == '=' || s[v] == '>') {
			v++
		}
		return skip(s, v, isBlank)
	case s[v] == '|' || s[v] == '-':
		return 0
	}
	for _, verb := range []string{"is ", "is: ", "was ", "set to ", "changed to ", "for "} {
		if strings.HasPrefix(s[v:], verb) {
			w := v + len(verb)
			if verb == "for " { // password for bob: x
				w = skip(s[:min(len(s), w+maxKey)], w, func(c byte) bool { return isKey(c) || c == '@' })
				if w >= len(s) || s[w] != ':' {
					return 0
				}
				w = skip(s, w+1, isBlank)
			}
			w = skip(s, w, func(c byte) bool { return c == ':' || isBlank(c) })
			if looksChosen(s, w) {
				return w
			}
			return 0
		}
	}
	begin := from
	for begin > x.floor && begin > from-3 && isBlank(s[begin-1]) {
		begin--
	}
	line := s[max(x.floor, begin-24):begin]
	directive := false
	for _, w := range []string{"ENV", "ARG", "setenv", "#define", "(setq", "export", "defvar"} {
		directive = directive || strings.HasSuffix(line, w)
	}
	if begin == from && strings.HasSuffix(line, ":") && (strings.HasSuffix(line, "{:") || strings.HasSuffix(line, ", :")) {
		directive = true // {:password "x"}
	}
	if directive || isQuote(s[v]) && (begin == 0 || s[begin-1] == '\n') || looksChosen(s, v) {
		return v
	}
	return 0
}

// looksChosen reports whether the word at s[v] looks like a password rather than
// like a word: it has letters and digits and is no number with a unit, or a
// sign that no word has in its midst.
func looksChosen(s string, v int) bool {
	const minChosen, minDrawn = 6, 20
	if v < len(s) && isQuote(s[v]) {
		v++
	}
	if n := skip(s, v, isBase64); n-v >= minDrawn && isMixed(s[v:n]) && strings.Count(s[v:n], "/") < 4 && entropy(s[v:n]) >= minEntropy {
		return true
	}
	end := v
	letters, digits, signs := 0, 0, 0
	for end < len(s) && !isSpace(s[end]) && !isQuote(s[end]) {
		switch c := s[end]; {
		case isAlpha(c) || c >= 0x80:
			letters++
		case isDigit(c):
			digits++
		case strings.IndexByte("!@#$%^&*+~", c) >= 0:
			signs++
		case s[end] == '.' && isAlpha(s[v]) && end+1 < len(s) && isUpper(s[end+1]) || c == '(' || c == '[' || c == '{' || c == '<' || c == '/' || c == '\\' || c == '|' || c == '=' || c == '>':
			return false
		}
		end++
	}
	for end > v && strings.IndexByte(".,;:)!?", s[end-1]) >= 0 {
		end--
	}
	if end-v < minChosen || letters == 0 || s[v] == '%' || s[v] == '-' || s[v] == '$' || s[v] == '*' || s[v] == '&' {
		return false
	}
	if isTypeName(s[v:end]) {
		return false
	}
	return digits > 0 && (letters > 2 || digits > 2) && !isDigit(s[v]) || digits > 0 && letters > 2 || signs > 1 && letters > 3
}

// isTypeName reports whether s is the name of a type, of an algorithm or of a
// version: uint64, sha256, oauth2.
func isTypeName(s string) bool {
	switch strings.TrimRight(s, "0123456789") {
	case "uint", "int", "float", "complex", "sha", "utf", "base", "oauth", "aes", "rsa", "http", "ed", "secp", "hmac-sha", "java", "python", "php", "ipv", "u", "i":
		return true
	}
	return false
}
