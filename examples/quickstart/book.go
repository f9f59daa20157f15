package main

import (
	"context"
	"slices"
	"time"

	"github.com/spanticket/spanticket/sinks"
	"github.com/spanticket/spanticket/sinks/console"
)

// book is the shop's tracker: a sink that says what comes in on the console, in
// brief while the program runs, and keeps it.
type book struct {
	screen  *screen
	console *console.Sink
	kept    watched[[]sinks.Ticket] // as they came in
}

// File implements [sinks.Sink].
func (b *book) File(_ context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	b.screen.say("[%s] OPEN: %s\n  %d since %s, key %s\n", t.Severity, t.Title, t.Count, t.FirstSeen.Format(time.RFC3339), t.Key)
	b.keep(t)
	return sinks.Receipt{ID: t.Key}, nil
}

// Update implements [sinks.Updater].
func (b *book) Update(ctx context.Context, r sinks.Receipt, t sinks.Ticket) (sinks.Receipt, error) {
	r, err := b.console.Update(ctx, r, t)
	if err == nil {
		b.keep(t)
	}
	return r, err
}

func (b *book) keep(t sinks.Ticket) {
	b.kept.change(func(all *[]sinks.Ticket) { *all = append(*all, t) })
}

// all returns everything that came in, in order.
func (b *book) all() (all []sinks.Ticket) {
	b.kept.view(func(kept []sinks.Ticket) { all = slices.Clone(kept) })
	return all
}

// latest returns each ticket as it is now, in the order in which they were
// filed.
func latest(all []sinks.Ticket) []sinks.Ticket {
	var now []sinks.Ticket
	for _, t := range all {
		if i := slices.IndexFunc(now, func(u sinks.Ticket) bool { return u.Key == t.Key }); i >= 0 {
			now[i] = t
		} else {
			now = append(now, t)
		}
	}
	return now
}

// settled reports whether every ticket is resolved.
func settled(all []sinks.Ticket) bool {
	return !slices.ContainsFunc(latest(all), func(t sinks.Ticket) bool { return t.State != sinks.Resolved })
}
