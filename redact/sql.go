package redact

import "strings"

// statement is a text being read as SQL, from a keyword on.
type statement struct {
	s     string
	i     int
	quote byte // that the statement stands in, which ends it, or 0
	// free statements stand in a text that goes on behind them in another
	// language: less is taken for one.
	free bool

	out  []byte
	done int // s[:done] is in out
	// What was read last: a sign, or a word in lower case; and whether values
	// rather than names stand here.
	sign   byte
	word   string
	values bool
}

// kindSQL is the kind of what stands under a key for a statement: it loses its
// literals, and is replaced by no mark.
const kindSQL = "sql"

// literal stands for the literals of a statement, as in prepared ones.
const literal = "?"

// sqlText returns a statement of SQL without its literals and comments.
func sqlText(s string) string {
	st := statement{s: s, sign: '('}
	st.read()
	if st.out == nil {
		return s
	}
	return string(append(st.out, s[st.done:]...))
}

// sqlAt finds a statement of SQL that begins at s[i], within other text, and has
// literals. It returns where what it looked at ends, or i if no statement begins
// here.
func sqlAt(s string, i int) (m match, end int, ok bool) {
	if !beginsSQL(s, i) {
		return match{}, i, false
	}
	st := statement{s: s, i: i, done: i, free: true}
	if i > 0 && isQuote(s[i-1]) {
		st.quote = s[i-1]
	}
	st.read()
	if st.out == nil {
		return match{}, st.i, false
	}
	return match{i, st.i, string(append(st.out, s[st.done:st.i]...))}, st.i, true
}

// maxClause is how far the second keyword of a statement is looked for, in
// bytes.
const maxClause = 512

// sqlWords begin statements, and parts of them that stand alone in errors.
var sqlWords = []string{"select", "insert", "update", "delete", "replace", "merge", "values", "where", "call ", "exec ", "execute ",
	"upsert into", "attach database", "pragma key", "pragma rekey", "alter current user"}

// beginsSQL reports whether SQL begins at s[i].
func beginsSQL(s string, i int) bool {
	if i > 0 && (isWord(s[i-1]) || s[i-1] == '.' || s[i-1] == '/') {
		return false
	}
	end := skip(s[:min(len(s), i+8)], i, isAlpha)
	word := strings.ToLower(s[i:end])
	if end == len(s) {
		return false
	}
	next := skip(s[:min(len(s), end+maxClause)], end, isSpace)
	rest := s[next:min(len(s), next+maxClause)]
	switch word {
	case "call", "exec", "execute":
		return next == end+1 && isCall(rest, word)
	case "attach", "pragma", "alter":
		return next == end+1 && strings.ContainsAny(rest, "'\"")
	case "upsert":
		return foldPrefix(rest, "into ")
	case "values":
		return strings.HasPrefix(rest, "(")
	case "where":
		op := skip(rest, 0, isName)
		op = skip(rest, op, isBlank)
		return op > 0 && op < len(rest) && (strings.IndexByte("=<>!", rest[op]) >= 0 || foldPrefix(rest[op:], "in (") || foldPrefix(rest[op:], "like "))
	case "insert", "replace", "merge":
		return next > end && foldPrefix(rest, "into ")
	case "delete":
		return next > end && foldPrefix(rest, "from ")
	case "update":
		return next > end && foldWord(rest, "set")
	case "select":
		return next > end && (foldWord(rest, "from") || foldWord(rest, "where") || isCall(rest, word) || strings.HasPrefix(rest, "'") && (s[i:i+2] == "SE" || i > 0 && s[i-1] == '('))
	}
	return false
}

// isCall reports whether s begins with a call with a text among its arguments, as
// SQL has them after the given word.
func isCall(s, word string) bool {
	end := skip(s[:min(len(s), maxKey)], 0, isName)
	if end == 0 || end == len(s) {
		return false
	}
	switch s[end] {
	case '(':
	case ' ':
		return word == "exec" && len(s) > end+1 && strings.IndexByte("'@N", s[end+1]) >= 0 && strings.IndexByte(s[end:], '\'') > 0
	case '\'':
		return word == "select" && s[end-1] == '[' // ARRAY['x']
	default:
		return false
	}
	n := strings.IndexByte(s[end:], '\'')
	return n > 0 && strings.IndexByte(s[end:end+n], '\n') < 0
}

// isName reports whether c may be part of a name with its quotes and dots.
func isName(c byte) bool {
	return isWord(c) || c == '.' || c == '"' || c == '`' || c == '[' || c == ']' || c == '\\'
}

// foldPrefix reports whether s begins with the lower-case prefix, in any case.
func foldPrefix(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// foldWord reports whether the lower-case word stands in s, in any case, between
// spaces.
func foldWord(s, word string) bool {
	for i := 0; i+len(word) < len(s); i++ {
		if isSpace(s[i]) && foldPrefix(s[i+1:], word) {
			if end := i + 1 + len(word); end == len(s) || isSpace(s[end]) {
				return true
			}
		}
	}
	return false
}

// put replaces s[from:to].
func (st *statement) put(from, to int, with string) {
	if st.s[from:to] == with {
		return
	}
	if st.out == nil {
		st.out = make([]byte, 0, len(st.s)-st.done)
	}
	st.out = append(append(st.out, st.s[st.done:from]...), with...)
	st.done = to
}

// read goes to the end of the statement.
func (st *statement) read() {
	s := st.s
	for st.i < len(s) {
		c := s[st.i]
		switch {
		case st.free && st.ends(c):
			return
		case c == '\'' && !st.isApostrophe() || (c == '"' || c == '\\' && strings.HasPrefix(s[st.i:], `\"`)) && st.isValue():
			st.text(c)
		case c == '"' || c == '`':
			st.name(c)
		case c == '$' && st.dollar():
		case c == '-' && strings.HasPrefix(s[st.i:], "--") && (!st.free || strings.HasPrefix(s[st.i:], "-- ")):
			end := lineEnd(s, st.i, st.quote)
			st.put(st.i, end, "--"+literal)
			st.i = end
		case c == '/' && strings.HasPrefix(s[st.i:], "/*"):
			end := len(s)
			if n := strings.Index(s[st.i+2:], "*/"); n >= 0 {
				end = st.i + 2 + n + 2
			}
			st.put(st.i, end, "/*"+literal+"*/")
			st.i = end
		case isDigit(c):
			st.number()
		case isAlpha(c) || c == '_' || c >= 0x80:
			end := skip(s, st.i, func(c byte) bool { return isAlnum(c) || c == '_' || c >= 0x80 })
			st.setWord(s[st.i:end])
			st.i = end
		default:
			if n := markLen(s[st.i:]); n > 0 {
				st.i += n
				continue
			}
			if c == literal[0] {
				st.sign, st.word = 'a', ""
			} else if !isSpace(c) {
				st.sign, st.word = c, ""
			}
			st.i++
		}
	}
}

// setWord notes a word that was read.
func (st *statement) setWord(w string) {
	st.sign, st.word = 'a', ""
	if len(w) == 1 && st.i+1 < len(st.s) && st.s[st.i+1] == '\'' {
		st.sign = '(' // N'text', E'text', X'1f'
		return
	}
	if len(w) <= len("between") {
		st.word = strings.ToLower(w)
	}
	switch st.word {
	case "values":
		st.values = true
	case "select", "from", "where", "set", "into", "on":
		st.values = false
	case "and", "or", "in", "is", "like", "between", "limit", "offset", "then", "else", "when", "top", "not", "as", "by", "ilike":
	default:
		return
	}
	st.sign = ' ' // a quote behind them begins a text
}

// isValue reports whether a double quote that stands here begins a text rather
// than a name.
func (st *statement) isValue() bool {
	switch st.sign {
	case '=', '<', '>':
		return true
	case '(', ',':
		return st.values
	}
	return st.word == "like" || st.word == "in"
}

// isApostrophe reports whether the quote that stands here belongs to a word of
// prose rather than to SQL.
func (st *statement) isApostrophe() bool {
	return st.free && st.sign == 'a' && st.i > 0 && isAlnum(st.s[st.i-1])
}

// text replaces the text in quotes that begins here.
func (st *statement) text(c byte) {
	s, from := st.s, st.i
	open := from + 1
	if c == '\\' {
		open++
		c = '"'
	}
	i := open
	end, after := len(s), len(s)
	for ; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			if s[i+1] == c && open == from+2 {
				end, after = i+2, i+2
				break
			}
			i++
			continue
		}
		if s[i] != c && (st.quote == 0 || s[i] != st.quote) {
			continue
		}
		if i+1 < len(s) && s[i] == c && s[i+1] == c && c != st.quote {
			i++
			continue
		}
		end, after = i, i // of the statement, or of the text
		if s[i] == c && c != st.quote {
			end, after = i+1, i+1
		}
		break
	}
	if c == '"' && after < len(s) && s[after] == '.' {
		st.sign, st.i = 'a', after // a name after all: "t"."a"
		return
	}
	st.put(from, end, literal)
	st.sign, st.word, st.i = 'a', "", after
}

// name goes behind a name in quotes.
func (st *statement) name(c byte) {
	if n := strings.IndexByte(st.s[st.i+1:], c); n >= 0 && n <= maxKey {
		st.i += n + 1
	}
	st.i++
	st.sign, st.word = 'a', ""
}

// dollar replaces a text in dollar quotes, $$text$$ or $tag$text$tag$, that
// begins here. It reports whether there is one.
func (st *statement) dollar() bool {
	s := st.s
	tag := skip(s, st.i+1, func(c byte) bool { return isAlnum(c) || c == '_' })
	if tag == len(s) || s[tag] != '$' || tag > st.i+1 && isDigit(s[st.i+1]) {
		return false
	}
	delimiter := s[st.i : tag+1]
	end := len(s)
	if n := strings.Index(s[tag+1:], delimiter); n >= 0 {
		end = tag + 1 + n + len(delimiter)
	}
	st.put(st.i, end, literal)
	st.sign, st.word, st.i = 'a', "", end
	return true
}

// number replaces the number that begins here, where it is a value.
func (st *statement) number() {
	s, from := st.s, st.i
	end := skip(s, from, func(c byte) bool { return isAlnum(c) || c == '.' || c == '_' })
	st.i = end
	switch st.sign {
	case '=', '<', '>', '(', ',', '+', '-', '*', '/', '%', ' ':
	default:
		if st.free || st.sign == '$' || st.sign == ':' || st.sign == '@' || st.sign == '.' {
			st.sign, st.word = 'a', ""
			return
		}
	}
	if s[end-1] == '.' {
		end--
	}
	if from > max(1, st.done) && s[from-1] == '-' && strings.IndexByte(" (,=<>", s[from-2]) >= 0 {
		from-- // the sign too
	}
	st.put(from, end, literal)
	st.sign, st.word = 'a', ""
}

// ends reports whether a statement in other text ends at c.
func (st *statement) ends(c byte) bool {
	s, i := st.s, st.i
	if c == ';' || st.quote != 0 && c == st.quote {
		return true
	}
	if c != '\n' {
		return false
	}
	rest := strings.TrimLeft(s[i+1:min(len(s), i+64)], " \t")
	if rest == "" || rest[0] == '\n' || rest[0] == '{' || len(rest) >= 5 && skip(rest, 0, isDigit) == 4 && rest[4] == '-' {
		return true
	}
	for _, head := range [...]string{"at ", "Caused by", "File \"", "goroutine ", "Traceback", "...", "--- ", "stack"} {
		if strings.HasPrefix(rest, head) {
			return true
		}
	}
	return false
}

// rowValue finds the values that databases quote of a row, when a constraint is
// not met, around the '=' at s[i]: Key (email)=(x) already exists.
func rowValue(s string, i, floor int) (match, bool) {
	if i == floor || s[i-1] != ')' || i+1 == len(s) || s[i+1] != '(' {
		return match{}, false
	}
	open := strings.LastIndexByte(s[max(floor, i-maxKey):i], '(')
	if open < 0 || !strings.HasSuffix(s[:max(floor, i-maxKey)+open], "Key ") {
		return match{}, false
	}
	from := i + 2
	to := from
	for to < len(s) && s[to] != '\n' && !(s[to] == ')' && (to+1 == len(s) || isSpace(s[to+1]) || s[to+1] == '.' || s[to+1] == '"' || s[to+1] == '\\')) {
		to++
	}
	return match{from, to, literal}, to > from && s[from:to] != literal
}
