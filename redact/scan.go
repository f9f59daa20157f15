package redact

import "sync"

// match is a part of a text, and what to put in its place. A match that puts
// back what is there keeps other detectors away from it.
type match struct {
	from, to int
	with     string
}

// scanner is one pass over a text, from left to right.
//
// It stops only at the bigrams of the gate: where a keyword may stand, or a sign
// that finds turn on (':' and '=' for pairs, '@' for addresses, the first of a
// run of digits). A detector may look back as far as floor, the end of the last
// match. To keep the scan linear, it looks no further than a fixed distance, or
// over no byte twice.
type scanner struct {
	r     *Redactor
	plan  *plan
	s     string
	floor int
	key   int        // how far a key may reach that a word makes secret
	word  int        // the end of the last word that was looked at to its end
	sql   int        // no statement begins before
	where int        // nor one that needs a second word
	past  [looks]int // how far was looked for what stands on a line, by look
	path  int        // no path is looked at before
	phone int        // how far a number may begin that a word says is one to call
	ssn   int        // the same for social security
	tag   int        // where the next end tag is
	colon int        // where the last one is
	ips   bool
	inner bool    // it looks at what a match would pass over (see holdsNothing)
	own   *looked // what it remembers of the host's kinds
}

// maxSigns is how many quotes and blanks may stand between a key and its sign.
const maxSigns = 12

// scanners keeps the scans of clean texts from allocating.
var scanners = sync.Pool{New: func() any { return new(scanner) }}

// scan replaces what the detectors find.
func (r *Redactor) scan(s string, t *trail) string {
	p := r.plan()
	x := scanners.Get().(*scanner)
	defer scanners.Put(x)
	*x = scanner{r: r, plan: p, s: s, key: -1, word: -1, phone: -1, ssn: -1, colon: -1, tag: -1, ips: r.Personal.policy(kindIP) != Keep}
	var out []byte
	done := 0 // s[:done] is in out
	prev := bigram(' ')
	for i := 0; i < len(s); {
		w := prev<<8 | bigram(s[i])
		if p.gate[w>>6]>>(w&63)&1 == 0 {
			prev = bigram(s[i])
			i++
			continue
		}
		c := s[i]
		word := p.may(s, i-1, w) && p.words.has(w)
		if !word && (signs[c]&turnsHere == 0 || isDigit(c) && !x.worth(i)) && signs[w>>8]&turnsBehind == 0 {
			i++
			if isDigit(c) {
				i = skip(s, i, isDigit)
				c = s[i-1]
			}
			prev = bigram(c)
			continue
		}
		m, ok := x.at(i, w, word)
		if ok {
			m, ok = r.decide(s, m)
		}
		if ok && m.from-i >= minTail {
			m = r.withGap(s, i, m)
		}
		switch {
		case !ok && isDigit(s[i]):
			i = skip(s, i, isDigit)
		case !ok:
			i++
		case s[m.from:m.to] == m.with:
			i, x.floor = max(i, m.to), m.to
		default:
			if out == nil {
				out = make([]byte, 0, len(s)+maxMark)
			}
			out = append(append(out, s[done:m.from]...), m.with...)
			i = wordEnd(s, m.to)
			t.note(match{m.from, i, m.with})
			x.floor, done = i, i
		}
		prev = bigram(s[i-1])
	}
	own := x.own
	*x = scanner{}
	if out != nil {
		t.step()
		s = string(append(out, s[done:]...))
	}
	if own != nil {
		s = r.whole(own.due, s, t)
		lookeds.Put(own)
	}
	return r.whole(p.always, s, t)
}

// at tries what turns on the bigram w that ends at s[i].
func (x *scanner) at(i int, w bigram, word bool) (m match, ok bool) {
	if c := byte(w >> 8); signs[c]&turnsBehind != 0 && i > x.floor && (c != '<' || x.closes(i-1)) {
		if m, ok = x.r.detect(x.s, i-1, x.floor, c == '%' && x.mayPair(i-1)); ok {
			return m, true
		}
	}
	if word {
		if m, ok = x.keywords(i-1, w); ok {
			return m, true
		}
	}
	switch c := x.s[i]; {
	case c == ':' || c == '=':
		if c == ':' {
			x.colon = i
		}
		next := byte(0)
		if i+1 < len(x.s) {
			next = x.s[i+1]
		}
		if isTime(x.s, i) && i > x.key+maxSigns && !x.ips {
			break
		}
		pair := x.mayPair(i)
		if pair || c == ':' && (next == '/' || next == 'A' || x.ips) || c == '=' && next == '(' {
			if m, ok = x.r.detect(x.s, i, x.floor, pair); ok && pair {
				m.with = x.specific(m)
			}
		}
	case isDigit(c):
		if x.worth(i) {
			m, ok = x.r.detect(x.s, i, x.floor, false)
		}
	case c == '@':
		// The password of a DSN stands behind a colon.
		if x.colon >= max(x.floor, i-maxAuthority) {
			m, ok = mysqlPassword(x.s, i, x.floor)
		}
		if !ok {
			m, ok = email(x.s, i, x.floor)
		}
	case c == '-':
		m, ok = x.r.detect(x.s, i, x.floor, false)
	}
	return m, ok
}

// isTime reports whether the sign at s[i] is within a time of day, as most colons
// of a log are.
func isTime(s string, i int) bool {
	return s[i] == ':' && i > 2 && i+1 < len(s) && isDigit(s[i+1]) && isDigit(s[i-1]) && isDigit(s[i-2]) &&
		(s[i-3] == ':' || s[i-3] == 'T' || s[i-3] == ' ')
}

// worth reports whether the run of digits at s[i] may be part of anything that
// number finds: most are too short or too long, or nothing tells what they are.
func (x *scanner) worth(i int) bool {
	s := x.s
	if i > 1 && isAlnum(s[i-1]) {
		if c := s[i-2]; isUpper(c) {
			return i == 2 || !isAlnum(s[i-3]) || escaped(s, i-2) // an IBAN
		} else if c != '\\' && c != '%' || !escaped(s, i) {
			return false
		}
	}
	if i <= x.phone {
		return true
	}
	end := skip(s, i, isDigit)
	switch n := end - i; {
	case n == 4: // a card's first group
		if end+5 > len(s) || isAlnum(s[end]) {
			return false
		}
		if isDigit(s[end+1]) {
			return skip(s[:end+5], end+1, isDigit) == end+5
		}
		next := groupSigns(s, end)
		return next > end+1 && next < len(s) && isDigit(s[next])
	case n == 6:
		return s[i] == '6' && end+11 <= len(s) && !isAlnum(s[end])
	case n == 9, n == 3 && i <= x.ssn:
		return i <= x.ssn
	case n == 3 && end+4 <= len(s) && s[end] == '-' && s[end+3] == '-': // a social security number
		return true
	case n == 3 && i > 0 && s[i-1] == '(' && end < len(s) && s[end] == ')': // a phone number
		return true
	case n <= 3: // an address, a coordinate
		return end < len(s) && s[end] == '.' && (x.ips || skip(s, end+1, isDigit) > end+minGeoDigits)
	}
	return end-i >= 12
}

// keywords tries what the keywords lead to whose bigram begins at s[i].
func (x *scanner) keywords(i int, w bigram) (match, bool) {
	for _, h := range x.plan.at(w) {
		at := i - int(h.back)
		if at < x.floor || !h.is(x.s, at) {
			continue
		}
		if h.rule == nil {
			if at >= x.key {
				x.key = skip(x.s[:min(len(x.s), at+maxKey)], at+len(h.word), isKey)
				if m, ok := x.tuple(at, x.key); ok {
					return m, true
				}
			}
			continue
		}
		if h.rule.at != nil {
			if m, ok := h.rule.at(x, at); ok {
				return m, true
			}
			continue
		}
		if from, to := h.rule.match(x, at, at+len(h.word)); to > from {
			m := match{from, to, h.rule.with(x.s[from:to])}
			if h.rule.own != nil && from >= at+len(h.word) { // the keyword is not a part of it
				m.with = x.specific(m)
			}
			return m, true
		}
	}
	return match{}, false
}

// mayPair reports whether what stands before the separator at s[i] may be a key
// that tells what its value is: a word that says so was seen, or it ends in the
// letters of one.
func (x *scanner) mayPair(i int) bool {
	const digits = 4
	if i <= x.key+maxSigns {
		return true
	}
	for n := 0; n < maxSigns && i > x.floor && (isBlank(x.s[i-1]) || isQuote(x.s[i-1]) || x.s[i-1] == '\\' || x.s[i-1] == ']'); n++ {
		i--
	}
	if i-x.floor >= 3 && x.s[i-3:i] == "%5D" {
		i -= 3
	}
	for n := 0; n < digits && i > x.floor && isDigit(x.s[i-1]); n++ {
		i--
	}
	return x.plan.last.has(x.s[x.floor:i])
}

// specific returns what to replace a value by that was found by its key: a kind
// that its shape tells says more than the key.
func (x *scanner) specific(m match) string {
	if markLen(m.with) == 0 || m.to-m.from < 8 {
		return m.with
	}
	value := x.s[m.from:m.to]
	if value == m.with {
		return m.with
	}
	for i := 0; i+1 < len(value); i++ {
		w := bigramAt(value, i)
		if !x.plan.words.has(w) {
			continue
		}
		for _, h := range x.plan.at(w) {
			if h.rule == nil || h.rule.shape == nil || !h.is(value, i-int(h.back)) {
				continue
			}
			if from, to := h.rule.shape.match(value, i-int(h.back)-h.rule.shape.anchor, 0); to > 0 && from == 0 && wordEnd(value, to) == len(value) {
				return h.rule.with(value)
			}
		}
	}
	return m.with
}

// detect tries the detectors that turn on s[i]. Whether it may be the separator
// of a pair was found out before.
func (r *Redactor) detect(s string, i, floor int, pair bool) (m match, ok bool) {
	switch c := s[i]; c {
	case ':':
		if m, ok = userinfo(s, i); !ok {
			m, ok = urlPath(s, i)
		}
		if !ok {
			if m, ok = telegramToken(s, i, floor); !ok && pair {
				m, ok = r.pair(s, i, floor)
			}
			if !ok && r.Personal.policy(kindIP) != Keep {
				m, ok = ipv6(s, i, floor)
			}
		}
	case '+':
		m, ok = phone(s, i)
	case '<', '\\':
		m, ok = r.element(s, i)
	case '#':
		m, ok = phpFrame(s, i)
	case '=':
		if m, ok = rowValue(s, i, floor); !ok && pair {
			m, ok = r.pair(s, i, floor)
		}
	case '%':
		if m, ok = userinfo(s, i); !ok {
			if pair {
				m, ok = r.pair(s, i, floor)
			}
			if !ok {
				m, ok = email(s, i, floor)
			}
			if !ok {
				m, ok = phone(s, i)
			}
		}
	case '-':
		m, ok = r.flag(s, i, floor)
	default:
		if isDigit(c) {
			m, ok = r.number(s, i, floor)
		}
	}
	return m, ok
}

// Bytes that finds turn on: the scan stops at them, or at the byte behind them,
// because what that is tells more.
const (
	turnsHere   = 1
	turnsBehind = 2
)

var signs = func() (t [256]uint8) {
	for _, c := range []byte(":=@-0123456789") {
		t[c] = turnsHere
	}
	for _, c := range []byte(`%+<#\`) {
		t[c] = turnsBehind
	}
	return t
}()

// addSigns adds the bigrams that end in a sign that detect has something to try
// at.
func (b *bigramSet) addSigns() {
	for c := byte('A'); c <= 'Z'; c++ {
		b.add('<'<<8 | bigram(c))
		b.add('<'<<8 | bigram(c|0x20))
	}
	for c := range 256 {
		before := bigram(c) << 8
		for _, sign := range []byte(":=@") {
			b.add(before | bigram(sign))
		}
		if isSpace(byte(c)) || isQuote(byte(c)) {
			b.add(before | '-')
		}
		for d := bigram('0'); d <= '9'; d++ {
			if !isAlnum(byte(c)) || isUpper(byte(c)) { // of DE89... the first digit counts
				b.add(before | d)
			}
		}
	}
	for d := '0'; d <= '9'; d++ { // behind \n, \t and \r
		for _, c := range []bigram{'n', 't', 'r'} {
			b.add(c<<8 | bigram(d))
		}
	}
	for _, w := range []string{"%2", "%3", "%4", "+1", "+2", "+3", "+4", "+5", "+6", "+7", "+8", "+9",
		`\u`, "#0", "#1", "#2", "#3", "#4", "#5", "#6", "#7", "#8", "#9"} {
		b.add(bigramAt(w, 0))
	}
}

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isAlpha(c byte) bool { return isLower(c | 0x20) }
func isAlnum(c byte) bool { return isAlpha(c) || isDigit(c) }
func isSpace(c byte) bool { return c <= ' ' }
func isQuote(c byte) bool { return c == '"' || c == '\'' || c == '`' }

// isWord reports whether c may be part of a token or of a name.
func isWord(c byte) bool { return inWord[c] }

var inWord = func() (t [256]bool) {
	for c := range t {
		t[c] = isAlnum(byte(c)) || c == '_' || c == '-'
	}
	return t
}()

// skip returns the end of the run of bytes from i on for which ok holds.
func skip(s string, i int, ok func(byte) bool) int {
	for i < len(s) && ok(s[i]) {
		i++
	}
	return i
}
