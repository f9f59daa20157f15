package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	bolt "go.etcd.io/bbolt"

	"github.com/spanticket/spanticket/correlate"
)

// sample returns a file with records of many sizes, deliveries and free pages.
func sample(t testing.TB) []byte {
	t.Helper()
	path := newPath(t)
	s := openStore(t, path)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 150 {
		var expires time.Time
		var sinks []string
		if i%2 == 0 {
			expires = noon.Add(time.Duration(i+100) * time.Hour)
		}
		if i%3 == 0 {
			sinks = []string{"jira", "slack"}
		}
		size := random.IntN(600)
		if i%30 == 7 {
			size = 20_000
		}
		require.NoError(t, write(t.Context(), s, fmt.Sprintf("p%03d", i), bytes.Repeat([]byte{byte(i)}, size), expires, sinks...))
	}
	for i := 0; i < 150; i += 10 {
		require.NoError(t, write(t.Context(), s, fmt.Sprintf("p%03d", i), nil, time.Time{}))
	}
	for _, d := range claim(t, s, noon, "slack")[:20] {
		require.NoError(t, s.Settle(t.Context(), d, correlate.Outcome{Done: true}, nil))
	}
	closeStore(t, s)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return b
}

// contents is all that a store holds.
type contents struct {
	records    map[string]string // data by ID
	deliveries map[string]bool
}

func read(t testing.TB, s *Store) contents {
	t.Helper()
	c := contents{map[string]string{}, map[string]bool{}}
	for _, rec := range list(t, s) {
		c.records[rec.Key.ID] = string(rec.Data)
	}
	for _, d := range claim(t, s, noon.Add(time.Hour), "jira", "slack") {
		c.deliveries[d.ID] = true
	}
	return c
}

// TestDamage: a file cut short, or with one bit turned, opens; what it says is
// lost is what is missing, nothing comes back wrong, and the store goes on.
func TestDamage(t *testing.T) {
	t.Parallel() // most of it waits for the disk
	whole := sample(t)
	clean := newPath(t)
	require.NoError(t, os.WriteFile(clean, whole, 0o600))
	want := read(t, openStore(t, clean))
	for _, kind := range []string{"cut short", "bit turned"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64()
			random := rand.New(rand.NewPCG(seed, 0))
			said, lost, most := 0, 0, 0
			for n := range 200 {
				at := random.IntN(len(whole))
				where := fmt.Sprintf("seed %d, %s number %d, at %d of %d", seed, kind, n, at, len(whole))
				file := bytes.Clone(whole)
				if kind == "cut short" {
					file = file[:at]
				} else {
					file[at] ^= 1 << random.IntN(8)
				}
				path := newPath(t)
				require.NoError(t, os.WriteFile(path, file, 0o600))
				s, losses := openDamaged(t, path)
				got := read(t, s)
				forgotten := 0
				for id, data := range got.records {
					if _, ok := want.records[id]; !ok && strings.HasSuffix(id, "0") && kind == "cut short" {
						forgotten++ // it was deleted, and the list of free pages is lost
						continue
					}
					require.True(t, want.records[id] == data, "%s: record %s is not what it was", where, id)
				}
				for id := range got.deliveries {
					require.True(t, want.deliveries[id], "%s: delivery %s comes back", where, id)
				}
				missing := int64(len(want.records) + forgotten - len(got.records))
				waiting := int64(len(want.deliveries) - len(got.deliveries))
				if missing+waiting > 0 {
					require.Len(t, losses, 1, "%s: %d records and %d deliveries are missing and nothing is said", where, missing, waiting)
					lost++
					most = max(most, int(missing))
				}
				require.Equal(t, len(losses), len(asides(t, path)), where)
				for _, l := range losses {
					said++
					require.Equal(t, int64(len(got.records)), l.Records, where)
					require.Equal(t, int64(len(got.deliveries)), l.Deliveries, where)
					if l.LostRecords >= 0 {
						require.Zero(t, forgotten, where)
						require.Equal(t, missing, l.LostRecords, where)
						require.Equal(t, waiting, l.LostDeliveries, where)
					}
					aside, err := os.ReadFile(l.Aside)
					require.NoError(t, err, where)
					require.True(t, bytes.Equal(file, aside), "%s: the damaged file is kept as it was", where)
				}
				require.NoError(t, write(t.Context(), s, "after", []byte("x"), time.Time{}, "jira"), where)
				closeStore(t, s)
				s = openStore(t, path) // the new file is sound
				require.Len(t, list(t, s), len(got.records)+1, where)
				closeStore(t, s)
				require.NoError(t, os.RemoveAll(filepath.Dir(path)))
			}
			t.Logf("seed %d: of 200, %d were said to be damaged, %d lost something, one of them %d of %d records", seed, said, lost, most, len(want.records))
			require.NotZero(t, said)
		})
	}
}

// TestABranchThatLeadsAstray: a branch whose key is not that of the page it leads to is
// found, though all keys are in order yet: the database would not find that page in it,
// and so keep it beside the one that takes its place.
func TestABranchThatLeadsAstray(t *testing.T) {
	whole := sample(t)
	clean := newSurvey(bytes.NewReader(whole), int64(len(whole)))
	clean.walk(func(entry) error { return nil })
	require.NoError(t, clean.first)
	tried := 0
	for id := uint64(2); id < clean.pages; id++ {
		p, err := clean.read(id)
		if err != nil || !clean.seen.has(id) || p.flags != branchPage {
			continue
		}
		for i := range p.count {
			e, err := p.element(i)
			require.NoError(t, err)
			file := bytes.Clone(whole)
			at := int64(id)*clean.pageSize + int64(bytes.Index(p.data, e.key))
			file[at+int64(len(e.key))-1]-- // a little lower
			wrong, err := check(bytes.NewReader(file), int64(len(file)))
			require.NoError(t, err)
			require.ErrorContains(t, wrong, "are not in order", "page %d, entry %d", id, i)
			tried++
		}
	}
	require.Positive(t, tried)
}

// TestBothMetaPagesAreLost: records are found in their pages; deliveries, of
// which nothing says whether they were done, are not taken up.
func TestBothMetaPagesAreLost(t *testing.T) {
	whole := sample(t)
	clear(whole[:2*os.Getpagesize()])
	path := newPath(t)
	require.NoError(t, os.WriteFile(path, whole, 0o600))
	s, losses := openDamaged(t, path)
	require.Len(t, losses, 1)
	require.Greater(t, losses[0].Records, int64(100))
	require.Zero(t, losses[0].Deliveries)
	require.ErrorContains(t, losses[0], "records and 0 deliveries could be read")
	require.Len(t, list(t, s), int(losses[0].Records))
}

func TestNoFile(t *testing.T) {
	for _, file := range []string{"", "x", strings.Repeat("not a database", 10_000)} {
		path := newPath(t)
		require.NoError(t, os.WriteFile(path, []byte(file), 0o600))
		s, losses := openDamaged(t, path)
		require.Len(t, losses, 1)
		require.ErrorContains(t, losses[0], "how much is lost is not known")
		require.NoError(t, write(t.Context(), s, "a", []byte("x"), time.Time{}))
	}
}

// TestDamageWhileOpen: the file is cut short under the store. The call that
// meets it fails, the next ones go on.
func TestDamageWhileOpen(t *testing.T) {
	for _, test := range []struct {
		rule string
		harm func(t *testing.T, path string)
	}{
		{"cut short: a read of the memory map faults", func(t *testing.T, path string) {
			require.NoError(t, os.Truncate(path, int64(3*os.Getpagesize())))
		}},
		{"emptied", func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, 0)) }},
		{"overwritten", func(t *testing.T, path string) {
			info, err := os.Stat(path)
			require.NoError(t, err)
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			require.NoError(t, err)
			_, err = f.Write(bytes.Repeat([]byte{0xA5}, int(info.Size())))
			require.NoError(t, errors.Join(err, f.Close()))
		}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			t.Parallel()
			path := newPath(t)
			require.NoError(t, os.WriteFile(path, sample(t), 0o600))
			losses := make(chan *Loss, 10)
			s, err := Open(Config{Path: path, Lost: func(l *Loss) { losses <- l }})
			require.NoError(t, err)
			defer s.Close()
			test.harm(t, path)

			failed := 0
			for i := range 20 {
				err := write(t.Context(), s, fmt.Sprintf("after%d", i), []byte("x"), time.Time{}, "jira")
				if err != nil {
					require.ErrorIs(t, err, ErrDamaged)
					failed++
				}
			}
			require.Equal(t, 1, failed, "one call meets it")
			require.Len(t, losses, 1)
			require.GreaterOrEqual(t, len(list(t, s)), 19)
			closeStore(t, s)
			openStore(t, path)
		})
	}
}

// TestAnIndexThatLeadsToNothing is mended from what it should lead to.
func TestAnIndexThatLeadsToNothing(t *testing.T) {
	path := newPath(t)
	s := openStore(t, path)
	require.NoError(t, write(t.Context(), s, "a", []byte("x"), time.Time{}, "jira"))
	require.NoError(t, write(t.Context(), s, "b", []byte("x"), time.Time{}, "jira"))
	closeStore(t, s)
	edit(t, path, func(tx *bolt.Tx) error { // nothing that is counted
		q := tx.Bucket(queueBucket.name())
		k, _ := q.Cursor().First()
		return q.Put(bytes.Clone(k), seal(queueBucket, k, append(newEntry(0), "nothing"...)))
	})
	s, losses := openDamaged(t, path)
	require.Empty(t, losses)
	c := correlate.Claim{Scope: key("").Scope, Sinks: []string{"jira"}, Now: noon, Lease: time.Minute, Max: 10}
	_, err := s.Claim(t.Context(), c)
	require.ErrorIs(t, err, ErrDamaged)
	got, err := s.Claim(t.Context(), c)
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Len(t, asides(t, path), 1)
}

func TestThreeDamagedFilesAreKept(t *testing.T) {
	path := newPath(t)
	for range 5 {
		require.NoError(t, os.WriteFile(path, []byte("damaged"), 0o600))
		s, losses := openDamaged(t, path)
		require.Len(t, losses, 1)
		closeStore(t, s)
	}
	require.LessOrEqual(t, len(asides(t, path)), keepDamaged)
	require.NotEmpty(t, asides(t, path))
}

// TestAPanicInLostHarmsNobody: the host's function is not ours.
func TestAPanicInLostHarmsNobody(t *testing.T) {
	path := newPath(t)
	require.NoError(t, os.WriteFile(path, []byte("damaged"), 0o600))
	s, err := Open(Config{Path: path, Lost: func(*Loss) { panic("of the host") }})
	require.NoError(t, err)
	require.NoError(t, write(context.Background(), s, "a", []byte("x"), time.Time{}))
	closeStore(t, s)
}
