package render

import (
	"net/url"
	"strings"
	"unicode"

	"github.com/spanticket/spanticket/redact"
)

// maxURL is how long a link may be, in bytes: longer ones are not opened by
// every browser, and part of one leads nowhere.
const maxURL = 8 << 10

// hole stands in a URL for what was removed from it, so that it stays one. It
// is the word of the OpenTelemetry conventions.
const hole = "REDACTED"

// credentials are parameters of URLs whose values let whoever has them in: those
// that the semantic conventions list for url.full, and what other clouds and
// OAuth put into signed links. Case does not count. The redactor knows more.
var credentials = map[string]bool{
	"awsaccesskeyid": true, "signature": true, "sig": true, "x-goog-signature": true,
	"x-amz-credential": true, "x-amz-signature": true, "x-amz-security-token": true, "x-goog-credential": true,
	"googleaccessid": true, "ossaccesskeyid": true, "x-oss-signature": true, "x-oss-credential": true,
	"x-oss-security-token": true, "security-token": true, "x-cos-security-token": true, "q-signature": true, "q-ak": true,
	"key-pair-id": true, "hmac": true, "jwt": true, "otp": true, "auth": true, "auth_token": true, "token": true,
	"access_token": true, "refresh_token": true, "id_token": true, "assertion": true, "client_assertion": true,
	"client_secret": true, "samlresponse": true, "api_key": true, "apikey": true, "password": true, "passwd": true,
	"pwd": true, "secret": true, "session": true, "sessionid": true, "jsessionid": true, "phpsessid": true, "sid": true,
}

// minCode is how long the codes of OAuth are at least, in bytes; what is shorter
// under the same name is an answer of HTTP, for instance.
const minCode = 10

// URL returns a link that may stand on a ticket: http or https, without user
// information, with REDACTED in place of what is secret in it, and with every
// character escaped that has no place in a URL. It returns "" for what is no such
// link, is too long, or has a secret where none can be taken out.
func URL(r *redact.Redactor, s string) string {
	if s = strings.TrimSpace(s); len(s) > maxURL {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || !isHost(u.Host) || r.Text(u.Host) != u.Host {
		return ""
	}
	path := u.EscapedPath()
	if path != "" {
		parts := strings.Split(path, "/")
		for i, p := range parts {
			parts[i] = bare(r, p)
		}
		path = strings.Join(parts, "/")
	}
	out := u.Scheme + "://" + u.Host + path
	if u.RawQuery != "" {
		out += "?" + parameters(r, u.RawQuery)
	}
	if f := u.EscapedFragment(); f != "" {
		out += "#" + parameters(r, f)
	}
	// What the parts do not give away the whole may, such as a token of several.
	if whole := escape(out); r.Text(whole) == whole {
		return whole
	}
	if root := u.Scheme + "://" + u.Host; path != "" && r.Text(root) == root {
		return root + "/" + hole
	}
	return ""
}

// isHost reports whether s can be the host of a link, with its port. The parser
// of package url takes quotes and angle brackets for one, too.
func isHost(s string) bool {
	return s != "" && s[0] != ':' && !strings.ContainsFunc(s, func(c rune) bool {
		return !unicode.IsLetter(c) && !unicode.IsDigit(c) && !strings.ContainsRune(".-_:[]", c)
	})
}

// parameters takes the secrets out of a query, or of a fragment, which may be
// one too.
func parameters(r *redact.Redactor, s string) string {
	pairs := strings.Split(s, "&")
	for i, pair := range pairs {
		if name, value, ok := strings.Cut(pair, "="); ok {
			pairs[i] = bare(r, name) + "=" + valueOf(r, name, value)
		} else {
			pairs[i] = bare(r, pair)
		}
	}
	return strings.Join(pairs, "&")
}

// valueOf returns the value of a parameter, or the hole.
func valueOf(r *redact.Redactor, name, value string) string {
	plainName, plain := unescape(name), unescape(value)
	// In a fragment the path of an application may come first: #/login?token=...
	if i := strings.LastIndexAny(plainName, "?/"); i >= 0 {
		plainName = plainName[i+1:]
	}
	name = strings.ToLower(plainName)
	switch {
	case value == "":
		return ""
	case credentials[name], r.Value(plainName, plain) != plain:
		return hole
	case len(plain) >= minCode && (name == "code" || name == "state"):
		return hole
	}
	return bare(r, value)
}

// bare returns a part of a URL, or the hole if there is a secret in it.
func bare(r *redact.Redactor, s string) string {
	if plain := unescape(s); r.Text(plain) != plain || r.Text(s) != s {
		return hole
	}
	return s
}

// unescape takes an encoding off, and a second one that some proxies put over
// it. What is no encoding stays.
func unescape(s string) string {
	for range 2 {
		next, err := url.QueryUnescape(s)
		if err != nil || next == s {
			return s
		}
		s = next
	}
	return s
}

// escape percent-encodes what RFC 3986 has no place for after the host, such as
// quotes, blanks and brackets, which end a link in the text around it.
func escape(s string) string {
	const hex = "0123456789ABCDEF"
	begin := strings.Index(s, "://") + len("://")
	if n := strings.IndexAny(s[begin:], "/?#"); n >= 0 {
		begin += n
	} else {
		return s
	}
	var b strings.Builder
	b.WriteString(s[:begin])
	for i := begin; i < len(s); i++ {
		switch c := s[i]; {
		case c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}[]", c) >= 0:
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
