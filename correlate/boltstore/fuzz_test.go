package boltstore

import (
	"bytes"
	"hash/fnv"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	bolt "go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/internal/keypart"
)

// smallFile returns a store in pages of 1 KiB, so that a fuzzer gets to the
// trees.
func smallFile(f *testing.F) []byte {
	s := openStore(f, newPath(f))
	for i := range 20 {
		require.NoError(f, write(f.Context(), s, strconv.Itoa(i), make([]byte, 10*i), noon.Add(time.Hour), "jira"))
	}
	closeStore(f, s)
	whole, err := os.ReadFile(s.config.Path)
	require.NoError(f, err)
	path := filepath.Join(f.TempDir(), "small.db")
	db, err := bolt.Open(path, 0o600, &bolt.Options{PageSize: 1024})
	require.NoError(f, err)
	kept, _, err := copyAll(db, bytes.NewReader(whole), int64(len(whole)))
	require.NoError(f, err)
	require.Equal(f, int64(20), kept.records)
	require.NoError(f, db.Close())
	b, err := os.ReadFile(path)
	require.NoError(f, err)
	m, _, err := readMeta(bytes.NewReader(b), int64(len(b)))
	require.NoError(f, err)
	return b[:m.pages*1024]
}

// FuzzFile: no file makes the reader panic, run for long or take memory beyond
// its size; a file that is called sound holds what it says.
func FuzzFile(f *testing.F) {
	small := smallFile(f)
	f.Add(small, false)
	f.Add(small[:len(small)/2], true)
	f.Add([]byte{}, false)
	f.Fuzz(func(t *testing.T, file []byte, mend bool) {
		if mend { // so that more than the checksum of the root is tried
			file = bytes.Clone(file)
			for _, at := range []int{0, 1024} {
				if len(file) >= at+pageHeader+metaSize {
					m := file[at+pageHeader:]
					sum := fnv.New64a()
					sum.Write(m[:56])
					native.PutUint64(m[56:], sum.Sum64())
				}
			}
		}
		var records, deliveries int64
		c := census{
			record:   func([]byte, record, bool) { records++ },
			delivery: func(delivery, bool) { deliveries++ },
		}
		s := newSurvey(bytes.NewReader(file), int64(len(file)))
		s.walk(c.visit)
		require.LessOrEqual(t, records+deliveries, int64(len(file)), "an entry takes more than a byte")
		if wrong, err := check(bytes.NewReader(file), int64(len(file))); wrong == nil && err == nil {
			require.Equal(t, c.state.records, records)
			require.Equal(t, c.state.deliveries, deliveries)
		}
	})
}

// FuzzEntry: what can be read of an entry is written as something that reads
// the same.
func FuzzEntry(f *testing.F) {
	r := record{version: 1, data: []byte("data"), expires: noon, revision: 7, unknown: appendText(nil, 99, "news")}
	f.Add(recordKey(key("a")), r.append(nil))
	d := delivery{Delivery: correlate.Delivery{ID: "1", Key: key("a"), Sink: "jira", Operation: correlate.OpOpen, Due: noon, Attempts: 3, Created: noon, Lease: "x"}, number: 5, free: noon}
	f.Add(deliveryKey("1"), d.append(nil))
	f.Add(formatKey, layout{format: 1, oldest: 1}.append(nil))
	f.Add(stateKey, state{records: 3, now: noon}.append(nil))
	f.Fuzz(func(t *testing.T, k, fields []byte) {
		if k, err := keypart.ParseKey(k); err == nil {
			again, err := keypart.ParseKey(recordKey(k))
			require.NoError(t, err)
			require.Equal(t, k, again)
		}
		if r, err := parseRecord(fields); err == nil {
			require.NotNil(t, r.data)
			again, err := parseRecord(r.append(nil))
			require.NoError(t, err)
			require.Equal(t, r, again)
		}
		if d, err := parseDelivery(k, fields); err == nil {
			again, err := parseDelivery(k, d.append(nil))
			require.NoError(t, err)
			require.Equal(t, d, again)
		}
		if l, err := parseLayout(fields); err == nil {
			again, err := parseLayout(l.append(nil))
			require.NoError(t, err)
			require.Equal(t, l, again)
		}
		if s, err := parseState(fields); err == nil {
			again, err := parseState(s.append(nil))
			require.NoError(t, err)
			require.Equal(t, s, again)
		}
	})
}

// TestKeysSort: keys sort as what they stand for does, and none is the start of
// another.
func TestKeysSort(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.SampledFrom([]rune{0, 1, 'a', 'b', 0xFF}), 0, 4, -1)
		draw := func() correlate.Key {
			return correlate.Key{
				Kind:  "problem",
				Scope: correlate.Scope{Namespace: text.Draw(t, "namespace"), Service: text.Draw(t, "service"), Environment: text.Draw(t, "environment")},
				ID:    text.Draw(t, "id"),
			}
		}
		a, b := draw(), draw()
		want := a.Scope.Compare(b.Scope)
		if want == 0 {
			want = bytes.Compare([]byte(a.ID), []byte(b.ID))
		}
		require.Equal(t, want, bytes.Compare(recordKey(a), recordKey(b)))
		if a != b {
			require.False(t, bytes.HasPrefix(recordKey(a), recordKey(b)))
		}
		again, err := keypart.ParseKey(recordKey(a))
		require.NoError(t, err)
		require.Equal(t, a, again)

		at := rapid.Custom(func(t *rapid.T) time.Time {
			return time.Unix(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "seconds"), rapid.Int64Range(0, 1e9-1).Draw(t, "nanoseconds")).UTC()
		})
		x, y := at.Draw(t, "x"), at.Draw(t, "y")
		require.Equal(t, x.Compare(y), bytes.Compare(appendTime(nil, x), appendTime(nil, y)))
		parsed, err := parseTime(appendTime(nil, x))
		require.NoError(t, err)
		require.Equal(t, x, parsed)
	})
	parsed, err := parseTime(appendTime(nil, time.Time{}))
	require.NoError(t, err)
	require.True(t, parsed.IsZero(), "no time stays none")
}
