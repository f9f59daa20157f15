package boltstore

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
)

// ids lists what a store holds, in order.
func ids(t testing.TB, s correlate.Store) string {
	t.Helper()
	var ids []string
	for _, rec := range list(t, s) {
		ids = append(ids, rec.Key.ID)
	}
	return strings.Join(ids, " ")
}

func TestMakesRoom(t *testing.T) {
	hour, never := noon.Add(time.Hour), time.Time{}
	data := make([]byte, 10<<10)
	type put struct {
		id      string
		expires time.Time
		sink    string
	}
	for _, test := range []struct {
		rule string
		fill []put // a store that is full
		full bool  // so that one more is refused
		want string
	}{
		{"what expires soonest goes first, whenever it was written",
			[]put{{"a", hour.Add(2), ""}, {"b", hour.Add(1), ""}, {"c", hour.Add(3), ""}}, false, "a c new"},
		{"what never expires is kept",
			[]put{{"a", never, ""}, {"b", never, ""}, {"c", hour, ""}}, false, "a b new"},
		{"what has a delivery waiting is kept, though it expires sooner",
			[]put{{"a", hour, "jira"}, {"b", hour.Add(1), ""}, {"c", hour.Add(2), ""}}, false, "a c new"},
		{"when nothing may go, a new record is refused",
			[]put{{"a", never, ""}, {"b", hour, "jira"}, {"c", never, ""}}, true, "a b c"},
	} {
		t.Run(test.rule, func(t *testing.T) {
			path := newPath(t)
			s, err := Open(Config{Path: path, MaxBytes: 35 << 10})
			require.NoError(t, err)
			for _, p := range test.fill {
				var sinks []string
				if p.sink != "" {
					sinks = []string{p.sink}
				}
				require.NoError(t, write(t.Context(), s, p.id, data, p.expires, sinks...))
			}
			err = write(t.Context(), s, "new", data, hour.Add(time.Hour))
			if test.full {
				require.ErrorIs(t, err, correlate.ErrStoreFull)
				require.NoError(t, write(t.Context(), s, "a", append(data, data...), never, "slack"), "what is there may grow, and deliveries are taken")
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, test.want, ids(t, s))
			closeStore(t, s)
			openStore(t, path) // its counts are right
		})
	}
}

func TestExpiredRecordsAreForgotten(t *testing.T) {
	path := newPath(t)
	s := openStore(t, path)
	for i := range 10 {
		require.NoError(t, write(t.Context(), s, fmt.Sprint(i), []byte("x"), noon.Add(time.Hour)))
	}
	require.NoError(t, write(t.Context(), s, "busy", []byte("x"), noon.Add(time.Hour), "jira"))
	require.Len(t, list(t, s), 11)
	d := claim(t, s, noon.Add(time.Hour), "jira")
	require.Empty(t, list(t, s))
	require.NoError(t, s.Settle(t.Context(), d[0], correlate.Outcome{Done: true}, nil))
	require.Empty(t, claim(t, s, noon.Add(time.Hour), "jira"))
	closeStore(t, s)
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	info, err := f.Stat()
	require.NoError(t, err)
	var c census
	newSurvey(f, info.Size()).walk(c.visit)
	require.Zero(t, c.state.records)
	require.Zero(t, c.state.bytes)
	require.Zero(t, c.state.idle+c.state.idleBytes+c.state.deliveries+c.state.lines)
}

// TestFileSize: the file of a store that is full for long stays within three
// times the limit.
func TestFileSize(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	const limit = 4 << 20
	s, err := Open(Config{Path: path, MaxBytes: limit})
	require.NoError(t, err)
	data := make([]byte, 100<<10)
	for i := range 600 {
		size := 100 + i*7919%len(data)
		id := fmt.Sprintf("%04x", i*40503%65536)
		require.NoError(t, write(t.Context(), s, id, data[:size], noon.Add(time.Duration(i)*time.Second)))
	}
	closeStore(t, s)
	info, err := os.Stat(path)
	require.NoError(t, err)
	t.Logf("%d bytes of a limit of %d", info.Size(), limit)
	require.LessOrEqual(t, info.Size(), int64(3*limit))
	openStore(t, path)
}
