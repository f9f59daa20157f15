package outbox

import (
	"context"
	"fmt"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/limit"
)

// Claim returns the deliveries that may be made now: due, within the limits of
// their sinks' accounts, and with a slot held for each. more says that a sink had no
// room for all that may be due.
//
// Far from a limit the oldest go first. Near it the store is asked for what matters
// most first, for all scopes and sinks, and then for the rest. Scopes and sinks take
// turns to be the first.
func (o *Outbox) Claim(ctx context.Context, now time.Time) (jobs []Job, more bool, err error) {
	scopes := o.Scopes()
	o.turn++
	byClass := map[*target]bool{}
	for _, t := range o.targets {
		near, _ := t.account.near(t.rates, now)
		byClass[t] = near || t.pressed
		t.pressed = false
	}
	for _, c := range limit.Classes {
		for i := range scopes {
			for k := range o.names {
				scope, t := scopes[(i+o.turn)%len(scopes)], o.targets[o.names[(k+o.turn)%len(o.names)]]
				if !byClass[t] && c != limit.Open {
					continue
				}
				got, rest, err := o.claimFor(ctx, scope, t, c, byClass[t], now)
				jobs = append(jobs, got...)
				t.pressed = t.pressed || rest
				if err != nil {
					return jobs, more || rest, err
				}
				more = more || rest
			}
		}
	}
	return jobs, more, nil
}

// claimFor claims for one scope and sink: deliveries of the class, or of all classes.
func (o *Outbox) claimFor(ctx context.Context, scope correlate.Scope, t *target, class limit.Class, byClass bool, now time.Time) (jobs []Job, more bool, err error) {
	claim := correlate.Claim{Scope: scope, Sinks: []string{t.name}, Now: now, Lease: o.lease}
	asked := quiet{scope, t.name, class}
	if _, overdue := t.account.near(t.rates, now); overdue || !byClass {
		class = limit.Note
		claim.Max = t.room(class, now)
		if overdue {
			claim.Max = min(claim.Max, 1)
		}
	} else {
		if now.Before(o.quiet[asked]) {
			return nil, true, nil
		}
		claim.Max, claim.Operations = t.room(class, now), class.Operations()
	}
	if claim.Max <= 0 {
		return nil, true, nil
	}
	ds, err := o.Store.Claim(ctx, claim)
	if err != nil {
		return nil, false, fmt.Errorf("outbox: claiming for %s: %w", scope, err)
	}
	if len(ds) == 0 {
		if claim.Operations != nil {
			if len(o.quiet) > 1<<12 {
				clear(o.quiet)
			}
			o.quiet[asked] = now.Add(askAgain)
		}
		return nil, false, nil
	}
	got, err := o.take(ctx, t, class, len(ds), claim.Operations != nil && class != limit.Note, now)
	for i, d := range ds {
		if i < got {
			t.slots <- struct{}{}
			t.limiter.AllowN(now, 1)
			o.Counters.Wait(d.Sink, limit.ClassOf(d.Operation).String(), now.Sub(d.Due))
			jobs = append(jobs, Job{Delivery: d, target: t, claimed: now, taken: time.Now()})
			continue
		}
		// It goes back as it was. If the store fails, its lease runs out.
		_ = o.Store.Settle(ctx, d, correlate.Outcome{Due: d.Due}, nil)
	}
	return jobs, len(ds) == claim.Max || got < len(ds), err
}
