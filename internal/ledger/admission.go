package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/celrule"
	"github.com/spanticket/spanticket/internal/coalesce"
)

// admissions is what decides whether a new problem may have a ticket.
type admissions struct {
	engine   correlate.Budget // of all scopes
	budgets  map[ruleOf]*budget
	adopted  map[correlate.Scope]time.Time         // since when a scope is watched
	restored map[correlate.Scope]bool              // those whose tickets of the run before are counted
	owed     map[correlate.Scope][]correlate.Spent // tickets of which the store is to be told
	failed   bool                                  // the store gave no answer about budgets when it was asked last
	refused  bool                                  // and was said to have refused one
}

// admission says what holds for new problems of a batch's rule now.
func (l *Ledger) admission(ctx context.Context, b coalesce.Batch, now time.Time) (correlate.Admission, error) {
	mode, rule := b.Set.Mode(b.Rule), b.Set.Rule(b.Rule)
	a := correlate.Admission{
		Shadow:  l.Shadow || mode.Kind == celrule.Shadow,
		Percent: mode.Percent,
		Draft:   mode.Expires,
		// The one ticket of a flood takes the place of any number of them.
		Full:     budgeted(b) && l.full(b, now),
		Suppress: rule.Suppress,
	}
	if rule.Suppress.Deploy > 0 && l.Changed != nil {
		at := now
		if b.Last.Before(now) {
			at = b.Last // what is told late may be older than the deployment after it
		}
		a.Changed = l.Changed(b.Scope, at)
	}
	if l.Adopt <= 0 {
		return a, nil
	}
	began, ok := l.admissions.adopted[b.Scope]
	if !ok && !l.standsIn { // what was watched before is not to be learnt anew
		var err error
		began, err = correlate.Adopt(ctx, l.Store, b.Scope, now)
		switch {
		case err == nil:
		case refused(err): // as if the adoption were over: it would keep everything else waiting
			l.Logger.Error("spanticket: it cannot be told since when a service is watched: its failures are filed as new ones", "service", b.Scope.String(), "error", err)
			began = time.Time{}
		default:
			return a, fmt.Errorf("ledger: reading since when %s is watched: %w", b.Scope, err)
		}
		if len(l.admissions.adopted) >= maxScopes {
			clear(l.admissions.adopted) // the store is asked again
		}
		l.admissions.adopted[b.Scope] = began
	}
	a.Learning = now.Before(began.Add(l.Adopt))
	return a, nil
}
