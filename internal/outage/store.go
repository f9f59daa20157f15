// Package outage is what an engine does about a store that is out of reach: calls
// that end, what waits for the store, and the stand-in that files meanwhile in the
// sinks that may. It has no goroutine and no clock.
package outage

import (
	"context"
	"fmt"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// Store is a store whose calls end, and that remembers the problems it was last
// asked to change.
type Store struct {
	store   correlate.Store
	timeout time.Duration
	late    error  // says that a call ended because of it
	known   *known // nil remembers nothing
}

// NewStore returns a store whose calls are given so long. It remembers if somebody
// will ask for what is known.
func NewStore(s correlate.Store, timeout time.Duration, remember bool) *Store {
	b := &Store{store: s, timeout: timeout, late: fmt.Errorf("the store gave no answer within %v: %w", timeout, context.DeadlineExceeded)}
	if remember {
		b.known = newKnown(maxKnown)
	}
	return b
}

// Known returns the records of problems that were written here last, or seen open,
// as they were then, the newest last. They are bounded.
func (s *Store) Known() []correlate.Record { return s.known.all() }

func (s *Store) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, s.timeout, s.late)
}

// because says why a call ended, if it was its time.
func because(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		if cause := context.Cause(ctx); cause != nil && cause != ctx.Err() {
			return fmt.Errorf("%w (%w)", cause, err)
		}
	}
	return err
}

// noting keeps what a function returns last.
func noting(fn correlate.UpdateFunc, last *correlate.Record) correlate.UpdateFunc {
	if fn == nil {
		return nil
	}
	return func(cur correlate.Record, found bool) (correlate.Record, []correlate.Delivery, error) {
		next, add, err := fn(cur, found)
		*last = next
		return next, add, err
	}
}

// Update implements [correlate.Store].
func (s *Store) Update(ctx context.Context, key correlate.Key, fn correlate.UpdateFunc) error {
	ctx, cancel := s.within(ctx)
	defer cancel()
	var next correlate.Record
	err := s.store.Update(ctx, key, noting(fn, &next))
	if err == nil {
		s.known.note(key, next)
	}
	return because(ctx, err)
}

// Claim implements [correlate.Store].
func (s *Store) Claim(ctx context.Context, c correlate.Claim) ([]correlate.Delivery, error) {
	ctx, cancel := s.within(ctx)
	defer cancel()
	ds, err := s.store.Claim(ctx, c)
	return ds, because(ctx, err)
}

// Settle implements [correlate.Store].
func (s *Store) Settle(ctx context.Context, d correlate.Delivery, o correlate.Outcome, fn correlate.UpdateFunc) error {
	ctx, cancel := s.within(ctx)
	defer cancel()
	var next correlate.Record
	err := s.store.Settle(ctx, d, o, noting(fn, &next))
	if err == nil && fn != nil {
		s.known.note(d.Key, next)
	}
	return because(ctx, err)
}

// List implements [correlate.Store].
func (s *Store) List(ctx context.Context, p correlate.Page) ([]correlate.Record, error) {
	ctx, cancel := s.within(ctx)
	defer cancel()
	records, err := s.store.List(ctx, p)
	for _, r := range records {
		if r.Expires.IsZero() { // it is open, or something is to be sent about it
			s.known.note(r.Key, r)
		}
	}
	return records, because(ctx, err)
}
