// Package enrich adds what is known about a problem to its ticket: the failing
// process and its deployment, links into a trace store, and whatever a team's
// own [Enricher] finds.
package enrich

import (
	"context"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

// Enricher finds facts about a problem. It is called while a ticket is
// rendered, with a time budget that ctx carries, and may be called
// concurrently.
//
// It must not change the problem. What it cannot find it names in
// [Facts.Missing]; an error, a panic or a call that outlives its budget is
// named on the ticket in the same way, and never keeps a ticket back. What it
// returns is redacted with the rest of the ticket.
type Enricher interface {
	Enrich(ctx context.Context, p correlate.Problem) (Facts, error)
}

// Func is an [Enricher] made of a function.
type Func func(ctx context.Context, p correlate.Problem) (Facts, error)

// Enrich calls f.
func (f Func) Enrich(ctx context.Context, p correlate.Problem) (Facts, error) { return f(ctx, p) }

// Facts is what an enricher found. The zero value means nothing.
type Facts struct {
	Facts   []sinks.Fact
	Links   []sinks.Link
	Missing []string // what it looked for and did not find, each with the reason, in a few words
}
