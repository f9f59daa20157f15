package pgstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// Claim implements [correlate.Store]. Deliveries come in the order in which they
// became due. If ctx ends, or the answer is lost, what may have been claimed
// waits until the lease has run out.
func (s *Store) Claim(ctx context.Context, c correlate.Claim) ([]correlate.Delivery, error) {
	out, err := s.lull.Claim(ctx, c, func() ([]correlate.Delivery, time.Time, time.Duration, error) {
		s.tidy(ctx)
		return s.claim(ctx, c)
	})
	if err != nil {
		return nil, fmt.Errorf("pgstore: claim: %w", err)
	}
	return out, nil
}

// claim also returns when the first line that waits is due, or zero, and in how
// long the first lease ends, or a negative duration.
func (s *Store) claim(ctx context.Context, c correlate.Claim) (out []correlate.Delivery, due time.Time, free time.Duration, err error) {
	limited, cancel := s.bound(ctx)
	defer cancel()
	lease := rand.Text()
	sinks := slices.Compact(slices.Sorted(slices.Values(c.Sinks)))
	args := []any{
		[]byte(c.Scope.Namespace), []byte(c.Scope.Service), []byte(c.Scope.Environment),
		c.Now.UTC(), c.Lease.Seconds(), c.Max, lease,
	}
	for _, sink := range sinks {
		args = append(args, []byte(sink))
	}
	operations := slices.Compact(slices.Sorted(slices.Values(c.Operations)))
	for _, op := range operations {
		args = append(args, string(op))
	}
	rows, err := s.db.QueryContext(limited, s.sql.claim(len(sinks), len(operations)), args...)
	if err != nil {
		return nil, due, 0, s.failed(ctx, limited, err)
	}
	defer func() { _ = rows.Close() }() // rows.Err says it
	free = -1
	for rows.Next() {
		var (
			id, kind, record, sink []byte
			operation              sql.NullString
			attempts               sql.NullInt64
			dueAt, created, first  sql.NullTime
			left                   sql.NullFloat64
		)
		if err := rows.Scan(&id, &kind, &record, &sink, &operation, &dueAt, &attempts, &created, &first, &left); err != nil {
			return nil, due, 0, s.failed(ctx, limited, err)
		}
		if first.Valid {
			due = first.Time
		}
		if left.Valid {
			free = max(0, time.Duration(left.Float64*float64(time.Second)))
		}
		if id == nil {
			continue
		}
		out = append(out, correlate.Delivery{
			ID:   string(id),
			Key:  correlate.Key{Scope: c.Scope, Kind: correlate.Kind(kind), ID: string(record)},
			Sink: string(sink), Operation: correlate.Operation(operation.String),
			Due: dueAt.Time.UTC(), Attempts: int(attempts.Int64), Created: created.Time.UTC(), Lease: lease,
		})
	}
	return out, due, free, s.failed(ctx, limited, rows.Err())
}
