package main

import (
	"context"
	"errors"
	"sync"

	"github.com/spanticket/spanticket/correlate"
)

// trouble is what is wrong with something just now.
type trouble struct {
	mu    sync.Mutex
	kind  string
	over  chan struct{} // closed when it is
	count int
}

// begin makes it so; an empty kind means that all is well.
func (t *trouble) begin(kind string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over != nil {
		close(t.over)
	}
	t.kind, t.over = kind, make(chan struct{})
}

// now returns what is wrong for one call, which is none of each third, and when that
// ends.
func (t *trouble) now() (kind string, over <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count++; t.count%3 == 0 {
		return "", t.over
	}
	return t.kind, t.over
}

var errDown = errors.New("the store is down")

// unsteady is a store with its troubles: it fails, hangs, or does what it is asked and
// says that it failed.
type unsteady struct {
	correlate.Store
	trouble
}

func storeTroubles(losing bool) []string {
	if !losing {
		return []string{"", "hang"}
	}
	return []string{"", "", "", "fail", "hang", "lose"}
}

// around carries out a call in the trouble that there is.
func (u *unsteady) around(ctx context.Context, call func() error) error {
	switch kind, over := u.now(); kind {
	case "fail":
		return errDown
	case "hang":
		select {
		case <-over:
		case <-ctx.Done():
			return ctx.Err()
		}
	case "lose":
		return errors.Join(call(), errDown)
	}
	return call()
}

// Update implements [correlate.Store].
func (u *unsteady) Update(ctx context.Context, key correlate.Key, fn correlate.UpdateFunc) error {
	return u.around(ctx, func() error { return u.Store.Update(ctx, key, fn) })
}

// Claim implements [correlate.Store].
func (u *unsteady) Claim(ctx context.Context, c correlate.Claim) (ds []correlate.Delivery, err error) {
	err = u.around(ctx, func() error { ds, err = u.Store.Claim(ctx, c); return err })
	if err != nil {
		ds = nil
	}
	return ds, err
}

// Settle implements [correlate.Store].
func (u *unsteady) Settle(ctx context.Context, d correlate.Delivery, o correlate.Outcome, fn correlate.UpdateFunc) error {
	return u.around(ctx, func() error { return u.Store.Settle(ctx, d, o, fn) })
}

// List implements [correlate.Store].
func (u *unsteady) List(ctx context.Context, p correlate.Page) (rs []correlate.Record, err error) {
	err = u.around(ctx, func() error { rs, err = u.Store.List(ctx, p); return err })
	return rs, err
}
