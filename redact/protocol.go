package redact

import "strings"

// protocolWords begin the lines of protocols and the commands of stores whose
// arguments are secrets, as they are written: in capitals.
var protocolWords = []struct {
	word string
	// secret says which of the arguments is one: 1 for the first, -1 for the last.
	secret int
	// most is how many arguments there may be.
	most int
}{
	{"AUTH", -1, 2}, {"AUTH2", 2, 3}, {"PASS", 1, 1}, {"LOGIN", -1, 2}, {"requirepass", 1, 1}, {"masterauth", 1, 1}, {"masterpass", 1, 1},
	{"auth", -1, 2},
}

// protocol finds the secret among the arguments of a protocol's word at s[at]:
//
//	AUTH user x    "AUTH" "x"    PASS x    a1 LOGIN user x    AUTH PLAIN AGJv...
//	*2⏎$4⏎AUTH⏎$1⏎x
func protocol(x *scanner, at int) (match, bool) {
	s := x.s
	if at > 0 && (isWord(s[at-1]) || s[at-1] == '.' || s[at-1] == '/') {
		return match{}, false
	}
	for _, w := range protocolWords {
		if !strings.HasPrefix(s[at:], w.word) {
			continue
		}
		i := at + len(w.word)
		quoted := at > 0 && isQuote(s[at-1]) && i < len(s) && s[i] == s[at-1]
		if quoted {
			i++
		}
		if next := nextLine(s, i); next > i && next < len(s) && s[next] == '$' {
			return bulk(s, next)
		}
		if i == len(s) || s[i] != ' ' || w.word == "auth" && !quoted {
			continue
		}
		if m, ok := argument(s, i, w.secret, w.most, quoted); ok {
			return m, true
		}
	}
	return match{}, false
}

// bulk finds the strings that follow s[i] as Redis sends them, up to the next
// command.
func bulk(s string, i int) (match, bool) {
	from, to := 0, 0
	for i < len(s) && s[i] == '$' {
		v := nextLine(s, skip(s, i+1, isDigit))
		end := lineEnd(s, v, 0)
		if from = v; end == v {
			break
		}
		to = end
		if i = nextLine(s, end); i == end {
			break
		}
	}
	return match{from, to, mark("password")}, to > from && markLen(s[from:to]) < to-from
}

// argument finds the argument that is a secret among those behind s[i], on a line
// that has no more than most.
func argument(s string, i, secret, most int, quoted bool) (match, bool) {
	type word struct{ from, to int }
	var words []word
	for len(words) <= most && i < len(s) {
		i = skip(s, i, isBlank)
		if i == len(s) || s[i] == '\n' || s[i] == '\r' || s[i] == '\\' || isQuote(s[i]) && (i+1 == len(s) || s[i+1] != s[i] && !isQuote(s[i]) || len(words) > 0 && !quoted) {
			break
		}
		if isQuote(s[i]) {
			end := quoteEnd(s, i)
			if end == i {
				break
			}
			words = append(words, word{i + 1, end})
			i = end + 1
			continue
		}
		end := skip(s, i, func(c byte) bool { return !isSpace(c) && !isQuote(c) && c != '\\' })
		words = append(words, word{i, end})
		i = end
	}
	if len(words) == 0 || len(words) > most || secret > len(words) {
		return match{}, false
	}
	w := words[len(words)-1]
	if secret > 0 {
		w = words[secret-1]
	}
	value := s[w.from:w.to]
	if markLen(value) == len(value) || isNothing(value) || isPlaceholder(value) || !quoted && w.from > 0 && !isQuote(s[w.from-1]) && !isMixedWord(value) {
		return match{}, false
	}
	return match{w.from, w.to, mark("password")}, true
}

// storeWords are the commands of Redis and Memcached that set values.
var storeWords = []string{"SET ", "SETEX ", "PSETEX ", "SETNX ", "GETSET ", "MSET ", "HSET ", "HMSET ", "HSETNX ", "RPUSH ", "LPUSH ", "SADD ", "APPEND ",
	"hset ", "hmset ", "setex "}

// stored finds the values that a command sets under keys whose names say that they
// are secret: SET token:1 x EX 60, HSET user:1 name a password x.
func (x *scanner) stored(at int) (match, bool) {
	const maxArguments = 32
	s := x.s
	if at > 0 && !isSpace(s[at-1]) && !isQuote(s[at-1]) || x.wentPast(lookStored, at) {
		return match{}, false
	}
	i := skip(s, at, func(c byte) bool { return !isBlank(c) })
	kind := ""
	for n := 0; n < maxArguments; n++ {
		i = skip(s, i, isBlank)
		if i == len(s) || isSpace(s[i]) {
			break
		}
		from, to := i, skip(s, i, func(c byte) bool { return !isSpace(c) })
		if isQuote(s[i]) {
			if end := quoteEnd(s, i); end > i {
				from, to = i+1, end
			}
		}
		value := s[from:to]
		i = max(skip(s, to, isQuote), to)
		short := skip(value, 0, isDigit) == len(value) && n == 1 // how long it is kept
		switch {
		case kind == "" || short:
			if kind == "" && strings.IndexByte(value, '=') < 0 {
				for part := range strings.SplitSeq(value, ":") {
					if k := x.r.secretKind(part); k != "" {
						kind = k
					}
				}
			}
		case markLen(value) == len(value) || value == literal || value == "=":
			return match{}, false
		default:
			return match{from, to, mark(kind)}, true
		}
	}
	x.past[lookStored] = i
	return match{}, false
}
