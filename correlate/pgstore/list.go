package pgstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/spanticket/spanticket/correlate"
)

// List implements [correlate.Store].
func (s *Store) List(ctx context.Context, p correlate.Page) ([]correlate.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if p.Max <= 0 {
		return nil, nil
	}
	out, err := s.page(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("pgstore: list: %w", err)
	}
	return out, nil
}

func (s *Store) page(ctx context.Context, p correlate.Page) ([]correlate.Record, error) {
	limited, cancel := s.bound(ctx)
	defer cancel()
	from := p.After.Scope
	args := []any{[]byte(p.Kind), []byte(from.Namespace), []byte(from.Service), []byte(from.Environment), []byte(p.After.ID), p.Max}
	statement, scoped := s.sql.list, s.sql.scoped
	if p.After == (correlate.Key{}) {
		statement, scoped = s.sql.first, s.sql.scopedFirst
	}
	if p.Scope != nil {
		statement = scoped
		args = append(args, []byte(p.Scope.Namespace), []byte(p.Scope.Service), []byte(p.Scope.Environment))
	}
	rows, err := s.db.QueryContext(limited, statement, args...)
	if err != nil {
		return nil, s.failed(ctx, limited, err)
	}
	defer func() { _ = rows.Close() }() // rows.Err says it
	var out []correlate.Record
	for rows.Next() {
		var (
			namespace, service, environment, id, data []byte
			version                                   int
			expires                                   sql.NullTime
		)
		if err := rows.Scan(&namespace, &service, &environment, &id, &version, &data, &expires); err != nil {
			return nil, s.failed(ctx, limited, err)
		}
		r := correlate.Record{Version: version, Data: data}
		r.Key = correlate.Key{
			Scope: correlate.Scope{Namespace: string(namespace), Service: string(service), Environment: string(environment)},
			Kind:  p.Kind, ID: string(id),
		}
		if expires.Valid {
			r.Expires = expires.Time.UTC()
		}
		out = append(out, r)
	}
	return out, s.failed(ctx, limited, rows.Err())
}
