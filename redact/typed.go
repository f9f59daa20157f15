package redact

import "strings"

// valueBegin returns where the value at s[v] begins, behind what some languages
// print before it: the end of the line, a type, a tag, a constructor. What follows
// must be quoted then, except behind a tag, or a word alone on the next line.
//
//	password:⏎  "x"    (string) (len=1) "x"    string(1) "x"    Some("x")
//	!!str x            &anchor x               String = "x"     {Value:x}
func valueBegin(s string, v int, k key) int {
	if v >= len(s) {
		return v
	}
	switch c := s[v]; {
	case c == '\n' || c == '\r':
		return valueBelow(s, v, k)
	case c == '(' || isAlpha(c):
		if i := behindTypes(s, v); i > v {
			return i
		}
		for _, name := range wrappers {
			if strings.HasPrefix(s[v:], name) && v+len(name) < len(s) && !isSpace(s[v+len(name)]) {
				return v + len(name)
			}
		}
	case (c == '!' || c == '&') && !k.assign && !k.query:
		end := skip(s[:min(len(s), v+maxKey)], v+1, func(c byte) bool { return isWord(c) || c == '!' })
		if end < len(s)-1 && isBlank(s[end]) && !isSpace(s[end+1]) && s[end+1] != '|' && s[end+1] != '>' && (end > v+1) {
			return end + 1
		}
	case c == '{' && !k.closed:
		return insideBox(s, v)
	case c == '<' && strings.HasPrefix(s[v:], `<<"`): // of Erlang
		return v + 2
	}
	return v
}

// wrappers are types that print what they hold in parentheses.
var wrappers = []string{"Some(", "Just(", "Right(", "Ok(", "Secret(", "SecretStr(", "SecretString(", "Sensitive(", "Password(", "Token(", "Optional["}

// boxes are the names of fields that hold all of a value.
var boxes = []string{"value:", "string:", "val:", "str:", "s:", "data:", "secret:", "plain:", "raw:", "text:"}

// insideBox returns where the value begins that a struct at s[v] holds, as in
// {String:x Valid:true}, or v.
func insideBox(s string, v int) int {
	i := skip(s[:min(len(s), v+8)], v+1, isBlank)
	if i == len(s) || !isAlpha(s[i]) {
		return v
	}
	for _, name := range boxes {
		if s[i]|0x20 == name[0] && foldPrefix(s[i:], name) {
			return skip(s, i+len(name), isBlank)
		}
	}
	return v
}

// behindTypes returns where a quoted text begins behind the types or
// constructors at s[v], or v.
func behindTypes(s string, v int) int {
	const maxTypes = 96
	limit := min(len(s), v+maxTypes)
	opened := false
	for i := v; i < limit; {
		switch c := s[i]; {
		case isQuote(c):
			if i == v || !opened && !isBlank(s[i-1]) {
				return v // u"x", b'x' and the like are values
			}
			return i
		case isAlnum(c) || c == '.' || c == '_' || c == '*' || c == '?':
			name := i
			i = skip(s[:limit], i, func(c byte) bool { return isAlnum(c) || strings.IndexByte("._*?[]<>", c) >= 0 })
			if i < limit && isBlank(s[i]) { // a type, and what is assigned
				n := skip(s[:limit], i, isBlank)
				if n < limit && s[n] == '=' {
					i = skip(s[:limit], n+1, isBlank)
					opened = true
				} else if n == limit || !isQuote(s[n]) && s[n] != '(' || s[i-1] == ')' {
					return v
				} else {
					return v // words
				}
			} else if i == limit || s[i] != '(' || strings.IndexByte(s[name:i], '.') >= 0 {
				return v // a word, or a call: errors.New("x")
			}
		case c == '(':
			end := skip(s[:limit], i+1, func(c byte) bool { return isAlnum(c) || strings.IndexByte("._*=[]{} ", c) >= 0 })
			if end < limit && s[end] == ')' && end > i+1 {
				i = skip(s[:limit], end+1, isBlank)
				if i == end+1 && i < limit && !isQuote(s[i]) && s[i] != '(' {
					return v
				}
			} else {
				i = skip(s[:limit], i+1, isSpace)
			}
			opened = true
		default:
			return v
		}
	}
	return v
}

// valueBelow returns where the value begins that stands on the line below the
// one that ends at s[v], or v: quoted, or a word of its own, and indented.
func valueBelow(s string, v int, k key) int {
	line := v
	if s[line] == '\r' {
		line++
	}
	if line >= len(s) || s[line] != '\n' {
		return v
	}
	i := skip(s, line+1, isBlank)
	if i == line+1 || i == len(s) || k.query {
		return v
	}
	if i = skip(s, i, func(c byte) bool { return c == '\\' }); isQuote(s[min(i, len(s)-1)]) && (k.closed || k.assign || k.kind == "password") {
		return skip(s, line+1, isBlank)
	}
	if t := behindTypes(s, i); t > i {
		return t
	}
	if k.kind != "password" && k.kind != "token" && k.kind != "secret" && k.kind != "api-key" || k.assign {
		return v
	}
	end := skip(s, i, func(c byte) bool { return !isSpace(c) })
	if end-i < 6 || strings.ContainsAny(s[i:end], ":=(){}[]/<>\"") || s[i] == '-' || !isMixedWord(s[i:end]) {
		return v
	}
	if stop := skip(s, end, isBlank); stop < len(s) && s[stop] != '\n' && s[stop] != '\r' {
		return v
	}
	return i
}

// isMixedWord reports whether s has a digit or a sign, and letters, as hardly any
// word of prose has.
func isMixedWord(s string) bool {
	letters, others := false, false
	for i := range len(s) {
		c := s[i]
		letters = letters || isAlpha(c)
		others = others || isDigit(c) || strings.IndexByte("!@#$%^&*+=~", c) >= 0
	}
	return letters && others
}
