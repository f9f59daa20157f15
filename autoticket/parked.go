package autoticket

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/ledger"
	"github.com/spanticket/spanticket/internal/render"
	"github.com/spanticket/spanticket/sinks"
)

// ErrNotParked is returned when there is no such delivery, or it was requeued or
// discarded before.
var ErrNotParked = errors.New("autoticket: no such parked delivery")

// Parked is a delivery that was given up and is kept: its sink refused the
// ticket, failed too often, or is not configured any more. For as long as it is kept
// it can be looked at with [Engine.Preview], sent again with [Engine.Requeue], or
// given up with [Engine.Discard].
type Parked struct {
	Key       correlate.Key       // of the problem
	Ticket    string              // key of the ticket
	Title     string              // of the problem
	Sink      string              // name of the sink
	Operation correlate.Operation // what was to be done; empty where the sink is not configured
	Attempts  int                 // calls that failed
	Reason    string              // why it was given up
	At        time.Time           // when; zero where the sink is not configured
	Until     time.Time           // when it may be forgotten; zero means not before somebody decides
}

// Parked lists the parked deliveries of the services that the engine acts for, or
// of all that share its store if it sweeps ([Config.Sweep]), ordered by service and
// problem. Those of its own services that wait for a sink that the engine does not
// have, because it was renamed or taken away, are among them: they are delivered
// once there is a sink of that name, or parked by an engine that sweeps.
func (e *Engine) Parked(ctx context.Context) ([]Parked, error) {
	if e == nil {
		return nil, nil
	}
	var out []Parked
	own := e.s.ledger.Scopes()
	var err error
	if e.s.config.Sweep > 0 {
		err = ledger.EveryProblem(ctx, e.s.store, func(p correlate.Problem) {
			out = append(out, parkedOf(p, slices.Contains(own, p.Scope), e.s.sinks)...)
		})
	} else {
		for _, scope := range own {
			if err = ledger.EachProblem(ctx, e.s.store, scope, func(p correlate.Problem) {
				out = append(out, parkedOf(p, true, e.s.sinks)...)
			}); err != nil {
				break
			}
		}
	}
	if err != nil {
		err = safeError(e.s.config.Redactor, fmt.Errorf("autoticket: listing parked deliveries: %w", err))
	}
	return out, err
}

// parkedOf returns what is parked of a problem and, if it is of one of the engine's
// own services, what waits for a sink that is not among the engine's.
func parkedOf(p correlate.Problem, own bool, sinks []string) (out []Parked) {
	for _, f := range p.Filings {
		entry := Parked{
			Key:    correlate.Key{Scope: p.Scope, Kind: correlate.KindProblem, ID: p.ID},
			Ticket: render.Key(p, f.Sink), Title: p.Answers.Title, Sink: f.Sink,
		}
		switch {
		case f.Parked != nil:
			entry.Operation, entry.Attempts, entry.Reason = f.Parked.Operation, f.Parked.Attempts, f.Parked.Reason
			entry.At, entry.Until = f.Parked.At, f.Parked.Until
		case own && ledger.Waits(f, sinks):
			entry.Reason = "there is no sink of this name"
		default:
			continue
		}
		out = append(out, entry)
	}
	return out
}

// Preview returns the ticket that a parked delivery would send now, as its sink would
// get it: rendered as things are by now, and redacted. Nothing is sent. For one that
// another service's engine would deliver it lacks what enrichers add, and is not cut
// to the sink's limits.
func (e *Engine) Preview(ctx context.Context, p Parked) (sinks.Ticket, error) {
	if e == nil {
		return sinks.Ticket{}, ErrNotParked
	}
	ticket, found, err := e.s.outbox.Preview(ctx, p.Key, p.Sink)
	if err != nil {
		return sinks.Ticket{}, safeError(e.s.config.Redactor, fmt.Errorf("autoticket: rendering %s for %s: %w", p.Ticket, p.Sink, err))
	}
	if !found {
		return sinks.Ticket{}, e.notParked(p)
	}
	return ticket, nil
}

// Requeue sends a parked delivery again. The ticket will say what is true by
// then. One that was parked because nobody had its sink waits for one of that name
// again.
func (e *Engine) Requeue(ctx context.Context, p Parked) error {
	if e == nil {
		return ErrNotParked
	}
	found, err := e.s.outbox.Requeue(ctx, p.Key, p.Sink, time.Now())
	if err != nil {
		return safeError(e.s.config.Redactor, fmt.Errorf("autoticket: requeueing %s for %s: %w", p.Ticket, p.Sink, err))
	}
	if !found {
		return e.notParked(p)
	}
	e.wakeDispatcher()
	return nil
}

// Discard gives up a parked delivery for good: its ticket is not filed, or not
// brought up to date. If the problem comes back after its end, that is filed again as
// usual. by is who says so, for the problem's history and the audit log.
func (e *Engine) Discard(ctx context.Context, p Parked, by string) error {
	if e == nil {
		return ErrNotParked
	}
	by = safeText(e.s.config.Redactor, by)
	found, err := e.s.outbox.Discard(ctx, p.Key, p.Sink, by, time.Now())
	if err != nil {
		return safeError(e.s.config.Redactor, fmt.Errorf("autoticket: discarding %s for %s: %w", p.Ticket, p.Sink, err))
	}
	if !found {
		return e.notParked(p)
	}
	e.s.audit.Info("discarded", "signature", p.Key.ID, "service", p.Key.Scope.String(), "sink", p.Sink, "by", by)
	return nil
}

func (e *Engine) notParked(p Parked) error {
	return safeError(e.s.config.Redactor, fmt.Errorf("%w: %s for %s", ErrNotParked, p.Ticket, p.Sink))
}
