package jsonl_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/spanticket/spanticket/sinks"
	"github.com/spanticket/spanticket/sinks/jsonl"
	"github.com/spanticket/spanticket/sinks/sinktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSink(t *testing.T) {
	sinktest.Run(t, func(t *testing.T) sinks.Sink {
		return open(t, jsonl.Config{Path: filepath.Join(t.TempDir(), "t.jsonl")})
	})
}

func TestSinkThatRotates(t *testing.T) {
	sinktest.Run(t, func(t *testing.T) sinks.Sink {
		return open(t, jsonl.Config{Path: filepath.Join(t.TempDir(), "t.jsonl"), MaxBytes: 1, MaxFiles: 50})
	})
}

func TestSafety(t *testing.T) {
	sinktest.RunSafety(t, func(t *testing.T) sinktest.Outlet {
		path := filepath.Join(t.TempDir(), "t.jsonl")
		read := 0
		return sinktest.Outlet{
			Sink: open(t, jsonl.Config{Path: path, MaxBytes: 1 << 40}),
			Arrived: func() (out []sinktest.Arrival) {
				data, err := os.ReadFile(path)
				require.NoError(t, err)
				for line := range strings.Lines(string(data[read:])) {
					var l struct{ Ticket sinks.Ticket }
					require.NoError(t, json.Unmarshal([]byte(line), &l))
					require.NotEqual(t, "forged", l.Ticket.Key)
					out = append(out, sinktest.Arrival{Raw: []byte(line), Texts: []string{l.Ticket.Title, l.Ticket.Text()}})
				}
				read = len(data)
				return out
			},
		}
	})
}

func open(t *testing.T, c jsonl.Config) *jsonl.Sink {
	t.Helper()
	s, err := jsonl.New(c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func file(t *testing.T, s *jsonl.Sink, key string) {
	t.Helper()
	_, err := s.File(t.Context(), sinks.Ticket{Key: key})
	require.NoError(t, err)
}

// keys returns how many lines each key has in the files of path, and how many
// lines are no ticket.
func keys(t *testing.T, path string) (byKey map[string]int, bad int) {
	t.Helper()
	names, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	byKey = map[string]int{}
	for _, name := range names {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		for text := range strings.Lines(string(data)) {
			var line struct {
				Time   time.Time
				Ticket sinks.Ticket
			}
			if json.Unmarshal([]byte(text), &line) != nil || !strings.HasSuffix(text, "\n") {
				bad++
				continue
			}
			require.WithinDuration(t, time.Now(), line.Time, time.Minute)
			byKey[line.Ticket.Key]++
		}
	}
	return byKey, bad
}

func TestConfigProblemsComeAtOnce(t *testing.T) {
	_, err := jsonl.New(jsonl.Config{MaxBytes: -1, MaxFiles: -1})
	require.ErrorContains(t, err, "Config.Path is empty")
	require.ErrorContains(t, err, "Config.MaxBytes is -1")
	require.ErrorContains(t, err, "Config.MaxFiles is -1")

	missing := filepath.Join(t.TempDir(), "none", "t.jsonl")
	_, err = jsonl.New(jsonl.Config{Path: missing, MaxFiles: -1})
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, missing)
	require.ErrorContains(t, err, "make the directory first")
	require.ErrorContains(t, err, "Config.MaxFiles is -1")
	require.NoDirExists(t, filepath.Dir(missing))

	_, err = jsonl.New(jsonl.Config{Path: t.TempDir()})
	require.ErrorContains(t, err, "is not a regular file")
	_, err = jsonl.New(jsonl.Config{Path: os.DevNull})
	require.Error(t, err)
}

func TestFileIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.jsonl")
	open(t, jsonl.Config{Path: path})
	info, err := os.Stat(path)
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
}

func TestConcurrentCallsLoseNothingAcrossRotations(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.jsonl")
	s := open(t, jsonl.Config{Path: path, MaxBytes: 2 << 10, MaxFiles: 100})
	const callers, each = 8, 20
	var wg sync.WaitGroup
	for caller := range callers {
		wg.Go(func() {
			for i := range each {
				key := fmt.Sprintf("k:%d:%d", caller, i)
				_, err := s.File(t.Context(), sinks.Ticket{Key: key})
				require.NoError(t, err)
				if i%10 == 0 {
					_, found, err := s.Find(t.Context(), key)
					require.NoError(t, err)
					require.True(t, found)
				}
			}
		})
	}
	wg.Wait()
	byKey, bad := keys(t, path)
	require.Zero(t, bad)
	require.Len(t, byKey, callers*each)
	for key, n := range byKey {
		require.Equal(t, 1, n, key)
	}
	require.FileExists(t, path+".2", "there were rotations")
	names, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	for _, name := range names {
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.LessOrEqual(t, info.Size(), int64(2<<10))
	}
}

func TestRotationKeepsTheNewestFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.jsonl")
	s := open(t, jsonl.Config{Path: path, MaxBytes: 1, MaxFiles: 2}) // a line a file
	for _, key := range []string{"a", "b", "c", "d"} {
		file(t, s, key)
	}
	byKey, bad := keys(t, path)
	require.Zero(t, bad)
	require.Equal(t, map[string]int{"b": 1, "c": 1, "d": 1}, byKey)
	for key, want := range map[string]bool{"a": false, "b": true, "c": true, "d": true} {
		_, found, err := s.Find(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, want, found, key)
	}
}

// A crash may come after any of the renames of a rotation.
func TestCrashDuringRotationLosesNothing(t *testing.T) {
	for done := range 4 {
		t.Run(fmt.Sprintf("after %d renames", done), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "t.jsonl")
			config := jsonl.Config{Path: path, MaxBytes: 1, MaxFiles: 3}
			s := open(t, config)
			for _, key := range []string{"a", "b", "c"} {
				file(t, s, key)
			}
			require.NoError(t, s.Close())
			for _, rename := range [][2]string{{".2", ".3"}, {".1", ".2"}, {"", ".1"}}[:done] {
				require.NoError(t, os.Rename(path+rename[0], path+rename[1]))
			}
			s = open(t, config)
			file(t, s, "d")
			byKey, bad := keys(t, path)
			require.Zero(t, bad)
			require.Equal(t, map[string]int{"a": 1, "b": 1, "c": 1, "d": 1}, byKey)
			file(t, s, "e")
			byKey, _ = keys(t, path)
			require.Equal(t, map[string]int{"b": 1, "c": 1, "d": 1, "e": 1}, byKey, "then the oldest goes")
		})
	}
}

func TestTornLineIsTheOnlyBadOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.jsonl")
	s := open(t, jsonl.Config{Path: path})
	file(t, s, "a")
	file(t, s, "torn")
	require.NoError(t, s.Close())
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(path, info.Size()-20))

	s = open(t, jsonl.Config{Path: path})
	_, found, err := s.Find(t.Context(), "torn")
	require.NoError(t, err)
	require.False(t, found, "a line cut short was not written")
	file(t, s, "b")
	byKey, bad := keys(t, path)
	require.Equal(t, 1, bad)
	require.Equal(t, map[string]int{"a": 1, "b": 1}, byKey)
}

func TestFindLooksAtTheTicketsOwnKey(t *testing.T) {
	s := open(t, jsonl.Config{Path: filepath.Join(t.TempDir(), "t.jsonl")})
	_, err := s.File(t.Context(), sinks.Ticket{
		Key:       "mine",
		Title:     `{"ticket":{"key":"quoted"}}`,
		Exception: sinks.Exception{Stacktrace: strings.Repeat("a long line ", 20_000)},
		Evidence:  []sinks.Sample{{Attributes: map[string]string{"key": "attribute"}}},
	})
	require.NoError(t, err)
	for key, want := range map[string]bool{"mine": true, "quoted": false, "attribute": false, "min": false, "": false} {
		_, found, err := s.Find(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, want, found, "key %q", key)
	}
}

func TestClosed(t *testing.T) {
	s := open(t, jsonl.Config{Path: filepath.Join(t.TempDir(), "t.jsonl")})
	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "closing twice does nothing")
	_, err := s.File(t.Context(), sinks.Ticket{Key: "k"})
	require.EqualError(t, err, "transient: jsonl: write ticket k: the sink is closed")
	_, _, err = s.Find(context.Background(), "k")
	require.ErrorContains(t, err, "the sink is closed")
}

func TestTicketThatIsNoJSONIsRejected(t *testing.T) {
	s := open(t, jsonl.Config{Path: filepath.Join(t.TempDir(), "t.jsonl")})
	_, err := s.File(t.Context(), sinks.Ticket{Key: "k", FirstSeen: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)})
	reason, _ := sinks.ReasonOf(err)
	require.Equal(t, sinks.Rejected, reason)
}
