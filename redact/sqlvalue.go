package redact

import "strings"

// errorValues are the words before and behind a value of a row that databases
// quote in errors: all between them goes. Where the words behind are not found on
// the line, the value ends where the line does.
var errorValues = []struct{ before, behind string }{
	{"duplicate entry '", "' for key"},
	{"failing row contains (", ")."},
	{"duplicate key value is (", ")."},
	{"invalid input syntax for ", "\""}, // type integer: "x"
	{"incorrect string value: '", "' for"},
	{"incorrect integer value: '", "' for"},
	{"incorrect datetime value: '", "' for"},
	{"incorrect decimal value: '", "' for"},
	{"incorrect value: '", "' for"},
	{"truncated value: '", "'."},
	{"char value '", "' to data type"},
	{"invalid input value for enum ", "\""},
	{"converting the varchar value '", "' to"},
	{"converting the nvarchar value '", "' to"},
	{"dup key: {", "}"},
}

const (
	// maxRow is how long a row or a list of parameters may be, in bytes, and
	// maxFragment a part of a statement in an error.
	maxRow      = 4 << 10
	maxFragment = 512
)

// quotedRow finds the values that databases quote of a row behind words that
// begin at s[i]: Duplicate entry 'x' for key, Failing row contains (x).
func quotedRow(x *scanner, i int) (match, bool) {
	s := x.s
	if x.wentPast(lookRow, i) {
		return match{}, false
	}
	for _, q := range errorValues {
		if !foldPrefix(s[i:], q.before) {
			continue
		}
		from := i + len(q.before)
		to := lineEnd(s[:min(len(s), from+maxRow)], from, 0)
		x.past[lookRow] = to
		if q.before[len(q.before)-1] == ' ' { // the value is quoted behind a type
			n := strings.Index(s[from:to], ": \"")
			if n < 0 || n > maxKey {
				return match{}, false
			}
			from += n + len(": \"")
		}
		if n := strings.LastIndex(s[from:to], q.behind); n >= 0 {
			to = from + n
		} else if n := strings.LastIndexByte(s[from:to], q.behind[0]); n >= 0 {
			to = from + n
		}
		return match{from, to, literal}, to > from && s[from:to] != literal
	}
	return match{}, false
}

// parameterWords say that the values that a statement was run with follow, if
// what follows is written like them.
var parameterWords = []string{"parameters: ", "params=[", "[params=", "[parameters: ", "binding parameter ", "args=[", "args: [", "bind => [", "bindings: ["}

// parameters finds the values that a statement was run with behind the words at
// s[at]:
//
//	parameters: $1 = 'a', $2 = 'b'     [parameters: ('a', 1)]     args=[a b]
//	Parameters: a(String), b(Integer)  binding parameter [1] as [VARCHAR] - [a]
func (x *scanner) parameters(at int) (match, bool) {
	s := x.s
	if x.wentPast(lookParameters, at) {
		return match{}, false
	}
	end := lineEnd(s[:min(len(s), at+maxRow)], at, 0)
	x.past[lookParameters] = min(end, at+maxRow/16) // what one word says nothing of may follow another
	from := at + skip(s[at:end], 0, func(c byte) bool { return c != ':' && c != '=' && c != '>' && c != '-' })
	line := s[at:end]
	switch {
	case foldPrefix(line, "binding parameter "):
		n := strings.LastIndex(line, "[")
		if n < 0 || !strings.Contains(line[:n], "- ") && !strings.Contains(line[:n], "<- ") || line[len(line)-1] != ']' {
			return match{}, false
		}
		return literalIn(s, at+n+1, end-1)
	case from == end:
		return match{}, false
	}
	from = skip(s[:end], from+1, isBlank)
	value := s[from:end]
	switch {
	case foldPrefix(line, "[params="):
		if n := strings.LastIndexByte(value, ']'); n >= 0 {
			value = value[:n]
		}
		return literalIn(s, from, from+len(value))
	case strings.HasPrefix(value, "$1 = "), strings.HasPrefix(value, "("):
	case strings.HasPrefix(value, "[") && x.besideSQL(at, end):
	case strings.HasPrefix(value, "{") && s[max(0, at-1)] == '[':
	case strings.Contains(value, "(String)"), strings.Contains(value, "(Integer)"), strings.Contains(value, "(Long)"), strings.Contains(value, "(Timestamp)"):
	default:
		return match{}, false
	}
	open := value[0]
	if close := strings.IndexByte("([{", open); close >= 0 {
		n := strings.IndexByte(value, ")]}"[close])
		if m := strings.LastIndex(value, ")]}"[close:close+1]+"]"); m > n {
			n = m // a bracket in a value
		}
		if n < 0 {
			n = len(value)
		}
		return literalIn(s, from+1, from+n)
	}
	return literalIn(s, from, end)
}

// literalIn replaces s[from:to] by one literal.
func literalIn(s string, from, to int) (match, bool) {
	return match{from, to, literal}, to > from && s[from:to] != literal && markLen(s[from:to]) != to-from
}

// besideSQL reports whether a statement stands near the words at s[at:end], on
// their line.
func (x *scanner) besideSQL(at, end int) bool {
	const reach = 512
	begin := max(0, at-reach)
	begin += strings.LastIndexByte(x.s[begin:at], '\n') + 1
	text := strings.ToLower(x.s[begin:min(end, at+reach)])
	for _, w := range []string{"select ", "insert into", "update ", "delete from", "values", " where "} {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

// copyRows finds the rows that follow COPY ... FROM stdin, up to the line that ends
// them; or the line that an error of COPY quotes: COPY t, line 1: "a".
func copyRows(x *scanner, at int) (match, bool) {
	const maxHead = 512
	s := x.s
	if at > 0 && isWord(s[at-1]) || x.wentPast(lookCopy, at) {
		return match{}, false
	}
	end := lineEnd(s[:min(len(s), at+maxHead)], at, 0)
	x.past[lookCopy] = end
	head := s[at:end]
	if n := strings.Index(head, ", line "); n >= 0 {
		if q := strings.Index(head[n:], ": \""); q >= 0 {
			from := at + n + q + len(": \"")
			to := lineEnd(s[:min(len(s), from+maxRow)], from, 0)
			if k := strings.LastIndexByte(s[from:to], '"'); k >= 0 {
				to = from + k
			}
			return literalIn(s, from, to)
		}
	}
	if n := strings.Index(strings.ToLower(head), "from stdin"); n < 0 || end == len(s) || s[end] != '\n' {
		return match{}, false
	}
	to := len(s)
	if n := strings.Index(s[end:], "\n\\."); n >= 0 {
		to = end + n
	} else if n := strings.Index(s[end:], "\n\n"); n >= 0 {
		to = end + n
	}
	return literalIn(s, min(end+1, to), to)
}

// identified finds the password that IDENTIFIED [WITH plugin] BY gives a user.
func identified(x *scanner, at, end int) (from, to int) {
	const reach = 64
	s := x.s
	rest := s[end:min(len(s), end+reach)]
	n := 0
	if foldPrefix(rest, "with ") {
		if n = strings.Index(strings.ToLower(rest), " by "); n < 0 {
			return 0, 0
		}
		n++
	}
	if !foldPrefix(rest[n:], "by ") {
		return 0, 0
	}
	v := skip(s, end+n+len("by "), isBlank)
	if foldPrefix(s[v:], "password ") {
		v += len("password ")
	}
	if v < len(s) && !isQuote(s[v]) && !isUpper(s[at]) {
		return 0, 0 // identified by its name
	}
	m, ok := valueAt(s, v, key{kind: "password", assign: true})
	if !ok || s[m.from:m.to] == m.with {
		return 0, 0
	}
	return m.from, m.to
}

// nearFragment finds the literals in the part of a statement that an error quotes:
// near 'x' at line 1, near "x": syntax error.
func nearFragment(x *scanner, at int) (match, bool) {
	s := x.s
	from := at + len("near '")
	if x.wentPast(lookNear, at) {
		return match{}, false
	}
	end := lineEnd(s[:min(len(s), from+maxFragment)], from, 0)
	x.past[lookNear] = end
	behind := "' at line"
	if s[from-1] == '"' {
		behind = "\": syntax error"
	}
	n := strings.Index(s[from:end], behind)
	if n <= 0 {
		return match{}, false
	}
	old := s[from : from+n]
	with := sqlText(old)
	if s[from-1] == '"' && skip(old, 0, isAlpha) < len(old) {
		with = literal // a token that is no keyword
	}
	return match{from, from + n, with}, with != old
}

// variable finds the text that a variable of SQL is set to, SET @a = 'x', or one
// in N'x', behind the keyword s[at:end], an assignment and a quote.
func variable(x *scanner, at, end int) (match, bool) {
	s := x.s
	if s[end-2] != 'N' {
		name := len(strings.TrimRight(s[x.floor:max(at, x.floor)], " ")) + x.floor
		begin := name
		for begin > max(x.floor, name-maxKey) && isWord(s[begin-1]) {
			begin--
		}
		if begin == x.floor || begin == name || s[begin-1] != '@' {
			return match{}, false
		}
	}
	if to := quoteEnd(s, end-1); to > end {
		return literalIn(s, end, to)
	}
	return match{}, false
}
