//go:build linux

package crashes

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/replicas/tracker"
	"github.com/spanticket/spanticket/sinks"
)

// say tells the parent something, in one write.
func say(what byte, about string) { _, _ = fmt.Fprintf(os.Stdout, "%c %s\n", what, about) }

// toldStore is a store that tells what it is asked, and whose leases are short.
type toldStore struct {
	correlate.Store
	lease time.Duration
}

func (s toldStore) Claim(ctx context.Context, c correlate.Claim) ([]correlate.Delivery, error) {
	c.Lease = min(c.Lease, s.lease)
	return s.Store.Claim(ctx, c)
}

func (s toldStore) Update(ctx context.Context, key correlate.Key, fn correlate.UpdateFunc) error {
	intent := false
	err := s.Store.Update(ctx, key, told(key, fn, func(cur, next correlate.Record) { intent = !unknown(cur) && unknown(next) }))
	say('U', key.ID)
	if err == nil && intent {
		say('i', key.ID)
		time.Sleep(pauseNoted) // as on a busy machine: it can be killed here
	}
	return err
}

// pauseNoted is how long a process takes from the note of a call to the call, at
// least.
const pauseNoted = 2 * time.Millisecond

func (s toldStore) Settle(ctx context.Context, d correlate.Delivery, o correlate.Outcome, fn correlate.UpdateFunc) error {
	err := s.Store.Settle(ctx, d, o, told(d.Key, fn, func(_, _ correlate.Record) {}))
	say('U', d.Key.ID)
	if err == nil {
		say('s', d.Key.ID)
	}
	return err
}

// told is a function that tells that what it returns is about to be committed.
func told(key correlate.Key, fn correlate.UpdateFunc, look func(cur, next correlate.Record)) correlate.UpdateFunc {
	return func(cur correlate.Record, found bool) (correlate.Record, []correlate.Delivery, error) {
		next, add, err := fn(cur, found)
		if err == nil {
			look(cur, next)
			say('u', key.ID)
		}
		return next, add, err
	}
}

// unknown reports whether a ticket may have been filed, and nobody knows.
func unknown(r correlate.Record) bool {
	p, err := correlate.DecodeProblem(r)
	return err == nil && slices.ContainsFunc(p.Filings, func(f correlate.Filing) bool { return f.Unknown })
}

// toldSink is a sink that tells what it is asked.
type toldSink struct{ tracker.Sink }

func (s toldSink) File(ctx context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	defer call(t.Key)()
	return s.Sink.File(ctx, t)
}

func (s toldSink) Update(ctx context.Context, r sinks.Receipt, t sinks.Ticket) (sinks.Receipt, error) {
	defer call(t.Key)()
	return s.Sink.Update(ctx, r, t)
}

func (s toldSink) Find(ctx context.Context, key string) (sinks.Receipt, bool, error) {
	defer call(key)()
	return s.Sink.Find(ctx, key)
}

func (s toldSink) Dedupe(ctx context.Context, key string) (sinks.Receipt, bool, error) {
	defer call(key)()
	return s.Sink.Dedupe(ctx, key)
}

func call(key string) (done func()) {
	say('c', idOf(key))
	return func() { say('C', idOf(key)) }
}

// idOf returns the ID of the problem that a ticket with a key is about.
func idOf(key string) string { return key[len("spt:"):] }
