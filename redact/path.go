package redact

import "strings"

const (
	// maxPath is how far the path of a URL is looked at, and minSegment how long
	// a segment of it must be to be a secret, in bytes.
	maxPath    = 1 << 10
	minSegment = 16
	maxLead    = 40 // of a segment that leads to one

	// kindPath is the kind of what stands under a key for a path of a URL: it
	// loses its secret segments, and is replaced by no mark.
	kindPath = "path"
)

// leadsTo are words in the segment of a path before one that whoever has it may
// use: links to reset a password, to take up an invitation, to call a hook.
var leadsTo = []string{
	"reset", "verif", "confirm", "invit", "activat", "magic", "unsubscribe", "token", "secret", "passw", "share",
	"webhook", "hooks", "callback", "apikey", "api-key", "signup", "recover", "one-time", "otp", "credential",
	"login", "signin", "sign-in", "sso", "opt-out", "optout", "session", "authorize", "impersonat",
}

// pathWords begin the segments that a path without a host is looked at behind.
var pathWords = []string{
	"/reset", "/verif", "/confirm", "/invit", "/activat", "/magic", "/unsub", "/token", "/share", "/webhook", "/hooks", "/callback", "/recover",
	"/password", "/login", "/session", "/email-", "/opt-out", "/signup", "/signin", "/apikey", "/account", "/one-time", "/otp",
}

// segment finds the segment of the path in s[from:] that is a secret, up to the
// end of the URL, and returns where that is.
func segment(s string, from int) (m match, end int, ok bool) {
	end = min(len(s), from+maxPath)
	var before [2]string // the last segments
	for i := from; i < end; i++ {
		to := i
		for to < end && s[to] != '/' {
			c := s[to]
			if c <= ' ' || c == '?' || c == '#' || isQuote(c) || c == '<' || c == '>' || c == ')' || c == ']' || c == ',' || c == ';' || c == '\\' {
				end = to
				break
			}
			if c == ':' && strings.HasPrefix(s[to:], "://") {
				return match{}, to, false
			}
			to++
		}
		if part := s[i:to]; i < to {
			if capability(part) && (leads(before[0]) || leads(before[1])) {
				return match{i, to, masked}, to, true
			}
			before[0], before[1] = before[1], part
		}
		i = to
	}
	return match{}, end, false
}

// leads reports whether a segment says that a secret one follows.
func leads(segment string) bool {
	if len(segment) >= maxLead {
		return false
	}
	segment = strings.ToLower(segment)
	for _, w := range leadsTo {
		if strings.Contains(segment, w) {
			return true
		}
	}
	return false
}

// capability reports whether a segment looks like made by chance, so that
// knowing it is a right. Words and numbers with dashes between them do not.
func capability(s string) bool {
	if len(s) < minSegment || skip(s, 0, isToken68) < len(s) {
		return false
	}
	digits, letters, mixed := 0, 0, false
	var part byte // what the part of a name is made of
	for i := range len(s) {
		kind := byte(0)
		switch c := s[i]; {
		case isDigit(c):
			digits++
			kind = 'd'
		case isAlpha(c):
			letters++
			kind = 'a'
		}
		mixed = mixed || kind != 0 && part != 0 && kind != part
		part = kind
	}
	return digits >= 3 && letters >= 3 && mixed
}

// segmentBehind finds the secret segment of a path without a host, behind a segment
// that begins at the '/' at s[at:] as one of pathWords: GET /reset-password/...
func segmentBehind(x *scanner, at int) (match, bool) {
	if at < x.path {
		return match{}, false
	}
	m, end, ok := segment(x.s, at+1)
	x.path = end
	return m, ok
}

// urlPath finds the secret segment of the URL whose "://" begins at s[i].
func urlPath(s string, i int) (match, bool) {
	if !strings.HasPrefix(s[i:], "://") {
		return match{}, false
	}
	host := i + len("://")
	n := strings.IndexByte(s[host:min(len(s), host+maxAuthority)], '/')
	if n < 0 || strings.ContainsAny(s[host:host+n], " \"'\n?#") {
		return match{}, false
	}
	m, _, ok := segment(s, host+n+1)
	return m, ok
}

// pathText returns a path of a URL without the segments that are secret.
func pathText(s string) string {
	for range maxPasses {
		m, _, ok := segment(s, 0)
		if !ok {
			break
		}
		s = s[:m.from] + m.with + s[m.to:]
	}
	return s
}
