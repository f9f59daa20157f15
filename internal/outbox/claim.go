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
// room for all that may be due. What waits for an account that is paused is not
// waited for, as what waits for its next attempt is not.
//
// Far from a limit the oldest go first. Near it the store is asked for what matters
// most first, for all scopes and sinks, and then for the rest. Who got something is
// the last to be asked the next time.
func (o *Outbox) Claim(ctx context.Context, now time.Time) (jobs []Job, more bool, err error) {
	defer giveBack(&jobs)
	scopes := o.Scopes()
	turn, next := o.turn, o.turn
	near, byClass, asked, found := map[*target]bool{}, map[*target]bool{}, map[*target]bool{}, map[*target]bool{}
	for _, t := range o.targets {
		near[t], _ = t.account.near(t.rates, now)
		byClass[t] = near[t] || t.pressed
		t.pressed = t.pressed && now.Before(t.rest)
	}
	for _, c := range limit.Classes {
		for i := range scopes {
			for k := range o.names {
				scope, t := scopes[(i+turn.scope)%len(scopes)], o.targets[o.names[(k+turn.sink)%len(o.names)]]
				switch {
				case !byClass[t] && c != limit.Open:
					continue
				case near[t] && now.Before(t.rest):
					more = true
					continue
				}
				got, rest, ask, err := o.claimFor(ctx, scope, t, c, byClass[t], now)
				if jobs = append(jobs, got...); len(got) > 0 {
					next.scope, next.sink = (i+turn.scope+1)%len(scopes), (k+turn.sink+1)%len(o.names)
				}
				asked[t], found[t] = asked[t] || ask, found[t] || len(got) > 0
				t.pressed, more = t.pressed || rest, more || rest
				if err != nil {
					o.turn = next
					return jobs, more, err
				}
			}
		}
	}
	o.turn = next
	for t := range asked {
		if asked[t] && !found[t] && near[t] {
			// All have rested at the same time: then there is a claim that asks for
			// everything, and says whether anything is left.
			t.rest = now.Truncate(askAgain).Add(askAgain)
		}
	}
	return jobs, more, nil
}

// claimFor claims for one scope and sink: deliveries of the class, or of all classes.
// asked says that the store was.
func (o *Outbox) claimFor(ctx context.Context, scope correlate.Scope, t *target, class limit.Class, byClass bool, now time.Time) (jobs []Job, more, asked bool, err error) {
	defer giveBack(&jobs)
	claim := correlate.Claim{Scope: scope, Sinks: []string{t.name}, Now: now, Lease: o.lease}
	if t.account.paused(t.rates, now) {
		return nil, false, false, nil
	}
	near, overdue := t.account.near(t.rates, now)
	if overdue || !byClass {
		class = limit.Note
		claim.Max = t.room(class, now)
		if overdue {
			claim.Max = min(claim.Max, 1)
		}
	} else {
		claim.Max, claim.Operations = t.room(class, now), class.Operations()
	}
	if claim.Max <= 0 {
		return nil, true, false, nil
	}
	ds, err := o.Store.Claim(ctx, claim)
	if err != nil {
		return nil, false, true, fmt.Errorf("outbox: claiming for %s: %w", scope, err)
	}
	if len(ds) == 0 {
		return nil, false, true, nil
	}
	got, err := o.take(ctx, t, class, len(ds), near && claim.Operations != nil && class != limit.Note, now)
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
	return jobs, len(ds) == claim.Max || got < len(ds), true, err
}

// giveBack frees the slots of jobs that nobody gets, because the store of the host
// panicked behind them: their leases run out, but slots would stay taken. It is
// deferred, and the panic goes on.
func giveBack(jobs *[]Job) {
	if v := recover(); v != nil {
		for _, j := range *jobs {
			<-j.target.slots
		}
		panic(v)
	}
}
