package pgstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/internal/fleet"
)

// Config is how a store uses a database. Its zero value works.
type Config struct {
	// Schema holds the tables. Defaults to "spanticket".
	Schema string
	// Timeout bounds each statement, the wait for a connection included.
	// Defaults to 3 seconds.
	Timeout time.Duration
	// MaxIdle bounds the pause between two claims that find nothing; see Load
	// in the package's documentation. Defaults to 30 seconds; a negative one
	// means that there is no pause.
	MaxIdle time.Duration
}

// Store is a [correlate.Store] in PostgreSQL. It may be used concurrently.
type Store struct {
	db      *sql.DB
	name    string // of the schema
	schema  string // the same, quoted
	timeout time.Duration
	sql     statements
	lull    *fleet.Lull
	updates *fleet.Updates

	mu    sync.Mutex
	clean time.Time // when to delete what has expired
}

// New returns a store that uses db, which stays the caller's: it must not be
// closed before the store is used for the last time. New dials nothing and
// makes no tables, see [Store.Migrate].
func New(db *sql.DB, c Config) (*Store, error) {
	if db == nil {
		return nil, errors.New("pgstore: there is no database: give New a *sql.DB")
	}
	if c.Schema == "" {
		c.Schema = "spanticket"
	}
	if len(c.Schema) > 63 || strings.ContainsRune(c.Schema, 0) {
		return nil, fmt.Errorf("pgstore: Config.Schema %q is no name of a schema: it may have 63 bytes, none of them NUL", c.Schema)
	}
	if c.Timeout <= 0 {
		c.Timeout = 3 * time.Second
	}
	if c.MaxIdle == 0 {
		c.MaxIdle = 30 * time.Second
	}
	schema := `"` + strings.ReplaceAll(c.Schema, `"`, `""`) + `"`
	s := &Store{
		db: db, name: c.Schema, schema: schema, timeout: c.Timeout, sql: newStatements(schema), lull: fleet.NewLull(c.MaxIdle),
		clean: time.Now().Add(rand.N(cleanEvery)), // not all processes at once
	}
	s.updates = fleet.NewUpdates(fleet.Server{Read: s.read, Write: s.write, Refused: refused, Patience: c.Timeout, Lull: s.lull})
	return s, nil
}

// Update implements [correlate.Store]. When the answer to the write is lost it
// looks what became of it, for as long as Config.Timeout; if it cannot find out,
// the error says that the outcome is not known.
func (s *Store) Update(ctx context.Context, key correlate.Key, fn correlate.UpdateFunc) error {
	if err := s.updates.Update(ctx, key, fn); err != nil {
		return fmt.Errorf("pgstore: update: %w", err)
	}
	return nil
}

// Settle implements [correlate.Store]. A lease that has run out still counts
// while nobody else has claimed the delivery. A lost answer is dealt with as by
// Update.
func (s *Store) Settle(ctx context.Context, d correlate.Delivery, o correlate.Outcome, fn correlate.UpdateFunc) error {
	if err := s.updates.Settle(ctx, d, o, fn); err != nil {
		return fmt.Errorf("pgstore: settle: %w", err)
	}
	return nil
}

// bound gives a statement its time.
func (s *Store) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, s.timeout, fmt.Errorf("no answer from PostgreSQL within %v: %w", s.timeout, context.DeadlineExceeded))
}

// failed says what an error of a statement means. limited is the statement's
// context, whose parent is ctx.
func (s *Store) failed(ctx, limited context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case refused(err):
		switch sqlState(err) {
		case "42P01", "3F000": // no table, no schema
			return fmt.Errorf("there are no tables in schema %s: run Migrate once, with the rights to do so: %w", s.schema, fleet.Safe(err))
		}
		return fleet.Safe(err)
	case ctx.Err() != nil:
		return errors.Join(ctx.Err(), fleet.Safe(err))
	case limited.Err() != nil:
		return errors.Join(context.Cause(limited), fleet.Safe(err))
	}
	return fleet.Safe(err)
}

// sqlState returns the code of an error that the server has answered with, or
// "". The drivers' types have a method for it.
func sqlState(err error) string {
	var e interface{ SQLState() string }
	if errors.As(err, &e) {
		return e.SQLState()
	}
	return ""
}

// refused reports whether an error is an answer of the server, after which it
// has changed nothing. A server that goes down (class 57) may have committed.
func refused(err error) bool {
	state := sqlState(err)
	return state != "" && !strings.HasPrefix(state, "57") && !strings.HasPrefix(state, "08")
}

// again reports whether a statement met another one: a deadlock, or a
// serialization failure where the database has a stricter default.
func again(err error) bool {
	state := sqlState(err)
	return state == "40P01" || state == "40001"
}
