package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/autoticket/autotickettest/rehearsal"
	"github.com/spanticket/spanticket/correlate"
)

// place is where an occurrence was: the origin of a failure.
type place struct{ trace, span string }

// trial is what a set of rules makes of a recording.
type trial struct {
	rehearsal.Outcome
	members map[string][]place // occurrences of each signature, in order
}

// try runs a recording, and notes which occurrences count on which ticket.
func try(ctx context.Context, c autoticket.Config, names []string, spans []sdktrace.ReadOnlySpan, perService bool) (trial, error) {
	t := trial{members: map[string][]place{}}
	c.OnDecision = func(d correlate.Decision) {
		if d.Reason == correlate.Origin {
			t.members[d.Signature] = append(t.members[d.Signature], place{d.TraceID, d.SpanID})
		}
	}
	var err error
	t.Outcome, err = rehearsal.Run(ctx, c, names, spans, perService)
	return t, err
}

// change is what one set of rules does otherwise than another about some
// occurrences.
type change struct {
	Kind   string   `json:"change"` // gained, lost, merged, split, regrouped, changed or unchanged
	Old    []brief  `json:"old"`
	New    []brief  `json:"new"`
	Fields []string `json:"fields,omitempty"` // what changed, of one ticket
}

// brief is what is shown of a ticket.
type brief struct {
	Signature string `json:"signature"`
	Rule      string `json:"rule"`
	Severity  string `json:"severity"`
	Title     string `json:"title"`
	Count     int64  `json:"count"`
}

// kinds of changes, in the order in which they are shown.
var kinds = []string{"gained", "lost", "merged", "split", "regrouped", "changed", "unchanged"}

// compare says what is other under the new rules. Tickets belong together if an
// occurrence counts on both; those of one signature always do.
func compare(old, new trial) []change {
	type node struct {
		ticket rehearsal.Ticket
		isNew  bool
		group  int
	}
	var nodes []*node
	bySignature := map[string][]*node{} // the old one and the new one
	byPlace := map[place][]*node{}
	for isNew, t := range map[bool]trial{false: old, true: new} {
		for _, ticket := range t.Tickets {
			n := &node{ticket: ticket, isNew: isNew, group: -1}
			nodes = append(nodes, n)
			bySignature[ticket.Signature] = append(bySignature[ticket.Signature], n)
			for _, at := range t.members[ticket.Signature] {
				byPlace[at] = append(byPlace[at], n)
			}
		}
	}
	places := func(n *node) []place {
		if n.isNew {
			return new.members[n.ticket.Signature]
		}
		return old.members[n.ticket.Signature]
	}
	// A ticket that both have is no reason to look further: a rule that goes on
	// may count its occurrences elsewhere too.
	stands := func(n *node) bool { return len(bySignature[n.ticket.Signature]) > 1 }
	order := func(a, b *node) int {
		return cmp.Or(a.ticket.FirstSeen.Compare(b.ticket.FirstSeen), cmp.Compare(a.ticket.Signature, b.ticket.Signature))
	}
	slices.SortFunc(nodes, order)
	var changes []change
	for i, first := range nodes {
		if first.group >= 0 {
			continue
		}
		first.group = i
		group := []*node{first}
		join := func(n *node) {
			if n.group < 0 {
				n.group = i
				group = append(group, n)
			}
		}
		for at := 0; at < len(group); at++ {
			n := group[at]
			for _, same := range bySignature[n.ticket.Signature] {
				join(same)
			}
			for _, p := range places(n) {
				for _, other := range byPlace[p] {
					if other.isNew != n.isNew && !(stands(n) && stands(other)) {
						join(other)
					}
				}
			}
		}
		slices.SortFunc(group, order)
		var c change
		var was, is rehearsal.Ticket
		for _, n := range group {
			b := brief{n.ticket.Signature, n.ticket.Rule, n.ticket.Severity, n.ticket.Title, n.ticket.Count}
			if n.isNew {
				c.New, is = append(c.New, b), n.ticket
			} else {
				c.Old, was = append(c.Old, b), n.ticket
			}
		}
		c.Kind = kindOf(len(c.Old), len(c.New))
		if c.Kind == "changed" {
			if c.Fields = differences(was, is); len(c.Fields) == 0 {
				c.Kind = "unchanged"
			}
		}
		changes = append(changes, c)
	}
	slices.SortStableFunc(changes, func(a, b change) int {
		return cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind))
	})
	return changes
}

func kindOf(old, new int) string {
	switch {
	case old == 0:
		return "gained"
	case new == 0:
		return "lost"
	case old > 1 && new > 1:
		return "regrouped"
	case old > 1:
		return "merged"
	case new > 1:
		return "split"
	}
	return "changed"
}

// differences names what is not the same of two tickets about the same problem.
func differences(old, new rehearsal.Ticket) []string {
	var out []string
	for _, f := range []struct{ name, old, new string }{
		{"signature", old.Signature, new.Signature},
		{"rule", old.Rule, new.Rule},
		{"severity", old.Severity, new.Severity},
		{"title", old.Title, new.Title},
		{"team", old.Team, new.Team},
		{"runbook", old.Runbook, new.Runbook},
		{"labels", strings.Join(old.Labels, ", "), strings.Join(new.Labels, ", ")},
		{"sinks", strings.Join(old.Sinks, ", "), strings.Join(new.Sinks, ", ")},
		{"state", string(old.State), string(new.State)},
		{"count", fmt.Sprint(old.Count), fmt.Sprint(new.Count)},
	} {
		if f.old != f.new {
			out = append(out, fmt.Sprintf("%s %q -> %q", f.name, f.old, f.new))
		}
	}
	return out
}

func printChanges(w io.Writer, changes []change, asJSON bool) error {
	count := map[string]int{}
	for _, kind := range kinds {
		count[kind] = 0
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, c := range changes {
		count[c.Kind]++
		if c.Old == nil {
			c.Old = []brief{}
		}
		if c.New == nil {
			c.New = []brief{}
		}
		var err error
		switch {
		case asJSON:
			err = enc.Encode(c)
		case c.Kind != "unchanged":
			_, err = io.WriteString(w, c.String())
		}
		if err != nil {
			return err
		}
	}
	if asJSON {
		return enc.Encode(map[string]any{"summary": count})
	}
	var parts []string
	for _, kind := range kinds {
		parts = append(parts, fmt.Sprintf("%d %s", count[kind], kind))
	}
	_, err := fmt.Fprintln(w, strings.Join(parts, ", "))
	return err
}

// String lays a change out for people.
func (c change) String() string {
	var b strings.Builder
	b.WriteString(c.Kind + "\n")
	for _, side := range []struct {
		mark    string
		tickets []brief
	}{{"-", c.Old}, {"+", c.New}} {
		for _, t := range side.tickets {
			fmt.Fprintf(&b, "  %s [%s] %q, %d times, rule %q\n", side.mark, t.Severity, t.Title, t.Count, t.Rule)
		}
	}
	for _, f := range c.Fields {
		fmt.Fprintf(&b, "    %s\n", f)
	}
	return b.String()
}
