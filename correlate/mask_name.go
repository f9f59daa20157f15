package correlate

import "strings"

// varies reports whether a word is a value.
func (m *masker) varies(t *maskToken, w string, valued bool) bool {
	m.steps += len(w)
	if t.simple {
		if t.letters >= 8 && t.isRandom(w) || m.afterVariable() && maskIsUnit(w) || valued && m.value == '=' {
			return true
		}
		return m.isNamed(t, w, valued)
	}
	m.again = m.again || t.address && m.afterName()
	if t.url || t.slashes > 0 {
		// A bracket in it may have been taken for the match of another.
		m.again = m.again || strings.ContainsAny(w, "()[]{}")
	}
	if t.digits > 0 || t.at || t.url || t.address || t.letters == 0 {
		return t.varies(w) && !m.isCode(t, w)
	}
	switch {
	case t.slashes+t.backs > 0 || t.dots > 0:
		if t.varies(w) {
			return true
		}
	case t.letters >= 8 && t.isRandom(w):
		return true
	case m.afterVariable() && maskIsUnit(w):
		return true
	}
	if valued && m.value == '=' {
		return true
	}
	return m.isNamed(t, w, valued)
}

// isNamed reports whether letters are a name, by what they look like and by
// the words around them.
func (m *masker) isNamed(t *maskToken, w string, valued bool) bool {
	if maskIsError(w) || !t.simple && t.end < len(m.s) && (maskClass[m.s[t.end]] == maskOpen || m.s[t.end] == '=' || m.s[t.end] == '<' || m.s[t.end] >= 0x80) {
		return false
	}
	info := m.aheadInfo
	if m.ahead != (maskSpan{m.i, t.end}) {
		info = m.words.lookUp(w)
	}
	t.info = info
	switch {
	case t.slashes > 0 && m.words.isText(w):
		return false // this or that, or a media type
	case info.used() == maskStrong && !valued:
		return false
	case valued && m.ends(t.end):
		return maskNames(m.text(m.key)) || maskIsNull(w) || t.compound() || !m.words.isText(w)
	case t.end < len(m.s) && m.s[t.end] == ':' && (info.known() || m.lead() == 0):
		return false // a key, or where the message is from
	}
	need := 3 // evidence, for a word that many programs use
	if info == 0 {
		need = 1
		if t.compound() && !m.opens() && !(m.tag() && m.words.isText(w)) {
			return true
		}
	} else if info.used() == 0 {
		need = 2
	}
	need -= m.lead()
	return need <= 0 || need <= m.follow(t.end)+m.enclosed(t.end)
}

// enclosed reports, as evidence, whether the word that ends at i is alone in
// brackets.
func (m *masker) enclosed(i int) int {
	n := len(m.dst)
	if n > m.start && i < len(m.s) && (m.dst[n-1] == '(' && m.s[i] == ')' || m.dst[n-1] == '[' && m.s[i] == ']') && !m.tag() {
		return 1
	}
	return 0
}

// tag reports whether what comes next is in brackets in front of a message,
// where programs put the name of a component or function.
func (m *masker) tag() bool {
	text := m.dst[m.start:]
	n := len(text)
	return n > 0 && text[n-1] == '[' && (n == 1 || text[n-2] == ']')
}

func maskIsArticle(w string) bool { return w == "a" || w == "A" || w == "I" }

// compound reports whether a word is put together from others.
func (t *maskToken) compound() bool { return t.humps+t.dots+t.joins > 0 }

// follow says how often programs write what comes after offset i behind a value, 0 to 2.
func (m *masker) follow(i int) int {
	from := i
	for i < len(m.s) && maskClass[m.s[i]] == maskSpace {
		i++
	}
	if i == from {
		return 0
	}
	n := i
	for n < len(m.s) && maskBits[m.s[n]]&maskLower != 0 {
		n++
	}
	if n == i || n < len(m.s) && maskClass[m.s[n]] != maskSpace && strings.IndexByte(".,;:!?)", m.s[n]) < 0 {
		return 0
	}
	m.steps += n - from
	m.ahead, m.aheadInfo = maskSpan{i, n}, m.words.lookUp(m.s[i:n])
	if m.aheadInfo.used() < maskStrong {
		return 0
	}
	return m.aheadInfo.follows()
}

// opens reports whether the message begins here, a quote aside.
func (m *masker) opens() bool {
	n := len(m.dst) - m.start
	return n == 0 || n == 1 && maskClass[m.dst[m.start]] == maskQuote
}

// lead says how often a value follows the word before, 0 to 3. Of a name put
// together from words the last one counts.
func (m *masker) lead() int {
	before := m.last
	if before.to == 0 {
		before = m.key
	}
	if before.to == 0 {
		return 0
	}
	w := m.text(before)
	if len(w) > 1 && maskBits[w[1]]&maskUpper != 0 {
		return 0 // a keyword or constant
	}
	if m.info != 0 {
		return m.info.leads()
	}
	return maskFind(m.words, w[len(w)-maskTail(w):]).leads()
}
