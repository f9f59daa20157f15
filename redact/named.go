package redact

import "strings"

// valueNames are the names of fields that hold what another field names.
var valueNames = []string{"value", "val", "v", "content", "data", "text", "default"}

// namedElsewhere finds the value of a name that ends at s[to], and stands in the
// field k, where it does not follow at once:
//
//	{"name":"x","type":"t","value":"v"}   {"value":"v","name":"x"}
//	<entry key="x">v</entry>
func (r *Redactor) namedElsewhere(s string, to int, k key, kind string) (match, bool) {
	i := to
	for i < len(s) && (isQuote(s[i]) || s[i] == '\\' && i+1 < len(s) && isQuote(s[i+1])) {
		i++
	}
	if i == len(s) {
		return match{}, false
	}
	if s[i] == '>' && i+1 < len(s) && k.assign {
		return elementText(s, i+1, kind)
	}
	if m, ok := namedBehind(s, i, kind); ok {
		return m, true
	}
	return namedBefore(s, k, kind)
}

// elementText finds the text of an element that begins at s[i].
func elementText(s string, i int, kind string) (match, bool) {
	const maxText = 512
	n := strings.IndexByte(s[i:min(len(s), i+maxText)], '<')
	if n < 0 {
		return match{}, false
	}
	old := s[i : i+n]
	if strings.TrimSpace(old) == "" || isNothing(old) || markLen(old) == len(old) {
		return match{}, false
	}
	return match{i, i + n, mark(kind)}, true
}

// namedBehind finds the value in a field behind s[i], in the same object.
func namedBehind(s string, i int, kind string) (match, bool) {
	const reach = 160
	rest := s[i:min(len(s), i+reach)]
	if n := strings.IndexByte(rest, '}'); n >= 0 {
		rest = rest[:n]
	}
	for _, name := range valueNames {
		for at := 0; ; {
			n := strings.Index(rest[at:], name)
			if n < 0 {
				break
			}
			at += n + len(name)
			v, closed := fieldValue(s, i+at)
			if v == 0 || !closed || !isQuote(s[i+at-len(name)-1]) {
				continue
			}
			return valueAt(s, v, key{kind: kind, closed: true})
		}
	}
	return match{}, false
}

// fieldValue returns where the value of a field begins whose name ends at s[i], or
// 0, and whether the name was quoted.
func fieldValue(s string, i int) (v int, closed bool) {
	n := skip(s, i, func(c byte) bool { return c == '\\' || isQuote(c) })
	closed = n > i
	n = skip(s, n, isBlank)
	if n == len(s) || s[n] != ':' && s[n] != '=' {
		return 0, false
	}
	v = skip(s, n+1, isBlank)
	if v == len(s) {
		return 0, false
	}
	return v, closed
}

// namedBefore finds the quoted value in the field before the one that k is the
// name of.
func namedBefore(s string, k key, kind string) (match, bool) {
	const maxValue = 256
	begin := k.from
	for begin > 0 && (isQuote(s[begin-1]) || s[begin-1] == '\\') {
		begin--
	}
	end := len(strings.TrimRight(s[:begin], " \t\r\n,"))
	if end == 0 || end == begin && k.quote == 0 || !isQuote(s[end-1]) {
		return match{}, false
	}
	to := end - 1
	for to > 0 && s[to-1] == '\\' {
		to--
	}
	floor := max(0, to-maxValue)
	from := strings.LastIndexByte(s[floor:to], s[end-1]) + 1
	if from == 0 || from+floor == to {
		return match{}, false
	}
	from += floor
	field := len(strings.TrimRight(s[:from-1], "\\ \t:="))
	for field > 0 && (isQuote(s[field-1]) || s[field-1] == '\\') {
		field--
	}
	for _, name := range valueNames {
		if n := field - len(name); n >= 0 && equalFold(s[n:field], name) && (n == 0 || !isWord(s[n-1])) {
			old := s[from:to]
			return match{from, to, mark(kind)}, !isNothing(old) && markLen(old) != len(old) && !isPlaceholder(old)
		}
	}
	return match{}, false
}

// keyElement finds what follows an element that names it, as in property lists:
// <key>password</key><string>x</string>. The text of the first begins at s[i].
func (r *Redactor) keyElement(s string, i int) (match, bool) {
	const maxGap = 64
	end := skip(s[:min(len(s), i+maxKey)], i, isKey)
	if end == i || !strings.HasPrefix(s[end:], "</key>") {
		return match{}, false
	}
	kind := r.secretKind(s[i:end])
	open := skipGap(s[:min(len(s), end+maxGap)], end+len("</key>"))
	if kind == "" || !strings.HasPrefix(s[open:], "<string>") {
		return match{}, false
	}
	return elementText(s, open+len("<string>"), kind)
}

// skipGap returns the end of the blanks at s[i], those that are escaped among them.
func skipGap(s string, i int) int {
	for {
		i = skip(s, i, isSpace)
		if i+1 >= len(s) || s[i] != '\\' || strings.IndexByte("nrt", s[i+1]) < 0 {
			return i
		}
		i += 2
	}
}

// classField finds the value of a field of a PHP object whose visibility the
// keyword at s[at] tells: ["password":protected]=> "x", [password:A:private] => x.
func classField(x *scanner, at int) (match, bool) {
	s := x.s
	i := at + 1
	i = skip(s, i, isAlpha)
	if i == len(s) || s[i] != ']' {
		return match{}, false
	}
	begin := max(x.floor, at-maxKey)
	n := strings.LastIndexByte(s[begin:at], '[')
	if n < 0 {
		return match{}, false
	}
	from := skip(s, begin+n+1, isQuote)
	to := skip(s, from, isKey)
	kind := x.r.secretKind(s[from:to])
	v := skip(s, i+1, func(c byte) bool { return isBlank(c) || c == '=' || c == '>' })
	if kind == "" || v == i+1 {
		return match{}, false
	}
	return valueAt(s, v, key{kind: kind, assign: true, closed: true})
}

// isVisibility reports whether s[i] is where PHP says who may see a field, instead
// of its value: ["password":protected], [password:Class:private].
func isVisibility(s string, i int) bool {
	end := skip(s[:min(len(s), i+maxKey)], i, func(c byte) bool { return isKey(c) || isQuote(c) || c == '\\' || c == ':' })
	return end < len(s) && s[end] == ']' && (strings.HasSuffix(s[i:end], "protected") || strings.HasSuffix(s[i:end], ":private"))
}
