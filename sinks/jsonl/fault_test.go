package jsonl

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/sinks"
)

// faulty is a file on a disk that has trouble.
type faulty struct {
	file
	room           int // bytes that a write may still take, when full
	full           bool
	short          bool // a short write without an error
	sync, truncate error
}

func (f *faulty) Write(p []byte) (int, error) {
	if !f.full || len(p) <= f.room {
		return f.file.Write(p)
	}
	n, _ := f.file.Write(p[:f.room])
	if f.short {
		return n, nil
	}
	return n, syscall.ENOSPC
}

func (f *faulty) Sync() error {
	if f.sync != nil {
		return f.sync
	}
	return f.file.Sync()
}

func (f *faulty) Truncate(size int64) error {
	if f.truncate != nil {
		return f.truncate
	}
	return f.file.Truncate(size)
}

func withFault(t *testing.T) (*Sink, *faulty) {
	t.Helper()
	s, err := New(Config{Path: filepath.Join(t.TempDir(), "t.jsonl")})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	f := &faulty{file: s.file}
	s.file = f
	_, err = s.File(t.Context(), sinks.Ticket{Key: "before"})
	require.NoError(t, err)
	return s, f
}

func lines(t *testing.T, s *Sink) []string {
	t.Helper()
	data, err := os.ReadFile(s.path)
	require.NoError(t, err)
	return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
}

func TestPartialLineIsTakenBack(t *testing.T) {
	for rule, short := range map[string]bool{"the disk is full": false, "the write is short": true} {
		t.Run(rule, func(t *testing.T) {
			s, f := withFault(t)
			f.full, f.room, f.short = true, 30, short
			_, err := s.File(t.Context(), sinks.Ticket{Key: "k"})
			reason, _ := sinks.ReasonOf(err)
			require.Equal(t, sinks.Transient, reason)
			require.ErrorContains(t, err, "jsonl: write ticket k to "+s.path)
			require.Len(t, lines(t, s), 1)

			f.full = false
			_, err = s.File(t.Context(), sinks.Ticket{Key: "k"})
			require.NoError(t, err)
			require.Len(t, lines(t, s), 2)
			require.Contains(t, lines(t, s)[1], `"key":"k"`)
		})
	}
}

func TestPartialLineThatStaysIsEnded(t *testing.T) {
	s, f := withFault(t)
	f.full, f.room, f.truncate = true, 30, errors.New("read-only file system")
	_, err := s.File(t.Context(), sinks.Ticket{Key: "k"})
	require.ErrorIs(t, err, syscall.ENOSPC)
	f.full = false
	_, err = s.File(t.Context(), sinks.Ticket{Key: "k"})
	require.NoError(t, err)
	require.Len(t, lines(t, s), 3)
	require.Contains(t, lines(t, s)[2], `"key":"k"`)
}

func TestFailedSync(t *testing.T) {
	broken := errors.New("input/output error")
	for _, c := range []struct {
		rule     string
		truncate error
		reason   sinks.Reason
		found    bool
	}{
		{"the line is taken back: it may be sent again", nil, sinks.Transient, false},
		{"the line cannot be taken back: nobody knows", errors.New("read-only file system"), sinks.Unknown, true},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s, f := withFault(t)
			f.sync, f.truncate = broken, c.truncate
			_, err := s.File(t.Context(), sinks.Ticket{Key: "k"})
			require.ErrorIs(t, err, broken)
			reason, _ := sinks.ReasonOf(err)
			require.Equal(t, c.reason, reason)
			_, found, err := s.Find(t.Context(), "k")
			require.NoError(t, err)
			require.Equal(t, c.found, found)
		})
	}
}

// A failed rotation loses nothing, and the next call tries again.
func TestFailedRotation(t *testing.T) {
	s, _ := withFault(t)
	s.maxBytes = 1
	obstacle := s.path + ".1" // a rename does not replace a directory that is not empty
	require.NoError(t, os.MkdirAll(filepath.Join(obstacle, "x"), 0o700))
	s.maxFiles = 1
	for range 2 {
		_, err := s.File(t.Context(), sinks.Ticket{Key: "k"})
		reason, _ := sinks.ReasonOf(err)
		require.Equal(t, sinks.Transient, reason)
		require.ErrorContains(t, err, "rotate: ")
		require.Len(t, lines(t, s), 1)
	}
	require.NoError(t, os.RemoveAll(obstacle))
	_, err := s.File(t.Context(), sinks.Ticket{Key: "k"})
	require.NoError(t, err)
	require.Contains(t, lines(t, s)[0], `"key":"k"`)
	require.FileExists(t, obstacle)
}

// A write that is stuck holds one call; those behind it return when their
// context ends.
func TestWaitingCallReturnsWhenItsContextEnds(t *testing.T) {
	s, _ := withFault(t)
	synctest.Test(t, func(t *testing.T) {
		s.turn = make(chan struct{}, 1)
		s.turn <- struct{}{}
		defer s.leave()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := s.File(ctx, sinks.Ticket{Key: "k"})
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
	s.turn = make(chan struct{}, 1)
}
