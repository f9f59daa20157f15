package autoticket

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/ledger"
	"github.com/spanticket/spanticket/internal/render"
)

// ErrNotParked is returned by [Engine.Requeue] when there is no such delivery,
// or it was requeued before.
var ErrNotParked = errors.New("autoticket: no such parked delivery")

// Parked is a delivery that was given up and is kept: its sink refused the
// ticket, failed too often, or is not configured any more.
type Parked struct {
	Key       correlate.Key       // of the problem
	Ticket    string              // key of the ticket
	Title     string              // of the problem
	Sink      string              // name of the sink
	Operation correlate.Operation // what was to be done; empty where the sink is not configured
	Attempts  int                 // calls that failed
	Reason    string              // why it was given up
	At        time.Time           // when; zero where the sink is not configured
}

// Parked lists the parked deliveries of the services that the engine acts for,
// ordered by service and problem. Those that wait for a sink that the engine
// does not have, because it was renamed or taken away, are among them: they are
// delivered once there is a sink of that name.
func (e *Engine) Parked(ctx context.Context) ([]Parked, error) {
	if e == nil {
		return nil, nil
	}
	var out []Parked
	for _, scope := range e.s.ledger.Scopes() {
		err := ledger.EachProblem(ctx, e.s.store, scope, func(p correlate.Problem) {
			for _, f := range p.Filings {
				entry := Parked{
					Key:    correlate.Key{Scope: scope, Kind: correlate.KindProblem, ID: p.ID},
					Ticket: render.Key(p, f.Sink), Title: p.Answers.Title, Sink: f.Sink,
				}
				_, configured := e.s.config.Sinks[f.Sink]
				switch {
				case f.Parked != nil:
					entry.Operation, entry.Attempts, entry.Reason, entry.At = f.Parked.Operation, f.Parked.Attempts, f.Parked.Reason, f.Parked.At
				case len(f.Pending) > 0 && !configured:
					entry.Reason = "there is no sink of this name"
				default:
					continue
				}
				out = append(out, entry)
			}
		})
		if err != nil {
			return out, safeError(e.s.config.Redactor, fmt.Errorf("autoticket: listing parked deliveries: %w", err))
		}
	}
	return out, nil
}

// Requeue sends a parked delivery again. The ticket will say what is true by
// then.
func (e *Engine) Requeue(ctx context.Context, p Parked) error {
	if e == nil {
		return ErrNotParked
	}
	found, err := e.s.outbox.Requeue(ctx, p.Key, p.Sink, time.Now())
	if err != nil {
		return safeError(e.s.config.Redactor, fmt.Errorf("autoticket: requeueing %s for %s: %w", p.Ticket, p.Sink, err))
	}
	if !found {
		return fmt.Errorf("%w: %s for %s", ErrNotParked, p.Ticket, p.Sink)
	}
	e.wakeDispatcher()
	return nil
}
