package boltstore

import (
	"context"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// request is a call on its way through the committer. Its function runs on the
// goroutine of the caller, so that a panic in it is the caller's, while the
// committer waits.
type request struct {
	apply func(*txn, *request) error // on the committer's goroutine
	fn    correlate.UpdateFunc       // on the caller's; may be nil

	asked chan given
	reply chan change // of one
	left  chan struct{}
	done  chan error // of one

	err  error // what apply returned
	size int   // bytes written
}

// given is what a function is given.
type given struct {
	cur   correlate.Record
	found bool
}

// change is what a function has returned.
type change struct {
	next    correlate.Record
	add     []correlate.Delivery
	err     error
	aborted bool // it did not return
}

// ask has the caller run its function. It returns false if the caller has gone,
// or its function has panicked: nothing is to be done.
func (r *request) ask(cur correlate.Record, found bool) (change, bool) {
	select {
	case r.asked <- given{cur, found}:
	case <-r.left:
		return change{}, false
	}
	c := <-r.reply
	r.size += len(c.next.Data)
	return c, !c.aborted
}

// run answers ask.
func (r *request) run(g given) {
	c := change{aborted: true}
	defer func() { r.reply <- c }()
	if r.fn == nil {
		c.aborted = false
		return
	}
	next, add, err := r.fn(g.cur, g.found)
	c = change{next: next, add: add, err: err}
}

// grace is how long a caller whose context has ended waits for the outcome of a
// change that is being written: one that was made should not be reported as not
// made.
const grace = time.Second

// do hands a request to the committer and waits for what becomes of it.
func (s *Store) do(ctx context.Context, r *request) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.asked, r.reply = make(chan given), make(chan change, 1)
	r.left, r.done = make(chan struct{}), make(chan error, 1)
	select {
	case s.requests <- r:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.stop:
		return failure("using", s.config.Path, ErrClosed)
	}
	select {
	case g := <-r.asked:
		r.run(g)
	case err := <-r.done:
		return err
	case <-ctx.Done():
		close(r.left)
		return ctx.Err()
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
	}
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case err := <-r.done:
		return err
	case <-late.C:
		return ctx.Err()
	}
}
