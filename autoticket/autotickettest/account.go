package autotickettest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spanticket/spanticket/autoticket/autotickettest/internal/testfile"
	"github.com/spanticket/spanticket/autoticket/autotickettest/rehearsal"
	"github.com/spanticket/spanticket/correlate"
)

// maxLines bounds the tickets that are shown, and the lines for one reason.
const maxLines = 10

// account says what came of the spans of a test: the tickets, as a test file
// would expect them, and the decisions.
func (t *trial) account() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s came", number(len(t.outcome.Tickets), "ticket", "tickets"))
	for i, ticket := range t.outcome.Tickets {
		if i == maxLines {
			fmt.Fprintf(&b, "\n    and %d more", len(t.outcome.Tickets)-maxLines)
			break
		}
		b.WriteString("\n  - " + show(ticket))
	}
	stats := t.outcome.Stats
	fmt.Fprintf(&b, "\n%s", number(int(stats.Spans), "span", "spans"))
	if stats.Healthy > 0 {
		fmt.Fprintf(&b, "\n%5d  healthy: it did not fail, and no rule wants it", stats.Healthy)
	}
	for _, r := range slices.Concat(correlate.Decided(), correlate.Dropped()) {
		t.writeDecisions(&b, r)
	}
	if s := strings.TrimSpace(t.said.String()); s != "" {
		b.WriteString("\nthe engine warned\n  " + strings.ReplaceAll(s, "\n", "\n  "))
	}
	return b.String()
}

// writeDecisions writes the decisions with one reason.
func (t *trial) writeDecisions(b *strings.Builder, r correlate.Reason) {
	counts := map[string]int64{}
	total := int64(0)
	for _, d := range t.decisions {
		if d.Reason != r {
			continue
		}
		what := strings.TrimSpace(d.Scope.Service + " " + d.Operation)
		if d.Rule != "" {
			what += ", rule " + d.Rule
		}
		counts[what] += d.Count
		total += d.Count
	}
	if total == 0 {
		return
	}
	fmt.Fprintf(b, "\n%5d  %s: %s", total, r, r.Meaning())
	for i, what := range sortedKeys(counts) {
		if i == maxLines {
			fmt.Fprintf(b, "\n              and %d more", len(counts)-maxLines)
			break
		}
		fmt.Fprintf(b, "\n       %5d  %s", counts[what], what)
	}
}

// sortedKeys returns what was counted, the most frequent first.
func sortedKeys(counts map[string]int64) []string {
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
}

// show returns a ticket as a test file would expect it.
func show(t rehearsal.Ticket) string {
	var parts []string
	for _, f := range testfile.Fields {
		if value := f.Of(t); value != "" {
			parts = append(parts, f.Name+": "+f.Show(value))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// number returns a number of things.
func number(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
