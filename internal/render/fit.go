package render

import (
	"cmp"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/spanticket/spanticket/sinks"
)

// leastBody is the limit of a body that any ticket can be cut to by structure, in
// characters. With a smaller one the text may end early.
const leastBody = 2000

// fit cuts a ticket to a sink's limits, by structure and the least useful
// first: older evidence, history, explanations, other suspects, the stack trace, attributes,
// messages, what speaks for a suspect, and in the end facts and long names. What was cut is named in the ticket.
func fit(t *sinks.Ticket, l sinks.Limits) {
	if l.Title > 0 && utf8.RuneCountInString(t.Title) > l.Title {
		t.Title = string([]rune(t.Title)[:max(0, l.Title-1)]) + "…"
	}
	if l.Body <= 0 {
		return
	}
	fits := func() bool { return utf8.RuneCountInString(t.Text()) <= l.Body }
	for _, c := range cuts {
		if fits() {
			return
		}
		if what := c(t); what != "" {
			t.Cut = append(t.Cut, what)
		}
	}
	if !fits() {
		t.MaxText = l.Body
	}
}

// cuts are the steps of fit. Each returns what it left out, or "".
var cuts = []func(*sinks.Ticket) string{
	func(t *sinks.Ticket) string { return list(t, 50) },
	func(t *sinks.Ticket) string {
		n := len(t.Evidence) - 1
		if n < 1 {
			return ""
		}
		t.Evidence = t.Evidence[:1]
		return count(n, "older sample", "older samples")
	},
	func(t *sinks.Ticket) string {
		n := len(t.History) - 2
		if n < 1 {
			return ""
		}
		t.History = []sinks.Entry{t.History[0], t.History[len(t.History)-1]}
		return count(n, "entry of the history", "entries of the history")
	},
	func(t *sinks.Ticket) string {
		if !short(&t.Exception.Stacktrace, 2<<10) {
			return ""
		}
		return "part of the stack trace"
	},
	func(t *sinks.Ticket) string {
		n := len(t.Why) - 1
		if n < 1 {
			return ""
		}
		t.Why = t.Why[:1]
		return "the explanation of the signature"
	},
	fewerSuspects,
	func(t *sinks.Ticket) string {
		if t.Exception.Stacktrace == "" {
			return ""
		}
		t.Exception.Stacktrace = ""
		t.Cut = slices.DeleteFunc(t.Cut, func(s string) bool { return s == "part of the stack trace" })
		return "the stack trace"
	},
	func(t *sinks.Ticket) string { return reach(t, 3) },
	func(t *sinks.Ticket) string {
		n := 0
		for i := range t.Evidence {
			n += len(t.Evidence[i].Attributes)
			t.Evidence[i].Attributes = nil
		}
		if n == 0 {
			return ""
		}
		return count(n, "attribute", "attributes")
	},
	func(t *sinks.Ticket) string {
		cut := short(&t.Exception.Message, 500)
		for i := range t.Evidence {
			cut = short(&t.Evidence[i].Message, 200) || cut
		}
		if !cut {
			return ""
		}
		return "part of the message"
	},
	func(t *sinks.Ticket) string {
		n := len(t.Path) - 2
		if n < 1 {
			return ""
		}
		t.Path = []sinks.Step{t.Path[0], t.Path[len(t.Path)-1]}
		return count(n, "step of the path", "steps of the path")
	},
	func(t *sinks.Ticket) string {
		list(t, 5)     // the title has their number
		t.Groups = nil // and what most of them have in common
		for i := range t.Problems {
			t.Problems[i].Group = 0
		}
		reach(t, 0)
		if len(t.Evidence)+len(t.History) == 0 {
			return ""
		}
		t.Evidence, t.History = nil, nil
		return "evidence and history"
	},
	shorterSuspect,
	func(t *sinks.Ticket) string {
		if len(t.Missing)+len(t.Facts) == 0 {
			return ""
		}
		t.Missing, t.Facts = nil, nil
		return "facts"
	},
	func(t *sinks.Ticket) string {
		n := len(t.Links)
		t.Links = slices.DeleteFunc(t.Links[:min(n, 1)], func(l sinks.Link) bool { return len(l.URL) > maxShortURL })
		n += len(t.Labels) - len(t.Links)
		t.Labels = nil
		if n == 0 {
			return ""
		}
		return "links and labels"
	},
	func(t *sinks.Ticket) string {
		t.Exception.Message = line(t.Exception.Message)
		cut := short(&t.Exception.Message, 100)
		cut = noSuspect(t) || cut
		names := []*string{
			&t.Rule, &t.Severity, &t.Team, &t.Namespace, &t.Service, &t.Environment, &t.Operation, &t.Exception.Type,
			&t.Origin.Service, &t.Origin.Operation, &t.Origin.TraceID, &t.Origin.SpanID, &t.Previous.ID,
		}
		for i := range t.Path {
			names = append(names, &t.Path[i].Service, &t.Path[i].Operation)
		}
		for i := range t.Problems {
			names = append(names, &t.Problems[i].Title, &t.Problems[i].Rule)
		}
		for i := range t.Links {
			names = append(names, &t.Links[i].Name)
		}
		for i := range t.Why {
			names = append(names, &t.Why[i])
		}
		for _, s := range names {
			cut = short(s, 40) || cut
		}
		// Part of a URL leads nowhere.
		for _, s := range []*string{&t.Runbook, &t.Previous.URL} {
			if len(*s) > maxShortURL {
				*s, cut = "", true
			}
		}
		if !cut {
			return ""
		}
		return "part of long names"
	},
}

// list cuts the problems that a ticket lists to those that come most often.
func list(t *sinks.Ticket, n int) string {
	cut := len(t.Problems) - n
	if cut < 1 {
		return ""
	}
	often := slices.Clone(t.Problems)
	slices.SortStableFunc(often, func(a, b sinks.Problem) int { return cmp.Compare(b.Count, a.Count) })
	least := often[n-1].Count
	ties := n // of those that come least often, the first
	for _, m := range often[:n] {
		if m.Count > least {
			ties--
		}
	}
	t.Problems = slices.DeleteFunc(t.Problems, func(m sinks.Problem) bool {
		if m.Count == least {
			ties--
			return ties < 0
		}
		return m.Count < least
	})
	t.Others += int64(cut)
	return count(cut, "problem that comes less often", "problems that come less often")
}

// reach cuts the operations that a problem reaches to the most affected.
func reach(t *sinks.Ticket, n int) string {
	cut := len(t.Impact.Operations) - n
	if cut < 1 {
		return ""
	}
	for _, a := range t.Impact.Operations[n:] {
		t.Impact.Others += a.Count
	}
	t.Impact.Operations = t.Impact.Operations[:n]
	return count(cut, "affected operation", "affected operations")
}

// maxShortURL is the length of URLs that are kept to the last, in bytes.
const maxShortURL = 100

// short cuts a text to about n bytes, and reports whether it was longer.
func short(s *string, n int) bool {
	if len(*s) <= n {
		return false
	}
	*s = Clip(*s, n)
	return true
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
