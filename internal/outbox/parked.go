package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/render"
	"github.com/spanticket/spanticket/sinks"
)

// own returns the sink that a name means for a scope: a target of this outbox, if it
// acts for the scope. Another service may call another sink so. It is nil if there is
// none.
func (o *Outbox) own(scope correlate.Scope, sink string) *target {
	if !slices.Contains(o.Scopes(), scope) {
		return nil
	}
	return o.targets[sink]
}

// Requeue queues a parked delivery again. It reports whether there was one.
func (o *Outbox) Requeue(ctx context.Context, key correlate.Key, sink string, now time.Time) (bool, error) {
	return o.unpark(ctx, key, sink, func(p correlate.Problem) (correlate.Problem, []correlate.Delivery) {
		if t := o.own(key.Scope, sink); t != nil && t.finder == nil {
			// Whoever asks for it has looked, or takes a second ticket.
			p = p.Refused(correlate.Delivery{Sink: sink}, false)
		}
		return p.Queue(p.Filing(sink).Parked.Operation, []string{sink}, now)
	})
}

// Discard gives up a parked delivery for good. It reports whether there was one.
func (o *Outbox) Discard(ctx context.Context, key correlate.Key, sink, by string, now time.Time) (bool, error) {
	return o.unpark(ctx, key, sink, func(p correlate.Problem) (correlate.Problem, []correlate.Delivery) {
		p, _ = p.Discard(sink, by, now)
		return p, nil
	})
}

// unpark changes a problem that has something parked for a sink. It reports whether
// it has.
func (o *Outbox) unpark(ctx context.Context, key correlate.Key, sink string, fn change) (bool, error) {
	err := o.Store.Update(ctx, key, correlate.UpdateProblem(func(p correlate.Problem) (_ correlate.Problem, add []correlate.Delivery, _ error) {
		if p.Filing(sink).Parked == nil {
			return p, nil, correlate.ErrNotFound
		}
		p, add = fn(p)
		return p, add, nil
	}))
	if errors.Is(err, correlate.ErrNotFound) {
		return false, nil
	}
	if err == nil {
		o.Parked.Add(slices.Contains(o.Scopes(), key.Scope), sink, -1)
	}
	return err == nil, err
}

// Preview renders the ticket that a delivery which is parked, or waits, would send
// now. For a service or a sink that this outbox does not deliver for, it is without
// what enrichers add and is not cut to size: those are another engine's. It reports
// whether there is such a delivery.
func (o *Outbox) Preview(ctx context.Context, key correlate.Key, sink string) (sinks.Ticket, bool, error) {
	p, err := correlate.ReadProblem(ctx, o.Store, key)
	if errors.Is(err, correlate.ErrNotFound) {
		return sinks.Ticket{}, false, nil
	}
	if err != nil {
		return sinks.Ticket{}, false, fmt.Errorf("outbox: reading what is parked: %w", err)
	}
	f := p.Filing(sink)
	d := correlate.Delivery{Key: key, Sink: sink, Operation: correlate.OpUpdate}
	switch {
	case f.Parked != nil:
		d.Operation = f.Parked.Operation
	case len(f.Pending) == 0:
		return sinks.Ticket{}, false, nil
	case f.Receipt == (correlate.Receipt{}):
		d.Operation = correlate.OpOpen
	}
	ctx, done := o.Own(ctx)
	defer done()
	t := o.own(key.Scope, sink)
	if t == nil {
		bare := &render.Renderer{Redactor: o.Redactor, Budget: o.Renderer.Budget, Attributes: o.Renderer.Attributes}
		ticket, err := bare.Ticket(ctx, p, d, sinks.Limits{})
		return ticket, err == nil, err
	}
	ticket, err := o.Renderer.Ticket(ctx, p, d, t.limits)
	return ticket, err == nil, err
}
