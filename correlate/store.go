package correlate

import (
	"context"
	"errors"
	"slices"
	"time"
)

// ErrLeaseLost is returned by [Store.Settle] when the delivery is no longer
// the caller's: its lease ran out and another engine has claimed or settled
// it. Nothing was changed.
var ErrLeaseLost = errors.New("correlate: lease lost")

// ErrStoreFull is returned by [Store.Update] when a bounded store has no room
// for a new record. Nothing was changed.
var ErrStoreFull = errors.New("correlate: store full")

// Kind says what a record holds, so that one store serves them all.
type Kind string

// KindProblem is the kind of the records that hold a [Problem]; their ID is
// the problem's signature.
const KindProblem Kind = "problem"

// Key identifies a record. Its parts may be empty and hold any bytes, NUL and what is
// no UTF-8 among them, and keys that differ in any byte are different ones. The
// same goes for the names of sinks and the IDs of deliveries.
type Key struct {
	Scope Scope
	Kind  Kind
	ID    string
}

// Record is opaque to a store, which gives it back as it was written.
type Record struct {
	Key     Key       // set by the store on what it returns; what an UpdateFunc says is ignored
	Version int       // of Data's format
	Data    []byte    // any bytes, a MiB of them and more; owned by whoever made it, and neither side changes it afterwards
	Expires time.Time // when the store may forget the record; zero means never
}

// Operation is what a delivery is to do.
type Operation string

const (
	OpOpen    Operation = "open"
	OpUpdate  Operation = "update"
	OpResolve Operation = "resolve"
	OpReopen  Operation = "reopen"
	OpLook    Operation = "look" // whether the ticket that was filed stands twice
)

// Delivery is one entry of the outbox: an intent, not a rendered ticket. What
// is sent says what is true when it is sent.
type Delivery struct {
	ID        string // unique in the store; see [UpdateFunc]
	Key       Key    // the record it is about; set by the store, to that of the update that queued it
	Sink      string // the name under which the sink is registered
	Operation Operation
	Due       time.Time // not before
	Attempts  int       // calls made so far
	Created   time.Time // when the intent was stored
	Lease     string    // set by Claim, never empty then, and never the same twice; ignored when the delivery is queued
}

// UpdateFunc computes the next record, and the deliveries to queue with it in
// the same atomic step, from the current one. When there is no record, or it has
// expired, cur is the zero Record and found is false.
//
// It must be pure: a store may call it more than once, each time with the
// record as it is then. When it returns an error, Update returns an error that wraps
// that one, and nothing has changed, nor has anything when it panics; the store goes
// on.
//
// next replaces the record: nothing of cur stays by itself, its expiry neither. One
// whose Data is nil deletes the record, if there is one; Data that is empty and not
// nil is kept. Deliveries stay in the outbox when their record is deleted or
// expires, and go when they are settled.
//
// The deliveries of one record and sink stand in the order in which the updates that
// queued them took effect, and those of one update in the order of add. Adding a
// delivery whose ID is already in the store, or stands in add before, changes nothing
// of the one that is there, which may be leased; the rest of the update takes effect.
// So a store may repeat a commit whose outcome it does not know.
type UpdateFunc func(cur Record, found bool) (next Record, add []Delivery, err error)

// Claim asks for work.
type Claim struct {
	Scope Scope         // this one alone: no part of it stands for any
	Sinks []string      // names of the sinks the caller has, in any order, some perhaps twice; no others are returned, and without any nothing is
	Now   time.Time     // the caller's clock: what is due is judged by it, that instant included
	Lease time.Duration // how long the caller has until somebody else may claim the same
	Max   int           // at most so many are returned, and leased
	// Operations are those that may go now; empty means all. A line whose oldest
	// delivery is another one is passed over, so that the order within it is kept.
	Operations []Operation
}

// Wants reports whether a delivery with this operation may be returned.
func (c Claim) Wants(op Operation) bool {
	return len(c.Operations) == 0 || slices.Contains(c.Operations, op)
}

// Outcome is what became of a delivery.
type Outcome struct {
	// Done removes the delivery: it was delivered or parked, which the record says.
	Done bool
	// Due is when to try again, if it is not done.
	Due time.Time
}

// Page selects records for [Store.List]: those of one kind that come after a key, in
// the order of [Scope.Compare] and, byte by byte, of their IDs.
type Page struct {
	Kind  Kind
	Scope *Scope // only this scope; nil means all
	After Key    // its Kind does not matter, and it need not be there any more; zero means from the start
	Max   int    // at most so many
}

// Store keeps records and the outbox, and updates both in one atomic step.
// All policy stays outside: a store knows nothing about tickets. Package
// storetest holds an implementation to these rules.
//
// A store may be called concurrently. Every method returns when ctx ends; with a ctx
// that has ended already it returns an error that wraps ctx's, and changes nothing. An
// error other than those named here is taken as passing: the caller tries
// again later.
//
// A record that has expired is neither found nor listed, and its key can be used
// anew. That is judged, as leases are, by the store's own clock where many
// processes share the store, and by the newest Claim.Now where only one has it.
type Store interface {
	// Update replaces one record and queues deliveries, atomically: after a
	// crash either both are there or neither. Updates of one key never overlap
	// in effect: each sees what the one before it wrote, and none is lost, nor any of
	// its deliveries.
	Update(ctx context.Context, key Key, fn UpdateFunc) error

	// Claim returns deliveries of one scope that are due, and leases them to the
	// caller, oldest first: by when they became due or, as a store likes, when their
	// lease ran out, and in any order where that was at the same time. Each is as it was
	// queued, or settled last, but for its lease.
	//
	// Of one record and sink it returns at most one at a time, the first in line: while
	// that one is leased, to whomever, or waits for its next attempt, later ones stay
	// back though they are due, so that they arrive in order. They do so, too, while
	// Claim.Operations does not have its operation. Other sinks of the
	// record, and other records, go on. However many claim at once, a delivery goes to
	// one of them.
	//
	// A lease that has run out makes the delivery one that can be claimed again, in its
	// place in line. Until that is done the old lease still counts.
	Claim(ctx context.Context, c Claim) ([]Delivery, error)

	// Settle ends a claim and updates the delivery's record in the same atomic
	// step, under the rules of Update: fn sees the record as it is now, and may queue
	// deliveries. Without fn, which may be nil, the record stays as it is. Of d only Key,
	// Sink, ID, Lease and Attempts matter.
	//
	// A delivery that is done is gone, and the next in line follows. One that is not
	// waits until the outcome's Due, first in line, with d.Attempts as given. When fn
	// returns an error nothing has changed: the caller has the lease yet.
	//
	// Settle returns ErrLeaseLost, and changes nothing, when the lease is not in force:
	// another engine has claimed the delivery since it ran out, the claim was settled
	// before, or there never was one.
	Settle(ctx context.Context, d Delivery, o Outcome, fn UpdateFunc) error

	// List returns the records of a page, whole and as they are now, without those
	// that have expired. So pages that follow each other by After show every record
	// once that is there all the while.
	List(ctx context.Context, p Page) ([]Record, error)
}
