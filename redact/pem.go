package redact

import "strings"

// pemKey finds a private key in PEM (RFC 7468) or OpenPGP armour that begins at
// i: its whole block, or all that follows where the end is missing. Line ends
// may be written as \n, and spaces as %20 or +.
func pemKey(s string, i int) (match, bool) {
	const begin, end = "-----BEGIN", "-----END"
	if !strings.HasPrefix(s[i:], begin) {
		return match{}, false
	}
	body := i + len(begin)
	label := s[body:min(len(s), body+64)]
	if n := strings.Index(label, "-----"); n >= 0 {
		label = label[:n]
	}
	if n := strings.Index(label, "PRIVATE"); n < 0 || !strings.Contains(label[n:], "KEY") {
		return match{}, false
	}
	m := match{i, len(s), mark("private-key")}
	if n := strings.Index(s[body:], end); n >= 0 {
		last := body + n + len(end)
		if n := strings.Index(s[last:min(len(s), last+64)], "-----"); n >= 0 {
			m.to = last + n + len("-----")
		}
	}
	return m, true
}
