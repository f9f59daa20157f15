package sinks

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Text returns the standard plain-text body of the ticket, without its title:
// what fails, since when and how often, whom it reaches, which deployment is suspected, in
// which process, the path of the request, links, evidence, what is missing, the history, and why there is a
// ticket. Parts that the ticket does not have are left out.
//
// Of an older sample the attributes are shown that differ from the newest one's.
//
// Times are RFC 3339 in UTC, to the second. The same ticket gives the same
// text. The text has no markup and no colour, and it cannot be forged by what
// it quotes: only labels and headings start in the first column, and control
// characters, line separators and bidirectional controls stand as Go escapes.
// Messages, stack traces and the values of facts and attributes keep their
// lines, indented; every other value takes one line. Tabs stay, and invalid
// UTF-8 becomes U+FFFD. It is never longer than [Ticket.MaxText]. A sink must still
// encode the text for its system.
func (t Ticket) Text() string {
	var p page
	p.summary(t)
	p.impact(t.Impact)
	p.problems(t)
	p.suspects(t)
	p.facts(t.Facts)
	p.path(t.Origin, t.Path)
	p.links(t.Links)
	if s := t.Exception.Stacktrace; s != "" {
		p.heading("Stack trace")
		p.block(2, 2, s)
	}
	p.evidence(t.Evidence, t.Exception.Message)
	p.list("Missing", t.Missing)
	if len(t.History) > 0 {
		p.heading("History, oldest first")
		for _, e := range t.History {
			p.item(2, join("  ", stamp(e.Time), e.What))
		}
	}
	p.list("Why this ticket", t.Why)
	p.list("Left out, to fit the size limit", t.Cut)
	n := p.Len()
	p.identity(t)
	text := p.String()
	if t.MaxText > 0 && utf8.RuneCountInString(text) > t.MaxText {
		return cut(text[:n], text[n:], t.MaxText)
	}
	return text
}

// cut returns the beginning of a text and, as far as there is room, what the ticket
// is found by: all of that, or its last line.
func cut(text, identity string, most int) string {
	key := identity[strings.LastIndexByte(strings.TrimSuffix(identity, "\n"), '\n')+1:]
	for _, end := range []string{identity, key} {
		switch room := most - utf8.RuneCountInString(end); {
		case room > 1:
			return first(text, room-2) + "…\n" + end
		case room >= 0:
			return end
		}
	}
	return first(text, most-1) + "…"
}

// first returns the first n characters of s.
func first(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

func (p *page) summary(t Ticket) {
	origin := join(" ", t.Origin.Service, t.Origin.Operation)
	if origin == "" {
		origin = join(" ", t.Service, t.Operation)
	}
	if t.State == Resolved {
		p.field("Failed", origin)
	} else {
		p.field("Fails", origin)
	}
	if s := join(": ", what(t.Exception.Type), t.Exception.Message); s != "" {
		p.label("Error")
		p.block(0, labelWidth, s)
	}
	p.field("Service", join(", ", t.Service, t.Environment, prefixed("namespace ", t.Namespace)))
	if t.Service != t.Origin.Service || t.Operation != t.Origin.Operation {
		p.field("Operation", t.Operation)
	}
	state := string(t.State)
	switch {
	case t.State == Resolved && !t.ResolvedAt.IsZero():
		state += " at " + stamp(t.ResolvedAt)
	case t.Event == EventReopened:
		state += ", reopened"
	}
	p.field("State", state)
	lasted := t.LastSeen.Sub(t.FirstSeen)
	p.field("Since", stamp(t.FirstSeen))
	if lasted > 0 && !t.FirstSeen.IsZero() {
		p.field("Last seen", stamp(t.LastSeen)+", "+human(lasted)+" later")
	}
	if t.Count > 0 {
		p.field("Count", often(t.Count, lasted))
	}
	p.field("Severity", t.Severity)
	p.field("Team", t.Team)
	p.field("Runbook", t.Runbook)
	p.field("Trace", join(", ", t.Origin.TraceID, prefixed("span ", t.Origin.SpanID))+notExported(t))
}

// problems writes what a ticket for many lists.
func (p *page) problems(t Ticket) {
	if len(t.Problems) == 0 && t.Others == 0 {
		return
	}
	if len(t.Groups) == 0 {
		p.heading("Problems, oldest first")
	} else {
		p.heading("Problems, by what they have in common")
	}
	for i, g := range t.Groups {
		name := join(" ", clean(g.What, ""), clean(g.Value, ""))
		if name == "" {
			name = "nothing in common"
		}
		p.item(2, name+": "+several(int64(g.Problems), "problem")+", "+several(g.Count, "time"))
		for _, m := range t.Problems {
			if m.Group == i+1 {
				p.problem(4, m)
			}
		}
	}
	for _, m := range t.Problems {
		if m.Group < 1 || m.Group > len(t.Groups) {
			p.problem(2, m)
		}
	}
	if t.Others > 0 {
		p.item(2, "and "+strconv.FormatInt(t.Others, 10)+" more")
	}
}

// problem writes one of them, depth columns in.
func (p *page) problem(depth int, m Problem) {
	p.item(depth, clean(m.Title, ""))
	count := ""
	if m.Count > 0 {
		count = several(m.Count, "time")
	}
	p.item(depth+2, clean(join(", ", count, prefixed("since ", stamp(m.FirstSeen)), prefixed("last seen ", stamp(m.LastSeen)), prefixed("rule ", m.Rule)), ""))
	p.item(depth+2, clean(prefixed("signature ", m.Signature), ""))
}

// several writes a number of things.
func several(n int64, one string) string {
	if n != 1 {
		one += "s"
	}
	return strconv.FormatInt(n, 10) + " " + one
}

// what spells out a type of error that is an HTTP status code, as the
// semantic conventions have it.
func what(typ string) string {
	if len(typ) == 3 && '1' <= typ[0] && typ[0] <= '5' && strings.Trim(typ, "0123456789") == "" {
		return "HTTP status " + typ
	}
	return typ
}

func (p *page) facts(facts []Fact) {
	if len(facts) == 0 {
		return
	}
	p.heading("Facts")
	for _, f := range facts {
		p.item(2, join(": ", clean(f.Name, ""), f.Value))
	}
}

// path draws the way of the request. It has nothing to say about an origin
// that is itself the root.
func (p *page) path(origin Origin, path []Step) {
	if len(path) == 0 {
		return
	}
	steps := slices.Clone(path)
	slices.Reverse(steps)
	if end := (Step{origin.Service, origin.Operation}); end != (Step{}) && steps[len(steps)-1] != end {
		steps = append(steps, end)
	}
	if len(steps) < 2 {
		return
	}
	p.heading("Path, from the root to the origin")
	for i, s := range steps {
		line := clean(join(" ", s.Service, s.Operation), "")
		if i > 0 {
			line = "-> " + line
		}
		if i == len(steps)-1 {
			line += "  <- fails here"
		}
		p.item(2, line)
	}
}

func (p *page) links(links []Link) {
	if len(links) == 0 {
		return
	}
	p.heading("Links")
	for _, l := range links {
		p.item(2, clean(join(": ", l.Name, l.URL), ""))
	}
}

// notSampled follows a trace that was not exported.
const notSampled = " (not sampled: a trace store does not have it)"

// notExported says so of the origin, if the evidence does.
func notExported(t Ticket) string {
	for _, s := range t.Evidence {
		if s.TraceID == t.Origin.TraceID && s.SpanID == t.Origin.SpanID && s.TraceID != "" && !s.Exported {
			return notSampled
		}
	}
	return ""
}

// evidence writes the samples. A message that the summary has shown is not
// repeated.
func (p *page) evidence(samples []Sample, shown string) {
	if len(samples) == 0 {
		return
	}
	p.heading("Evidence, newest first")
	newest := samples[0].Attributes
	for i, s := range samples {
		took := ""
		if s.Duration > 0 {
			took = "took " + human(s.Duration)
		}
		trace := join(", ", prefixed("trace ", s.TraceID), prefixed("span ", s.SpanID))
		if trace != "" && !s.Exported {
			trace += notSampled
		}
		p.item(2, clean(join("  ", stamp(s.Time), took, trace), ""))
		if s.Message != "" && s.Message != shown {
			p.item(4, s.Message)
		}
		names := make([]string, 0, len(s.Attributes))
		for name, value := range s.Attributes {
			if same, ok := newest[name]; i == 0 || !ok || same != value {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		for _, name := range names {
			p.item(4, clean(name, "")+" = "+s.Attributes[name])
		}
	}
}

func (p *page) list(heading string, items []string) {
	if len(items) == 0 {
		return
	}
	p.heading(heading)
	for _, s := range items {
		p.item(2, "- "+s)
	}
}

// identity is what machines and searches find the ticket by.
func (p *page) identity(t Ticket) {
	if p.Len() > 0 {
		p.WriteByte('\n')
	}
	p.field("Rule", t.Rule)
	p.field("Labels", strings.Join(t.Labels, ", "))
	p.field("Previous", join(" ", t.Previous.ID, t.Previous.URL))
	p.field("Signature", t.Signature)
	p.field("Key", t.Key)
}
