package redisstore

import (
	"context"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/internal/keypart"
)

// List implements [correlate.Store]. A page is no snapshot: a record that is
// written meanwhile may be there as it was or as it is. Without a scope all
// partitions are asked.
func (s *Store) List(ctx context.Context, p correlate.Page) ([]correlate.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var out []correlate.Record
	for len(out) < p.Max {
		keys, err := s.listKeys(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("redisstore: list: %w", err)
		}
		if len(keys) == 0 {
			break
		}
		records, err := s.fetch(ctx, keys)
		if err != nil {
			return nil, fmt.Errorf("redisstore: list: %w", err)
		}
		out = append(out, records...)
		// The index may still hold what has expired: there may be more.
		p.After = keys[len(keys)-1]
		if len(keys) < p.Max {
			break
		}
	}
	return out[:min(len(out), max(0, p.Max))], nil
}

// listKeys returns up to p.Max keys of the index.
func (s *Store) listKeys(ctx context.Context, p correlate.Page) ([]correlate.Key, error) {
	prefix := string(keypart.AppendKind(nil, p.Kind, p.Scope))
	from := "[" + prefix
	if p.After != (correlate.Key{}) {
		from = "(" + recordPart(correlate.Key{Kind: p.Kind, Scope: p.After.Scope, ID: p.After.ID})
	}
	first, last := 0, partitions-1
	if p.Scope != nil {
		first = partitionOf(*p.Scope)
		last = first
		if p.After.Scope.Compare(*p.Scope) < 0 {
			from = "[" + prefix
		}
	}
	by := &redis.ZRangeBy{Min: from, Max: "(" + after(prefix), Count: int64(p.Max)}
	places, err := call(ctx, s, func(ctx context.Context) ([]string, error) {
		pipe := s.client.Pipeline()
		var parts []*redis.StringSliceCmd
		for i := first; i <= last; i++ {
			parts = append(parts, pipe.ZRangeByLex(ctx, s.indexKey(i), by))
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return nil, err
		}
		var all []string
		for _, c := range parts {
			all = append(all, c.Val()...)
		}
		return all, nil
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(places)
	var keys []correlate.Key
	for _, place := range places[:min(len(places), p.Max)] {
		key, err := keypart.ParseKey([]byte(place))
		if err != nil {
			return nil, fmt.Errorf("the index holds %q: %w", place, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// fetch reads records, without those that are gone.
func (s *Store) fetch(ctx context.Context, keys []correlate.Key) ([]correlate.Record, error) {
	return call(ctx, s, func(ctx context.Context) ([]correlate.Record, error) {
		pipe := s.client.Pipeline()
		var cmds []*redis.SliceCmd
		for _, key := range keys {
			cmds = append(cmds, pipe.HMGet(ctx, s.recordKey(key), recordFields...))
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return nil, err
		}
		var out []correlate.Record
		for i, c := range cmds {
			stored, err := parseStored(keys[i], c.Val())
			if err != nil {
				return nil, err
			}
			if stored.Found {
				out = append(out, stored.Record)
			}
		}
		return out, nil
	})
}
