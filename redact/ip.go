package redact

import (
	"net/netip"
	"strings"
)

// ipv4 finds an IPv4 address whose first digit is s[i]. A version of four
// numbers looks the same and is taken for one; one of three or five is not.
func ipv4(s string, i int) (match, bool) {
	if i > 0 && (isWord(s[i-1]) || s[i-1] == '.') {
		return match{}, false
	}
	end := i
	for k := range 4 {
		if k > 0 {
			if end == len(s) || s[end] != '.' {
				return match{}, false
			}
			end++
		}
		to := skip(s, end, isDigit)
		n := 0
		for _, c := range []byte(s[end:min(to, end+4)]) {
			n = n*10 + int(c-'0')
		}
		if to == end || n > 255 || to-end > 1 && s[end] == '0' {
			return match{}, false
		}
		end = to
	}
	if !isolated(s, end) || end < len(s) && s[end] == '_' {
		return match{}, false
	}
	return match{i, end, mark(kindIP)}, true
}

// maxIPv6 is the length of the longest IPv6 address, with a zone.
const maxIPv6 = 64

// ipv6 finds an IPv6 address around its first colon, at s[i].
func ipv6(s string, i, floor int) (match, bool) {
	from := i
	for from > max(floor, i-4) && isHex(s[from-1]) {
		from--
	}
	if from > 0 && (isWord(s[from-1]) || s[from-1] == ':' || s[from-1] == '.') {
		return match{}, false
	}
	end := i
	colons := 0
	for end < len(s) && end < from+maxIPv6 && (isHex(s[end]) || s[end] == ':' || s[end] == '.') {
		if s[end] == ':' {
			colons++
		}
		end++
	}
	text := strings.TrimRight(s[from:end], ".")
	if strings.HasSuffix(text, ":") && !strings.HasSuffix(text, "::") {
		text = text[:len(text)-1]
	}
	end = from + len(text)
	if colons < 2 || len(text) < 3 || end < len(s) && isWord(s[end]) {
		return match{}, false
	}
	if _, err := netip.ParseAddr(text); err != nil {
		return match{}, false
	}
	return match{from, end, mark(kindIP)}, true
}

// maskIP hides the host of an address: the last number of IPv4, and of IPv6 all
// but the /48 that a site has. Anything else is hidden whole.
func maskIP(s string) string {
	if head, ok := strings.CutSuffix(s, "x"); ok && strings.Trim(head, "0123456789abcdef:.") == "" {
		return s // hidden already
	}
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return mark(kindIP)
	}
	if addr.Is4() {
		return s[:strings.LastIndexByte(s, '.')+1] + "x"
	}
	p, err := addr.WithZone("").Prefix(48)
	if err != nil {
		return mark(kindIP)
	}
	return strings.TrimSuffix(p.Addr().String(), "::") + "::x"
}
