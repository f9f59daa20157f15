package redact

// match is a part of a text, and what to put in its place. A match that puts
// back what is there keeps other detectors away from it.
type match struct {
	from, to int
	with     string
}

// scan replaces what the detectors find, from left to right.
//
// Each detector is tried only at the bytes that its finds can begin with, or
// turn on ('=' for pairs, '@' for addresses). It may look back as far as floor,
// the end of the last match. To keep the scan linear, a detector looks no
// further than a fixed distance, or over no byte twice.
func (r *Redactor) scan(s string) string {
	var out []byte
	floor, done := 0, 0 // s[:done] is in out
	sqlTo := 0          // no statement begins before
	for i := 0; i < len(s); {
		c := s[i]
		if !triggers[c] {
			i++
			continue
		}
		var m match
		var ok bool
		if i+1 < len(s) && sqlStarts[c][s[i+1]] {
			if m, ok = quotedRow(s, i); !ok && i >= sqlTo {
				m, sqlTo, ok = sqlAt(s, i)
			}
		}
		if !ok {
			m, ok = r.detect(s, i, floor)
		}
		if ok {
			m, ok = r.decide(s, m)
		}
		switch {
		case !ok && isDigit(c):
			i = skip(s, i, isDigit)
		case !ok:
			i++
		case s[m.from:m.to] == m.with:
			i, floor = m.to, m.to
		default:
			if out == nil {
				out = make([]byte, 0, len(s)+maxMark)
			}
			out = append(append(out, s[done:m.from]...), m.with...)
			i = wordEnd(s, m.to)
			floor, done = i, i
		}
	}
	if out == nil {
		return s
	}
	return string(append(out, s[done:]...))
}

// wordEnd returns where the word ends that s[i] may be within, and with it what
// a match may have torn: the rest of a token that the match ate the beginning
// of, and its further parts, where a token has parts.
func wordEnd(s string, i int) int {
	const part = 16
	i = skip(s, i, isWord)
	for i < len(s) && (s[i] == '.' || s[i] == ':') {
		end := skip(s, i+1, isWord)
		if end-i <= part {
			break
		}
		i = end
	}
	return i
}

// detect tries the detectors that turn on s[i].
func (r *Redactor) detect(s string, i, floor int) (m match, ok bool) {
	switch c := s[i]; c {
	case '[':
		n := markLen(s[i:])
		return match{i, i + n, s[i : i+n]}, n > 0
	case ':':
		if m, ok = userinfo(s, i); !ok {
			m, ok = urlPath(s, i)
		}
		if !ok {
			if m, ok = telegramToken(s, i, floor); !ok {
				if m, ok = r.pair(s, i, floor); !ok && r.Personal.policy(kindIP) != Keep {
					m, ok = ipv6(s, i, floor)
				}
			}
		}
	case '+':
		m, ok = phone(s, i)
	case '<', '\\':
		m, ok = r.element(s, i)
	case '#':
		m, ok = phpFrame(s, i)
	case '.':
		m, ok = jwt(s, i, floor)
	case '=':
		if m, ok = rowValue(s, i, floor); !ok {
			m, ok = r.pair(s, i, floor)
		}
	case '%':
		if m, ok = userinfo(s, i); !ok {
			if m, ok = r.pair(s, i, floor); !ok {
				if m, ok = email(s, i, floor); !ok {
					m, ok = phone(s, i)
				}
			}
		}
	case '@':
		if m, ok = mysqlPassword(s, i, floor); !ok {
			m, ok = email(s, i, floor)
		}
	case '-':
		if m, ok = pemKey(s, i); !ok {
			m, ok = r.flag(s, i, floor)
		}
	default:
		if isDigit(c) {
			return r.number(s, i, floor)
		}
		m, ok = token(s, i)
	}
	return m, ok
}

// triggers are the bytes at which detect has something to try.
var triggers = func() (t [256]bool) {
	for _, c := range []byte("#<\\[:.=%@+-0123456789") {
		t[c] = true
	}
	for c := range t {
		t[c] = t[c] || tokens[c] != nil || sqlStarts[c] != [256]bool{}
	}
	return t
}()

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isAlpha(c byte) bool { return isLower(c | 0x20) }
func isAlnum(c byte) bool { return isAlpha(c) || isDigit(c) }
func isSpace(c byte) bool { return c <= ' ' }
func isQuote(c byte) bool { return c == '"' || c == '\'' || c == '`' }

// isWord reports whether c may be part of a token or of a name.
func isWord(c byte) bool { return isAlnum(c) || c == '_' || c == '-' }

// skip returns the end of the run of bytes from i on for which ok holds.
func skip(s string, i int, ok func(byte) bool) int {
	for i < len(s) && ok(s[i]) {
		i++
	}
	return i
}
