package correlate

import (
	"bytes"
	"strings"
	"sync"
)

const (
	maskPlaceholder = "<*>"

	// maskLimit bounds what is read of a message, maskKeep what is made of it:
	// what tells two problems apart stands at the beginning. The second is the
	// smaller one, so that masked messages mostly end at the same place, however
	// long the values were.
	maskLimit = 4096
	maskKeep  = 1024

	maskDepth = 64 // brackets open at a time; deeper ones are plain text
)

// Mask returns the message with each part that varies between occurrences of
// the same problem replaced by "<*>": numbers with their units, identifiers,
// addresses, paths, times, quoted strings, values of keys, bodies. Words,
// names of types, and error and status codes stay.
//
// One placeholder stands for every kind of value, and for several in a row,
// because the kind varies too: a short hash may consist of digits, a host may
// be a name or an address, a list may be longer the next time.
//
// Mask depends on nothing but the message, reads at most its first 4 KiB, and
// leaves a masked message as it is.
func Mask(message string) string {
	m := maskers.Get().(*masker)
	defer maskers.Put(m)
	m.mask(m.scratch[:0], message)
	m.scratch, m.s = m.dst, ""
	if string(m.dst) == message {
		return message
	}
	return string(m.dst)
}

// appendMask appends the masked message to dst.
func appendMask(dst []byte, message string) []byte {
	m := maskers.Get().(*masker)
	defer maskers.Put(m)
	m.mask(dst, message)
	dst, m.dst, m.s = m.dst, nil, ""
	return dst
}

// maskers keeps maskers because of their size.
var maskers = sync.Pool{New: func() any { return &masker{words: maskWords()} }}

// maskCut returns the beginning of s, at most n bytes, without the word or
// rune that does not fit.
func maskCut[T string | []byte](s T, n int) T {
	const word = 64
	if len(s) <= n {
		return s
	}
	for i := n; i > n-word; i-- {
		if s[i] == ' ' {
			return s[:i]
		}
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}

// masker goes over a message once. What it does at a token depends on the
// token, on the key or word before it, and on whether it ends a phrase.
type masker struct {
	s     string
	i     int // next byte to read
	dst   []byte
	start int  // of the masked message in dst
	cut   bool // s is not the whole message
	again bool // the result may read differently

	last   maskSpan // word just before, with only space between
	info   maskInfo // what is known of that word, if it was looked up
	key    maskSpan // word before ':' or '=', while its value is awaited
	value  byte     // ':' or '=' while a value is awaited, else 0
	body   bool     // the message is itself an object in braces
	list   int      // offset in dst of the last '[' after a word that is open, or -1
	nested bool     // another such was open there

	unquoted [3]bool           // by kind of quote: none that opens here or later is closed
	matched  bool              // close is filled in
	close    [maskLimit]uint16 // by offset of an opening bracket, that of the closing one; 0 if there is none

	steps int // bytes looked at, over all passes

	ahead     maskSpan // word that was looked up ahead
	aheadInfo maskInfo

	words   *maskTable
	scratch []byte
}

// mask appends the masked message to dst, in m.dst.
func (m *masker) mask(dst []byte, message string) {
	m.dst, m.start, m.steps = dst, len(dst), 0
	m.run(message)
	if m.cut {
		m.balance()
	}
	// What was cut may end in the middle of a phrase and read differently, as
	// may a few other odd ones. It is read again, so that the result stays.
	for range 4 {
		if len(m.dst)-m.start <= maskKeep && !m.again {
			return
		}
		kept := string(maskCut(m.dst[m.start:], maskKeep))
		m.dst = m.dst[:m.start]
		m.run(kept)
		if string(m.dst[m.start:]) == kept {
			return
		}
	}
	if m.again || len(m.dst)-m.start > maskKeep {
		m.dst = append(m.dst[:m.start], maskPlaceholder...) // nobody writes such messages
	}
}

// run goes over the message once.
func (m *masker) run(message string) {
	m.s = maskCut(message, maskLimit)
	m.i = 0
	m.steps += len(m.s)
	m.again = false
	m.cut = len(m.s) < len(message)
	m.body, m.list, m.matched, m.unquoted = false, -1, false, [3]bool{}
	m.forget()
	m.ahead = maskSpan{}
	for m.i < len(m.s) {
		c := m.s[m.i]
		switch maskClass[c] {
		case maskSpace:
			m.space()
		case maskWord:
			if c == ':' && !strings.HasPrefix(m.s[m.i:], "::") {
				m.mark(c)
			} else {
				m.word()
			}
		case maskQuote:
			m.quote(c)
		case maskOpen:
			m.open(c)
		case maskWide:
			m.wide()
		default:
			m.mark(c)
		}
	}
	m.dst = m.dst[:m.start+len(bytes.TrimRight(m.dst[m.start:], " "))]
}

// space writes one space for any white space.
func (m *masker) space() {
	for m.i < len(m.s) && maskClass[m.s[m.i]] == maskSpace {
		m.i++
	}
	if n := len(m.dst); n > m.start && m.dst[n-1] != ' ' {
		m.dst = append(m.dst, ' ')
	}
}

// mark writes punctuation.
func (m *masker) mark(c byte) {
	switch {
	case c == '<' && m.angle():
		return
	case c == '[' && m.last.to > 0:
		m.nested = m.list >= 0
		m.list = len(m.dst)
	case c == ']' && m.list >= m.start && m.list < len(m.dst) && m.isList(m.dst[m.list+1:]):
		// Judged as written, so that it is the same for a masked message.
		m.dst = m.dst[:m.list]
		m.again = m.again || m.nested // the outer one may be a list now
		m.list = -1
		m.variable(m.i + 1)
		return
	case c == ']':
		m.list = -1
	}
	m.i++
	m.dst = append(m.dst, c)
	switch c {
	case ':':
		m.await(c)
	case '=':
		// Comparisons and arrows have no value.
		n := len(m.dst) - 2
		if m.i < len(m.s) && strings.IndexByte("=>~", m.s[m.i]) >= 0 || n >= m.start && strings.IndexByte("=<>!:~", m.dst[n]) >= 0 {
			m.forget()
			return
		}
		m.await(c)
	default:
		m.forget()
	}
}

// await notes that a value of the last word follows.
func (m *masker) await(sep byte) {
	if m.last.to > 0 {
		m.key = m.last
	} else if m.value == 0 {
		return
	}
	m.value = sep
	m.last = maskSpan{}
}

func (m *masker) forget() { m.last, m.key, m.value = maskSpan{}, maskSpan{}, 0 }

// maskSpan is a part of the message that is read, empty if it is zero. Keeping
// offsets spares write barriers.
type maskSpan struct{ from, to int }

func (m *masker) text(p maskSpan) string { return m.s[p.from:p.to] }

// wide writes a rune beyond ASCII. Full-width punctuation counts as its ASCII
// counterpart.
func (m *masker) wide() {
	rest := m.s[m.i:]
	if strings.HasPrefix(rest, "：") {
		m.dst = append(m.dst, "："...)
		m.i += len("：")
		m.await(':')
		return
	}
	m.i++
	m.dst = append(m.dst, rest[0])
	for m.i < len(m.s) && m.s[m.i]&0xC0 == 0x80 {
		m.dst = append(m.dst, m.s[m.i])
		m.i++
	}
	m.forget()
}

// variable writes the placeholder, once for a row of values, and skips to end.
// The names of days and months before a value are part of it: it is a date.
func (m *masker) variable(end int) {
	m.i = end
	m.forget()
	text := m.dst[m.start:]
	for {
		before := text
		for len(before) > 0 && (before[len(before)-1] == ' ' || before[len(before)-1] == ',') {
			before = before[:len(before)-1]
		}
		n := len(before)
		for n > 0 && maskBits[before[n-1]] != 0 && len(before)-n < 10 {
			n--
		}
		if len(before)-n < 3 || n > 0 && strings.IndexByte(" ,([:=", before[n-1]) < 0 || !maskIsCalendar(string(before[n:])) {
			break
		}
		// Joined to a key, what is left may be read as one word with the value.
		m.again = m.again || n > 0 && (before[n-1] == ':' || before[n-1] == '=')
		text = before[:n]
	}
	n := len(text)
	for n > 0 && maskJoins[text[n-1]] {
		n--
	}
	m.steps += len(m.dst) - m.start - n
	if bytes.HasSuffix(text[:n], []byte(maskPlaceholder)) {
		m.dst = m.dst[:m.start+n]
		return
	}
	m.dst = append(m.dst[:m.start+len(text)], maskPlaceholder...)
}

// maskJoins marks what may stand between the values of one row.
var maskJoins = [256]bool{' ': true, ',': true, ':': true, ';': true, '/': true, '-': true, '+': true, '.': true, '=': true, '|': true, '~': true, 'x': true, 'X': true}

// afterVariable reports whether what was written ends with the placeholder,
// a space aside.
func (m *masker) afterVariable() bool {
	n := len(m.dst)
	if n > m.start && m.dst[n-1] == ' ' {
		n--
	}
	return n > m.start && m.dst[n-1] == '>' && bytes.HasSuffix(m.dst[m.start:n], []byte(maskPlaceholder))
}

// afterName reports whether what was written ends with a letter or digit. It
// looks at what was written, not read, so that it is the same for a masked
// message.
func (m *masker) afterName() bool {
	n := len(m.dst)
	return n > m.start && maskIsName(m.dst[n-1])
}

func maskIsName(c byte) bool { return maskBits[c] != 0 || c >= 0x80 }

// word reads a word and writes it, or the placeholder.
func (m *masker) word() {
	var t maskToken
	maskScan(&t, m.s, m.i)
	w := m.s[m.i:t.end]
	valued := m.valued()

	if !t.simple && t.end < len(m.s) && t.digits == 0 && maskClass[m.s[t.end]] == maskOpen {
		end := m.closes(t.end)
		if end == 0 {
			end = len(m.s) // cut
		}
		if maskIsDump(m.s[t.end:end]) {
			if !valued && !m.varies(&t, w, false) {
				m.dst = append(m.dst, w...)
			}
			m.variable(min(end+1, len(m.s)))
			return
		}
	}
	if m.varies(&t, w, valued) {
		m.variable(t.end)
		return
	}
	m.dst = append(m.dst, w...)
	m.forget()
	if t.letters > 0 {
		m.last = maskSpan{m.i, t.end}
		m.info = t.info
	}
	m.i = t.end
}

// valued reports whether the value of a key is awaited that does not tell what
// happened.
func (m *masker) valued() bool { return m.value != 0 && !maskTells(m.text(m.key)) }

// ends reports whether a phrase ends at i: with the message, at punctuation,
// or before another key.
func (m *masker) ends(i int) bool {
	for i < len(m.s) && (maskClass[m.s[i]] == maskSpace || m.s[i] == '.') {
		m.steps++
		i++
	}
	if i == len(m.s) || strings.IndexByte(",;)]}|", m.s[i]) >= 0 {
		return true
	}
	n := i
	for n < len(m.s) && n-i < 32 && (maskBits[m.s[n]]&(maskLower|maskUpper) != 0 || m.s[n] == '_') {
		n++
	}
	if n == i || maskClass[m.s[i-1]] != maskSpace || n == len(m.s) || m.s[n] != ':' && m.s[n] != '=' {
		return false
	}
	// A key that is not a plain word may itself be masked.
	m.again = m.again || n+1 < len(m.s) && maskClass[m.s[n+1]] != maskSpace || !m.words.lookUp(m.s[i:n]).known()
	return true
}
