package autoticket_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/storetest"
)

// logStore is the smallest store that outlives its process: one in memory, and a
// file of what was changed in it. Claims end with the process.
type logStore struct {
	correlate.Memory
	mu   sync.Mutex
	file *os.File
}

// step is one line of the file.
type step struct {
	Key      correlate.Key
	Next     correlate.Record
	Add      []correlate.Delivery
	Delivery *correlate.Delivery // that was settled
	Outcome  correlate.Outcome
	Changed  bool // the record was
}

func openLogStore(path string) (*logStore, error) {
	s := new(logStore)
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	for line := range bytes.Lines(old) {
		var st step
		if json.Unmarshal(line, &st) != nil {
			continue // torn
		}
		if err := s.redo(st); err != nil {
			return nil, err
		}
	}
	s.file, err = os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	return s, err
}

func (s *logStore) redo(st step) error {
	ctx := context.Background()
	fn := func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
		return st.Next, st.Add, nil
	}
	if st.Delivery == nil {
		return s.Memory.Update(ctx, st.Key, fn)
	}
	if !st.Changed {
		fn = nil
	}
	// Claims of no length: all that is first of its line is given out each time.
	claimed, err := s.Memory.Claim(ctx, correlate.Claim{Scope: st.Key.Scope, Sinks: []string{st.Delivery.Sink}, Now: time.Now().Add(1000 * time.Hour), Max: 1 << 20})
	for _, d := range claimed {
		if d.ID == st.Delivery.ID {
			d.Attempts = st.Delivery.Attempts
			return s.Memory.Settle(ctx, d, st.Outcome, fn)
		}
	}
	return err
}

func (s *logStore) write(st step) error {
	line, err := json.Marshal(st)
	if err == nil {
		_, err = s.file.Write(append(line, '\n'))
	}
	return err
}

// noting returns a function that notes in a step what fn makes of a record.
func noting(st *step, fn correlate.UpdateFunc) correlate.UpdateFunc {
	if fn == nil {
		return nil
	}
	return func(cur correlate.Record, found bool) (correlate.Record, []correlate.Delivery, error) {
		next, add, err := fn(cur, found)
		st.Next, st.Add, st.Changed = next, add, true
		return next, add, err
	}
}

func (s *logStore) Update(ctx context.Context, key correlate.Key, fn correlate.UpdateFunc) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := step{Key: key}
	if err := s.Memory.Update(ctx, key, noting(&st, fn)); err != nil {
		return err
	}
	return s.write(st)
}

func (s *logStore) Claim(ctx context.Context, c correlate.Claim) ([]correlate.Delivery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Memory.Claim(ctx, c)
}

func (s *logStore) Settle(ctx context.Context, d correlate.Delivery, o correlate.Outcome, fn correlate.UpdateFunc) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := step{Key: d.Key, Delivery: &d, Outcome: o}
	if err := s.Memory.Settle(ctx, d, o, noting(&st, fn)); err != nil {
		return err
	}
	return s.write(st)
}

func (s *logStore) Close() error { return s.file.Close() }

func TestLogStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) correlate.Store {
		s, err := openLogStore(filepath.Join(t.TempDir(), "store"))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.file.Close()) })
		return s
	})
}
