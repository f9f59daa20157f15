package render

import (
	"fmt"
	"unicode/utf8"

	"github.com/spanticket/spanticket/sinks"
)

// fit cuts a ticket to a sink's limits, by structure and the least useful
// first: older evidence, history, explanations, the stack trace, attributes,
// and in the end the message. What was cut is named in the ticket.
func fit(t *sinks.Ticket, l sinks.Limits) {
	if l.Title > 0 && utf8.RuneCountInString(t.Title) > l.Title {
		t.Title = string([]rune(t.Title)[:max(0, l.Title-1)]) + "…"
	}
	if l.Body <= 0 {
		return
	}
	for _, c := range cuts {
		if utf8.RuneCountInString(t.Text()) <= l.Body {
			return
		}
		if what := c(t); what != "" {
			t.Cut = append(t.Cut, what)
		}
	}
}

// cuts are the steps of fit. Each returns what it left out, or "".
var cuts = []func(*sinks.Ticket) string{
	func(t *sinks.Ticket) string {
		n := len(t.Evidence) - 1
		if n < 1 {
			return ""
		}
		t.Evidence = t.Evidence[:1]
		return fmt.Sprintf("%d older samples", n)
	},
	func(t *sinks.Ticket) string {
		n := len(t.History) - 2
		if n < 1 {
			return ""
		}
		t.History = []sinks.Entry{t.History[0], t.History[len(t.History)-1]}
		return fmt.Sprintf("%d entries of the history", n)
	},
	func(t *sinks.Ticket) string { return short(&t.Exception.Stacktrace, 2<<10, "part of the stack trace") },
	func(t *sinks.Ticket) string {
		n := len(t.Why) - 1
		if n < 1 {
			return ""
		}
		t.Why = t.Why[:1]
		return "the explanation of the signature"
	},
	func(t *sinks.Ticket) string { return short(&t.Exception.Stacktrace, 0, "the stack trace") },
	func(t *sinks.Ticket) string {
		n := 0
		for i := range t.Evidence {
			n += len(t.Evidence[i].Attributes)
			t.Evidence[i].Attributes = nil
		}
		if n == 0 {
			return ""
		}
		return fmt.Sprintf("%d attributes", n)
	},
	func(t *sinks.Ticket) string {
		for i := range t.Evidence {
			short(&t.Evidence[i].Message, 200, "")
		}
		return short(&t.Exception.Message, 500, "part of the message")
	},
	func(t *sinks.Ticket) string {
		n := len(t.Path) - 2
		if n < 1 {
			return ""
		}
		t.Path = []sinks.Step{t.Path[0], t.Path[len(t.Path)-1]}
		return fmt.Sprintf("%d steps of the path", n)
	},
	func(t *sinks.Ticket) string {
		if len(t.Evidence)+len(t.History)+len(t.Missing)+len(t.Facts) == 0 {
			return ""
		}
		t.Evidence, t.History, t.Missing, t.Facts = nil, nil, nil, nil
		return "evidence, history and facts"
	},
}

// short cuts a text to n bytes, or empties it, and returns what it cut.
func short(s *string, n int, what string) string {
	if len(*s) <= n {
		return ""
	}
	if n == 0 {
		*s = ""
	} else {
		*s = clip(*s, n)
	}
	return what
}
