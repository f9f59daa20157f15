package rulefile

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// place says where a rule stands, and its fields.
type place struct {
	node   *yaml.Node
	fields map[string]spot // those it has itself, by the name that celrule has for them

	damaged bool // something of it could not be read
}

// spot is a node in a file: what a file shares stands in another one.
type spot struct {
	file *File
	node *yaml.Node
}

// locate returns where a line and a column of a scalar's value stand in the
// file.
//
// YAML changes nothing in a value but white space, quotes and escapes. So the
// place is found by counting the other characters.
func (f *File) locate(n *yaml.Node, line, column int) (int, int) {
	count, atEnd := visibleBefore(n.Value, line, column)
	s := scanner{lines: f.lines}
	s.moveTo(n.Line, n.Column)
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		s.moveTo(n.Line+1, 1) // below the header
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		s.skip(1)
	}
	for range count {
		s.skipSpace(n.Style)
		s.skipRune(n.Style)
	}
	if !atEnd {
		s.skipSpace(n.Style)
	}
	return s.line, s.column
}

// visibleBefore counts the characters other than white space before a place in
// a text, and reports whether there are none after it.
func visibleBefore(text string, line, column int) (count int, atEnd bool) {
	l, c := 1, 1
	for i, r := range text {
		if l > line || l == line && c >= column {
			return count, strings.TrimSpace(text[i:]) == ""
		}
		if !unicode.IsSpace(r) {
			count++
		}
		if c++; r == '\n' {
			l, c = l+1, 1
		}
	}
	return count, true
}

// scanner walks over a scalar as it is written.
type scanner struct {
	lines        []string
	line, column int    // from 1
	rest         string // of the line
}

// moveTo goes to a place.
func (s *scanner) moveTo(line, column int) {
	s.line, s.column, s.rest = line, 1, ""
	if line <= len(s.lines) {
		s.rest = s.lines[line-1]
	}
	s.skip(column - 1)
}

// skip goes over some characters of the line.
func (s *scanner) skip(n int) {
	for range n {
		_, size := utf8.DecodeRuneInString(s.rest)
		s.rest = s.rest[size:]
		s.column++
	}
}

// skipSpace goes to the next character that is seen.
func (s *scanner) skipSpace(style yaml.Style) {
	for {
		r, _ := utf8.DecodeRuneInString(s.rest)
		switch {
		case s.rest == "":
			if s.line >= len(s.lines) {
				return
			}
			s.moveTo(s.line+1, 1)
		case unicode.IsSpace(r):
			s.skip(1)
		case style&yaml.DoubleQuotedStyle != 0 && r == '\\':
			decoded, width := unescape(s.rest)
			if !unicode.IsSpace(decoded) {
				return
			}
			s.skip(width)
		default:
			return
		}
	}
}

// skipRune goes over one character of the value.
func (s *scanner) skipRune(style yaml.Style) {
	switch {
	case s.rest == "":
	case style&yaml.DoubleQuotedStyle != 0 && s.rest[0] == '\\':
		_, width := unescape(s.rest)
		s.skip(width)
	case style&yaml.SingleQuotedStyle != 0 && strings.HasPrefix(s.rest, "''"):
		s.skip(2)
	default:
		s.skip(1)
	}
}

// unescape returns the character that an escape sequence stands for, and the
// length of the sequence.
func unescape(s string) (rune, int) {
	if len(s) < 2 {
		return ' ', 1 // the line goes on in the next one
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[1]]
	if digits > 0 && len(s) >= 2+digits {
		n, err := strconv.ParseUint(s[2:2+digits], 16, 32)
		if err == nil {
			return rune(n), 2 + digits
		}
	}
	if strings.IndexByte("tnrvf \tNLP_", s[1]) >= 0 {
		return ' ', 2
	}
	return rune(s[1]), 2
}
