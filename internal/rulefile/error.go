package rulefile

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Error is one thing that is wrong with a rule file, or with a file of tests
// beside it.
type Error struct {
	File    string
	Line    int // from 1; 0 means the file as a whole
	Column  int // in characters, from 1
	Rule    string
	Test    string
	Field   string
	Message string
	Hint    string // may have several lines

	text string // of the line
}

// Error returns the place and the message, the line with a caret under the
// place, and the hint.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	b.WriteString(": ")
	if e.Rule != "" {
		fmt.Fprintf(&b, "rule %q: ", e.Rule)
	}
	if e.Test != "" {
		fmt.Fprintf(&b, "test %q: ", e.Test)
	}
	if e.Field != "" {
		b.WriteString(e.Field + ": ")
	}
	b.WriteString(e.Message)
	if e.Line > 0 {
		text, column := excerpt(e.text, e.Column)
		fmt.Fprintf(&b, "\n\n%5d | %s\n      | %s^", e.Line, text, strings.Repeat(" ", column-1))
	}
	if e.Hint != "" {
		b.WriteString("\n" + e.Hint)
	}
	return b.String()
}

// excerpt cuts a long line to what is around a column, and returns where the
// column is then.
func excerpt(line string, column int) (string, int) {
	const width, before = 100, 60
	runes := []rune(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' ' // a tab would move the caret
		}
		return r
	}, line))
	start := 0
	if len(runes) > width && column > before {
		start = column - before
	}
	end := min(len(runes), start+width)
	out := strings.TrimRight(string(runes[min(start, end):end]), " ")
	if end < len(runes) {
		out += " ..."
	}
	if start > 0 {
		return "... " + out, column - start + 4
	}
	return out, column
}

// Scrub redacts the lines that the errors in err show, before they are cut: part of
// a secret is not known for one.
func Scrub(err error, scrub func(string) string) error {
	switch e := err.(type) {
	case *Error:
		if clean := scrub(e.text); clean != e.text {
			same := 0
			for same < min(len(clean), len(e.text)) && clean[same] == e.text[same] {
				same++
			}
			e.text, e.Column = clean, min(e.Column, utf8.RuneCountInString(clean[:same])+1)
		}
	case interface{ Unwrap() []error }:
		for _, err := range e.Unwrap() {
			Scrub(err, scrub)
		}
	}
	return err
}

// At returns the error with a place in a file of these lines.
func (e Error) At(file string, lines []string, line, column int) *Error {
	e.File, e.Line, e.Column = file, line, max(column, 1)
	if 0 < line && line <= len(lines) {
		e.text = lines[line-1]
	}
	return &e
}

// place returns the error with a place in the file.
func (f *File) place(line, column int, e Error) *Error {
	if line > len(f.lines) {
		line, column = len(f.lines), 1 // the parser says that what is missing would come next
	}
	return e.At(f.Name, f.lines, line, column)
}

// report records something that is wrong with a node.
func (f *File) report(n *yaml.Node, e Error) {
	f.errs = append(f.errs, f.place(n.Line, n.Column, e))
}

// Compare orders errors by their place.
func (e *Error) Compare(other *Error) int {
	return cmp.Or(cmp.Compare(e.Line, other.Line), cmp.Compare(e.Column, other.Column))
}
