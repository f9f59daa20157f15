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

// Key identifies a record.
type Key struct {
	Scope Scope
	Kind  Kind
	ID    string
}

// Record is opaque to a store.
type Record struct {
	Key     Key       // set by the store on what it returns
	Version int       // of Data's format
	Data    []byte    // owned by whoever made it; neither side changes it afterwards
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
	Key       Key    // the record it is about
	Sink      string // the name under which the sink is registered
	Operation Operation
	Due       time.Time // not before
	Attempts  int       // calls made so far
	Created   time.Time // when the intent was stored
	Lease     string    // set by Claim; identifies the claim to Settle
}

// UpdateFunc computes the next record, and the deliveries to queue with it in
// the same atomic step, from the current one. found is false when there is no
// record, or it has expired.
//
// It must be pure: a store may call it more than once, each time with the
// record as it is then. When it returns an error, Update returns that error
// and changes nothing. A returned Record whose Data is nil deletes the record.
//
// Adding a delivery whose ID is already in the store changes nothing, so that
// a store may repeat a commit whose outcome it does not know.
type UpdateFunc func(cur Record, found bool) (next Record, add []Delivery, err error)

// Claim asks for work.
type Claim struct {
	Scope Scope
	Sinks []string      // names of the sinks the caller has; no others are returned
	Now   time.Time     // the caller's clock: what is due is judged by it
	Lease time.Duration // how long the caller has until somebody else may claim the same
	Max   int           // at most so many
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

// Page selects records for [Store.List]: those of one kind, ordered by scope
// and ID, that come after a key.
type Page struct {
	Kind  Kind
	Scope *Scope // only this scope; nil means all
	After Key    // zero means from the start
	Max   int
}

// Store keeps records and the outbox, and updates both in one atomic step.
// All policy stays outside: a store knows nothing about tickets. Package
// storetest holds an implementation to these rules.
//
// A store may be called concurrently. Every method returns when ctx ends. An
// error other than those named here is taken as passing: the caller tries
// again later.
type Store interface {
	// Update replaces one record and queues deliveries, atomically: after a
	// crash either both are there or neither. Updates of one key never overlap
	// in effect: each sees what the one before it wrote.
	Update(ctx context.Context, key Key, fn UpdateFunc) error

	// Claim returns deliveries of one scope that are due, oldest first, and
	// leases them to the caller. Of one record and sink it returns at most one
	// at a time, the oldest: while that one is leased, or waits for its next
	// attempt, later ones stay back, so that they arrive in order. They do so,
	// too, while Claim.Operations does not have its operation.
	//
	// A lease is judged by the store's own clock where many processes share
	// the store, and by Claim.Now where only one has it.
	Claim(ctx context.Context, c Claim) ([]Delivery, error)

	// Settle ends a claim and updates the delivery's record in the same atomic
	// step, under the rules of Update. A delivery that is not done waits until
	// the outcome's Due, with d.Attempts as given. When the lease is not the
	// caller's any more it returns ErrLeaseLost. fn may be nil.
	Settle(ctx context.Context, d Delivery, o Outcome, fn UpdateFunc) error

	// List returns the records of a page, without those that have expired.
	List(ctx context.Context, p Page) ([]Record, error)
}
