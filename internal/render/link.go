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
	if s = strings.TrimSpace(s); len(s) > maxURL || r == nil {
		return ""
	}
	r.Text(s) // tells of what is in it, once
	r = r.Reporting(nil)
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || !isHost(u.Host) || r.Text(u.Host) != u.Host {
		return ""
	}
	path, rest := u.EscapedPath(), ""
	if u.RawQuery != "" || u.ForceQuery {
		rest = "?" + u.RawQuery
	}
	if f := u.EscapedFragment(); f != "" {
		rest += "#" + f
	}
	if spans(r, path, rest) {
		return u.Scheme + "://" + u.Host + "/" + hole
	}
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

// spans reports whether a secret begins in the path of a URL and has a sign in it
// that parts of URLs end at: the parts of one are not known for a secret, one by
// one.
func spans(r *redact.Redactor, path, rest string) bool {
	paths, rests := plains(path), plains(rest)
	for i, path := range paths {
		whole := path + rests[i]
		if i > 0 && path == paths[0] && rests[i] == rest || r.Text(whole) == whole {
			continue
		}
		for _, f := range r.Find(whole) {
			part := whole[f.From:f.To]
			if f.Kind == "encoded" && strings.Contains(part, "%") {
				continue // all of a word that has escapes; what is in it is found in the other forms
			}
			if f.From < len(path) && strings.ContainsAny(part, "/?#") {
				return true
			}
		}
	}
	return false
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
	if value == "" {
		return ""
	}
	names, values := plains(name), plains(value)
	for i, name := range names {
		if i > 0 && name == names[0] && values[i] == value {
			continue
		}
		// In a fragment the path of an application may come first: #/login?token=...
		if i := strings.LastIndexAny(name, "?/"); i >= 0 {
			name = name[i+1:]
		}
		plain, lower := values[i], strings.ToLower(name)
		if credentials[lower] || r.Value(name, plain) != plain || len(plain) >= minCode && (lower == "code" || lower == "state") {
			return hole
		}
	}
	return bare(r, value)
}

// bare returns a part of a URL, or the hole if there is a secret in it.
func bare(r *redact.Redactor, s string) string {
	for i, plain := range plains(s) {
		if (i == 0 || plain != s) && r.Text(plain) != plain {
			return hole
		}
	}
	return s
}

// plains returns a part of a URL as it is, and with one encoding taken off, or a
// second one that some proxies put over it: in a query a plus sign is a blank, and
// elsewhere itself. What is no encoding stays.
func plains(s string) (all [5]string) {
	off := func(s string, decode func(string) (string, error)) string {
		if plain, err := decode(s); err == nil {
			return plain
		}
		return s
	}
	all[0] = s
	all[1], all[2] = off(s, url.QueryUnescape), off(s, url.PathUnescape)
	all[3], all[4] = off(all[1], url.QueryUnescape), off(all[2], url.PathUnescape)
	return all
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
