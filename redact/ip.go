package redact

import (
	"net/netip"
	"strings"
)

// ipv4 finds an IPv4 address, or a range of two, whose first digit is s[i]. A
// version of four numbers looks the same; it is none where a word says so, nor is
// one of three or five numbers.
func ipv4(s string, i int) (match, bool) {
	if i > 0 && (isWord(s[i-1]) && !escaped(s, i) || s[i-1] == '.') {
		return match{}, false
	}
	end, ok := ipv4At(s, i)
	if !ok {
		return match{}, false
	}
	if !isolated(s, end) || end < len(s) && (s[end] == '_' || s[end] == '-' && end+1 < len(s) && isAlpha(s[end+1])) || isVersion(s, i, end) {
		return match{}, false
	}
	if end < len(s) && s[end] == '-' { // a range
		if m, ok := ipv4At(s, end+1); ok {
			end = m
		}
	}
	return match{i, end, mark(kindIP)}, true
}

// ipv4At returns the end of the four numbers that begin at s[i].
func ipv4At(s string, i int) (end int, ok bool) {
	end = i
	for k := range 4 {
		if k > 0 {
			if end == len(s) || s[end] != '.' {
				return 0, false
			}
			end++
		}
		to := skip(s, end, isDigit)
		n := 0
		for _, c := range []byte(s[end:min(to, end+4)]) {
			n = n*10 + int(c-'0')
		}
		if to == end || n > 255 || to-end > 1 && s[end] == '0' {
			return 0, false
		}
		end = to
	}
	return end, true
}

// versionWords tell that four numbers behind them are no address.
var versionWords = map[string]bool{}

func init() {
	for w := range strings.FieldsSeq("version versions ver v release rel build firmware kernel section schema revision rev oid driver sdk") {
		versionWords[w] = true
	}
}

// isVersion reports whether the numbers s[i:end] are those of a version: behind a
// word that says so, or in the name of a browser, Chrome/126.0.0.0.
func isVersion(s string, i, end int) bool {
	if i > 1 && s[i-1] == '/' {
		return isAlpha(s[i-2]) && strings.HasSuffix(s[i:end], ".0.0")
	}
	to := i
	for to > max(0, i-maxGap) && (isGap(s[to-1]) && s[to-1] != '[' && s[to-1] != '(') {
		to--
	}
	from := to
	for from > max(0, to-maxTelling) && isAlpha(s[from-1]) {
		from--
	}
	word := strings.ToLower(s[from:to])
	return versionWords[word] || strings.HasSuffix(word, "version")
}

// maxIPv6 is the length of the longest IPv6 address, with a zone.
const maxIPv6 = 64

// ipv6 finds an IPv6 address around its first colon, at s[i].
func ipv6(s string, i, floor int) (match, bool) {
	from := i
	for from > max(floor, i-4) && isHex(s[from-1]) {
		from--
	}
	if from > 0 && (isWord(s[from-1]) && !escaped(s, from) || s[from-1] == '.' || s[from-1] == ':' && !endsName(s, from-1)) {
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
	if end < len(s) && isWord(s[end]) { // user:2001:db8::1:cart
		if n := strings.LastIndexByte(s[from:end], ':'); n > 0 {
			end = from + n
			colons--
		}
	}
	text := strings.TrimRight(s[from:end], ".")
	if strings.HasSuffix(text, ":") && !strings.HasSuffix(text, "::") {
		text = text[:len(text)-1]
	}
	end = from + len(text)
	if colons < 2 || !strings.ContainsAny(text, "0123456789") || end < len(s) && isWord(s[end]) {
		return match{}, false
	}
	if _, err := netip.ParseAddr(text); err != nil {
		return match{}, false
	}
	return match{from, end, mark(kindIP)}, true
}

// endsName reports whether the colon at s[i] ends a name, To:2001:db8::1, rather
// than being one of the address's own.
func endsName(s string, i int) bool {
	from := i
	hex := true
	for from > max(0, i-maxTelling) && isAlnum(s[from-1]) {
		from--
		hex = hex && isHex(s[from])
	}
	return i-from > 4 || !hex
}

// clientAddress finds the address of a client behind the keyword at s[at:], as the
// servers of Apache write it: [client 192.0.2.17:52311].
func clientAddress(x *scanner, at int) (match, bool) {
	s := x.s
	from := at + len("client ip")
	if s[at] == '[' {
		from = at + len("[client ")
	} else {
		from = skip(s[:min(len(s), from+maxGap)], from, isGap)
	}
	to := skip(s[:min(len(s), from+maxIPv6)], from, func(c byte) bool { return isAlnum(c) || strings.IndexByte(".:%-", c) >= 0 })
	to = from + len(strings.TrimRight(s[from:to], ".:"))
	if !isHost(s[from:to]) {
		// With a port, which no bracket parts from an address of version 6.
		n := strings.LastIndexByte(s[from:to], ':')
		if n < 0 || !isHost(s[from:from+n]) {
			return match{}, false
		}
		to = from + n
	}
	return match{from, to, mark(kindClientIP)}, true
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
