package celrule

import "strings"

// maxAuthority is how far into a text the host of it must end, in bytes. Names
// have at most 253.
const maxAuthority = 1 << 10

// hostOf returns the host of a URL, or of a bare host with or without a port,
// as it is written there. It is "" if there is none.
func hostOf(url string) string {
	rest := url[:min(len(url), maxAuthority)]
	bare := false
	if i := strings.Index(rest, "//"); i == 0 || i > 0 && rest[i-1] == ':' && isScheme(rest[:i-1]) {
		rest = rest[i+2:]
	} else {
		bare = true
	}
	if end := strings.IndexAny(rest, `/?#\`); end >= 0 {
		rest = rest[:end]
	} else if len(url) > maxAuthority {
		return ""
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest = rest[i+1:]
	}
	rest, _, _ = strings.Cut(rest, ",") // of several the first
	if inside, ok := strings.CutPrefix(rest, "["); ok {
		host, port, ok := strings.Cut(inside, "]")
		if !ok || !isPort(port) || strings.Trim(host, addressBytes) != "" {
			return ""
		}
		return host
	}
	host := rest
	switch i := strings.IndexByte(rest, ':'); {
	case i < 0:
	case strings.LastIndexByte(rest, ':') != i: // an address without brackets
		if !bare || strings.Trim(rest, addressBytes) != "" {
			return ""
		}
		return rest
	case !isPort(rest[i:]), bare && i == len(rest)-1: // a scheme without slashes
		return ""
	default:
		host = rest[:i]
	}
	host = strings.TrimSuffix(host, ".")
	for i := range len(host) {
		if !isHostByte(host[i]) {
			return ""
		}
	}
	return host
}

const addressBytes = "0123456789abcdefABCDEF:.%"

// isScheme reports whether a text can stand before "://". It may be several, as
// in jdbc:mysql.
func isScheme(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.:") == ""
}

// isPort reports whether a text is what may stand after a host: nothing, or a colon and digits.
func isPort(s string) bool {
	port, ok := strings.CutPrefix(s, ":")
	return s == "" || ok && strings.Trim(port, digits) == ""
}

func isHostByte(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || b >= 0x80 || strings.IndexByte("-._~%", b) >= 0
}

// lowerASCII changes the case of nothing but ASCII letters, and allocates only
// if there are any to change.
func lowerASCII(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			lower := []byte(s)
			for ; i < len(lower); i++ {
				lower[i] = lowerByte(lower[i])
			}
			return string(lower)
		}
	}
	return s
}

// isLowerOf reports whether lowerASCII(s) is lower, without making it.
func isLowerOf(lower, s string) bool {
	if len(lower) != len(s) {
		return false
	}
	for i := range len(s) {
		if lowerByte(s[i]) != lower[i] {
			return false
		}
	}
	return true
}

func lowerByte(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		b += 'a' - 'A'
	}
	return b
}
