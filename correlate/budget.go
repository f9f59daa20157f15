package correlate

import (
	"slices"
	"time"
)

const (
	// budgetSpan is the time over which new tickets are counted.
	budgetSpan = time.Hour
	// budgetCalm is how long there must be no new problem beyond a budget,
	// before any is let through again: while a storm lasts, the tickets that it
	// has are enough.
	budgetCalm = 15 * time.Minute
)

// Budget counts new tickets, so that a bad rule or a storm costs few of them.
// Its zero value has opened none. It is not safe for concurrent use.
type Budget struct {
	opened []time.Time // in the last hour, oldest first
	held   time.Time   // when a new problem was last held
}

// Clone returns a budget that counts on for itself.
func (b *Budget) Clone() Budget { return Budget{opened: slices.Clone(b.opened), held: b.held} }

// Full reports whether a new ticket would be one too many: there were limit of
// them in the last hour, or there were, and new problems still come.
func (b *Budget) Full(limit int64, now time.Time) bool {
	b.forget(now)
	return int64(len(b.opened)) >= limit || !b.held.IsZero()
}

// Opened counts a new ticket.
func (b *Budget) Opened(at time.Time) { b.opened = append(b.opened, at) }

// Held notes that a new problem was held because the budget is full. It reports
// whether it is the first since the budget was calm.
func (b *Budget) Held(at time.Time) (first bool) {
	first = b.held.IsZero()
	b.held = at
	return first
}

// Idle reports whether the budget counts nothing.
func (b *Budget) Idle(now time.Time) bool {
	b.forget(now)
	return len(b.opened) == 0 && b.held.IsZero()
}

// forget drops what is over.
func (b *Budget) forget(now time.Time) {
	b.opened = slices.DeleteFunc(b.opened, func(t time.Time) bool { return !t.After(now.Add(-budgetSpan)) })
	if !now.Before(b.held.Add(budgetCalm)) {
		b.held = time.Time{}
	}
}
