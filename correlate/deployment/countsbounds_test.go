package deployment

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
)

// What is old is known by ten minutes, and then not at all; sums stay.
func TestCountsAge(t *testing.T) {
	counts := NewCounts(CountsConfig{})
	for m := range 30 * 60 {
		counts.Add(counted("1", "a", minutesAfter(float64(m)), 10, 1))
	}
	now := minutesAfter(30 * 60)
	require.Less(t, counts.cells(), 2*(26*6+3*60+20))
	for _, hours := range []float64{1, 4, 20} {
		n, ok := counts.At(now).Count(Query{Scope: payment, Operation: "a", From: now.Add(-time.Duration(hours * float64(time.Hour))), To: now})
		require.True(t, ok)
		require.Equal(t, Count{Total: int64(600 * hours), Failed: int64(60 * hours)}, n)
	}
	_, ok := counts.At(now).Count(Query{Scope: payment, From: noon, To: minutesAfter(120)})
	require.False(t, ok, "it is forgotten")
}

// A record is bounded, whatever is counted: the operations that fail keep a count of
// their own, and all add up.
func TestRecordsAreBounded(t *testing.T) {
	store := newDurable()
	counts := NewCounts(CountsConfig{Store: store})
	var total, failed int64
	for m := range 30 {
		var all []Traffic
		for i := range 400 {
			n := counted("1", fmt.Sprintf("GET /%s/%d", strings.Repeat("x", 40+i%100), i), minutesAfter(float64(m)), int64(i+1), 0)
			if i == 7 {
				n.Count.Failed = 8
			}
			total, failed = total+n.Count.Total, failed+n.Count.Failed
			all = append(all, n)
		}
		counts.Add(all...)
		require.NoError(t, counts.Flush(t.Context(), minutesAfter(float64(m+1))))
	}
	require.NoError(t, counts.Refresh(t.Context(), minutesAfter(60)))
	records, err := store.List(t.Context(), correlate.Page{Kind: KindTraffic, Max: 100})
	require.NoError(t, err)
	require.Len(t, records, 1)
	require.LessOrEqual(t, len(records[0].Data), maxTraffic)
	require.Greater(t, len(records[0].Data), maxTraffic/2)
	view := counts.At(minutesAfter(60))
	n, ok := view.Count(always("", ""))
	require.True(t, ok)
	require.Equal(t, Count{total, failed}, n)
	n, ok = view.Count(always("1", fmt.Sprintf("GET /%s/%d", strings.Repeat("x", 47), 7)))
	require.True(t, ok)
	require.Equal(t, Count{240, 240}, n, "it fails")
	_, ok = view.Count(always("1", fmt.Sprintf("GET /%s/%d", strings.Repeat("x", 41), 1)))
	require.False(t, ok, "it is one of the others")
	_, ok = view.Count(always("1", "GET /never"))
	require.False(t, ok, "it may be one of the others")
}

// A service of many versions has a bounded number of records.
func TestVersionsAreBounded(t *testing.T) {
	store := newDurable()
	for i := range 300 {
		counts := NewCounts(CountsConfig{Store: store})
		counts.Add(counted(fmt.Sprint("build-", i), "a", minutesAfter(float64(i)), 10, 1))
		require.NoError(t, counts.Flush(t.Context(), minutesAfter(float64(i+1))))
	}
	records, err := store.List(t.Context(), correlate.Page{Kind: KindTraffic, Max: 1000})
	require.NoError(t, err)
	require.Len(t, records, slots)
	reader := NewCounts(CountsConfig{Store: store})
	now := minutesAfter(300)
	ask := func(version string) (Count, bool) {
		return reader.At(now).Count(always(version, ""))
	}
	ask("")
	require.NoError(t, reader.Refresh(t.Context(), now))
	n, _ := ask("")
	require.Equal(t, Count{3000, 300}, n, "all of them")
	n, _ = ask("build-299")
	require.Equal(t, Count{10, 1}, n)
	_, ok := ask("build-0")
	require.False(t, ok)
}

// Many processes of one version write to several records, and none of what they count is
// lost or counted twice, even when each answer is lost.
func TestManyWriters(t *testing.T) {
	shared := newDurable()
	const writers, rounds = 200, 4
	var all []*Counts
	var stores []*moody
	for range writers {
		s := &moody{Store: shared}
		stores, all = append(stores, s), append(all, NewCounts(CountsConfig{Store: s}))
	}
	for m := range rounds {
		for i, c := range all {
			c.Add(counted("1", "a", minutesAfter(float64(m)), 10, 1))
			if (i+m)%3 == 0 {
				stores[i].loses = true
				require.ErrorIs(t, c.Flush(t.Context(), minutesAfter(float64(m)+1)), errMood)
				stores[i].loses = false
			} else {
				require.NoError(t, c.Flush(t.Context(), minutesAfter(float64(m)+1)))
			}
		}
	}
	var lost int64
	for _, c := range all {
		require.NoError(t, c.Flush(t.Context(), minutesAfter(rounds+1)))
		lost += c.Stats().Lost
	}
	records, err := shared.List(t.Context(), correlate.Page{Kind: KindTraffic, Max: 1000})
	require.NoError(t, err)
	require.Greater(t, len(records), 2)
	require.LessOrEqual(t, len(records), maxParts)
	reader := all[0]
	reader.At(minutesAfter(10)).Count(always("", ""))
	require.NoError(t, reader.Refresh(t.Context(), minutesAfter(10)))
	n, ok := reader.At(minutesAfter(11)).Count(always("1", "a"))
	require.True(t, ok)
	require.LessOrEqual(t, n.Total, int64(10*writers*rounds))
	require.GreaterOrEqual(t, n.Total, int64(10*writers*rounds)-10*lost, "what is missing is told of")
	require.Less(t, lost, int64(writers), "at the very start, when all write to one record")
}

func TestWhatIsNotStoredIsBounded(t *testing.T) {
	counts := NewCounts(CountsConfig{Store: &moody{Store: newDurable(), refuses: true}})
	var sum int64
	for m := range 120 {
		var all []Traffic
		for i := range 1000 {
			all = append(all, counted("1", fmt.Sprint(i), minutesAfter(float64(m)), 1, 0))
		}
		sum += 1000
		counts.Add(all...)
		require.LessOrEqual(t, counts.cells(), maxOwnCells)
	}
	n, _ := counts.At(minutesAfter(120)).Count(always("", ""))
	require.Equal(t, sum, n.Total)
}

// Whether a batch was counted is not known only if so many have counted since that nobody remembers.
func TestForgottenWriters(t *testing.T) {
	full := &traffic{}
	for i := range 2 * maxWriters {
		full.note(fmt.Sprint(i), 1, minutesAfter(float64(i)))
	}
	require.Len(t, full.writers, maxWriters)
	require.True(t, full.counted("200", 1))
	require.False(t, full.counted("200", 2))
	require.False(t, full.forgot("200", noon), "it is remembered")
	require.True(t, full.forgot("3", noon), "others have counted since, and some of them are forgotten")
	require.False(t, full.forgot("x", minutesAfter(200)), "all who have counted since are remembered")
	require.False(t, (&traffic{}).forgot("x", noon))
}

// What processes tell of a version began when the first of them was seen, also where the old
// version had gone by then: what is counted before and after it is cut there.
func TestAVersionThatWasSeenHasItsTime(t *testing.T) {
	for _, c := range []struct {
		rule string
		d    Deployment
		want time.Duration
	}{
		{rule: "seen running", d: Deployment{Time: noon, Done: noon, Status: Succeeded, Source: seenRunning}, want: clocks},
		{rule: "told when it was done", d: Deployment{Time: noon, Done: noon, Status: Succeeded, Source: "gitlab"}, want: untold},
		{rule: "told when it began", d: Deployment{Time: noon, Status: Started, Source: "gitlab"}, want: clocks},
		{rule: "told when it began and when it was done", d: Deployment{Time: noon, Done: minutesAfter(3), Status: Succeeded}, want: clocks},
	} {
		t.Run(c.rule, func(t *testing.T) { require.Equal(t, c.want, c.d.slack()) })
	}
}
