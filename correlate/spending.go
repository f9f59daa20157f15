package correlate

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"
)

// KindBudget is the kind of the records that say what the engines of a scope have
// spent of their budgets of new tickets.
const KindBudget Kind = "budget"

const (
	budgetVersion = 1

	// maxSpent bounds the new tickets that a record tells of, and so what an hour's
	// budget can be that holds for a fleet. The newest stay.
	maxSpent = 500
	// maxHolding bounds the rules of which it says when they held a problem.
	maxHolding = 64
	// holdEvery is how exactly it says so: a storm must not write it all the time.
	holdEvery = time.Minute
)

// Spent is one new ticket.
type Spent struct {
	Problem string    `json:"problem"` // ID
	Rule    string    `json:"rule"`
	At      time.Time `json:"at"`
}

// Purchase asks for a new ticket within the budgets that the engines of a scope have
// together.
type Purchase struct {
	Spent             // what for
	Limit     int64   // new tickets an hour of the scope; 0 means any number
	RuleLimit int64   // of the rule
	Told      []Spent // tickets that were opened without being asked for
	Known     Budgets // as the engine has them: it may have held problems since it asked last
	Waits     bool    // the problem was held before: it is no new one
}

// Budgets are those of a scope and of one of its rules, as they stood when a purchase
// was made, with what it bought.
type Budgets struct{ Scope, Rule Budget }

// spending is the record of a scope.
type spending struct {
	Tickets []Spent              `json:"tickets"`        // of the last hour, oldest first
	Held    map[string]time.Time `json:"held,omitempty"` // when a problem was last held, by rule; "" is the scope's budget
}

// Spend makes a purchase. It reports false when the budgets are spent, by whichever
// engines. Asking again for the same problem costs nothing. What it returns is to be
// used only if the error is nil, which otherwise is a [*FormatError], or the store's.
//
// Of more than 500 new tickets an hour the oldest are not known any more: larger
// budgets are each engine's own.
func Spend(ctx context.Context, s Store, scope Scope, p Purchase) (b Budgets, ok bool, err error) {
	key := Key{Scope: scope, Kind: KindBudget, ID: "budget"}
	err = s.Update(ctx, key, func(cur Record, found bool) (Record, []Delivery, error) {
		var was spending
		if found {
			if err := decodeSmall(key, cur, budgetVersion, &was); err != nil {
				return Record{}, nil, err
			}
		}
		var next spending
		if next, b, ok = was.buy(p); next.same(was) {
			return Record{}, nil, errRead
		}
		data, err := marshal(next, cur.Data)
		return Record{Version: max(cur.Version, budgetVersion), Data: data, Expires: p.At.Add(2 * budgetSpan)}, nil, err
	})
	if errors.Is(err, errRead) {
		err = nil
	}
	return b, ok && err == nil, err
}

// buy decides about a purchase. It is a pure function: s is not changed.
func (s spending) buy(p Purchase) (spending, Budgets, bool) {
	s = s.sane(p.At)
	for _, t := range p.Told {
		s = s.add(t, p.At)
	}
	s = s.hold("", earlier(p.Known.Scope.held, p.At)).hold(p.Rule, earlier(p.Known.Rule.held, p.At)).sane(p.At)
	b := Budgets{s.budget("", true), s.budget(p.Rule, false)}
	all, rule := p.Limit > 0 && b.Scope.Full(p.Limit, p.At), b.Rule.Full(p.RuleLimit, p.At)
	switch {
	case s.has(p.Problem):
		return s, b, true
	case all || rule:
		switch { // the one that is full waits for calm
		case p.Waits:
		case rule:
			s = s.hold(p.Rule, p.At)
		default:
			s = s.hold("", p.At)
		}
		return s, b, false
	}
	s = s.add(p.Spent, p.At)
	b.Scope.Opened(p.At)
	b.Rule.Opened(p.At)
	return s, b, true
}

// budget returns the budget of a rule, or of the scope.
func (s spending) budget(rule string, all bool) Budget {
	b := Budget{held: s.Held[rule]}
	for _, t := range s.Tickets {
		if all || t.Rule == rule {
			b.Opened(t.At)
		}
	}
	return b
}

// sane returns the record without what is over. What lies in the future is as if it
// happened now, as in a [Budget].
func (s spending) sane(now time.Time) spending {
	var tickets []Spent
	for _, t := range s.Tickets {
		t.At = earlier(t.At, now)
		if t.At.After(now.Add(-budgetSpan)) {
			tickets = append(tickets, t)
		}
	}
	held := map[string]time.Time{}
	for rule, at := range s.Held {
		if at = earlier(at, now); now.Before(at.Add(budgetCalm)) {
			held[rule] = at
		}
	}
	return spending{tickets, held}
}

func (s spending) has(problem string) bool {
	return slices.ContainsFunc(s.Tickets, func(t Spent) bool { return t.Problem == problem })
}

// add adds a ticket, if it is not there and of the last hour.
func (s spending) add(t Spent, now time.Time) spending {
	t.At = earlier(t.At, now)
	if s.has(t.Problem) || !t.At.After(now.Add(-budgetSpan)) {
		return s
	}
	s.Tickets = append(slices.Clone(s.Tickets), t)
	slices.SortStableFunc(s.Tickets, func(a, b Spent) int { return a.At.Compare(b.At) })
	s.Tickets = s.Tickets[max(0, len(s.Tickets)-maxSpent):]
	return s
}

// hold notes that a problem was held because the budget of a rule, or the scope's, is
// full.
func (s spending) hold(rule string, at time.Time) spending {
	last, known := s.Held[rule]
	if at.IsZero() || known && at.Before(last.Add(holdEvery)) {
		return s
	}
	held := maps.Clone(s.Held)
	if !known && len(held) >= maxHolding {
		oldest := slices.MinFunc(slices.Collect(maps.Keys(held)), func(a, b string) int {
			return cmp.Or(held[a].Compare(held[b]), cmp.Compare(a, b))
		})
		delete(held, oldest)
	}
	held[rule] = at
	s.Held = held
	return s
}

// same reports whether two records say the same.
func (s spending) same(other spending) bool {
	equal := func(a, b Spent) bool { return a.Problem == b.Problem && a.Rule == b.Rule && a.At.Equal(b.At) }
	return slices.EqualFunc(s.Tickets, other.Tickets, equal) && maps.EqualFunc(s.Held, other.Held, time.Time.Equal)
}

func earlier(a, b time.Time) time.Time {
	if a.After(b) {
		return b
	}
	return a
}
