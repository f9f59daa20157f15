package redact

import (
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"
)

// atSigns are how the '@' of an address may be written, besides "%40": in JSON
// and in HTML.
var atSigns = []string{`\u0040`, "&#64;", "&#x40;", "&commat;"}

// email finds an e-mail address (RFC 5321) around the '@' or what stands for it
// at s[i]. Addresses of version control (git@host), versions (module@v1.2.3),
// units of a system (getty@tty1.service) and files (logo@2x.png) are none.
func email(s string, i, floor int) (match, bool) {
	at := i + 1
	if s[i] != '@' {
		if at = i + atLen(s[i:]); at == i {
			return match{}, false
		}
	}
	from := localStart(s, i, floor)
	if from == i {
		return match{}, false
	}
	end := domainEnd(s, at)
	if end == 0 || isNoMailbox(s[from:i], s[at:end]) {
		return match{}, false
	}
	return match{from, end, mark("email")}, true
}

// atLen returns the length of what stands for '@' at the beginning of s, or 0.
func atLen(s string) int {
	if strings.HasPrefix(s, "%40") {
		return len("%40")
	}
	for _, sign := range atSigns {
		if strings.HasPrefix(s, sign) {
			return len(sign)
		}
	}
	return 0
}

// domainEnd returns the end of the domain, or the address in brackets, that
// begins at s[at], or 0.
func domainEnd(s string, at int) int {
	if at < len(s) && s[at] == '[' {
		n := strings.IndexByte(s[at:min(len(s), at+maxIPv6)], ']')
		if n < 0 {
			return 0
		}
		if _, err := netip.ParseAddr(strings.TrimPrefix(s[at+1:at+n], "IPv6:")); err != nil {
			return 0
		}
		return at + n + 1
	}
	end := at
	for end < len(s) {
		n := letterLen(s, end)
		if n == 0 && s[end] != '.' && !isWord(s[end]) || n > 1 && isIdeograph(s, end) && !isIdeograph(s, at) {
			break
		}
		end += max(n, 1)
	}
	end = at + len(strings.TrimRight(s[at:end], ".-"))
	if !isDomain(s[at:end]) {
		return 0
	}
	return end
}

// isIdeograph reports whether a script without blanks between words goes on at s[i].
func isIdeograph(s string, i int) bool {
	r, _ := utf8.DecodeRuneInString(s[i:])
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai)
}

// notDomains are the last labels of what looks like an address and is none: of
// files, of systemd's units, of services within a cluster.
var notDomains = map[string]bool{}

func init() {
	for w := range strings.FieldsSeq(`png jpg jpeg gif svg webp ico bmp pdf css js mjs cjs jsx tsx scss html htm json xml yaml yml toml
		txt log jar war tgz gz tar lock class java kt cpp hpp dll exe dylib
		service socket timer mount slice target scope device swap automount`) {
		notDomains[w] = true
	}
}

// isNoMailbox reports whether what stands around an '@' only looks like an address.
func isNoMailbox(local, domain string) bool {
	label := strings.ToLower(domain[strings.LastIndexByte(domain, '.')+1:])
	return local == "git" || local == "this" || local == "super" || notDomains[label] ||
		strings.HasSuffix(domain, ".svc.cluster.local") || strings.HasSuffix(domain, ".svc")
}

// localStart returns where the local part that ends at i begins.
func localStart(s string, i, floor int) int {
	if from := quotedLocal(s, i, floor); from < i {
		return from
	}
	from := i
	for from > floor {
		c := s[from-1]
		n := 1
		if c >= utf8.RuneSelf {
			var r rune
			if r, n = utf8.DecodeLastRuneInString(s[floor:from]); !unicode.IsLetter(r) || isIdeograph(s, from-n) && from < i && s[from] < utf8.RuneSelf {
				break
			}
		} else if !isWord(c) && c != '.' && c != '+' && c != '%' && !isInner(s, from-1, floor) {
			break
		}
		// An escape other than that of '+' separates: ?mail%3Dbob%40example.com
		if c == '%' && from+2 <= i && isHex(s[from]) && isHex(s[from+1]) && s[from:from+2] != "2B" && s[from:from+2] != "27" {
			return from + 2
		}
		from -= n
	}
	if from > floor && s[from-1] == '\\' && from < i {
		switch { // an escape ends here: \n, \u003c
		case s[from] == 'u' && i-from > 5 && skip(s[:from+5], from+1, isHex) == from+5:
			return from + 5
		case strings.IndexByte("nrtbf", s[from]) >= 0:
			return from + 1
		}
	}
	return from
}

// isInner reports whether the sign s[i] stands within a local part: between two
// letters or digits, such as that of o'brien. The quote of b'bob is none.
func isInner(s string, i, floor int) bool {
	if i == floor || !isAlnum(s[i-1]) || !isAlnum(s[i+1]) {
		return false
	}
	switch s[i] {
	case '\'':
		return strings.IndexByte("bBuUrRfFNEx", s[i-1]) < 0 || i-1 > floor && isAlnum(s[i-2])
	case '!', '#', '$', '*', '~', '^':
		return true
	}
	return false
}

// quotedLocal returns where the quoted local part that ends at i begins, as in
// "Ada Byron"@example.com, or i.
func quotedLocal(s string, i, floor int) int {
	const maxLocal = 64
	if i-2 <= floor || s[i-1] != '"' {
		return i
	}
	end := i - 1
	if s[end-1] == '\\' {
		end--
	}
	for from := end; from > max(floor, end-maxLocal); from-- {
		switch c := s[from-1]; {
		case c == '"':
			if from == end {
				return i
			}
			return from - 1
		case c < ' ' || strings.IndexByte("=:{}<>,", c) >= 0:
			return i
		}
	}
	return i
}

// isDomain reports whether s has a dot, and a label of two letters or more
// behind one.
func isDomain(s string) bool {
	if v := strings.TrimPrefix(s, "v"); v != "" && isDigit(v[0]) {
		if n := skip(v, 0, isDigit); n+1 < len(v) && v[n] == '.' && isDigit(v[n+1]) {
			return false // a version
		}
	}
	labels := strings.Split(s, ".")
	for n, label := range labels {
		letters := 0
		for j := 0; j < len(label); letters++ {
			k := letterLen(label, j)
			if k == 0 {
				break
			}
			j += k
		}
		if n > 0 && labels[0] != "" && (letters >= 2 || strings.HasPrefix(label, "xn--")) {
			return true
		}
	}
	return false
}

// letterLen returns the length in bytes of the letter at s[i], or 0.
func letterLen(s string, i int) int {
	if c := s[i]; c < utf8.RuneSelf {
		if isAlpha(c) {
			return 1
		}
		return 0
	}
	r, n := utf8.DecodeRuneInString(s[i:])
	if !unicode.IsLetter(r) {
		return 0
	}
	return n
}
