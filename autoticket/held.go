package autoticket

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/ledger"
)

// ErrNotHeld is returned by [Engine.Approve] when there is nothing to approve:
// no problem of that signature is held, or it is a draft that has expired, or
// only shadowed.
var ErrNotHeld = errors.New("autoticket: no such problem is held")

// Held is a problem that is open and has no ticket of its own.
type Held struct {
	Signature string
	Scope     correlate.Scope
	Title     string
	Rule      string
	Reason    correlate.Reason // shadow, canary, draft, draft_expired, budget, known, settling or downstream
	Count     int64
	FirstSeen time.Time
	LastSeen  time.Time
	Since     time.Time // when it was held
}

// Held lists the problems without a ticket of the services that the engine acts
// for, ordered by service and signature.
func (e *Engine) Held(ctx context.Context) ([]Held, error) {
	if e == nil {
		return nil, nil
	}
	var out []Held
	for _, scope := range e.s.ledger.Scopes() {
		err := ledger.EachProblem(ctx, e.s.store, scope, func(p correlate.Problem) {
			if p.State == correlate.Open && p.Hold != "" {
				out = append(out, Held{
					Signature: p.ID, Scope: scope, Title: p.Answers.Title, Rule: p.Rule, Reason: p.Hold, Count: p.Count,
					FirstSeen: p.FirstSeen, LastSeen: p.LastSeen, Since: p.HeldAt,
				})
			}
		})
		if err != nil {
			return out, safeError(e.s.config.Redactor, fmt.Errorf("autoticket: listing held problems: %w", err))
		}
	}
	return out, nil
}

// Approve files the ticket of a problem that is held: of a draft, of one that
// a ticket for many lists, or that waits for a deployment to settle. by is who says so, for the ticket's history and the
// audit log.
func (e *Engine) Approve(ctx context.Context, signature, by string) error {
	if e == nil {
		return ErrNotHeld
	}
	by = safeText(e.s.config.Redactor, by)
	for _, scope := range e.s.ledger.Scopes() {
		key := correlate.Key{Scope: scope, Kind: correlate.KindProblem, ID: signature}
		err := e.s.ledger.Approve(ctx, key, by, time.Now())
		if errors.Is(err, ledger.ErrNotHeld) {
			continue
		}
		if err != nil {
			return safeError(e.s.config.Redactor, fmt.Errorf("autoticket: %w", err))
		}
		e.s.audit.Info("approved", "signature", signature, "service", scope.String(), "by", by)
		e.wakeDispatcher()
		return nil
	}
	return fmt.Errorf("%w: %s", ErrNotHeld, signature)
}
