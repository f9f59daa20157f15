package ledger

import (
	"context"
	"errors"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/coalesce"
)

// budget is what this process knows of the budget of new tickets that the engines of
// a scope, or those of a rule in it, have together. The store has the rest: it is
// asked for each new ticket, but not while the budget is known to be full.
type budget struct {
	correlate.Budget
	asked time.Time // when the store was
}

// ruleOf is a rule, as far as it is about one scope, or the scope itself.
type ruleOf struct {
	scope correlate.Scope
	rule  string // "" is all rules
}

const (
	// maxBudgets bounds the budgets that are kept. Beyond it those with nothing in
	// them make room.
	maxBudgets = 8192
	// fullFor is how long a full budget is not asked for, though new problems come. Then
	// the store is told that they still do.
	fullFor = 5 * time.Minute
	// maxOwed bounds the tickets of each scope of which the store is to be told.
	maxOwed = 64
)

// of returns a budget, to be used at once.
func (a *admissions) of(of ruleOf, now time.Time) *budget {
	b := a.budgets[of]
	if b != nil {
		return b
	}
	if len(a.budgets) >= maxBudgets {
		for other, b := range a.budgets {
			if b.Idle(now) {
				delete(a.budgets, other)
			}
		}
	}
	b = new(budget)
	if len(a.budgets) < maxBudgets {
		a.budgets[of] = b
	}
	return b
}

// opened counts a new ticket of which the store does not know.
func (a *admissions) opened(t correlate.Spent, scope correlate.Scope, now time.Time) {
	a.engine.Opened(t.At)
	for _, rule := range []string{"", t.Rule} {
		if b := a.of(ruleOf{scope, rule}, now); b.asked.IsZero() || !t.At.Before(b.asked) { // else the store may have told of it
			b.Opened(t.At)
		}
	}
	if owed := a.owed[scope]; len(owed) < maxOwed && (owed != nil || len(a.owed) < maxScopes) {
		a.owed[scope] = append(owed, t)
	}
}

// restore counts a ticket of the run before, so that a service that is started
// again and again does not file more for it.
func (a *admissions) restore(p correlate.Problem, now time.Time) {
	if p.Report == "" && len(p.Filings) > 0 && now.Sub(p.OpenedAt) < time.Hour {
		a.opened(correlate.Spent{Problem: p.ID, Rule: p.Rule, At: p.OpenedAt}, p.Scope, now)
	}
}

// budgeted reports whether a batch needs a ticket of the budgets.
func budgeted(b coalesce.Batch) bool { return b.Flood == nil || b.Spilled }

// full reports whether there are no new tickets for a batch's rule, as far as is
// known here.
func (l *Ledger) full(b coalesce.Batch, now time.Time) bool {
	return l.engineFull(now) || l.scopeFull(b.Scope, now) ||
		l.admissions.of(ruleOf{b.Scope, b.Batch.Rule}, now).Full(b.Set.Rule(b.Rule).Budget, now)
}

func (l *Ledger) engineFull(now time.Time) bool {
	return l.Budget > 0 && l.admissions.engine.Full(l.Budget, now)
}

func (l *Ledger) scopeFull(s correlate.Scope, now time.Time) bool {
	return l.Budget > 0 && l.admissions.of(ruleOf{s, ""}, now).Full(l.Budget, now)
}

// asking says when the store is asked for a new ticket, before what a batch makes of a
// problem is stored.
type asking struct {
	opened bool // when it would open
	held   bool // when it would be held for want of a budget
}

// asks says so for a batch.
func (l *Ledger) asks(b coalesce.Batch, now time.Time) asking {
	if l.standsIn || l.admissions.failed || !budgeted(b) || l.engineFull(now) {
		return asking{}
	}
	asked := l.admissions.of(ruleOf{b.Scope, b.Batch.Rule}, now).asked
	return asking{opened: true, held: now.Before(asked) || !now.Before(asked.Add(fullFor))} // the clock may have been set back
}

// errUnpaid ends an update before which a new ticket is to be asked for.
var errUnpaid = errors.New("ledger: a new ticket that was not asked for")

// buy asks the store for a new ticket, and reports whether there is one and whether it
// is paid for. After an error the store is not asked again before it has answered
// something else.
func (l *Ledger) buy(ctx context.Context, b coalesce.Batch, id string, waits bool, now time.Time) (ok, paid bool, err error) {
	a := &l.admissions
	all, rule := a.of(ruleOf{b.Scope, ""}, now), a.of(ruleOf{b.Scope, b.Batch.Rule}, now)
	known, ok, err := correlate.Spend(ctx, l.Store, b.Scope, correlate.Purchase{
		Spent: correlate.Spent{Problem: id, Rule: b.Batch.Rule, At: now}, Limit: l.Budget, RuleLimit: b.Set.Rule(b.Rule).Budget,
		Told: a.owed[b.Scope], Known: correlate.Budgets{Scope: all.Budget, Rule: rule.Budget}, Waits: waits,
	})
	switch {
	case refused(err): // it holds nobody back: what is known here does
		if !a.refused {
			l.Logger.Warn("spanticket: the budget of new tickets holds for this process alone: the store refuses its record", "service", b.Scope.String(), "error", err)
		}
		a.refused, rule.asked = true, now
		return !l.full(b, now), false, nil
	case err != nil:
		a.failed = true
		return false, false, err
	}
	delete(a.owed, b.Scope)
	*all, *rule = budget{known.Scope, now}, budget{known.Rule, now}
	return ok, ok, nil
}

// spend counts a new ticket on its budgets, or that there was none left for it. paid
// says that the store knows of it.
func (l *Ledger) spend(b coalesce.Batch, change correlate.Change, before, next correlate.Problem, paid bool, now time.Time) {
	a := &l.admissions
	switch {
	case change == correlate.ChangeOpened && paid:
		a.engine.Opened(now)
	case change == correlate.ChangeOpened:
		a.opened(correlate.Spent{Problem: next.ID, Rule: b.Batch.Rule, At: now}, b.Scope, now)
	case change == correlate.ChangeHeld && next.Hold == correlate.Over && before.Hold != correlate.Over:
		// Only the budget that is full waits for calm.
		held, limit := &a.of(ruleOf{b.Scope, b.Batch.Rule}, now).Budget, b.Set.Rule(b.Rule).Budget
		switch {
		case held.Full(limit, now):
		case l.scopeFull(b.Scope, now):
			held, limit = &a.of(ruleOf{b.Scope, ""}, now).Budget, l.Budget
		default:
			held, limit = &a.engine, l.Budget
		}
		if held.Held(now) {
			l.Logger.Warn("spanticket: more new problems than the budget of new tickets: they are listed on one ticket until it is calm",
				"budget", limit, "rule", b.Batch.Rule, "service", b.Scope.String(), "signature", next.ID)
		}
	case change == correlate.ChangeHeld && next.Hold == correlate.Draft && before.Hold != correlate.Draft:
		l.Logger.Debug("spanticket: a draft waits for an approval", "rule", b.Batch.Rule, "service", b.Scope.String(), "signature", next.ID)
	}
}
