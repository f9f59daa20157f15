package redisstore

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/internal/fleet"
)

var (
	//go:embed script_write.lua
	writeSource string
	//go:embed script_claim.lua
	claimSource string

	writeScript = redis.NewScript(writeSource)
	claimScript = redis.NewScript(claimSource)
)

// Config is how a store uses Redis. Its zero value works.
type Config struct {
	// Prefix begins the names of all keys, so that several fleets can share a
	// server; it must not hold braces. Defaults to "spanticket".
	Prefix string
	// Timeout bounds each call to Redis, over the client's own retries.
	// Defaults to 3 seconds.
	Timeout time.Duration
	// MaxIdle bounds the pause between two claims that find nothing; see Load
	// in the package's documentation. Defaults to 30 seconds; a negative one
	// means that there is no pause.
	MaxIdle time.Duration
}

// Store is a [correlate.Store] in Redis. It may be used concurrently.
type Store struct {
	client  redis.UniversalClient
	prefix  string
	timeout time.Duration
	lull    *fleet.Lull
	updates *fleet.Updates
}

// New returns a store that uses client, which stays the caller's: it must not
// be closed before the store is used for the last time. New dials nothing.
func New(client redis.UniversalClient, c Config) (*Store, error) {
	if client == nil {
		return nil, errors.New("redisstore: there is no client: give New the redis.UniversalClient that the host has")
	}
	if c.Prefix == "" {
		c.Prefix = "spanticket"
	}
	if strings.ContainsAny(c.Prefix, "{}") {
		return nil, fmt.Errorf("redisstore: Config.Prefix %q holds a brace, which would move keys to other slots of a Cluster", c.Prefix)
	}
	if c.Timeout <= 0 {
		c.Timeout = 3 * time.Second
	}
	if c.MaxIdle == 0 {
		c.MaxIdle = 30 * time.Second
	}
	s := &Store{client: client, prefix: c.Prefix, timeout: c.Timeout, lull: fleet.NewLull(c.MaxIdle)}
	s.updates = fleet.NewUpdates(fleet.Server{Read: s.read, Write: s.write, Refused: refused, Patience: c.Timeout, Lull: s.lull})
	return s, nil
}

// Update implements [correlate.Store]. When the answer to the write is lost it
// looks what became of it, for as long as Config.Timeout; if it cannot find out,
// the error says that the outcome is not known.
func (s *Store) Update(ctx context.Context, key correlate.Key, fn correlate.UpdateFunc) error {
	if err := s.updates.Update(ctx, key, fn); err != nil {
		return fmt.Errorf("redisstore: update: %w", err)
	}
	return nil
}

// Settle implements [correlate.Store]. A lease that has run out still counts
// while nobody else has claimed the delivery. A lost answer is dealt with as by
// Update.
func (s *Store) Settle(ctx context.Context, d correlate.Delivery, o correlate.Outcome, fn correlate.UpdateFunc) error {
	if err := s.updates.Settle(ctx, d, o, fn); err != nil {
		return fmt.Errorf("redisstore: settle: %w", err)
	}
	return nil
}

// refused reports whether an error is an answer of the server: a script that was
// answered with one has changed nothing.
func refused(err error) bool {
	_, ok := errors.AsType[redis.Error](err)
	return ok || errors.Is(err, correlate.ErrLeaseLost)
}

// call makes one call to Redis. It returns when ctx or the timeout ends, which
// the client itself may not look at while it waits for an answer; what do
// returns is lost then.
func call[T any](ctx context.Context, s *Store, do func(context.Context) (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	limited, cancel := context.WithTimeout(ctx, s.timeout)
	got := make(chan answer, 1)
	go func() {
		defer cancel()
		value, err := do(limited)
		got <- answer{value, fleet.Safe(err)}
	}()
	select {
	case a := <-got:
		if a.err != nil && ctx.Err() != nil && !refused(a.err) {
			a.err = errors.Join(ctx.Err(), a.err)
		}
		return a.value, a.err
	case <-limited.Done():
		var none T
		select {
		case a := <-got: // both at once
			return a.value, a.err
		default:
		}
		if err := ctx.Err(); err != nil {
			return none, err
		}
		return none, fmt.Errorf("no answer from Redis within %v: %w", s.timeout, context.DeadlineExceeded)
	}
}
