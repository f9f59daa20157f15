package redact

import "strings"

const masked = "REDACTED" // keeps a URL a URL; the word of the OpenTelemetry conventions

// maxAuthority is how far the end of user:password@ is looked for, in bytes.
const maxAuthority = 512

// urlSigns are what separates the parts of a URL.
type urlSigns struct {
	start, colon, at string
	ends             []string // of the authority
}

var (
	plainURL   = urlSigns{"://", ":", "@", []string{"/", "?", "#"}}
	encodedURL = urlSigns{"%3A%2F%2F", "%3A", "%40", []string{"%2F", "%3F", "%23", "&"}}
)

// userinfo finds the user and password of a URL (RFC 3986, 3.2.1) whose "://"
// begins at s[i], percent-encoded or not. The user of git@ stays.
func userinfo(s string, i int) (match, bool) {
	signs := &plainURL
	if s[i] == '%' {
		signs = &encodedURL
	}
	if !strings.HasPrefix(s[i:], signs.start) || i == 0 || !isAlnum(s[i-1]) {
		return match{}, false
	}
	from := i + len(signs.start)
	text := s[from:min(len(s), from+maxAuthority)]
	if strings.IndexByte(text, signs.at[0]) < 0 {
		return match{}, false
	}
	if n := strings.IndexAny(text, " \t\r\n\"'`<>"); n >= 0 {
		text = text[:n]
	}
	text, _, _ = strings.Cut(text, signs.start)
	host := text
	for _, end := range signs.ends {
		host, _, _ = strings.Cut(host, end)
	}
	at := strings.LastIndex(host, signs.at)
	if at < 0 && badPort(host) {
		// No port: a password with a '/', '?' or '#' that should be escaped.
		at = strings.LastIndex(text, signs.at)
	}
	if at < 0 {
		return match{}, false
	}
	m := match{from, from + at, masked}
	switch user, _, found := strings.Cut(text[:at], signs.colon); {
	case found:
		m.with = masked + signs.colon + masked
	case user == "git" || user == "":
		return match{}, false
	}
	return m, true
}

// inQuery reports whether a parameter of a URL begins at s[i], behind a ';' that
// ends an "&amp;" or separates the parameters.
func inQuery(s string, i, floor int) bool {
	before := s[max(floor, i-maxKey):i]
	return strings.HasSuffix(before, "&amp;") || strings.LastIndexByte(before, '?') > strings.LastIndexAny(before, " \t\n\"'")
}

// badPort reports whether what follows the colon in host is no port.
func badPort(host string) bool {
	_, port, found := strings.Cut(host, ":")
	return found && host[0] != '[' && port != "" && skip(port, 0, isDigit) < len(port)
}

// mysqlPassword finds the password of a DSN of the Go driver for MySQL,
// user:password@tcp(host)/db, or of a URL without a scheme, //user:password@host,
// around the '@' at s[i].
func mysqlPassword(s string, i, floor int) (match, bool) {
	open := skip(s, i+1, isAlnum)
	dsn := open > i+1 && open < len(s) && s[open] == '('
	if !dsn && (open == i+1 || open == len(s) || strings.IndexByte(".:/-", s[open]) < 0) {
		return match{}, false
	}
	from := i
	for from > max(floor, i-maxAuthority) && !isSpace(s[from-1]) && !isQuote(s[from-1]) && (dsn || s[from-1] != '/') {
		from--
	}
	if !dsn && (from < floor+2 || s[from-2:from] != "//" || from > 2 && s[from-3] == ':') {
		return match{}, false
	}
	n := strings.IndexByte(s[from:i], ':')
	if n < 0 || from+n+1 == i {
		return match{}, false
	}
	return match{from + n + 1, i, mark("password")}, true
}

// telegramToken finds the token of a Telegram bot around the ':' at s[i]: the
// number of the bot, and 35 bytes that begin with AA.
func telegramToken(s string, i, floor int) (match, bool) {
	if !strings.HasPrefix(s[i:], ":AA") {
		return match{}, false
	}
	from := i
	for from > floor && isDigit(s[from-1]) {
		from--
	}
	end := skip(s, i+1, isWord)
	if i-from < 8 || end-i < 34 {
		return match{}, false
	}
	return match{from, end, mark("telegram-token")}, true
}
