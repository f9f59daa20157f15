package correlate_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Run(t, func(*testing.T) correlate.Store { return new(correlate.Memory) })
}

// Times far in the past: a Memory knows no other clock than Claim.Now.
var memoryStart = time.Date(2020, 2, 29, 12, 0, 0, 0, time.UTC)

func memoryKey(id string) correlate.Key {
	return correlate.Key{Scope: correlate.Scope{Service: "checkout"}, Kind: correlate.KindProblem, ID: id}
}

func memoryRecord(size int, expires time.Time) correlate.Record {
	return correlate.Record{Version: 1, Data: make([]byte, size), Expires: expires}
}

// memoryPut writes a record, with a delivery for each sink.
func memoryPut(m *correlate.Memory, id string, rec correlate.Record, sinks ...string) error {
	return m.Update(context.Background(), memoryKey(id), func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
		var add []correlate.Delivery
		for _, sink := range sinks {
			add = append(add, correlate.Delivery{ID: id + "-" + sink, Sink: sink, Due: memoryStart})
		}
		return rec, add, nil
	})
}

func memoryClaim(t require.TestingT, m *correlate.Memory, now time.Time, sinks ...string) []correlate.Delivery {
	got, err := m.Claim(context.Background(), correlate.Claim{Scope: correlate.Scope{Service: "checkout"}, Sinks: sinks, Now: now, Lease: time.Minute, Max: 1000})
	require.NoError(t, err)
	return got
}

// memoryIDs lists what the store holds, in order.
func memoryIDs(t require.TestingT, m *correlate.Memory) string {
	recs, err := m.List(context.Background(), correlate.Page{Kind: correlate.KindProblem, Max: 1000})
	require.NoError(t, err)
	var ids []string
	for _, rec := range recs {
		ids = append(ids, rec.Key.ID)
	}
	return strings.Join(ids, " ")
}

func TestMemoryMakesRoom(t *testing.T) {
	hour, never := memoryStart.Add(time.Hour), time.Time{}
	for _, test := range []struct {
		rule string
		fill func(m *correlate.Memory) // a store of three records
		full bool                      // so that there is no room for one more
		want string                    // what is there after one more was written
	}{
		{
			rule: "what expires soonest goes first, whenever it was written",
			fill: func(m *correlate.Memory) {
				require.NoError(t, memoryPut(m, "a", memoryRecord(1, hour.Add(2))))
				require.NoError(t, memoryPut(m, "b", memoryRecord(1, hour.Add(1))))
				require.NoError(t, memoryPut(m, "c", memoryRecord(1, hour.Add(3))))
			},
			want: "a c new",
		},
		{
			rule: "what never expires is kept",
			fill: func(m *correlate.Memory) {
				require.NoError(t, memoryPut(m, "a", memoryRecord(1, never)))
				require.NoError(t, memoryPut(m, "b", memoryRecord(1, never)))
				require.NoError(t, memoryPut(m, "c", memoryRecord(1, hour)))
			},
			want: "a b new",
		},
		{
			rule: "what has a delivery waiting is kept, though it expires sooner",
			fill: func(m *correlate.Memory) {
				require.NoError(t, memoryPut(m, "a", memoryRecord(1, hour), "jira"))
				require.NoError(t, memoryPut(m, "b", memoryRecord(1, hour.Add(1))))
				require.NoError(t, memoryPut(m, "c", memoryRecord(1, hour.Add(2))))
			},
			want: "a c new",
		},
		{
			rule: "what is leased is kept, and when it is settled for all sinks it may go",
			fill: func(m *correlate.Memory) {
				require.NoError(t, memoryPut(m, "a", memoryRecord(1, hour), "jira", "slack"))
				require.NoError(t, memoryPut(m, "b", memoryRecord(1, hour.Add(1)), "jira"))
				require.NoError(t, memoryPut(m, "c", memoryRecord(1, never)))
				got := memoryClaim(t, m, memoryStart, "jira")
				require.Len(t, got, 2)
				for _, d := range got {
					require.NoError(t, m.Settle(t.Context(), d, correlate.Outcome{Done: true}, nil))
				}
			},
			want: "a c new",
		},
		{
			rule: "a record that may not go any more, since it was written without an expiry, is kept",
			fill: func(m *correlate.Memory) {
				require.NoError(t, memoryPut(m, "a", memoryRecord(1, hour)))
				require.NoError(t, memoryPut(m, "a", memoryRecord(1, never)))
				require.NoError(t, memoryPut(m, "b", memoryRecord(1, never)))
				require.NoError(t, memoryPut(m, "c", memoryRecord(1, never), "jira"))
			},
			full: true,
			want: "a b c",
		},
		{
			rule: "when each has work waiting, there is no room",
			fill: func(m *correlate.Memory) {
				require.NoError(t, memoryPut(m, "a", memoryRecord(1, hour), "jira"))
				require.NoError(t, memoryPut(m, "b", memoryRecord(1, hour), "jira"))
				require.NoError(t, memoryPut(m, "c", memoryRecord(1, hour), "jira"))
			},
			full: true,
			want: "a b c",
		},
		{
			rule: "a deleted record makes room",
			fill: func(m *correlate.Memory) {
				require.NoError(t, memoryPut(m, "a", memoryRecord(1, never), "jira"))
				require.NoError(t, memoryPut(m, "b", memoryRecord(1, never)))
				require.NoError(t, memoryPut(m, "c", memoryRecord(1, never)))
				require.NoError(t, memoryPut(m, "a", correlate.Record{}))
			},
			want: "b c new",
		},
	} {
		t.Run(test.rule, func(t *testing.T) {
			m := &correlate.Memory{MaxRecords: 3}
			test.fill(m)
			err := memoryPut(m, "new", memoryRecord(1, never), "jira")
			if test.full {
				require.ErrorIs(t, err, correlate.ErrStoreFull)
				for _, d := range memoryClaim(t, m, memoryStart, "jira") {
					require.NotEqual(t, "new-jira", d.ID, "a refused record must queue nothing")
				}
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, test.want, memoryIDs(t, m))

			// What is there may always change.
			if test.full {
				require.NoError(t, memoryPut(m, "a", memoryRecord(2, never), "slack"))
				require.Len(t, memoryClaim(t, m, memoryStart, "slack"), 1)
			}
		})
	}
}

func TestMemoryMaxBytes(t *testing.T) {
	hour := memoryStart.Add(time.Hour)
	const size = 10_000
	m := &correlate.Memory{MaxBytes: 5 * size}
	for i := range 20 {
		require.NoError(t, memoryPut(m, fmt.Sprintf("p%02d", i), memoryRecord(size, hour.Add(time.Duration(i)))))
	}
	require.Equal(t, "p16 p17 p18 p19", memoryIDs(t, m), "the bound holds, bookkeeping included")

	require.ErrorIs(t, memoryPut(m, "huge", memoryRecord(6*size, hour)), correlate.ErrStoreFull)
	require.Equal(t, "p16 p17 p18 p19", memoryIDs(t, m), "what could not make enough room is not given up for it")

	require.NoError(t, memoryPut(m, "p16", memoryRecord(3*size, hour)))
	require.Equal(t, "p16 p19", memoryIDs(t, m), "one that grows makes room, and not of itself")
	require.NoError(t, memoryPut(m, "p16", memoryRecord(9*size, time.Time{})))
	require.Equal(t, "p16", memoryIDs(t, m), "one that grows is never refused")
	require.ErrorIs(t, memoryPut(m, "new", memoryRecord(1, hour)), correlate.ErrStoreFull)

	require.NoError(t, memoryPut(m, "p16", memoryRecord(1, time.Time{}), "jira"))
	for i := range 4 {
		require.NoError(t, memoryPut(m, fmt.Sprintf("q%d", i), memoryRecord(size, time.Time{})))
	}
	require.ErrorIs(t, memoryPut(m, "new", memoryRecord(size, hour)), correlate.ErrStoreFull)
	got := memoryClaim(t, m, memoryStart, "jira")
	require.Len(t, got, 1)
	require.NoError(t, m.Settle(t.Context(), got[0], correlate.Outcome{Done: true}, func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
		return memoryRecord(2*size, time.Time{}), nil, nil
	}), "a receipt is stored however full the store is")
}

// Recorded traffic is replayed years later: its records expire in its own time.
func TestMemoryExpiresByTheNewestClaim(t *testing.T) {
	m := new(correlate.Memory)
	require.NoError(t, memoryPut(m, "a", memoryRecord(1, memoryStart.Add(time.Hour))))
	require.NoError(t, memoryPut(m, "b", memoryRecord(1, memoryStart.Add(2*time.Hour))))
	memoryClaim(t, m, memoryStart)
	require.Equal(t, "a b", memoryIDs(t, m), "long past by the wall clock, and still ahead")
	memoryClaim(t, m, memoryStart.Add(time.Hour))
	require.Equal(t, "b", memoryIDs(t, m))
	memoryClaim(t, m, memoryStart)
	require.Equal(t, "b", memoryIDs(t, m), "a caller whose clock is behind brings nothing back")
}

// A line whose lease ran out is claimed in the order in which it came free.
func TestMemoryLeasesFollowClaimNow(t *testing.T) {
	m := new(correlate.Memory)
	require.NoError(t, memoryPut(m, "a", memoryRecord(1, time.Time{}), "jira"))
	first := memoryClaim(t, m, memoryStart, "jira")
	require.Len(t, first, 1)
	require.Empty(t, memoryClaim(t, m, memoryStart.Add(time.Minute-1), "jira"))
	second := memoryClaim(t, m, memoryStart.Add(time.Minute), "jira")
	require.Len(t, second, 1)
	require.ErrorIs(t, m.Settle(t.Context(), first[0], correlate.Outcome{Done: true}, nil), correlate.ErrLeaseLost)
	require.NoError(t, m.Settle(t.Context(), second[0], correlate.Outcome{Done: true}, nil))
}

// Far more records than one piece of the index holds, written and deleted in
// any order, are listed whole and in order.
func TestMemoryManyRecords(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	m := new(correlate.Memory)
	there := make(map[string]bool)
	for range 10_000 {
		id := fmt.Sprintf("p%04d", random.IntN(3000))
		there[id] = random.IntN(3) > 0
		rec := memoryRecord(1, time.Time{})
		if !there[id] {
			rec = correlate.Record{}
			delete(there, id)
		}
		require.NoError(t, memoryPut(m, id, rec))
	}
	var got []string
	for p := (correlate.Page{Kind: correlate.KindProblem, Max: 100}); ; {
		recs, err := m.List(t.Context(), p)
		require.NoError(t, err)
		if len(recs) == 0 {
			break
		}
		for _, rec := range recs {
			got = append(got, rec.Key.ID)
		}
		p.After = recs[len(recs)-1].Key
	}
	require.Equal(t, slices.Sorted(maps.Keys(there)), got)
}

// Whatever is written, the store stays within its bound, gives up nothing that
// never expires or has work waiting, and refuses nothing while it can make room.
func TestMemoryBoundHolds(t *testing.T) {
	const limit = 8
	rapid.Check(t, func(t *rapid.T) {
		m := &correlate.Memory{MaxRecords: limit}
		written := make(map[string]correlate.Record) // and not deleted since
		queued := make(map[string]bool)              // has a delivery
		leased := make(map[string]correlate.Delivery)
		kept := func() (ids []string) {
			for id, rec := range written {
				if rec.Expires.IsZero() || queued[id] {
					ids = append(ids, id)
				}
			}
			return ids
		}
		anyID := func(t *rapid.T) string { return fmt.Sprintf("p%02d", rapid.IntRange(0, 20).Draw(t, "id")) }
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				id, rec := anyID(t), memoryRecord(1, time.Time{})
				if rapid.Bool().Draw(t, "expires") {
					rec.Expires = memoryStart.Add(time.Duration(rapid.IntRange(1, 50).Draw(t, "in")) * time.Hour)
				}
				var sinks []string
				if rapid.IntRange(0, 3).Draw(t, "queues") == 0 {
					sinks = []string{"jira"}
				}
				if err := memoryPut(m, id, rec, sinks...); err != nil {
					require.ErrorIs(t, err, correlate.ErrStoreFull)
					require.GreaterOrEqual(t, len(kept()), limit, "refused, with room to make")
					return
				}
				written[id] = rec
				queued[id] = queued[id] || sinks != nil
			},
			"delete": func(t *rapid.T) {
				id := anyID(t)
				require.NoError(t, memoryPut(m, id, correlate.Record{}))
				delete(written, id)
			},
			"claim": func(t *rapid.T) {
				for _, d := range memoryClaim(t, m, memoryStart, "jira") {
					leased[d.Key.ID] = d
				}
			},
			"settle": func(t *rapid.T) {
				for id, d := range leased {
					require.NoError(t, m.Settle(context.Background(), d, correlate.Outcome{Done: true}, nil))
					delete(leased, id)
					delete(queued, id)
				}
			},
			"": func(t *rapid.T) {
				there := strings.Fields(memoryIDs(t, m))
				require.LessOrEqual(t, len(there), limit)
				require.Subset(t, there, kept())
			},
		})
	})
}
