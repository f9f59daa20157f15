// Package boltstore keeps problems and the outbox in one file, for one process:
// what Update has returned for is there after a crash, a kill or a power loss.
//
//	store, err := boltstore.Open(boltstore.Config{Path: "/var/lib/checkout/tickets.db"})
//
// The file is locked while it is open: replicas need a file each, or a shared
// store. The disk must be a local one whose fsync can be trusted; network file
// systems are not for it.
//
// Concurrent changes share a transaction, and so the waits for the disk. Those
// of one goroutine take effect in the order of its calls.
//
// # Damage
//
// Open reads all of the file and checks every entry by a checksum, before the
// database sees it. A damaged file is moved aside, under its name with ".damaged-" and the time, and what
// can be read of it is copied to a new one; Config.Lost is told what is missing.
// The three newest of such files are kept. The same happens when damage shows
// later: the calls that meet it return [ErrDamaged], those after it go on.
//
// Deliveries are copied only where the file says that they are still waiting.
// Of records an old state may come back, where the parts that tell old from new
// are lost.
//
// # Versions
//
// The file says in which format it is. One that a newer program has written is
// opened if that program allows it, and what it wrote into entries that this one
// does not know is kept; else Open returns [ErrNewer] and the file stays as it is.
//
// # What is in it
//
// Records and deliveries as they were given, which the engine has redacted, and
// nothing else. The file can be read by its owner alone.
package boltstore

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// Config says where a store is.
type Config struct {
	// Path names the file. It is made if it is not there; its folder must be.
	// Beside it come Path.lock, which stays, and Path.new for a moment.
	Path string
	// MaxBytes is about how many bytes records and waiting deliveries may take,
	// keys and bookkeeping included. Defaults to 256 MiB. When they take more,
	// records that have an expiry and no delivery waiting are forgotten, the
	// soonest expiry first; when only others are left, a new record is refused
	// with [correlate.ErrStoreFull]. The file may become up to three times as
	// large, and does not shrink.
	MaxBytes int64
	// LockTimeout is how long Open waits for a process that has the file.
	// Defaults to five seconds; a negative one is no wait.
	LockTimeout time.Duration
	// Lost is told when a file was damaged, before Open returns or later, from
	// another goroutine. It must not call the store. Defaults to an error in the
	// log of [slog.Default].
	Lost func(*Loss)
}

// Store is a [correlate.Store] in a file. It may be used concurrently and by
// several engines of one process. An UpdateFunc must not call the store: others
// wait while it runs.
//
// Leases are judged by [correlate.Claim].Now and the expiry of records by the
// newest one, as by [correlate.Memory]. Leases outlive the process: what was
// under way when it died is taken up when they have run out.
//
// A method whose context ends while its change is being written waits up to a
// second for the outcome. If it returns the context's error then, or an
// [ErrUnknown], the change may stand.
type Store struct {
	config   Config
	requests chan *request
	stop     chan struct{} // closed by Close
	stopOnce sync.Once
	stopped  chan struct{} // closed when the committer has ended
	closeErr error         // of the committer, to read after stopped
}

// Open opens a store, and makes it if it is not there. It reads the whole file,
// which takes some seconds for each GiB, and ten times as long for a damaged one.
// When it fails the error is one of those above, or the system's.
func Open(c Config) (*Store, error) {
	if c.Path == "" {
		return nil, errors.New("boltstore: opening: Config.Path is empty: name a file")
	}
	if c.MaxBytes <= 0 {
		c.MaxBytes = 256 << 20
	}
	if c.LockTimeout == 0 {
		c.LockTimeout = 5 * time.Second
	}
	if c.Lost == nil {
		c.Lost = func(l *Loss) { slog.Default().Error("spanticket: " + l.Error()) }
	}
	lock, err := acquire(c.Path+".lock", c.LockTimeout)
	if err != nil {
		return nil, failure("opening", c.Path, err)
	}
	s := &Store{
		config:   c,
		requests: make(chan *request),
		stop:     make(chan struct{}),
		stopped:  make(chan struct{}),
	}
	opened := make(chan error)
	go newCommitter(s, lock).run(opened)
	if err := <-opened; err != nil {
		return nil, err
	}
	return s, nil
}

// Path returns the name of the file. An engine keeps its journal beside it.
func (s *Store) Path() string { return s.config.Path }

// Close ends what is under way and closes the file. Calls that come later return
// [ErrClosed].
func (s *Store) Close() error {
	s.stopOnce.Do(func() { close(s.stop) })
	<-s.stopped
	return s.closeErr
}

// Update implements [correlate.Store].
func (s *Store) Update(ctx context.Context, key correlate.Key, fn correlate.UpdateFunc) error {
	return s.do(ctx, &request{fn: fn, apply: func(t *txn, r *request) error {
		k := recordKey(key)
		if err := writable(k, key, nil); err != nil {
			return err
		}
		c, ok := r.ask(t.current(key, k))
		if !ok || c.err != nil {
			return c.err
		}
		if err := writable(k, key, c.add); err != nil {
			return err
		}
		return t.commit(key, k, c.next, c.add, nil)
	}})
}

// Claim implements [correlate.Store]. Deliveries come in the order in which they
// became due or, where a lease ran out, free again.
func (s *Store) Claim(ctx context.Context, c correlate.Claim) ([]correlate.Delivery, error) {
	var out []correlate.Delivery
	err := s.do(ctx, &request{apply: func(t *txn, r *request) error {
		if _, ok := r.ask(correlate.Record{}, false); ok {
			out = t.claim(c)
		}
		return nil
	}})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Settle implements [correlate.Store]. A lease that has run out still counts
// while nobody else has claimed the delivery. It is never refused because the
// store is full: a receipt that is not stored would be a second ticket.
func (s *Store) Settle(ctx context.Context, d correlate.Delivery, o correlate.Outcome, fn correlate.UpdateFunc) error {
	return s.do(ctx, &request{fn: fn, apply: func(t *txn, r *request) error {
		e, ok := t.leased(d)
		if !ok {
			return correlate.ErrLeaseLost
		}
		k := recordKey(e.Key)
		cur, found := t.current(e.Key, k)
		c, ok := r.ask(cur, found)
		if !ok || c.err != nil {
			return c.err
		}
		if fn == nil {
			c.next = cur
		}
		if err := writable(k, e.Key, c.add); err != nil {
			return err
		}
		return t.commit(e.Key, k, c.next, c.add, func() { t.settle(e.ID, d.Attempts, o) })
	}})
}

// List implements [correlate.Store].
func (s *Store) List(ctx context.Context, p correlate.Page) ([]correlate.Record, error) {
	var out []correlate.Record
	err := s.do(ctx, &request{apply: func(t *txn, r *request) error {
		if _, ok := r.ask(correlate.Record{}, false); ok {
			out = t.list(p)
		}
		return nil
	}})
	if err != nil {
		return nil, err
	}
	return out, nil
}
