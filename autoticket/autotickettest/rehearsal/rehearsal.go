// Package rehearsal runs recorded spans against rules, and keeps the tickets
// that a live engine would have filed for them. It is what the rule tests and
// the replay program have in common.
package rehearsal

import (
	"context"
	"slices"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/autoticket/autotickettest/otlpfile"
)

// Outcome is what came of a recording.
type Outcome struct {
	Tickets  []Ticket // by their first occurrence
	Problems int      // that were met, with a ticket or not
	// Stats is what the engine did. Where each service was run by itself, it is
	// the sum of its Spans, Healthy, Occurrences, Decisions and Dropped, and of
	// the Matches of its Rules.
	Stats autoticket.Stats
}

// Run runs spans through an engine: all of them at once, as a Collector sees
// them, or the spans of each service by themselves. The engine has sinks of
// these names, and a store of its own.
func Run(ctx context.Context, c autoticket.Config, names []string, spans []sdktrace.ReadOnlySpan, perService bool) (Outcome, error) {
	runs := [][]sdktrace.ReadOnlySpan{spans}
	if perService {
		runs = otlpfile.ByService(spans)
	}
	all := Outcome{Stats: autoticket.Stats{Decisions: map[string]int64{}, Dropped: map[string]int64{}}}
	for _, spans := range runs {
		shelf := new(shelf)
		books := &books{shelf: shelf}
		books.MaxRecords, books.MaxBytes = 1<<20, 1<<30
		c.Store = books
		c.Sinks = shelf.sinks(names)
		c.Delivery = map[string]autoticket.Delivery{}
		for _, name := range names {
			c.Delivery[name] = autoticket.Delivery{PerMinute: 1 << 30, Burst: 1 << 20}
		}
		c.WholeTraces = !perService
		stats, err := autoticket.Replay(ctx, c, spans)
		if err != nil {
			return all, err
		}
		all.Tickets = append(all.Tickets, shelf.tickets...)
		all.Problems += books.problems
		all.add(stats)
	}
	slices.SortFunc(all.Tickets, Ticket.compare)
	return all, nil
}

// Check says what is wrong with a configuration, before anything is read. The
// statistics name its rules.
func Check(c autoticket.Config, names []string) (autoticket.Stats, error) {
	c.Sinks = new(shelf).sinks(names)
	return autoticket.Replay(context.Background(), c, nil)
}

// add adds up what a run did.
func (o *Outcome) add(s autoticket.Stats) {
	sum := &o.Stats
	sum.Spans += s.Spans
	sum.Healthy += s.Healthy
	sum.Occurrences += s.Occurrences
	for reason, n := range s.Decisions {
		sum.Decisions[reason] += n
	}
	for reason, n := range s.Dropped {
		sum.Dropped[reason] += n
	}
	if sum.Rules == nil {
		sum.Rules = s.Rules
		return
	}
	for i, r := range s.Rules {
		sum.Rules[i].Matches += r.Matches
	}
}
