package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/observe"
)

// StandIn returns a ledger that keeps problems in another store while that of l is
// out of reach. It knows what l knows: its scopes, how much of the budgets is spent,
// what is adopted, and what signatures are aliases of. Nobody is told of what it
// decides, and nothing is counted: l will decide about the same occurrences again.
// It must not be asked to sweep, because others may see what it believes to be over.
func (l *Ledger) StandIn(store correlate.Store) *Ledger {
	c := l.Config
	c.Store, c.Counters, c.Parked, c.Decided = store, observe.NewCounters(), new(observe.Parked), func(correlate.Decision) {}
	c.Writer = "" // it numbers for itself
	s := New(c)
	s.standsIn = true
	for _, scope := range l.Scopes() {
		s.Join(scope)
	}
	s.admissions = l.admissions.clone()
	s.aliases = aliases{upgrades: maps.Clone(l.aliases.upgrades), of: maps.Clone(l.aliases.of)}
	return s
}

func (a *admissions) clone() admissions {
	c := admissions{engine: a.engine.Clone(), budgets: make(map[ruleOf]*budget, len(a.budgets)), owed: map[correlate.Scope][]correlate.Spent{}, adopted: maps.Clone(a.adopted), restored: map[correlate.Scope]bool{}}
	for of, b := range a.budgets {
		c.budgets[of] = &budget{b.Clone(), b.asked}
	}
	return c
}

// Remember puts a problem as it was last known into the store of a ledger that stands
// in. What was to be filed in the named sinks, and may not be, is queued again.
func (l *Ledger) Remember(ctx context.Context, p correlate.Problem, sinks []string, now time.Time) error {
	key := correlate.Key{Scope: p.Scope, Kind: correlate.KindProblem, ID: p.ID}
	p.Filings = slices.Clone(p.Filings)
	for i := range p.Filings {
		p.Filings[i].Pending = nil // of the store that is out of reach
	}
	err := l.Store.Update(ctx, key, correlate.UpdateProblem(func(correlate.Problem) (next correlate.Problem, add []correlate.Delivery, _ error) {
		next = p
		if p.State != correlate.Open || p.Hold != "" || !now.Before(p.ResolvesAt()) {
			return next, nil, nil
		}
		for _, f := range p.Filings {
			op := correlate.OpOpen
			switch {
			case !slices.Contains(sinks, f.Sink), f.Parked != nil, f.Receipt != (correlate.Receipt{}) && f.State == correlate.Open:
				continue
			case f.Receipt != (correlate.Receipt{}):
				op = correlate.OpReopen
			}
			var more []correlate.Delivery
			next, more = next.Queue(op, []string{f.Sink}, now)
			add = append(add, more...)
		}
		return next, add, nil
	}))
	if err != nil {
		return fmt.Errorf("ledger: standing in for what is known of %s: %w", p.ID, err)
	}
	l.follow(key, p)
	return nil
}

// errAsItIs ends an update that has nothing to change.
var errAsItIs = errors.New("ledger: nothing to change")

// TakeOver makes sure that the ticket which a ledger that stood in has filed of a
// problem is looked after: it is one of the problem's, and is resolved if that is. It
// reports whether there is such a problem.
func (l *Ledger) TakeOver(ctx context.Context, key correlate.Key, sink string, now time.Time) (known bool, err error) {
	err = l.Store.Update(ctx, key, correlate.UpdateProblem(func(p correlate.Problem) (_ correlate.Problem, add []correlate.Delivery, _ error) {
		known = p.State == correlate.Open || p.State == correlate.Resolved
		if next, waited := p.Settled(now); waited { // a deployment that the other could not know of
			next, add = next.Queue(correlate.OpOpen, next.Answers.Sinks, now)
			return next, add, nil
		}
		f := p.Filing(sink)
		switch {
		case !known, len(f.Pending) > 0: // what waits for the sink says how it is
			return p, nil, errAsItIs
		case f.Receipt == correlate.Receipt{}:
			p, add = p.Queue(correlate.OpOpen, []string{sink}, now)
		case p.State == correlate.Resolved:
			p, add = p.Queue(correlate.OpResolve, []string{sink}, now)
		default:
			return p, nil, errAsItIs
		}
		return p, add, nil
	}))
	switch {
	case err == nil, errors.Is(err, errAsItIs):
		return known, nil
	case refused(err): // a newer program's: it looks after it
		l.Logger.Warn("spanticket: a ticket that was filed while the store was out of reach may stay open", "problem", key.ID, "sink", sink, slog.Any("error", err))
		return true, nil
	default:
		return false, fmt.Errorf("ledger: taking over %s: %w", key.ID, err)
	}
}

// Close resolves a problem of a ledger that stood in, of which the store does not
// know, in the named sinks.
func (l *Ledger) Close(ctx context.Context, key correlate.Key, sinks []string, now time.Time) error {
	err := l.Store.Update(ctx, key, correlate.UpdateProblem(func(p correlate.Problem) (_ correlate.Problem, add []correlate.Delivery, _ error) {
		p.State, p.ResolvedAt = correlate.Resolved, now
		for _, name := range sinks {
			op := correlate.OpResolve
			if f := p.Filing(name); f.Receipt == (correlate.Receipt{}) {
				op = correlate.OpOpen // it may be there: this finds out, and resolves it
			}
			var more []correlate.Delivery
			p, more = p.Queue(op, []string{name}, now)
			add = append(add, more...)
		}
		return p, add, nil
	}))
	if err != nil {
		return fmt.Errorf("ledger: closing %s: %w", key.ID, err)
	}
	return nil
}
