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
// ticket, or failed too often.
type Parked struct {
	Key       correlate.Key       // of the problem
	Ticket    string              // key of the ticket
	Title     string              // of the problem
	Sink      string              // name of the sink
	Operation correlate.Operation // what was to be done
	Attempts  int                 // calls that failed
	Reason    string              // why it was given up
	At        time.Time           // when
}

// Parked lists the parked deliveries of the services that the engine acts for,
// ordered by service and problem.
func (e *Engine) Parked(ctx context.Context) ([]Parked, error) {
	if e == nil {
		return nil, nil
	}
	var out []Parked
	for _, scope := range e.s.ledger.Scopes() {
		err := ledger.EachProblem(ctx, e.s.config.Store, scope, func(p correlate.Problem) {
			for _, f := range p.Filings {
				if f.Parked != nil {
					out = append(out, Parked{
						Key:    correlate.Key{Scope: scope, Kind: correlate.KindProblem, ID: p.ID},
						Ticket: render.Key(p, f.Sink), Title: p.Answers.Title, Sink: f.Sink,
						Operation: f.Parked.Operation, Attempts: f.Parked.Attempts, Reason: f.Parked.Reason, At: f.Parked.At,
					})
				}
			}
		})
		if err != nil {
			return out, fmt.Errorf("autoticket: listing parked deliveries: %w", err)
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
		return fmt.Errorf("autoticket: requeueing %s for %s: %w", p.Ticket, p.Sink, err)
	}
	if !found {
		return fmt.Errorf("%w: %s for %s", ErrNotParked, p.Ticket, p.Sink)
	}
	e.wakeDispatcher()
	return nil
}
