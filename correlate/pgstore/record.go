package pgstore

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/internal/fleet"
)

// state is what is stored under a key.
type state struct {
	record correlate.Record
	found  bool // the record is there, and has not expired
	row    bool // there is a row, of whatever age
	marks  []byte
	leased bool // for a settlement: its lease is in force
}

// same reports whether writing next would change nothing.
func (s state) same(next correlate.Record) bool {
	if !s.found || next.Data == nil {
		return !s.found && next.Data == nil
	}
	return s.record.Version == next.Version && s.record.Expires.Equal(next.Expires) && bytes.Equal(s.record.Data, next.Data)
}

// keyArgs are the columns of the primary key, in its order.
func keyArgs(k correlate.Key) []any {
	return []any{[]byte(k.Kind), []byte(k.Scope.Namespace), []byte(k.Scope.Service), []byte(k.Scope.Environment), []byte(k.ID)}
}

func (s *Store) read(ctx context.Context, key correlate.Key, end *settlement) (out state, err error) {
	limited, cancel := s.bound(ctx)
	defer cancel()
	// For a settlement the lease is asked for, too. The statement that writes
	// asks again.
	id, lease := []byte(nil), ""
	if end != nil {
		id, lease = []byte(end.delivery.ID), end.delivery.Lease
	}
	var (
		version sql.NullInt64
		data    []byte
		expires sql.NullTime
		live    sql.NullBool
	)
	err = s.db.QueryRowContext(limited, s.sql.read, append(keyArgs(key), id, lease)...).
		Scan(&out.row, &version, &data, &expires, &out.marks, &live, &out.leased)
	if err != nil {
		return state{}, fmt.Errorf("reading %s %s of %s: %w", key.Kind, key.ID, key.Scope, s.failed(ctx, limited, err))
	}
	if live.Bool {
		out.found = true
		out.record = correlate.Record{Key: key, Version: int(version.Int64), Data: data}
		if expires.Valid {
			out.record.Expires = expires.Time.UTC()
		}
	}
	return out, nil
}

// send runs the statement that writes. written is false when somebody else has
// written the record, or has the delivery.
func (s *Store) send(ctx context.Context, key correlate.Key, cur state, next correlate.Record, add []correlate.Delivery, end *settlement, mark fleet.Mark) (written bool, err error) {
	limited, cancel := s.bound(ctx)
	defer cancel()
	var expires any
	if !next.Expires.IsZero() {
		expires = next.Expires.UTC()
	}
	if next.Data == nil {
		next.Version = 0
	}
	args := append(keyArgs(key), next.Version, next.Data, expires, mark.Add(cur.marks), next.Data == nil, remember.Seconds())
	if cur.row {
		args = append(args, cur.marks)
	}
	if end != nil {
		d := end.delivery
		args = append(args, []byte(d.ID), d.Lease, end.outcome.Done, end.outcome.Due.UTC(), d.Attempts)
	}
	for _, d := range add {
		args = append(args, []byte(d.ID), []byte(d.Sink), string(d.Operation), d.Due.UTC(), d.Attempts, d.Created.UTC())
	}
	err = s.db.QueryRowContext(limited, s.sql.write(cur.row, end != nil, len(add)), args...).Scan(&written)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("writing %s %s of %s: %w", key.Kind, key.ID, key.Scope, s.failed(ctx, limited, err))
	}
	return written, nil
}

// remember is for how long a deleted record's marks are kept, so that a writer
// whose answer was lost finds its own.
const remember = 10 * time.Minute

const (
	// cleanEvery is how often a process deletes what has expired, about.
	cleanEvery = time.Hour
	// cleanMany is how many rows it deletes at once.
	cleanMany = 500
)

// tidy deletes some of what has expired, if it is time to.
func (s *Store) tidy(ctx context.Context) {
	s.mu.Lock()
	due := !time.Now().Before(s.clean)
	if due {
		s.clean = time.Now().Add(cleanEvery/2 + rand.N(cleanEvery))
	}
	s.mu.Unlock()
	if !due {
		return
	}
	limited, cancel := s.bound(ctx)
	defer cancel()
	result, err := s.db.ExecContext(limited, s.sql.tidy, cleanMany)
	if err != nil {
		return // the next one does it
	}
	if n, err := result.RowsAffected(); err == nil && n == cleanMany { // there is more
		s.mu.Lock()
		s.clean = time.Now()
		s.mu.Unlock()
	}
}
