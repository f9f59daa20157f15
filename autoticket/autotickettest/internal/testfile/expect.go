package testfile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/spanticket/spanticket/autoticket/autotickettest/rehearsal"
	"github.com/spanticket/spanticket/correlate"
)

// Expect is what a test expects: exactly these tickets, in any order; or none,
// and that a span was decided with a reason.
type Expect struct {
	Place
	Tickets  []Ticket
	NoTicket correlate.Reason // "" if there is none
}

// Ticket is what is expected of one ticket.
type Ticket struct {
	Place
	Wants []Want
}

// Want is what is expected of one field.
type Want struct {
	Field Field
	Value string // as Field.Of shows it
}

// Field is something of a ticket that a test may speak of.
type Field struct {
	Name string
	kind fieldKind
	of   func(rehearsal.Ticket) []string
}

type fieldKind int

const (
	aText fieldKind = iota
	aCount
	aState
	aSet // a list whose order says nothing
)

// Fields are all of them, in the order in which they are shown.
var Fields = []Field{
	{"rule", aText, func(t rehearsal.Ticket) []string { return []string{t.Rule} }},
	{"title", aText, func(t rehearsal.Ticket) []string { return []string{t.Title} }},
	{"severity", aText, func(t rehearsal.Ticket) []string { return []string{t.Severity} }},
	{"state", aState, func(t rehearsal.Ticket) []string { return []string{string(t.State)} }},
	{"count", aCount, func(t rehearsal.Ticket) []string { return []string{strconv.FormatInt(t.Count, 10)} }},
	{"namespace", aText, func(t rehearsal.Ticket) []string { return []string{t.Namespace} }},
	{"service", aText, func(t rehearsal.Ticket) []string { return []string{t.Service} }},
	{"environment", aText, func(t rehearsal.Ticket) []string { return []string{t.Environment} }},
	{"operation", aText, func(t rehearsal.Ticket) []string { return []string{t.Operation} }},
	{"exception.type", aText, func(t rehearsal.Ticket) []string { return []string{t.Exception.Type} }},
	{"exception.message", aText, func(t rehearsal.Ticket) []string { return []string{t.Exception.Message} }},
	{"team", aText, func(t rehearsal.Ticket) []string { return []string{t.Team} }},
	{"runbook", aText, func(t rehearsal.Ticket) []string { return []string{t.Runbook} }},
	{"labels", aSet, func(t rehearsal.Ticket) []string { return t.Labels }},
	{"sinks", aSet, func(t rehearsal.Ticket) []string { return t.Sinks }},
}

// Of returns the field of a ticket, as text that two tickets share if the field
// is the same. It is "" if the ticket has none.
func (f Field) Of(t rehearsal.Ticket) string { return f.show(f.of(t)) }

func (f Field) show(values []string) string {
	if f.kind != aSet {
		return strings.Join(values, "")
	}
	if len(values) == 0 {
		return ""
	}
	values = slices.Sorted(slices.Values(values))
	for i, v := range values {
		values[i] = plain(v)
	}
	return "[" + strings.Join(values, ", ") + "]"
}

// Show returns a value of the field as it would stand in a test file.
func (f Field) Show(value string) string {
	switch {
	case f.kind == aSet && value == "":
		return "[]"
	case f.kind == aText:
		return plain(value)
	}
	return value
}

// plain returns a text as YAML can have it within braces: without quotes where
// it can do without.
func plain(s string) string {
	var n yaml.Node
	special := strings.ContainsAny(s, "{}[],:#&*!|>'\"%@`\\\n\t") || strings.TrimSpace(s) != s
	if s == "" || special || yaml.Unmarshal([]byte(s), &n) != nil || len(n.Content) != 1 || n.Content[0].Tag != "!!str" || n.Content[0].Value != s {
		return strconv.Quote(s)
	}
	return s
}

// expected reads what a test expects.
func (d *decoder) expected(n *yaml.Node, path string) {
	x := &d.test.Expect
	x.Place = placeOf(n)
	var tickets, none *yaml.Node
	before := len(d.errs)
	reason := ""
	d.mapping(n, path, keys{
		{"tickets", func(n *yaml.Node, path string) {
			tickets = n
			d.list(n, path, d.ticket)
		}},
		{"no_ticket", func(n *yaml.Node, path string) {
			none = n
			d.choice(&reason, "reason", reasons()...)(n, path)
		}},
	})
	x.NoTicket = correlate.Reason(reason)
	switch {
	case len(d.errs) > before:
	case tickets == nil && none == nil:
		d.report(n, Error{Field: path, Message: "it says nothing", Hint: "such as {tickets: [{rule: NAME}]}, {tickets: []} or {no_ticket: below_threshold}"})
	case tickets != nil && none != nil:
		d.report(none, Error{Field: join(path, "no_ticket"), Message: "there are tickets, or there are none"})
	}
}

// reasons returns all reasons that a span can be decided with.
func reasons() []string {
	var out []string
	for _, r := range slices.Concat(correlate.Decided(), correlate.Dropped()) {
		out = append(out, string(r))
	}
	return out
}

// ticket reads what is expected of one ticket.
func (d *decoder) ticket(n *yaml.Node, path string) {
	t := Ticket{Place: placeOf(n)}
	var known keys
	for _, f := range Fields {
		known = append(known, struct {
			name string
			read func(*yaml.Node, string)
		}{f.Name, func(n *yaml.Node, path string) {
			t.Wants = append(t.Wants, Want{Field: f, Value: d.want(f, n, path)})
		}})
	}
	before := len(d.errs)
	if d.mapping(n, path, known) && len(d.errs) == before && len(t.Wants) == 0 {
		d.report(n, Error{Field: path, Message: "it says nothing of the ticket", Hint: fmt.Sprintf("known are %s, and so on", strings.Join([]string{"rule", "title", "severity", "count"}, ", "))})
	}
	d.test.Expect.Tickets = append(d.test.Expect.Tickets, t)
}

func (d *decoder) want(f Field, n *yaml.Node, path string) string {
	switch f.kind {
	case aCount:
		count := 0
		d.File.count(&count, 1<<31-1)(n, path)
		return strconv.Itoa(count)
	case aState:
		state := ""
		d.choice(&state, "state", "open", "resolved")(n, path)
		return state
	case aSet:
		var list []string
		d.texts(&list)(n, path)
		return f.show(list)
	}
	s := ""
	d.text(&s)(n, path)
	return s
}
