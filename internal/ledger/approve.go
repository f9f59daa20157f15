package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// ErrNotHeld is returned by Approve when there is nothing to approve.
var ErrNotHeld = errors.New("no such problem is held, or it cannot be approved")

// Approve gives a problem that is held a ticket. It may be called from any
// goroutine.
func (l *Ledger) Approve(ctx context.Context, key correlate.Key, by string, now time.Time) error {
	var reason correlate.Reason
	err := l.Store.Update(ctx, key, correlate.UpdateProblem(func(p correlate.Problem) (_ correlate.Problem, add []correlate.Delivery, _ error) {
		reason = p.Hold
		op := correlate.OpOpen
		if p.Episode > 0 {
			op = correlate.OpReopen
		}
		p, ok := p.Approve(by, now)
		if !ok {
			return p, nil, ErrNotHeld
		}
		p, add = p.Queue(op, p.Answers.Sinks, now)
		return p, add, nil
	}))
	if report := reportFor(reason); err == nil && report != "" {
		err = l.unlist(ctx, correlate.ReportKey(key.Scope, report), key.ID, now)
	}
	if err != nil && !errors.Is(err, ErrNotHeld) {
		return fmt.Errorf("ledger: approving %s: %w", key.ID, err)
	}
	return err
}

// unlist takes a problem off the ticket for many.
func (l *Ledger) unlist(ctx context.Context, key correlate.Key, id string, now time.Time) error {
	err := l.Store.Update(ctx, key, correlate.UpdateProblem(func(p correlate.Problem) (_ correlate.Problem, add []correlate.Delivery, _ error) {
		if p.ID == "" {
			return p, nil, errNoReport
		}
		p, add = p.Unlist(id).Queue(correlate.OpUpdate, filed(p), now)
		return p, add, nil
	}))
	if errors.Is(err, errNoReport) {
		return nil
	}
	return err
}
