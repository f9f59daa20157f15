package redact

import "strings"

// isPlaceholder reports whether a value stands where a secret goes, and is none:
// ${TOKEN}, {{ .token }}, xxxx, ****, your-token-here, process.env.TOKEN. What
// somebody may have for a password is none of them, "changeme" and "secret"
// least of all.
func isPlaceholder(s string) bool {
	if isVerb(s) {
		return true
	}
	if len(s) < 3 {
		return false
	}
	const fillers = "*xX.#?_-"
	if strings.IndexByte(fillers, s[0]) >= 0 && strings.Trim(s, s[:1]) == "" {
		return true
	}
	switch {
	case strings.HasPrefix(s, "${") || strings.HasPrefix(s, "#{") || strings.HasPrefix(s, "$("):
		return isVariable(strings.TrimRight(s[2:], "})")) // the end of a value may be before the brace
	case strings.HasPrefix(s, "{{") && strings.HasSuffix(s, "}}"):
		return isVariable(strings.Trim(s[2:len(s)-2], " .$"))
	case s[0] == '$':
		return len(s) > 3 && strings.Trim(s[1:], "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == ""
	case s[0] == '%' && s[len(s)-1] == '%':
		return isVariable(s[1 : len(s)-1])
	case s[0] == '<' && s[len(s)-1] == '>':
		return strings.Trim(s[1:len(s)-1], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_- ") == ""
	}
	for _, begin := range []string{"process.env.", "os.environ", "os.Getenv(", "System.getenv(", "import.meta.env.", "env(", "ENV["} {
		if strings.HasPrefix(s, begin) {
			return true
		}
	}
	if len(s) > 8 && equalFold(s[:4], "your") && (s[4] == '-' || s[4] == '_') {
		return strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-") == ""
	}
	return false
}

// isVerb reports whether s is what a function of the printf family replaces: %v,
// %+v, %s, %-20s; or the place of an argument: $1, {0}.
func isVerb(s string) bool {
	if len(s) < 2 || len(s) > 6 {
		return false
	}
	switch s[0] {
	case '%':
		i := skip(s, 1, func(c byte) bool { return isDigit(c) || strings.IndexByte("+-#.*", c) >= 0 })
		return i == len(s)-1 && strings.IndexByte("vsqdxXwTtp@", s[i]) >= 0
	case '$':
		return skip(s, 1, isDigit) == len(s) && len(s) == 2
	case '{':
		return s[len(s)-1] == '}' && skip(s, 1, isDigit) == len(s)-1
	}
	return false
}

// isVariable reports whether s is the name of a variable, or a path of names.
func isVariable(s string) bool {
	return s != "" && skip(s, 0, isKey) == len(s)
}
