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
	engine   correlate.Budget
	rules    map[ruleOf]*correlate.Budget
	adopted  map[correlate.Scope]time.Time // since when a scope is watched
	restored map[correlate.Scope]bool      // those whose tickets of the run before are counted
}

// ruleOf is a rule, as far as it is about one scope.
type ruleOf struct {
	scope correlate.Scope
	rule  string
}

// maxBudgets bounds the budgets that are kept. Beyond it those with nothing in
// them make room.
const maxBudgets = 8192

func (a *admissions) rule(of ruleOf, now time.Time) *correlate.Budget {
	b := a.rules[of]
	if b != nil {
		return b
	}
	if len(a.rules) >= maxBudgets {
		for other, b := range a.rules {
			if b.Idle(now) {
				delete(a.rules, other)
			}
		}
	}
	b = new(correlate.Budget)
	if len(a.rules) < maxBudgets {
		a.rules[of] = b
	}
	return b
}

// restore counts a ticket of the run before, so that a service that is started
// again and again does not file more for it.
func (a *admissions) restore(p correlate.Problem, now time.Time) {
	if p.Report == "" && len(p.Filings) > 0 && now.Sub(p.OpenedAt) < time.Hour {
		a.engine.Opened(p.OpenedAt)
		a.rule(ruleOf{p.Scope, p.Rule}, now).Opened(p.OpenedAt)
	}
}

// admission says what holds for new problems of a batch's rule now.
func (l *Ledger) admission(ctx context.Context, b coalesce.Batch, now time.Time) (correlate.Admission, error) {
	mode, rule := b.Set.Mode(b.Rule), b.Set.Rule(b.Rule)
	a := correlate.Admission{
		Shadow:  l.Shadow || mode.Kind == celrule.Shadow,
		Percent: mode.Percent,
		Draft:   mode.Expires,
		// The one ticket of a flood takes the place of any number of them.
		Full: b.Flood == nil && (l.Budget > 0 && l.admissions.engine.Full(l.Budget, now) ||
			l.admissions.rule(ruleOf{b.Scope, rule.Name}, now).Full(rule.Budget, now)),
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

// spend counts a new ticket on its budgets, or that there was none left for it.
func (l *Ledger) spend(b coalesce.Batch, change correlate.Change, before, next correlate.Problem, now time.Time) {
	rule := l.admissions.rule(ruleOf{b.Scope, b.Batch.Rule}, now)
	switch {
	case change == correlate.ChangeOpened:
		rule.Opened(now)
		l.admissions.engine.Opened(now)
	case change == correlate.ChangeHeld && next.Hold == correlate.Over && before.Hold != correlate.Over:
		// Only the budget that is full waits for calm.
		budget, limit := rule, b.Set.Rule(b.Rule).Budget
		if !rule.Full(limit, now) {
			budget, limit = &l.admissions.engine, l.Budget
		}
		if budget.Held(now) {
			l.Logger.Warn("spanticket: more new problems than the budget of new tickets: they are listed on one ticket until it is calm",
				"budget", limit, "rule", b.Batch.Rule, "service", b.Scope.String(), "signature", next.ID)
		}
	case change == correlate.ChangeHeld && next.Hold == correlate.Draft && before.Hold != correlate.Draft:
		l.Logger.Debug("spanticket: a draft waits for an approval", "rule", b.Batch.Rule, "service", b.Scope.String(), "signature", next.ID)
	}
}
