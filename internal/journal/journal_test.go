package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// reopen opens the journal of a path, and closes it when the test ends.
func reopen(t *testing.T, path string) *Journal {
	t.Helper()
	j, err := Open(path, "shop/checkout")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, j.Close()) })
	return j
}

// texts returns what was in a journal when it was opened.
func texts(j *Journal) (out []string) {
	for _, r := range j.Records() {
		out = append(out, string(r.Data))
	}
	return out
}

// image returns the bytes of a file as the process would leave it if it ended now.
func image(t require.TestingT, path string) []byte {
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return b
}

func put(t require.TestingT, j *Journal, record string) Entry {
	e, err := j.Put([]byte(record))
	require.NoError(t, err)
	return e
}

func TestWhatWasPutIsThereUntilItIsReleased(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := reopen(t, path)
	require.Empty(t, j.Records())
	put(t, j, "first")
	second := put(t, j, "second")
	put(t, j, "third")
	require.Len(t, parsed(image(t, path)), 3, "in the file, not in the process")
	j.Release(second, second, 999)
	require.NoError(t, j.Close())
	_, err := j.Put([]byte("late"))
	require.ErrorIs(t, err, ErrClosed)

	j = reopen(t, path)
	require.Equal(t, []string{"first", "third"}, texts(j))
	fourth := put(t, j, "fourth")
	for _, r := range j.Records() {
		j.Release(r.Entry)
		require.Less(t, r.Entry, fourth, "entries are not used again")
	}
	require.Equal(t, 1, j.Len())
	require.NoError(t, j.Close())
	require.Equal(t, []string{"fourth"}, texts(reopen(t, path)))
	require.Len(t, image(t, path), fileSize)
}

func TestRecordsHaveALimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := reopen(t, path)
	for _, n := range []int{0, MaxRecord + 1} {
		_, err := j.Put(make([]byte, n))
		require.ErrorContains(t, err, "must be 1 to 2048")
	}
	var entries []Entry
	for i := range slots {
		entries = append(entries, put(t, j, fmt.Sprintf("%0*d", MaxRecord, i)))
	}
	_, err := j.Put([]byte("more"))
	require.ErrorIs(t, err, ErrFull, "what was promised is kept")
	require.Len(t, parsed(image(t, path)), slots)
	j.Release(entries[7])
	require.NoError(t, j.Close())
	j = reopen(t, path)
	require.Len(t, j.Records(), slots-1)
	put(t, j, "there is room again")
}

// A journal is a set that survives its process, whatever is put, released and
// restarted in which order.
func TestJournalIsASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		disk := &stalling{bytes: make([]byte, fileSize)}
		j := start(disk, "disk", nil)
		defer func() { require.NoError(t, j.Close()) }()
		want, entries := map[string]Entry{}, []string{}
		n := 0
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0, 1: // many at once, so that slots are used again
				for range rapid.IntRange(1, 40).Draw(t, "puts") {
					n++
					text := fmt.Sprint(n, " ", rapid.StringN(0, 20, -1).Draw(t, "text"))
					e, err := j.Put([]byte(text))
					if len(want) == slots {
						require.ErrorIs(t, err, ErrFull)
						continue
					}
					if errors.Is(err, ErrFull) { // releases are under way
						continue
					}
					require.NoError(t, err)
					want[text], entries = e, append(entries, text)
				}
			case 2, 3:
				for len(entries) > 0 && rapid.IntRange(0, 20).Draw(t, "more") > 0 {
					i := rapid.IntRange(0, len(entries)-1).Draw(t, "which")
					j.Release(want[entries[i]])
					delete(want, entries[i])
					entries = append(entries[:i], entries[i+1:]...)
				}
			case 4:
				require.NoError(t, j.Close())
				j = start(disk, "disk", parsed(disk.bytes))
				require.ElementsMatch(t, entries, texts(j))
				entries = texts(j)
				for _, r := range j.Records() {
					want[string(r.Data)] = r.Entry
				}
			}
			require.Equal(t, len(want), j.Len())
		}
	})
}

// stalling is a disk that stalls, fails, or loses what is after a number of bytes.
type stalling struct {
	mu    sync.Mutex
	bytes []byte
	err   error
	wait  chan struct{} // until it is closed nothing is written
}

func (s *stalling) WriteAt(b []byte, at int64) (int, error) {
	s.mu.Lock()
	wait, err := s.wait, s.err
	s.mu.Unlock()
	if wait != nil {
		<-wait
	}
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return copy(s.bytes[at:], b), nil
}

func (s *stalling) Close() error { return nil }

func (s *stalling) set(err error, wait chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err, s.wait = err, wait
}

func TestADiskThatStallsDoesNotStallTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait := make(chan struct{})
		disk := &stalling{bytes: make([]byte, fileSize), wait: wait}
		j := start(disk, "disk", nil)
		began := time.Now()
		stuck, err := j.Put([]byte("stuck"))
		require.ErrorIs(t, err, ErrStalled)
		require.NotZero(t, stuck, "it may be in the file later")
		require.Equal(t, maxWait, time.Since(began))
		for range 1000 {
			_, err = j.Put([]byte("next"))
			require.ErrorIs(t, err, ErrStalled)
		}
		require.Equal(t, maxWait, time.Since(began), "who comes later does not wait at all")
		j.Release(stuck)

		disk.set(nil, nil)
		close(wait)
		synctest.Wait()
		require.Empty(t, parsed(disk.bytes), "it was released before it was written")
		put(t, j, "again")
		require.NoError(t, j.Close())
		require.Len(t, parsed(disk.bytes), 1)
	})
}

func TestCloseDoesNotWaitForADiskThatStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait := make(chan struct{})
		j := start(&stalling{bytes: make([]byte, fileSize), wait: wait}, "disk", nil)
		_, err := j.Put([]byte("stuck"))
		require.ErrorIs(t, err, ErrStalled)
		began := time.Now()
		require.ErrorIs(t, j.Close(), ErrStalled)
		require.Equal(t, maxClose, time.Since(began))
		close(wait)
		synctest.Wait()
	})
}

func TestAWriteThatFailsSaysSo(t *testing.T) {
	disk := &stalling{bytes: make([]byte, fileSize)}
	j := start(disk, "disk", nil)
	full := errors.New("no space left on device")
	disk.set(full, nil)
	for range 2 * slots {
		e, err := j.Put([]byte("lost"))
		require.ErrorIs(t, err, full)
		require.Zero(t, e)
	}
	disk.set(nil, nil)
	for range slots {
		put(t, j, "there is room for all")
	}
	require.NoError(t, j.Close())
}

func TestManyGoroutines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := reopen(t, path)
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			for i := range 200 {
				e, err := j.Put(bytes.Repeat([]byte{byte(w + 1)}, 1+i))
				if err == nil && i%10 != 0 {
					j.Release(e)
				} else if err != nil && !errors.Is(err, ErrFull) && !errors.Is(err, ErrStalled) {
					panic(err)
				}
			}
		})
	}
	all.Wait()
	held := j.Len()
	require.NoError(t, j.Close())
	for _, r := range reopen(t, path).Records() {
		require.Equal(t, bytes.Repeat(r.Data[:1], len(r.Data)), r.Data, "no two are mixed")
		held--
	}
	require.Zero(t, held)
}

func BenchmarkPut(b *testing.B) {
	j, err := Open(filepath.Join(b.TempDir(), "journal"), "me")
	require.NoError(b, err)
	record := make([]byte, MaxRecord)
	b.ReportAllocs()
	for b.Loop() {
		e, err := j.Put(record)
		if !errors.Is(err, ErrStalled) { // on a machine that does other things
			require.NoError(b, err)
		}
		j.Release(e)
	}
	require.NoError(b, j.Close())
}
