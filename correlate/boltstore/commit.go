package boltstore

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	bolt "go.etcd.io/bbolt"
)

// committer owns the file. All that touches its memory map happens on one
// goroutine, on which a fault is a panic and a panic is an error.
type committer struct {
	store  *Store
	config Config
	lock   *lock

	db    *bolt.DB
	file  *os.File // of db
	state state

	suspect bool      // the file was found damaged while it was open
	retry   time.Time // when to try again to open it
	failed  error     // why it could not be opened
	nonce   string    // of leases
	leases  uint64
}

const (
	// groupRequests and groupBytes bound what shares a transaction.
	groupRequests = 512
	groupBytes    = 8 << 20
	// reopenEvery is how often a file that cannot be opened is tried again.
	reopenEvery = 5 * time.Second
)

func newCommitter(s *Store, l *lock) *committer {
	return &committer{store: s, config: s.config, lock: l, nonce: rand.Text()[:10]}
}

// run opens the file, and commits until the store is closed.
func (c *committer) run(opened chan<- error) {
	debug.SetPanicOnFault(true) // a file that is cut short would be a SIGBUS
	err := c.guard(c.open)
	if err != nil {
		c.close()
		c.lock.release()
		close(c.store.stopped)
		opened <- failure("opening", c.config.Path, err)
		return
	}
	close(opened)
	for {
		select {
		case r := <-c.store.requests:
			c.group(r)
		case <-c.store.stop:
			c.store.closeErr = c.close()
			c.lock.release()
			close(c.store.stopped)
			return
		}
	}
}

// group carries out a request, and those that have come meanwhile, in one
// transaction.
func (c *committer) group(r *request) {
	var group []*request
	err := c.guard(func() error {
		group = append(group, r) // it is answered if the file cannot be opened, too
		if err := c.ready(); err != nil {
			return err
		}
		tx, err := c.db.Begin(true)
		if err != nil {
			return err
		}
		t := newTxn(tx, c.state, c.config.MaxBytes, c.newLease)
		r.err = r.apply(t, r)
		for size := r.size; len(group) < groupRequests && size < groupBytes; size += r.size {
			if r = c.next(); r == nil {
				break
			}
			group = append(group, r)
			r.err = r.apply(t, r)
		}
		if !t.dirty {
			c.state = t.state
			return tx.Rollback()
		}
		t.finish()
		if err := c.commit(tx); err != nil {
			return err
		}
		c.state = t.state
		return nil
	})
	err = failure("writing", c.config.Path, err)
	for _, r := range group {
		if err != nil {
			r.err = err
		}
		r.done <- r.err
	}
}

// next returns a request that is waiting, or nil. Those whose answers have just
// been sent get a chance to come back.
func (c *committer) next() *request {
	select {
	case r := <-c.store.requests:
		return r
	default:
	}
	runtime.Gosched()
	select {
	case r := <-c.store.requests:
		return r
	default:
		return nil
	}
}

func (c *committer) newLease() string {
	c.leases++
	return c.nonce + "-" + strconv.FormatUint(c.leases, 36)
}

// confirmWaits are the waits between attempts to have a change confirmed.
var confirmWaits = []time.Duration{0, 10 * time.Millisecond, 100 * time.Millisecond, time.Second}

// commit writes a transaction. When the last fsync of it fails, the file shows
// the change and yet it may not outlive a power loss; then another commit behind
// it brings both to the disk, or it is not known what stands.
func (c *committer) commit(tx *bolt.Tx) error {
	id := tx.ID()
	failed := tx.Commit()
	if failed == nil {
		return nil
	}
	_ = tx.Rollback() // Commit leaves it open after some errors
	for _, wait := range confirmWaits {
		time.Sleep(wait)
		next, err := c.db.Begin(true)
		if err != nil {
			return err
		}
		if next.ID() == id { // the file does not show it
			return errors.Join(failed, next.Rollback())
		}
		if err := next.Commit(); err == nil {
			return nil
		}
		_ = next.Rollback()
	}
	// Its next state is what the file shows.
	return errors.Join(fmt.Errorf("%w: %w", ErrUnknown, failed), c.load())
}

// guard runs fn and makes an error of a panic. What panics is the database, on
// a file that is not what it was when it was checked: it is closed, to be
// checked again.
func (c *committer) guard(fn func() error) (err error) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		err = fmt.Errorf("%w: %v", ErrDamaged, v)
		_, indexed := v.(damage)
		c.suspect = c.suspect || indexed
		c.abandon()
	}()
	return fn()
}

// ready opens the file again, if damage has closed it.
func (c *committer) ready() error {
	if c.db != nil {
		return nil
	}
	if c.failed != nil && time.Now().Before(c.retry) {
		return c.failed
	}
	c.failed = c.guard(c.open)
	c.retry = time.Now().Add(reopenEvery)
	return c.failed
}

// close closes the file.
func (c *committer) close() error {
	if c.db == nil {
		return nil
	}
	err := c.db.Close()
	c.db, c.file = nil, nil
	return failure("closing", c.config.Path, err)
}

// abandon closes a database that has panicked. Its locks may be held for ever
// and its memory map stays: closing the file is all that is safe.
func (c *committer) abandon() {
	if c.file != nil {
		_ = c.file.Close()
	}
	c.db, c.file = nil, nil
}
