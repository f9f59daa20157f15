package main

import (
	"cmp"
	"slices"

	"github.com/spanticket/spanticket/sinks"
)

// verdict is what the tickets say about one fault.
type verdict struct {
	fault
	tickets int      // opened after the injection
	early   int      // opened before it, in the same recording
	rank    int      // of the injected service by count; 0 if no ticket is of it
	growth  int      // the same, by growth
	top     []string // services by count
	outcome outcome
	window  span
}

// judge ranks the services of the tickets that were opened after the injection,
// two ways: by the occurrences of a ticket in the abnormal window, and by how
// many times more these are than by the rate from the beginning of what was
// replayed to the injection, with one added to both, so that what is new is
// ranked by its count. By growth a ticket that was opened before the injection
// is ranked too, if it goes on in the window. Of tickets that are equal the
// earlier is first. A service has the rank of its first ticket, among services.
func judge(f fault, o outcome, recording, all, window span) verdict {
	v := verdict{fault: f, outcome: o, window: window}
	var after, going []*sinks.Ticket
	for _, t := range o.tickets {
		switch {
		case !t.OpenedAt.Before(f.injected()):
			after = append(after, t)
			v.tickets++
		case recording.has(t.OpenedAt):
			v.early++
		}
		if o.within(t, window) > 0 {
			going = append(going, t)
		}
	}
	count := func(t *sinks.Ticket) float64 { return float64(o.within(t, window)) }
	earlier := span{all.from, f.injected()}
	grown := func(t *sinks.Ticket) float64 {
		expected := 0.
		if earlier.to.After(earlier.from) {
			expected = float64(o.within(t, earlier)) / earlier.seconds() * window.seconds()
		}
		return (count(t) + 1) / (expected + 1)
	}
	v.top = services(after, count)
	v.rank = 1 + slices.Index(v.top, f.Service)
	v.growth = 1 + slices.Index(services(going, grown), f.Service)
	return v
}

// services returns the services of the tickets' origins, each once, by the
// highest score.
func services(tickets []*sinks.Ticket, score func(*sinks.Ticket) float64) []string {
	sorted := slices.SortedStableFunc(slices.Values(tickets), func(a, b *sinks.Ticket) int {
		return cmp.Compare(score(b), score(a))
	})
	var out []string
	for _, t := range sorted {
		if !slices.Contains(out, t.Origin.Service) {
			out = append(out, t.Origin.Service)
		}
	}
	return out
}

// accuracy returns the share of faults whose service is among the first k.
func accuracy(vs []verdict, k int, rank func(verdict) int) float64 {
	hits := 0
	for _, v := range vs {
		if r := rank(v); r > 0 && r <= k {
			hits++
		}
	}
	return float64(hits) / float64(max(1, len(vs)))
}
