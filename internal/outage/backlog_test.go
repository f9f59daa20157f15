package outage

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/coalesce"
	"github.com/spanticket/spanticket/internal/journal"
)

var begin = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)

// batch returns one of a signature whose rule has a threshold of 5 within a minute.
func batch(id string, count int64, at time.Duration) coalesce.Batch {
	o := &correlate.Occurrence{Operation: id, End: begin.Add(at)}
	return coalesce.Batch{Newest: o, Signed: o, Own: count, Batch: correlate.Batch{
		Signature: correlate.Signature{ID: id}, Count: count, First: o.End, Last: o.End, Threshold: correlate.Threshold{Count: 5, Within: time.Minute},
	}}
}

func TestWhatBecomesOneBatch(t *testing.T) {
	for rule, row := range map[string]struct {
		add  []coalesce.Batch
		want []int64 // counts
	}{
		"what lies within a window":                               {[]coalesce.Batch{batch("a", 1, 0), batch("a", 2, time.Minute)}, []int64{3}},
		"what lies further apart may not reach the threshold":     {[]coalesce.Batch{batch("a", 3, 0), batch("a", 3, 2*time.Minute)}, []int64{3, 3}},
		"what reached it may grow":                                {[]coalesce.Batch{batch("a", 5, 0), batch("a", 3, time.Hour)}, []int64{8}},
		"other signatures are others":                             {[]coalesce.Batch{batch("a", 5, 0), batch("b", 3, 0), batch("a", 1, 0)}, []int64{6, 3}},
		"a batch with a number may be in the store":               {[]coalesce.Batch{numbered(batch("a", 5, 0)), batch("a", 3, 0), batch("a", 3, 0)}, []int64{5, 6}},
		"what was replayed keeps its number, and stays by itself": {[]coalesce.Batch{batch("a", 5, 0), numbered(batch("a", 1, 0)), batch("a", 3, 0)}, []int64{5, 1, 3}},
	} {
		t.Run(rule, func(t *testing.T) {
			var l Backlog
			for _, b := range row.add {
				require.True(t, l.Add(b, nil))
			}
			var got []int64
			for _, b := range l.All() {
				got = append(got, b.Count)
			}
			require.Equal(t, row.want, got)
		})
	}
}

func numbered(b coalesce.Batch) coalesce.Batch {
	b.Number = 7
	return b
}

func TestWhatWaitsIsStoredOnceAndInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l Backlog
		want, got := map[string]int64{}, map[string]int64{}
		var kept, released []journal.Entry
		store := func() {
			w := l.Next()
			got[w.Signature.ID] += w.Count
			released = append(released, w.Kept...)
			l.Stored()
		}
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch id := rapid.SampledFrom([]string{"a", "b", "c", "store", "try"}).Draw(t, "step"); {
			case id == "store" && l.Len() > 0:
				store()
			case id == "try" && l.Len() > 0:
				l.Next().Number = int64(i + 1)
			case len(id) == 1:
				n := rapid.Int64Range(1, 9).Draw(t, "count")
				want[id] += n
				kept = append(kept, journal.Entry(i))
				var number int64
				if w := l.Next(); w != nil {
					number = w.Count * min(w.Number, 1)
				}
				require.True(t, l.Add(batch(id, n, time.Duration(i)*time.Second), []journal.Entry{journal.Entry(i)}))
				if number > 0 {
					require.Equal(t, number, l.Next().Count, "what the store may have stays as it is")
				}
			}
		}
		for l.Len() > 0 {
			store()
		}
		require.Equal(t, want, got)
		require.ElementsMatch(t, kept, released)
		require.Zero(t, l.bytes)
		require.Empty(t, l.newest)
	})
}

func TestTheBacklogIsBounded(t *testing.T) {
	var l Backlog
	for i := range maxBatches {
		require.True(t, l.Add(batch(fmt.Sprint(i), 1, 0), nil))
	}
	require.False(t, l.Add(batch("new", 1, 0), nil), "there is no room for another signature")
	require.True(t, l.Add(batch("7", 1, time.Hour), nil), "what is known is counted, if less exactly")
	require.Equal(t, maxBatches, l.Len())

	l = Backlog{}
	n := 0
	for ; n < maxBatches; n++ {
		b := batch(fmt.Sprint(n), 1, 0)
		b.Newest.Message = string(make([]byte, 1<<20))
		if !l.Add(b, nil) {
			break
		}
	}
	require.Less(t, n, maxBytes>>20)
	require.LessOrEqual(t, l.bytes, maxBytes)
}
