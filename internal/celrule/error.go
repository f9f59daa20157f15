package celrule

import (
	"fmt"
	"strings"
)

// Error is one thing that is wrong with one rule.
type Error struct {
	Index   int    // of the rule, in what was compiled
	Rule    string // its name; may be empty
	Field   string // as in a rule file: when, signature[1], threshold.count, ...
	Line    int    // in the text of the field, from 1; 0 means the field as a whole
	Column  int    // in characters, from 1
	Message string
	Hint    string // what was probably meant; may be empty
}

// Error returns the message with its place and hint in one line.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Rule != "" {
		fmt.Fprintf(&b, "rule %q: ", e.Rule)
	} else {
		fmt.Fprintf(&b, "rule %d: ", e.Index+1)
	}
	b.WriteString(e.Field)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	b.WriteString(": " + e.Message)
	if e.Hint != "" {
		b.WriteString(" (" + e.Hint + ")")
	}
	return b.String()
}
