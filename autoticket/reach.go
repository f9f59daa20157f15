package autoticket

import (
	"log/slog"
	"sync"
	"time"
)

const (
	// storeTimeout bounds a call of the store.
	storeTimeout = 5 * time.Second
	// outAfter is how long a store must have failed to count as out of reach.
	outAfter = 3 * time.Second
)

// Those who use the store all the time.
const (
	keeping = iota
	claiming
	users
)

// reach is whether the store answers. It is safe for concurrent use.
type reach struct {
	mu      sync.Mutex
	failing [users]time.Time // since when, by who uses it; zero while it answers
	err     error            // the last
	out     time.Time        // since when it is out of reach, as was told; zero if it is not
}

// note notes how a use of the store went that began at a time.
func (r *reach) note(user int, err error, began time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil:
		r.failing[user] = time.Time{}
	default:
		r.err = err
		if r.failing[user].IsZero() {
			r.failing[user] = began
		}
	}
}

// lost returns since when the store is out of reach, as was told; zero if it is not.
func (r *reach) lost() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out
}

// look reports whether the store is out of reach, and tells the log when that
// begins and ends.
func (r *reach) look(log *slog.Logger, now time.Time) bool {
	r.mu.Lock()
	var since time.Time
	for _, t := range r.failing {
		if !t.IsZero() && (since.IsZero() || t.Before(since)) {
			since = t
		}
	}
	before, err := r.out, r.err
	switch {
	case since.IsZero():
		r.out = time.Time{}
	case !now.Before(since.Add(outAfter)):
		r.out = since
	}
	after := r.out
	r.mu.Unlock() // a handler may take its time
	switch {
	case before.IsZero() && !after.IsZero():
		log.Warn("spanticket: the store is out of reach: failures are counted in memory, and tickets are filed only in sinks that know them by a key of their own", "since", after, "error", err)
	case !before.IsZero() && after.IsZero():
		log.Info("spanticket: the store is in reach again", "after", now.Sub(before).Round(time.Millisecond))
	}
	return !after.IsZero()
}
