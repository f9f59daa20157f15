package correlate

import (
	"bytes"
	"strings"
)

// quote masks a quoted string, unless it is the text of an error, or all
// there is.
func (m *masker) quote(c byte) {
	end := -1
	if !m.afterName() {
		end = m.closing(c)
	}
	switch {
	case end < 0:
		m.mark(c)
	case m.body && strings.HasPrefix(m.s[end+1:], ":") && !strings.HasPrefix(m.s[end+1:], "::") && end-m.i < 64:
		m.dst = append(m.dst, m.s[m.i:end+1]...)
		m.forget()
		m.last = maskSpan{m.i + 1, end}
		m.i = end + 1
	case m.value != 0 && !m.valued(),
		len(m.dst) == m.start && strings.TrimSpace(m.s[end+1:]) == "":
		m.mark(c)
	default:
		// A bracket in the string may have been taken for the match of another.
		m.again = m.again || m.matched && strings.ContainsAny(m.s[m.i:end], "()[]{}")
		m.variable(min(end+1, len(m.s)))
	}
}

// closing returns the offset of the quote that ends the string opened at m.i,
// or -1.
func (m *masker) closing(c byte) int {
	kind := strings.IndexByte("\"'`", c)
	if m.unquoted[kind] {
		return -1
	}
	for k := m.i + 1; k < len(m.s); k++ {
		m.steps++
		switch m.s[k] {
		case '\\':
			k++
			m.again = true // it may go with a value
		case c:
			if c != '\'' || k+1 == len(m.s) || maskBits[m.s[k+1]]&(maskLower|maskUpper) == 0 {
				return k
			}
			m.again = true
		}
	}
	// Nor does any later one end; looking once keeps the pass linear.
	m.unquoted[kind] = true
	return -1
}

// open masks a bracket and what is in it when that is a value: printed data,
// a body, a list, a name. Otherwise what is in it is read on its own.
func (m *masker) open(c byte) {
	end := m.closes(m.i)
	if end == 0 && m.cut {
		end = len(m.s)
	}
	switch inner := m.s[min(m.i+1, end):end]; {
	case end == 0 && c == '{' && len(m.dst) > m.start && strings.HasPrefix(m.s[m.i:], `{"`):
		// A body that was cut on the way here is still a body.
		m.variable(len(m.s))
	case end == 0:
		m.mark(c)
	case m.valued():
		m.variable(min(end+1, len(m.s)))
	case c == '{' && len(m.dst) == m.start:
		m.body = true
		m.mark(c)
	case c == '{' && inner != "":
		m.variable(min(end+1, len(m.s)))
	case c == '[' && maskIsDumps(inner):
		m.variable(min(end+1, len(m.s)))
	default:
		m.mark(c)
	}
}

// closes returns the offset of the bracket that closes the one at i, or 0.
func (m *masker) closes(i int) int {
	if !m.matched {
		m.matched = true
		var stack [maskDepth]uint16
		depth := 0
		m.steps += len(m.s) - i
		for k := i; k < len(m.s); k++ {
			c := m.s[k]
			if maskClass[c] != maskOpen && maskClass[c] != maskOther {
				continue
			}
			switch c {
			case '(', '[', '{':
				m.close[k] = 0
				if depth < maskDepth {
					stack[depth] = uint16(k)
					depth++
				}
			case ')', ']', '}':
				for d := depth - 1; d >= 0; d-- {
					if o := stack[d]; maskClosing(m.s[o]) == c {
						m.close[o] = uint16(k)
						depth = d
						break
					}
				}
			}
		}
	}
	return int(m.close[i])
}

// angle masks <...>, which is a value when it does not follow a name.
func (m *masker) angle() bool {
	s := m.s[m.i:]
	if strings.HasPrefix(s, maskPlaceholder) {
		m.variable(m.i + len(maskPlaceholder))
		return true
	}
	if len(s) < 3 || maskClass[s[1]] == maskSpace || s[1] == '=' || m.afterName() || bytes.HasSuffix(m.dst[m.start:], []byte(".")) {
		return false
	}
	end := strings.IndexAny(s[1:], "<>")
	if end < 0 {
		m.steps += len(s)
	} else {
		m.steps += end
	}
	if end < 0 && m.cut {
		m.variable(len(m.s))
		return true
	}
	if end < 1 || s[1+end] != '>' || s[end] == '-' || s[end] == '=' {
		return false
	}
	m.again = m.again || m.matched && strings.ContainsAny(s[:end+1], "()[]{}")
	m.variable(m.i + 1 + end + 1)
	return true
}

// balance closes the brackets that the cut left open.
func (m *masker) balance() {
	var open [maskDepth]byte
	n := 0
	for _, c := range m.dst[m.start:] {
		switch c {
		case '(', '[', '{':
			if n < len(open) {
				open[n] = c
				n++
			}
		case ')', ']', '}':
			n = max(0, n-1)
		}
	}
	for ; n > 0; n-- {
		m.dst = append(m.dst, maskClosing(open[n-1]))
	}
}

func maskClosing(open byte) byte {
	if open == '(' {
		return ')'
	}
	return open + 2 // '[' and '{'
}

// isList reports whether s, between brackets, is nothing, one word, or
// words with commas between them.
func (m *masker) isList(s []byte) bool {
	m.steps += len(s)
	for i := range s {
		switch c := s[i]; {
		case maskClass[c] == maskWord, c >= 0x80, c == ',', c == '*', c == '<', c == '>':
		case c == ' ' && i > 0 && s[i-1] == ',':
		default:
			return false
		}
	}
	return true
}

// maskIsDump reports whether s, which begins with a bracket right after a
// name, is a printed value: Name(key=..., Name{...}, map[key:...
func maskIsDump(s string) bool {
	n := maskName(s[1:])
	if s[0] == '{' {
		return len(s) > 1
	}
	if n == 0 || n+1 >= len(s) {
		return false
	}
	switch s[n+1] {
	case '=':
		return n+2 >= len(s) || s[n+2] != '='
	case ':':
		return s[0] == '[' && n+2 < len(s) && s[n+2] != ' ' && s[n+2] != ':'
	}
	return false
}

// maskIsDumps reports whether s, between brackets, is a list of printed values.
func maskIsDumps(s string) bool {
	n := maskName(s)
	return n > 0 && n+1 < len(s) && maskClass[s[n]] == maskOpen && maskIsDump(s[n:])
}

// maskName returns the length of the name that s begins with, as far as it
// looks.
func maskName(s string) int {
	const limit = 128
	n := 0
	for n < len(s) && n < limit && (maskBits[s[n]] != 0 || s[n] == '_' || n > 0 && (s[n] == '.' || s[n] == '$' || s[n] == '-')) {
		n++
	}
	return n
}
