package boltstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	bolt "go.etcd.io/bbolt"

	"github.com/spanticket/spanticket/correlate"
)

// closeStore closes a store in the middle of a test.
func closeStore(t testing.TB, s *Store) {
	t.Helper()
	require.NoError(t, s.Close())
}

func TestReopenKeepsEverything(t *testing.T) {
	path := newPath(t)
	s := openStore(t, path)
	hour := noon.Add(time.Hour)
	require.NoError(t, write(t.Context(), s, "a", []byte("one"), hour, "jira", "slack"))
	require.NoError(t, write(t.Context(), s, "b", []byte{}, time.Time{}, "jira"))
	require.NoError(t, s.Update(t.Context(), key("b"), func(cur correlate.Record, _ bool) (correlate.Record, []correlate.Delivery, error) {
		return cur, []correlate.Delivery{{ID: "b-later", Sink: "jira", Operation: correlate.OpResolve, Due: noon}}, nil
	}))
	leased := claim(t, s, noon, "slack")
	require.Len(t, leased, 1)
	require.NoError(t, write(t.Context(), s, "gone", []byte("x"), noon.Add(-1)))
	before := list(t, s)
	require.Len(t, before, 2, "what has expired is not listed")
	closeStore(t, s)

	s = openStore(t, path)
	require.Equal(t, before, list(t, s), "nor after the file was opened again, before any claim")
	require.Empty(t, claim(t, s, noon, "slack"), "a lease outlives the process")
	got := claim(t, s, noon, "jira")
	require.Len(t, got, 2)
	require.Equal(t, []string{"a-jira", "b-jira"}, []string{got[0].ID, got[1].ID})
	for _, d := range got {
		require.NotEqual(t, leased[0].Lease, d.Lease)
		require.NoError(t, s.Settle(t.Context(), d, correlate.Outcome{Done: true}, nil))
	}
	require.Equal(t, "b-later", claim(t, s, noon, "jira")[0].ID, "the line goes on")
	require.NoError(t, s.Settle(t.Context(), leased[0], correlate.Outcome{Done: true}, nil), "who has the lease may settle")
}

func TestLock(t *testing.T) {
	path := newPath(t)
	s := openStore(t, path)
	_, err := Open(Config{Path: path, LockTimeout: -1})
	require.ErrorIs(t, err, ErrLocked)
	require.ErrorContains(t, err, fmt.Sprintf("process %d, this one", os.Getpid()))
	require.ErrorContains(t, err, path)
	require.ErrorContains(t, err, "give each its own path")

	opened := make(chan error)
	go func() {
		second, err := Open(Config{Path: path, LockTimeout: 20 * time.Second})
		if err == nil {
			err = second.Close()
		}
		opened <- err
	}()
	closeStore(t, s)
	require.NoError(t, <-opened, "who waits gets it")
}

// TestLockOfTheDatabase: a tool that opens the file without the lock beside it.
func TestLockOfTheDatabase(t *testing.T) {
	path := newPath(t)
	closeStore(t, openStore(t, path))
	db, err := bolt.Open(path, 0o600, nil)
	require.NoError(t, err)
	_, err = Open(Config{Path: path})
	require.ErrorIs(t, err, ErrLocked)
	require.NoError(t, db.Close())
	openStore(t, path)
}

func TestClosed(t *testing.T) {
	s := openStore(t, newPath(t))
	closeStore(t, s)
	closeStore(t, s)
	require.ErrorIs(t, write(t.Context(), s, "a", []byte("x"), time.Time{}), ErrClosed)
}

func TestOpenRefuses(t *testing.T) {
	for _, test := range []struct {
		rule string
		make func(t *testing.T, path string)
		err  error
		says string
	}{
		{
			rule: "the database of another program is left alone",
			make: func(t *testing.T, path string) {
				edit(t, path, func(tx *bolt.Tx) error {
					_, err := tx.CreateBucket([]byte("accounts"))
					return err
				})
			},
			err: ErrForeign, says: "path of its own",
		},
		{
			rule: "a folder is no store",
			make: func(t *testing.T, path string) { require.NoError(t, os.Mkdir(path, 0o700)) },
			err:  ErrForeign, says: "no regular file",
		},
		{
			rule: "what a newer program has forbidden to older ones is left alone",
			make: func(t *testing.T, path string) {
				closeStore(t, openStore(t, path))
				setLayout(t, path, layout{format: 9, oldest: 2})
			},
			err: ErrNewer, says: "its format is 9, this program knows 1",
		},
	} {
		t.Run(test.rule, func(t *testing.T) {
			path := newPath(t)
			test.make(t, path)
			before, err := os.Stat(path)
			require.NoError(t, err)
			_, err = Open(Config{Path: path})
			require.ErrorIs(t, err, test.err)
			require.ErrorContains(t, err, test.says)
			after, err := os.Stat(path)
			require.NoError(t, err)
			require.True(t, os.SameFile(before, after))
			require.Equal(t, before.ModTime(), after.ModTime(), "it is not touched")
			require.Empty(t, asides(t, path))
			_, err = Open(Config{Path: path, LockTimeout: -1})
			require.ErrorIs(t, err, test.err, "and the lock is free")
		})
	}
	_, err := Open(Config{})
	require.ErrorContains(t, err, "name a file")
	_, err = Open(Config{Path: filepath.Join(t.TempDir(), "no", "folder")})
	require.ErrorIs(t, err, os.ErrNotExist)
}

// edit changes a closed file as another program might.
func edit(t testing.TB, path string, fn func(*bolt.Tx) error) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	require.NoError(t, err)
	require.NoError(t, errors.Join(db.Update(fn), db.Close()))
}

func setLayout(t testing.TB, path string, l layout) {
	t.Helper()
	edit(t, path, func(tx *bolt.Tx) error {
		return tx.Bucket(headerBucket.name()).Put(formatKey, seal(headerBucket, formatKey, l.append(newEntry(16))))
	})
}

// asides returns the damaged files beside a store.
func asides(t testing.TB, path string) []string {
	t.Helper()
	found, err := filepath.Glob(path + damagedMark + "*")
	require.NoError(t, err)
	return found
}

// TestNewerProgram: what a newer program has written outlives changes by this
// one, and a repair.
func TestNewerProgram(t *testing.T) {
	path := newPath(t)
	s := openStore(t, path)
	require.NoError(t, write(t.Context(), s, "a", []byte("x"), time.Time{}, "jira"))
	closeStore(t, s)
	news := appendText(nil, 99, "news")
	setLayout(t, path, layout{format: 2, oldest: 1, unknown: news})
	extend := func(tx *bolt.Tx, b bucket, k []byte) error {
		v := append(newEntry(0), tx.Bucket(b.name()).Get(k)[checksumSize:]...)
		return tx.Bucket(b.name()).Put(k, seal(b, k, append(v, news...)))
	}
	edit(t, path, func(tx *bolt.Tx) error {
		index, err := tx.CreateBucket([]byte("new-index"))
		return errors.Join(err, index.Put([]byte("k"), []byte("v")), extend(tx, headerBucket, stateKey),
			extend(tx, recordBucket, recordKey(key("a"))), extend(tx, deliveryBucket, deliveryKey("a-jira")))
	})
	expect := func() {
		t.Helper()
		edit(t, path, func(tx *bolt.Tx) error {
			require.Equal(t, "v", string(tx.Bucket([]byte("new-index")).Get([]byte("k"))))
			for _, at := range []struct {
				bucket bucket
				key    []byte
			}{{headerBucket, formatKey}, {headerBucket, stateKey}, {recordBucket, recordKey(key("a"))}, {deliveryBucket, deliveryKey("a-jira")}} {
				require.Contains(t, string(tx.Bucket(at.bucket.name()).Get(at.key)), "news", "%c %q", at.bucket, at.key)
			}
			l, err := parseLayout(tx.Bucket(headerBucket.name()).Get(formatKey)[checksumSize:])
			require.Equal(t, int64(2), l.format)
			return err
		})
	}
	s = openStore(t, path)
	require.NoError(t, write(t.Context(), s, "a", []byte("y"), time.Time{}))
	d := claim(t, s, noon, "jira")[0]
	require.NoError(t, s.Settle(t.Context(), d, correlate.Outcome{Due: noon}, nil))
	closeStore(t, s)
	expect()

	// A byte behind the data of the first meta page: one page is suspect, all
	// can be read.
	flip(t, path, 16+56, 1)
	s, loss := openDamaged(t, path)
	require.Len(t, loss, 1)
	require.Zero(t, loss[0].LostRecords)
	closeStore(t, s)
	expect()
}

func flip(t testing.TB, path string, at int64, mask byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	b := make([]byte, 1)
	_, err = f.ReadAt(b, at)
	require.NoError(t, err)
	b[0] ^= mask
	_, err = f.WriteAt(b, at)
	require.NoError(t, errors.Join(err, f.Close()))
}

// openDamaged opens a store and returns what it says is lost.
func openDamaged(t testing.TB, path string) (*Store, []*Loss) {
	t.Helper()
	var mu sync.Mutex
	var losses []*Loss
	s, err := Open(Config{Path: path, LockTimeout: -1, Lost: func(l *Loss) {
		mu.Lock()
		defer mu.Unlock()
		losses = append(losses, l)
	}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	mu.Lock()
	defer mu.Unlock()
	return s, losses
}

// TestNothingElseIsInTheFile: texts of the host's computer and process are not.
func TestNothingElseIsInTheFile(t *testing.T) {
	path := newPath(t)
	s := openStore(t, path)
	require.NoError(t, write(t.Context(), s, "a", []byte("redacted document"), time.Time{}, "jira"))
	_, err := s.Claim(t.Context(), correlate.Claim{Scope: correlate.Scope{Service: "checkout"}, Sinks: []string{"jira"}, Now: noon, Lease: time.Minute, Max: 1})
	require.NoError(t, err)
	closeStore(t, s)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(b), "redacted document")
	host, err := os.Hostname()
	require.NoError(t, err)
	for _, text := range []string{host, os.TempDir(), filepath.Base(path), os.Getenv("HOME") + "/"} {
		require.NotContains(t, string(b), text)
	}
	if runtime.GOOS != "windows" {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "its owner alone may read it")
	}
}

func TestContextEndsWhileAnotherIsBusy(t *testing.T) {
	s := openStore(t, newPath(t))
	busy, free := make(chan bool), make(chan bool)
	first := make(chan error)
	go func() {
		first <- s.Update(context.Background(), key("a"), func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
			close(busy)
			<-free
			return correlate.Record{Data: []byte("x")}, nil, nil
		})
	}()
	<-busy
	ctx, cancel := context.WithCancel(t.Context())
	second := make(chan error)
	go func() { second <- write(ctx, s, "b", []byte("x"), time.Time{}) }()
	cancel()
	require.ErrorIs(t, <-second, context.Canceled)
	close(free)
	require.NoError(t, <-first)
	require.Len(t, list(t, s), 1, "what was given up has changed nothing")
}

func TestGroups(t *testing.T) {
	s := openStore(t, newPath(t))
	const writers, each = 8, 50
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if err := write(context.Background(), s, fmt.Sprintf("%d-%d", w, i), []byte("x"), time.Time{}); err != nil {
					t.Errorf("Update = %v", err)
				}
			}
		})
	}
	wg.Wait()
	require.Len(t, list(t, s), writers*each)
	require.Less(t, revision(t, s), int64(writers*each*3/4), "updates share transactions")
}

// revision returns how many transactions there were. It closes the store.
func revision(t testing.TB, s *Store) int64 {
	t.Helper()
	closeStore(t, s)
	var st state
	edit(t, s.config.Path, func(tx *bolt.Tx) (err error) {
		st, err = parseState(tx.Bucket(headerBucket.name()).Get(stateKey)[checksumSize:])
		return err
	})
	return st.revision
}

func TestLongKeys(t *testing.T) {
	s := openStore(t, newPath(t))
	long := strings.Repeat("long", 1<<13)
	format := new(correlate.FormatError)
	require.ErrorAs(t, write(t.Context(), s, long, []byte("x"), time.Time{}), &format, "it will not pass")
	require.ErrorAs(t, write(t.Context(), s, "a", []byte("x"), time.Time{}, long), &format)
	require.Empty(t, list(t, s))
	require.NoError(t, write(t.Context(), s, long[:len(long)/2], []byte("x"), noon, "jira"))
	require.Len(t, list(t, s), 1)
}
