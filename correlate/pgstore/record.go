package pgstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/internal/fleet"
)

// keyArgs are the columns of the primary key, in its order.
func keyArgs(k correlate.Key) []any {
	return []any{[]byte(k.Kind), []byte(k.Scope.Namespace), []byte(k.Scope.Service), []byte(k.Scope.Environment), []byte(k.ID)}
}

func (s *Store) read(ctx context.Context, key correlate.Key, end *fleet.Settlement) (out fleet.Stored, err error) {
	limited, cancel := s.bound(ctx)
	defer cancel()
	// For a settlement the lease is asked for, too. The statement that writes
	// asks again.
	id, lease := []byte(nil), ""
	if end != nil {
		id, lease = []byte(end.Delivery.ID), end.Delivery.Lease
	}
	var (
		version sql.NullInt64
		data    []byte
		expires sql.NullTime
		live    sql.NullBool
	)
	err = s.db.QueryRowContext(limited, s.sql.read, append(keyArgs(key), id, lease)...).
		Scan(&version, &data, &expires, &out.Marks, &live, &out.Leased)
	if err != nil {
		return fleet.Stored{}, fmt.Errorf("reading %s %s of %s: %w", key.Kind, key.ID, key.Scope, s.failed(ctx, limited, err))
	}
	if live.Bool {
		out.Found = true
		out.Record = correlate.Record{Key: key, Version: int(version.Int64), Data: data}
		if expires.Valid {
			out.Record.Expires = expires.Time.UTC()
		}
	}
	return out, nil
}

// write runs the statement that writes.
func (s *Store) write(ctx context.Context, w fleet.Write) (written bool, err error) {
	limited, cancel := s.bound(ctx)
	defer cancel()
	key, next := w.Key, w.Next
	row := len(w.Was.Marks) > 0 // there is one, of whatever age
	var expires any
	if !next.Expires.IsZero() {
		expires = next.Expires.UTC()
	}
	if next.Data == nil {
		next.Version = 0
	}
	args := append(keyArgs(key), next.Version, next.Data, expires, w.Marks, next.Data == nil, fleet.Remember.Seconds())
	if row {
		args = append(args, w.Was.Marks)
	}
	if w.End != nil {
		d, o := w.End.Delivery, w.End.Outcome
		args = append(args, []byte(d.ID), d.Lease, o.Done, o.Due.UTC(), d.Attempts)
	}
	for _, d := range w.Add {
		args = append(args, []byte(d.ID), []byte(d.Sink), string(d.Operation), d.Due.UTC(), d.Attempts, d.Created.UTC())
	}
	err = s.db.QueryRowContext(limited, s.sql.write(row, w.End != nil, len(w.Add)), args...).Scan(&written)
	if errors.Is(err, sql.ErrNoRows) || again(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("writing %s %s of %s: %w", key.Kind, key.ID, key.Scope, s.failed(ctx, limited, err))
	}
	return written, nil
}

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
