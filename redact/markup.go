package redact

import "strings"

// maxTag is how long the start tag of an element may be, and maxElement its text,
// in bytes.
const (
	maxTag     = 512
	maxElement = 4 << 10
)

// element finds the text of an element of XML or HTML whose name says that it is
// secret, and whose start tag begins at s[i]: <password>x</password>, also
// within JSON or with a prefix; CDATA and elements in it included.
func (r *Redactor) element(s string, i int) (match, bool) {
	const escaped = `\u003c` // of JSON
	from, gt := i+1, ">"
	if s[i] == '\\' {
		if !strings.HasPrefix(s[i:], escaped) {
			return match{}, false
		}
		from, gt = i+len(escaped), `\u003e`
	}
	to := skip(s[:min(len(s), from+maxKey)], from, func(c byte) bool { return isKey(c) || c == ':' })
	if to == from || to == len(s) {
		return match{}, false
	}
	name := s[from:to]
	local := name[strings.LastIndexByte(name, ':')+1:]
	kind := r.secretKind(local)
	if kind == "" && isKeyPart(s, i, local) {
		kind = "private-key"
	}
	if kind == "" && name != "key" {
		if kind = r.elementKind(local); kind == "" {
			return match{}, false
		}
	}
	n := strings.Index(s[to:min(len(s), to+maxTag)], gt)
	if n < 0 || n > 0 && s[to+n-1] == '/' || strings.IndexByte(s[to:to+n], '<') >= 0 {
		return match{}, false
	}
	from = to + n + len(gt)
	if name == "key" {
		end := skip(s[:min(len(s), from+maxKey)], from, isKey)
		if kind = r.secretKind(s[from:end]); kind == "" {
			return match{}, false
		}
		return namedByElement(s, end, kind)
	}
	// The end tag, or the end of what was cut off.
	end, closing := len(s), "</"+name
	if gt != ">" {
		closing = escaped + "/" + name
	}
	if n := strings.Index(s[from:min(len(s), from+maxElement)], closing); n >= 0 {
		end = from + n
	} else if skip(s, from, func(c byte) bool { return !isSpace(c) && c != '<' }) < len(s) {
		return match{}, false
	}
	old := s[from:end]
	if strings.Trim(old, " \t\r\n") == "" || isNothing(old) || markLen(old) == len(old) {
		return match{}, false
	}
	return match{from, end, mark(kind)}, true
}

// isKeyPart reports whether an element of the given name, at s[i], is a private
// part of an RSAKeyValue (XML Signature, with .NET's extension).
func isKeyPart(s string, i int, name string) bool {
	const reach = 4 << 10
	switch name {
	case "D", "P", "Q", "DP", "DQ", "InverseQ":
		return strings.Contains(s[max(0, i-reach):i], "RSAKeyValue")
	}
	return false
}

// elementKind returns the kind of personal data that an element of the given
// name holds, if its name alone tells.
func (r *Redactor) elementKind(name string) string {
	var b keyBuffer
	switch kind := personalWord(b.split(name)); kind {
	case kindName, kindPersonal, kindSSN, kindPhone:
		if r.Personal.policy(kind) != Keep {
			return kind
		}
	}
	return ""
}

// closes reports whether an end tag follows the start tag that may begin at s[i],
// near enough, or the text ends in what may be its element.
func (x *scanner) closes(i int) bool {
	if x.tag < i && x.tag < len(x.s) {
		x.tag = len(x.s)
		if n := strings.Index(x.s[i:], "</"); n >= 0 {
			x.tag = i + n
		}
	}
	if x.tag < len(x.s) {
		return x.tag-i <= maxTag+maxElement
	}
	return len(x.s)-i <= maxTag || strings.IndexByte(x.s[i+1:min(len(x.s), i+1+maxTag)], '<') < 0
}
