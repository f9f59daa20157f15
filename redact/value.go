package redact

import "strings"

// valueAt finds the secret that begins at s[v] and belongs to k.
func valueAt(s string, v int, k key) (match, bool) {
	if v < len(s) && s[v] == '(' && k.assign && k.kind == "credential" { // auth=('bob', 'x')
		if from, to := lastLiteral(s, v); to > 0 {
			return match{from, to, mark(k.kind)}, true
		}
	}
	if v = valueBegin(s, v, k); v >= len(s) || s[v] == '\n' || s[v] == '\r' {
		return match{}, false
	}
	from, to := v, v
	slashes := skip(s, v, func(c byte) bool { return c == '\\' })
	switch {
	case slashes == v && tripled(s, v):
		from = skip(s, v+3, isSpace)
		to = tripledEnd(s, v)
	case slashes == v && doubledEnd(s, v) > 0:
		from, to = v+2, doubledEnd(s, v)
	case k.assign && hereEnd(s, v) > 0:
		from, to = v+strings.IndexByte(s[v:], '\n')+1, hereEnd(s, v)
	case slashes < len(s) && isQuote(s[slashes]):
		from = slashes + 1
		to = closing(s, from, s[slashes], slashes-v)
	case literalStart(s, v) > 0:
		from = literalStart(s, v)
		to = literalEnd(s, from)
	case goBytes(s, v) > 0:
		to = goBytes(s, v)
	case s[v] == '[' && markLen(s[v:]) == 0:
		from, to = v+1, lineEnd(s, v+1, ']')
	case s[v] == '{' && (k.closed || k.kind == "cookie"):
		to = braces(s, v) // an object of JSON: all that is in it belongs to the key
	case s[v] == '{' && k.assign && s[v-1] == '=' && bracedEnd(s, v) > 0:
		from, to = v+1, bracedEnd(s, v) // of ODBC
	case s[v] == '{':
		return match{}, false // what is in it has names of its own
	case !k.assign && (s[v] == '|' || s[v] == '>'):
		if from, to = blockScalar(s, v); to == 0 {
			from, to = v, bareEnd(s, v, k)
		}
	case (k.kind == "authorization" || k.kind == "cookie") && !k.query && !k.encoded:
		stop := byte(0)
		if !k.closed {
			stop = k.quote
		}
		to = lineEnd(s, v, stop)
	default:
		to = bareEnd(s, v, k)
		if k.starts && !k.query && !k.encoded && k.kind == "password" {
			to = lineOfWords(s, to)
		}
	}
	if strings.HasPrefix(s[from:to], masked+"&") {
		to = from + len(masked) // of a form that was redacted, decoded
	}
	old := s[from:to]
	m := match{from, to, mark(k.kind)}
	switch {
	case markLen(old) == len(old) && old != "", old == masked:
		m.with = old
	case old == "" || isNothing(old) || isPlaceholder(old) || from == v && isProse(s, v, to, k):
		return match{}, false
	case from == v && !k.closed && (isCode(old) || isConstant(old)), isFewDigits(old) && isNeverShort(k.kind):
		return match{}, false
	case k.kind == kindWeak && !isWeakSecret(old):
		return match{}, false
	case k.query || k.encoded:
		m.with = masked
	}
	return m, true
}

// closing returns where the quoted text that begins at s[i] ends: at the quote
// that as many backslashes precede as the opening one, in a text where each
// level of quoting has doubled them, or at the end of the line.
func closing(s string, i int, quote byte, slashes int) int {
	n := 0
	for j := i; j < len(s); j++ {
		switch s[j] {
		case '\\':
			n++
			continue
		case quote:
			if (n%(2*(slashes+1)) == slashes || n < slashes) && !opens(s, i, j-n) {
				return j - min(n, slashes)
			}
		case '\n':
			return j
		}
		n = 0
	}
	return len(s)
}

// opens reports whether the quote at s[at] opens the value of another key, because
// the one that the text at s[from] began with is not closed: token="x: secret="y".
func opens(s string, from, at int) bool {
	if at-from < 4 || s[at-1] != '=' {
		return false
	}
	name := at - 1
	for name > max(from, at-maxKey) && isKey(s[name-1]) {
		name--
	}
	return name > from && name < at-1 && isBlank(s[name-1])
}

// lineEnd returns the end of the line that s[i] is on, or the first stop in it.
// A line may also end in an escaped \r or \n.
func lineEnd(s string, i int, stop byte) int {
	for ; i < len(s); i++ {
		if n := markLen(s[i:]); n > 0 {
			i += n - 1
			continue
		}
		c := s[i]
		if c == '\n' || c == '\r' || stop != 0 && c == stop {
			return i
		}
		if c == '\\' && i+1 < len(s) && (s[i+1] == 'n' || s[i+1] == 'r') {
			return i
		}
	}
	return i
}

// bareEnd returns the end of the unquoted value that begins at s[i]. A secret
// may hold any character, so that one that usually ends a value ends it only
// where what follows looks like it.
func bareEnd(s string, i int, k key) int {
	start := i
	for i < len(s) {
		if n := markLen(s[i:]); n > 0 {
			i += n
			continue
		}
		switch c := s[i]; {
		case c == '\n' || c == '\r':
			if !continues(s, i, start) {
				return i
			}
			i = skip(s, i, isSpace) - 1
		case isSpace(c):
			if !isScheme(s[start:i]) {
				return i
			}
			start = i + 1 // the credentials follow
		case c == '<', c == '\\' && (k.query || endsEscaped(s, i+1)):
			return i
		case k.query && (c == '&' || c == '#' || isQuote(c) || c == '>'):
			return i
		case k.encoded && (c == '&' || c == '%' && isSeparatorCode(s[i+1:])):
			return i
		case strings.IndexByte(",;&|)]}>\"'`", c) >= 0 && endsAt(s, i+1):
			return i
		}
		i++
	}
	return i
}

// continues reports whether a value goes on behind the line end at s[i]: behind a
// backslash, or the '=' at the end of a full line of quoted-printable.
func continues(s string, i, start int) bool {
	return i > start && (s[i-1] == '\\' || s[i-1] == '=' && softLine(s, i-1))
}

// endsAt reports whether a value may have ended before s[i]: nothing follows,
// or space, or punctuation, or another key.
func endsAt(s string, i int) bool {
	if i == len(s) || isSpace(s[i]) || strings.IndexByte(",;:.|)]}>\"'`\\", s[i]) >= 0 {
		return true
	}
	end := skip(s[:min(len(s), i+maxKey)], i, isKey)
	return end > i && end < len(s) && (s[end] == '=' || s[end] == ':')
}

// endsEscaped reports whether a value may have ended before the backslash that
// s[i] follows: at an escaped quote, or an escaped line end and another key.
func endsEscaped(s string, i int) bool {
	return i < len(s) && (isQuote(s[i]) || (s[i] == 'n' || s[i] == 'r') && endsAt(s, i+1))
}

// isSeparatorCode reports whether s, behind a '%', is the code of '&', '#' or '"',
// encoded how often so ever.
func isSeparatorCode(s string) bool {
	for strings.HasPrefix(s, "25") {
		s = s[2:]
	}
	return strings.HasPrefix(s, "26") || strings.HasPrefix(s, "23") || strings.HasPrefix(s, "22")
}

// isScheme reports whether s is a scheme of HTTP authentication.
func isScheme(s string) bool {
	switch strings.ToLower(s) {
	case "bearer", "basic", "digest", "token", "negotiate", "apikey":
		return true
	}
	return false
}

// isNothing reports whether s is how a language writes that there is no value.
func isNothing(s string) bool {
	switch s {
	case literal, "null", "nil", "<nil>", "None", "undefined", "true", "false", "NULL", "(null)", "Null", "none", "True", "False", "N/A", "YES", "NO":
		return true
	}
	return false
}

// isProse reports whether s[v:to] begins a sentence rather than being a value,
// as in "refresh token: context deadline exceeded". What looks like a password
// is no prose, whatever it is.
func isProse(s string, v, to int, k key) bool {
	if k.assign || k.closed || s[v-1] != ' ' || k.kind == "password" || k.kind == "authorization" {
		return false
	}
	word := strings.TrimLeft(s[v:to], "abcdefghijklmnopqrstuvwxyz")
	return (word == "" || len(word) == to-v && isWordCapital(word) && k.kind != kindName) && to+1 < len(s) && s[to] == ' ' && isAlpha(s[to+1])
}
