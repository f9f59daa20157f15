package redact

import "strings"

// callWords begin calls whose arguments are secrets, but for the first of
// several: a host, a user, a text.
var callWords = []string{
	"login(", "signin(", "sign_in(", "log_in(", "logon(", "db.auth(", "enticate(",
	"__construct(", "mysqli_connect(", "mysqli_real_connect(", "pg_connect(", "ldap_bind(", "imap_open(", "ftp_login(", "ssh2_auth_password(",
	"createuser(", "create_user(", "change_password(", "changepassword(", "updatepassword(", "addlogin(",
	"crypt(", "encrypt(", "decrypt(", "hash_hmac(", "password_hash(", "password_verify(", "check_password(", "checkpassword(",
	"verify_password(", "comparepassword(", "bcrypt.compare(", "hashpw(", "checkpw(",
}

// The looks that go to the end of a line: for each, what they passed over is not
// passed over again, because what is not found from its beginning is not found
// from its midst.
const (
	lookCall = iota
	lookFrame
	lookParameters
	lookCopy
	lookNear
	lookRow
	lookStored
	looks
)

// wentPast reports whether one of the looks has gone beyond s[at].
func (x *scanner) wentPast(look, at int) bool { return at < x.past[look] }

// secretCall finds the texts among the arguments of a call that begins at s[at]
// with one of callWords.
func secretCall(x *scanner, at int) (match, bool) {
	s := x.s
	open := strings.IndexByte(s[at:min(len(s), at+maxKey)], '(')
	if open < 0 {
		return match{}, false
	}
	from := at + open + 1
	if x.wentPast(lookCall, at) {
		return match{}, false // among the arguments of one without texts
	}
	x.past[lookCall] = callEnd(s, from)
	return quotedArguments(s, from, x.past[lookCall], true)
}

// callEnd returns where the arguments that begin at s[i] end: at the parenthesis
// that closes them, or at the end of the line.
func callEnd(s string, i int) int {
	const maxCall = 2 << 10
	depth := 0
	limit := min(len(s), i+maxCall)
	for ; i < limit; i++ {
		switch c := s[i]; c {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth < 0 {
				return i
			}
		case '"', '\'':
			if end := quoteEnd(s[:limit], i); end > i {
				i = end
			}
		case '\n':
			return i
		}
	}
	return i
}

// quoteEnd returns where the quote is that closes the one at s[i], on its line, or
// i.
func quoteEnd(s string, i int) int {
	for k := i + 1; k < len(s) && s[k] != '\n'; k++ {
		if s[k] == '\\' {
			k++
		} else if s[k] == s[i] {
			return k
		}
	}
	return i
}

// quotedArguments replaces the quoted texts in s[from:to]; if but is set, not the
// first of several.
func quotedArguments(s string, from, to int, but bool) (match, bool) {
	var out []byte
	done := from
	keep := but && strings.IndexByte(s[from:to], ',') >= 0
	for i := from; i < to; i++ {
		if s[i] != '"' && s[i] != '\'' || i > from && isAlnum(s[i-1]) && s[i] == '\'' {
			continue
		}
		end := quoteEnd(s[:to], i)
		if end == i {
			end = to // of a text that was cut off
		}
		if keep {
			keep = false
		} else if end > i+1 && markLen(s[i+1:end]) != end-i-1 {
			out = append(append(out, s[done:i+1]...), literal...)
			done = end
		}
		i = end
	}
	if out == nil {
		return match{}, false
	}
	with := string(append(out, s[done:to]...))
	return match{from, to, with}, with != s[from:to]
}

// beamFrame finds the arguments of a frame of Erlang, [{m,f,["x"],[{file,"a"}]}],
// before the keyword ",[{file,", or of Elixir behind a file and a line.
func beamFrame(x *scanner, at int) (match, bool) {
	const maxFrame = 1 << 10
	s := x.s
	if s[at] != ',' {
		const maxLine = 512
		i := at + strings.IndexByte(s[at:], ':') + 1
		n := skip(s, i, isDigit)
		if n == i || !strings.HasPrefix(s[n:], ": ") || x.wentPast(lookFrame, at) {
			return match{}, false
		}
		end := lineEnd(s[:min(len(s), at+maxLine)], at, 0)
		x.past[lookFrame] = end
		open := strings.IndexByte(s[n:end], '(')
		if open < 0 {
			return match{}, false
		}
		x.past[lookFrame] = callEnd(s, n+open+1)
		return quotedArguments(s, n+open+1, x.past[lookFrame], false)
	}
	if at == 0 || s[at-1] != ']' {
		return match{}, false
	}
	depth, begin := 0, max(x.floor, at-maxFrame)
	for i := at - 1; i >= begin; i-- {
		switch s[i] {
		case ']':
			depth++
		case '[':
			if depth--; depth == 0 {
				return quotedArguments(s, i+1, at-1, false)
			}
		}
	}
	return match{}, false
}

// calledAt finds the arguments of a frame of debug_print_backtrace before the
// keyword " called at [", which are not quoted.
func calledAt(x *scanner, at int) (match, bool) {
	const maxFrame = 512
	s := x.s
	const called = " called "
	if at -= len(called); at < x.floor || !strings.HasPrefix(s[at:], called) {
		return match{}, false
	}
	begin := max(x.floor, at-maxFrame)
	line := begin + strings.LastIndexByte(s[begin:at], '\n') + 1
	if at == line || s[at-1] != ')' || s[line] != '#' {
		return match{}, false
	}
	open := strings.IndexByte(s[line:at], '(')
	if open < 0 {
		return match{}, false
	}
	return literalIn(s, line+open+1, at-1)
}
