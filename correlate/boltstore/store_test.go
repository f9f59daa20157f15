package boltstore

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/storetest"
)

// openStore opens a store at a path, which must be sound.
func openStore(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(Config{Path: path, LockTimeout: -1, Lost: func(l *Loss) { t.Errorf("a sound file is said to be damaged: %v", l) }})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "store.db") }

func TestStore(t *testing.T) {
	t.Parallel() // most of it waits for the disk
	storetest.Run(t, func(t *testing.T) correlate.Store { return openStore(t, newPath(t)) })
}

func BenchmarkStore(b *testing.B) {
	storetest.Benchmark(b, func() correlate.Store { return openStore(b, newPath(b)) })
}

// noon is long ago: a store knows no other clock than Claim.Now.
var noon = time.Date(2020, 2, 29, 12, 0, 0, 0, time.UTC)

func key(id string) correlate.Key {
	return correlate.Key{Scope: correlate.Scope{Service: "checkout"}, Kind: correlate.KindProblem, ID: id}
}

// write writes a record, with a delivery for each sink.
func write(ctx context.Context, s correlate.Store, id string, data []byte, expires time.Time, sinks ...string) error {
	return s.Update(ctx, key(id), func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
		var add []correlate.Delivery
		for _, sink := range sinks {
			add = append(add, correlate.Delivery{ID: id + "-" + sink, Sink: sink, Operation: correlate.OpOpen, Due: noon, Created: noon})
		}
		return correlate.Record{Version: 1, Data: data, Expires: expires}, add, nil
	})
}

func list(t testing.TB, s correlate.Store) []correlate.Record {
	t.Helper()
	recs, err := s.List(context.Background(), correlate.Page{Kind: correlate.KindProblem, Max: 1 << 30})
	require.NoError(t, err)
	return recs
}

func claim(t testing.TB, s correlate.Store, now time.Time, sinks ...string) []correlate.Delivery {
	t.Helper()
	got, err := s.Claim(context.Background(), correlate.Claim{Scope: correlate.Scope{Service: "checkout"}, Sinks: sinks, Now: now, Lease: time.Minute, Max: 1 << 30})
	require.NoError(t, err)
	return got
}
