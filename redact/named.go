package redact

import "strings"

// fieldNames are the names of fields that hold the name of a value, and valueNames
// those of the fields that hold the value.
var (
	fieldNames = []string{"name", "key", "field", "id", "k", "n", "header", "type", "property", "variable", "parameter", "parametername", "attribute"}
	valueNames = []string{"value", "val", "v", "content", "data", "text", "default"}
)

// isFieldName reports whether the last word of s is one of fieldNames.
func isFieldName(s string) bool {
	i := len(s)
	for i > 0 && isAlpha(s[i-1]) {
		i--
	}
	for _, name := range fieldNames {
		if equalFold(s[i:], name) {
			return true
		}
	}
	return false
}

// namedValue finds the value of a pair whose name begins at s[v], as the value of
// the field k.
func (r *Redactor) namedValue(s string, v int, k key, floor int) (match, bool) {
	if !isFieldName(k.text) {
		return match{}, false
	}
	v = skip(s, v, func(c byte) bool { return c == '\\' || isQuote(c) })
	to := skip(s[:min(len(s), v+maxKey)], v, isKey)
	if to == v {
		return match{}, false
	}
	kind := r.tellingKind(s[v:to])
	if kind == "" {
		return match{}, false
	}
	return namedElsewhere(s, to, k, kind, floor)
}

// namedElsewhere finds the value of a name that ends at s[to] and stands in the
// field k, where the value does not follow at once:
//
//	{"name":"x","value":"v"}   {"name":"x","type":"t","value":"v"}   {Key:x Value:v}
//	{"value":"v","name":"x"}   <add key="x" value="v"/>   <entry key="x">v</entry>
func namedElsewhere(s string, to int, k key, kind string, floor int) (match, bool) {
	i := skip(s, to, func(c byte) bool { return c == '\\' })
	if i < len(s) && isQuote(s[i]) {
		i++
	} else {
		i = to
	}
	if i == len(s) {
		return match{}, false
	}
	if s[i] == '>' && k.assign {
		return elementText(s, i+1, kind)
	}
	if m, ok := namedBehind(s, i, i > to, kind); ok {
		return m, true
	}
	return namedBefore(s, k, kind, floor)
}

// elementText finds the text of an element that begins at s[i], which may be cut
// off.
func elementText(s string, i int, kind string) (match, bool) {
	to := min(len(s), i+maxElement)
	if n := strings.IndexByte(s[i:to], '<'); n >= 0 {
		to = i + n
	}
	old := strings.TrimSpace(s[i:to])
	if old == "" || isNothing(old) || isPlaceholder(old) || markLen(old) == len(old) {
		return match{}, false
	}
	return match{i, to, mark(kind)}, true
}

// namedBehind finds the value in a field behind s[i], in the same object or
// element. If the name was not quoted, it follows at once.
func namedBehind(s string, i int, quoted bool, kind string) (match, bool) {
	const reach, gap = 160, 16
	rest := s[i:min(len(s), i+reach)]
	if n := strings.IndexAny(rest, "}<"); n >= 0 {
		rest = rest[:n]
	}
	if !quoted {
		rest = rest[:min(len(rest), gap+len("value"))]
		if n := skip(rest, 0, func(c byte) bool { return isSpace(c) || c == ',' }); !foldPrefix(rest[n:], "value") {
			return match{}, false
		}
	}
	for _, name := range valueNames {
		for at := 1; at < len(rest); at++ {
			if rest[at]|0x20 != name[0] || isWord(rest[at-1]) || !foldPrefix(rest[at:], name) {
				continue
			}
			if !isQuote(rest[at-1]) && (name != "value" || strings.IndexByte(rest[:at], '\n') >= 0 && hasTexts(rest[:at])) {
				continue
			}
			if v, k := fieldValue(s, i+at+len(name)); v > 0 && k.closed == isQuote(rest[at-1]) {
				k.kind = kind
				return valueAt(s, v, k)
			}
		}
	}
	return match{}, false
}

// hasTexts reports whether s has fields of text, rather than of flags.
func hasTexts(s string) bool {
	for i := range len(s) {
		if s[i] == ':' || s[i] == '=' {
			if v := skip(s, i+1, isBlank); v < len(s) && strings.IndexByte("tfn", s[v]) < 0 {
				return true
			}
		}
	}
	return false
}

// fieldValue returns where the value of a field begins whose name ends at s[i], or
// 0, and how the two are told apart.
func fieldValue(s string, i int) (v int, k key) {
	n := skip(s, i, func(c byte) bool { return c == '\\' || isQuote(c) })
	k.closed = n > i
	n = skip(s, n, isBlank)
	if n == len(s) || s[n] != ':' && s[n] != '=' {
		return 0, k
	}
	k.assign = s[n] == '='
	if v = skip(s, n+1, isBlank); v == len(s) {
		return 0, k
	}
	return v, k
}

// namedBefore finds the quoted value in the field before the one that k is the
// name of.
func namedBefore(s string, k key, kind string, floor int) (match, bool) {
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
	floor = max(floor, to-maxValue)
	if floor >= to {
		return match{}, false
	}
	from := floor + strings.LastIndexByte(s[floor:to], s[end-1]) + 1
	if from == floor || from == to {
		return match{}, false
	}
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

// namedByElement finds the text of the element behind the one whose text ends at
// s[i], and is a name, as in property lists: <key>x</key><string>v</string>.
func namedByElement(s string, i int, kind string) (match, bool) {
	const maxName, maxGap = 24, 64
	if !strings.HasPrefix(s[i:], "</") {
		return match{}, false
	}
	n := strings.IndexByte(s[i:min(len(s), i+maxName)], '>')
	if n < 0 {
		return match{}, false
	}
	i = skipGap(s[:min(len(s), i+n+maxGap)], i+n+1)
	for _, tag := range []string{"<string>", "<value>", "<Value>", "<val>", "<data>", "<param-value>", "<stringValue>"} {
		if strings.HasPrefix(s[i:], tag) {
			return elementText(s, i+len(tag), kind)
		}
	}
	return match{}, false
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
