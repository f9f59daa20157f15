package testfile

import (
	"cmp"
	"fmt"
	"strings"
)

// Error is one thing that is wrong with a test file, or with what a test of it
// found.
type Error struct {
	File    string
	Line    int // from 1; 0 means the file as a whole
	Column  int // in characters, from 1
	Test    string
	Field   string
	Message string
	Hint    string // may have several lines

	text string // of the line
}

// Error returns the place and the message, the line with a caret under the
// place, and the hint: as errors of rule files do.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	b.WriteString(": ")
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

// compare orders errors by their place.
func (e *Error) compare(other *Error) int {
	return cmp.Or(cmp.Compare(e.Line, other.Line), cmp.Compare(e.Column, other.Column))
}

// Place is where something stands in a test file.
type Place struct{ Line, Column int }

// At gives an error its place in the file.
func (f *File) At(p Place, e Error) *Error {
	e.File, e.Line, e.Column = f.Name, p.Line, max(p.Column, 1)
	if 0 < p.Line && p.Line <= len(f.lines) {
		e.text = f.lines[p.Line-1]
	}
	return &e
}
