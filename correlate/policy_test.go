package correlate_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
)

var policyStart = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func policyBatch(at time.Time, count int64) correlate.Batch {
	return correlate.Batch{
		Scope:     correlate.Scope{Service: "checkout"},
		Signature: correlate.Signature{ID: "v1a", Version: 1},
		Rule:      "errors",
		Threshold: correlate.Threshold{Count: 5, Within: time.Minute},
		Quiet:     10 * time.Minute,
		Count:     count,
		First:     at,
		Last:      at,
		Sample:    correlate.Sample{Time: at, TraceID: at.Format(time.TimeOnly), Attributes: map[string]string{"k": "v"}},
	}
}

func TestObserve(t *testing.T) {
	const none, below = correlate.ChangeNone, correlate.ChangeBelow
	const opened, counted, updated = correlate.ChangeOpened, correlate.ChangeCounted, correlate.ChangeUpdated
	const resolved, reopened = correlate.ChangeResolved, correlate.ChangeReopened
	type step struct {
		at    string // since the start
		count int64  // 0 asks whether it has gone quiet
		want  correlate.Change
		late  string // when the occurrences ended, if it was not now
	}
	for _, test := range []struct {
		rule      string
		threshold correlate.Threshold // 5 within a minute if zero
		steps     []step
	}{
		{
			rule:      "a threshold of one opens at once",
			threshold: correlate.Threshold{Count: 1, Within: time.Minute},
			steps:     []step{{at: "0s", count: 1, want: opened}, {at: "1s", count: 1, want: counted}},
		},
		{
			rule:  "nothing opens before the threshold is reached",
			steps: []step{{at: "0s", count: 4, want: below}, {at: "1s", count: 1, want: opened}},
		},
		{
			rule:  "a batch may reach the threshold alone, or pass it",
			steps: []step{{at: "0s", count: 9, want: opened}},
		},
		{
			rule:  "the window includes what ended exactly as long ago as it is long",
			steps: []step{{at: "0s", count: 4, want: below}, {at: "60s", count: 1, want: opened}},
		},
		{
			rule:  "what ended a bucket earlier is forgotten",
			steps: []step{{at: "0s", count: 4, want: below}, {at: "61s", count: 1, want: below}},
		},
		{
			rule:  "it slides: five in any minute open, though none was in one batch",
			steps: []step{{at: "0s", count: 2, want: below}, {at: "50s", count: 2, want: below}, {at: "70s", count: 2, want: below}, {at: "80s", count: 1, want: opened}},
		},
		{
			rule:  "old counts never come back",
			steps: []step{{at: "0s", count: 4, want: below}, {at: "2m", count: 4, want: below}, {at: "4m", count: 4, want: below}},
		},
		{
			rule:      "a long window has wider buckets: an hour's are a minute",
			threshold: correlate.Threshold{Count: 5, Within: time.Hour},
			steps:     []step{{at: "0s", count: 4, want: below}, {at: "60m59s", count: 1, want: opened}},
		},
		{
			rule:      "and what is beyond them is forgotten",
			threshold: correlate.Threshold{Count: 5, Within: time.Hour},
			steps:     []step{{at: "0s", count: 4, want: below}, {at: "61m", count: 1, want: below}},
		},
		{
			rule:  "below its threshold a problem does not resolve",
			steps: []step{{at: "0s", count: 4, want: below}, {at: "24h", count: 0, want: none}},
		},
		{
			rule:  "an open problem resolves when it was quiet, and not before",
			steps: []step{{at: "0s", count: 5, want: opened}, {at: "10s", count: 1, want: counted}, {at: "10m9s", count: 0, want: none}, {at: "10m10s", count: 0, want: resolved}, {at: "10m11s", count: 0, want: none}},
		},
		{
			rule:  "it reopens only when the threshold is reached again",
			steps: []step{{at: "0s", count: 5, want: opened}, {at: "10m", count: 0, want: resolved}, {at: "11m", count: 4, want: below}, {at: "11m1s", count: 1, want: reopened}, {at: "11m2s", count: 1, want: counted}},
		},
		{
			rule:      "what opened it before does not count again, though the window is longer than the quiet",
			threshold: correlate.Threshold{Count: 5, Within: time.Hour},
			steps:     []step{{at: "0s", count: 9, want: opened}, {at: "10m", count: 0, want: resolved}, {at: "11m", count: 1, want: below}, {at: "12m", count: 3, want: below}, {at: "13m", count: 1, want: reopened}},
		},
		{
			rule:      "what comes late, of the time before it went quiet, is not a return",
			threshold: correlate.Threshold{Count: 1, Within: time.Minute},
			steps:     []step{{at: "5m", count: 1, want: opened}, {at: "15m", count: 0, want: resolved}, {at: "16m", count: 9, late: "1m", want: below}, {at: "17m", count: 1, want: reopened}},
		},
		{
			rule:  "a late batch that reaches the threshold alone opens, though newer ones were seen",
			steps: []step{{at: "10m", count: 1, want: below}, {at: "11m", count: 5, late: "5m", want: opened}},
		},
		{
			rule:  "a late batch that does not is not added to newer ones",
			steps: []step{{at: "10m", count: 4, want: below}, {at: "11m", count: 4, late: "5m", want: below}},
		},
		{
			rule:  "a clock that is ahead does not keep a problem open",
			steps: []step{{at: "0s", count: 5, late: "900000h", want: opened}, {at: "10m", count: 0, want: resolved}},
		},
		{
			rule:  "nor does it hide what comes after",
			steps: []step{{at: "0s", count: 4, late: "900000h", want: below}, {at: "1s", count: 1, want: opened}},
		},
		{
			rule: "it is told after a minute, then after two more, then after four more",
			steps: []step{
				{at: "0s", count: 5, want: opened},
				{at: "59s", count: 1000, want: counted}, {at: "1m", count: 1, want: updated}, {at: "1m1s", count: 1, want: counted},
				{at: "2m59s", count: 1, want: counted}, {at: "3m", count: 1, want: updated},
				{at: "6m", count: 1, want: counted}, {at: "6m59s", count: 1, want: counted}, {at: "7m", count: 1, want: updated},
			},
		},
		{
			rule: "a new episode is told at the short intervals again",
			steps: []step{
				{at: "0s", count: 5, want: opened}, {at: "1m", count: 1, want: updated}, {at: "11m", count: 0, want: resolved},
				{at: "20m", count: 5, want: reopened}, {at: "21m", count: 1, want: updated},
			},
		},
	} {
		t.Run(test.rule, func(t *testing.T) {
			var p correlate.Problem
			var count int64
			for _, s := range test.steps {
				d, err := time.ParseDuration(s.at)
				require.NoError(t, err)
				now := policyStart.Add(d)
				var change correlate.Change
				if s.count == 0 {
					p, change = p.Quieten(now)
				} else {
					b := policyBatch(now, s.count)
					if test.threshold != (correlate.Threshold{}) {
						b.Threshold = test.threshold
					}
					if s.late != "" {
						d, err := time.ParseDuration(s.late)
						require.NoError(t, err)
						b.First, b.Last = policyStart.Add(d), policyStart.Add(d)
					}
					p, change = p.Observe(b, now)
				}
				require.Equal(t, s.want, change, "at %s", s.at)
				count += s.count
				require.Equal(t, count, p.Count)
				require.False(t, p.LastSeen.After(now))
			}
		})
	}
}

// TestUpdateSchedule asserts when a ticket is told, over a day and a half at
// one error a second.
func TestUpdateSchedule(t *testing.T) {
	var p correlate.Problem
	var told []string
	for i := range 50 * 3600 {
		now := policyStart.Add(time.Duration(i) * time.Second)
		var change correlate.Change
		p, change = p.Observe(policyBatch(now, 1), now)
		switch change {
		case correlate.ChangeOpened, correlate.ChangeUpdated:
			told = append(told, string(change)+" "+now.Sub(policyStart).String())
		}
	}
	// The threshold of 5 is reached by the fifth error, at 4 s. The intervals
	// double from a minute until they are a day.
	require.Equal(t, []string{
		"opened 4s",
		"updated 1m4s", "updated 3m4s", "updated 7m4s", "updated 15m4s", "updated 31m4s", "updated 1h3m4s", "updated 2h7m4s",
		"updated 4h15m4s", "updated 8h31m4s", "updated 17h3m4s", "updated 34h7m4s",
	}, told)
	require.EqualValues(t, 50*3600, p.Count)
	require.InDelta(t, 60, p.Rate(), 1.5)
}

func TestObserveFreezesNothingOfTheRule(t *testing.T) {
	p, _ := correlate.Problem{}.Observe(policyBatch(policyStart, 5), policyStart)
	p.Answers.Title = "checkout fails"
	b := policyBatch(policyStart.Add(time.Second), 1)
	b.Quiet, b.Threshold.Count = time.Hour, 100
	p, _ = p.Observe(b, b.Last)
	require.Equal(t, "checkout fails", p.Answers.Title)
	require.Equal(t, 10*time.Minute, p.Answers.Quiet, "an open problem keeps the answers it was opened with")
	require.EqualValues(t, 5, p.Answers.Threshold.Count)
}

func TestEpisode(t *testing.T) {
	at := policyStart
	p, _ := correlate.Problem{}.Observe(policyBatch(at, 1), at)
	require.Equal(t, correlate.Watching, p.State)
	require.Zero(t, p.Episode)
	require.Zero(t, p.ResolvesAt())

	at = at.Add(time.Second)
	p, _ = p.Observe(policyBatch(at, 4), at)
	require.Equal(t, correlate.Open, p.State)
	require.Equal(t, 1, p.Episode)
	require.Equal(t, at, p.OpenedAt)
	require.Equal(t, policyStart, p.FirstSeen)
	require.Equal(t, at.Add(10*time.Minute), p.ResolvesAt())
	require.Len(t, p.Samples, 2, "what led to the first episode is evidence too")

	late := policyBatch(policyStart.Add(-time.Hour), 1)
	p, _ = p.Observe(late, at)
	require.Equal(t, late.First, p.FirstSeen)
	require.Equal(t, at, p.LastSeen)

	end := at.Add(10 * time.Minute)
	p, _ = p.Quieten(end)
	require.Equal(t, correlate.Resolved, p.State)
	require.Equal(t, end, p.ResolvedAt)
	require.Zero(t, p.ResolvesAt())
	require.Zero(t, p.Rate())

	back := end.Add(time.Hour)
	p, _ = p.Observe(policyBatch(back, 5), back)
	require.Equal(t, 2, p.Episode)
	require.Equal(t, back, p.OpenedAt)
	require.Equal(t, late.First, p.FirstSeen)
	require.Equal(t, []string{"opened", "resolved: quiet for 10m0s", "reopened"}, policyHistory(p))
}

func policyHistory(p correlate.Problem) []string {
	var out []string
	for _, e := range p.History {
		out = append(out, e.What)
	}
	return out
}

func TestEvidenceIsBounded(t *testing.T) {
	var p correlate.Problem
	for i := range 100 {
		at := policyStart.Add(time.Duration(i) * time.Second)
		p, _ = p.Observe(policyBatch(at, 1), at)
	}
	var times []time.Time
	for _, s := range p.Samples {
		times = append(times, s.Time)
	}
	last := policyStart.Add(99 * time.Second)
	require.Equal(t, []time.Time{policyStart, last.Add(-2 * time.Second), last.Add(-time.Second), last}, times, "the first ever, then the newest")
	require.Equal(t, last, p.Newest().Time)
	require.Zero(t, correlate.Problem{}.Newest())
}

func TestHistoryIsBounded(t *testing.T) {
	var p correlate.Problem
	at := policyStart
	for range 100 {
		p, _ = p.Observe(policyBatch(at, 5), at)
		at = at.Add(10 * time.Minute)
		p, _ = p.Quieten(at)
		at = at.Add(time.Minute)
	}
	require.Equal(t, 100, p.Episode)
	require.Len(t, p.History, 40)
	require.Equal(t, "opened", p.History[0].What, "the beginning is kept")
	require.Equal(t, "resolved: quiet for 10m0s", p.History[39].What)
	require.Equal(t, "reopened", p.History[38].What)
}

func TestExpires(t *testing.T) {
	watching, _ := correlate.Problem{}.Observe(policyBatch(policyStart, 1), policyStart)
	open, _ := watching.Observe(policyBatch(policyStart, 4), policyStart)
	resolved, _ := open.Quieten(policyStart.Add(time.Hour))
	week := policyBatch(policyStart, 1)
	week.Threshold.Within = 7 * 24 * time.Hour
	long, _ := correlate.Problem{}.Observe(week, policyStart)
	pending, add := resolved.Queue(correlate.OpOpen, []string{"jira"}, policyStart)
	parked := pending
	for _, d := range add {
		parked = parked.Skipped(d)
	}
	parked = parked.GivenUp(add[0], "refused", policyStart)
	for _, test := range []struct {
		rule string
		p    correlate.Problem
		want time.Time
	}{
		{"what is watched is kept for a day", watching, policyStart.Add(24 * time.Hour)},
		{"and for as long as its window", long, policyStart.Add(7 * 24 * time.Hour)},
		{"an open problem is never forgotten", open, time.Time{}},
		{"a resolved one is kept for a month, in case it comes back", resolved, policyStart.Add(time.Hour + 30*24*time.Hour)},
		{"nothing is forgotten that is still to be sent", pending, time.Time{}},
		{"nor what is parked", parked, time.Time{}},
	} {
		t.Run(test.rule, func(t *testing.T) { require.Equal(t, test.want, test.p.Expires()) })
	}
}

func TestRate(t *testing.T) {
	for _, test := range []struct {
		rule   string
		within time.Duration
		every  time.Duration
		n      int
		want   float64
	}{
		{"one occurrence is one in ten seconds", time.Minute, time.Second, 1, 6},
		{"what is younger than ten seconds counts as ten", time.Minute, time.Second, 5, 30},
		{"a storm shows at once", time.Minute, 20 * time.Millisecond, 50, 300},
		{"it is taken over the window", 10 * time.Minute, time.Second, 3600, 60},
		{"or over the problem's age, if that is less", time.Hour, time.Second, 600, 60},
		{"a shorter window than a minute is a minute", time.Second, time.Second, 600, 60},
	} {
		t.Run(test.rule, func(t *testing.T) {
			var p correlate.Problem
			for i := range test.n {
				b := policyBatch(policyStart.Add(time.Duration(i)*test.every), 1)
				b.Threshold = correlate.Threshold{Count: 1 << 40, Within: test.within}
				p, _ = p.Observe(b, b.Last)
				require.LessOrEqual(t, len(p.Recent), 122)
			}
			require.InEpsilon(t, test.want, p.Rate(), 0.11) // by the width of a bucket
		})
	}
	require.Zero(t, correlate.Problem{}.Rate())
}

// policyCopy is a copy that shares nothing that policy may change.
func policyCopy(p correlate.Problem) correlate.Problem {
	p.Recent = slices.Clone(p.Recent)
	p.Samples = slices.Clone(p.Samples)
	for i := range p.Samples {
		p.Samples[i].Attributes = maps.Clone(p.Samples[i].Attributes)
	}
	p.History = slices.Clone(p.History)
	p.Filings = slices.Clone(p.Filings)
	for i := range p.Filings {
		p.Filings[i].Pending = slices.Clone(p.Filings[i].Pending)
		if parked := p.Filings[i].Parked; parked != nil {
			c := *parked
			p.Filings[i].Parked = &c
		}
	}
	return p
}

// policySpoil writes into every slice of a problem that policy changes.
func policySpoil(p correlate.Problem) {
	for i := range p.Recent {
		p.Recent[i].Count = -1
	}
	for i := range p.Samples {
		p.Samples[i].TraceID = "spoilt"
	}
	for i := range p.History {
		p.History[i].What = "spoilt"
	}
	for i := range p.Filings {
		for j := range p.Filings[i].Pending {
			p.Filings[i].Pending[j] = "spoilt"
		}
		p.Filings[i].Sink = "spoilt"
	}
}

func TestPolicyIsPure(t *testing.T) {
	var p correlate.Problem
	at := policyStart
	for range 6 { // so that everything is there, and full
		p, _ = p.Observe(policyBatch(at, 5), at)
		p, _ = p.Queue(correlate.OpReopen, []string{"jira", "slack"}, at)
		at = at.Add(time.Second)
	}
	d := correlate.Delivery{ID: p.Filings[0].Pending[0], Sink: "jira", Operation: correlate.OpOpen}
	for _, test := range []struct {
		name string
		fn   func(p correlate.Problem) correlate.Problem
	}{
		{"Observe", func(p correlate.Problem) correlate.Problem {
			p, _ = p.Observe(policyBatch(at, 1), at)
			return p
		}},
		{"Quieten", func(p correlate.Problem) correlate.Problem {
			p, _ = p.Quieten(at.Add(time.Hour))
			return p
		}},
		{"Queue", func(p correlate.Problem) correlate.Problem {
			p, _ = p.Queue(correlate.OpResolve, []string{"jira", "pager"}, at)
			return p
		}},
		{"Trying", func(p correlate.Problem) correlate.Problem { return p.Trying("jira") }},
		{"Accepted", func(p correlate.Problem) correlate.Problem {
			return p.Accepted(d, correlate.Receipt{ID: "1"}, 1, at)
		}},
		{"Refused", func(p correlate.Problem) correlate.Problem { return p.Refused(d, true) }},
		{"Skipped", func(p correlate.Problem) correlate.Problem { return p.Skipped(d) }},
		{"GivenUp", func(p correlate.Problem) correlate.Problem { return p.GivenUp(d, "refused", at) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := policyCopy(p)
			next := test.fn(p)
			require.Equal(t, before, p)
			require.NotEqual(t, before, next)
			policySpoil(next)
			require.Equal(t, before, p, "a slice is shared")
			require.Equal(t, policyCopy(test.fn(before)), policyCopy(test.fn(p)), "the same input gives the same")
		})
	}
}

// TestPolicyConserves sends batches in any order, and lets time pass.
func TestPolicyConserves(t *testing.T) {
	allowed := map[string]bool{
		"> watching": true, "> open": true, "watching > open": true, "open > resolved": true, "resolved > open": true,
	}
	rapid.Check(t, func(t *rapid.T) {
		var p correlate.Problem
		var seen int64
		now := policyStart
		move := func(next correlate.Problem, change correlate.Change) {
			if next.State != p.State {
				edge := fmt.Sprintf("%s > %s", p.State, next.State)
				if p.State == "" {
					edge = fmt.Sprintf("> %s", next.State)
				}
				require.True(t, allowed[edge], edge)
			}
			opened := change == correlate.ChangeOpened || change == correlate.ChangeReopened
			require.Equal(t, opened, next.Episode == p.Episode+1)
			require.GreaterOrEqual(t, next.Count, p.Count)
			require.False(t, next.LastSeen.Before(p.LastSeen))
			require.LessOrEqual(t, len(next.Samples), 4)
			require.LessOrEqual(t, len(next.History), 40)
			require.LessOrEqual(t, len(next.Recent), 122)
			require.True(t, slices.IsSortedFunc(next.Recent, func(a, b correlate.Bucket) int { return a.Start.Compare(b.Start) }))
			p = next
		}
		t.Repeat(map[string]func(*rapid.T){
			"observe": func(t *rapid.T) {
				end := now.Add(-time.Duration(rapid.IntRange(-100, 4000).Draw(t, "ago")) * time.Second)
				b := policyBatch(end, rapid.Int64Range(1, 9).Draw(t, "count"))
				b.First = end.Add(-time.Duration(rapid.IntRange(0, 90).Draw(t, "length")) * time.Second)
				b.Threshold.Within = time.Duration(rapid.SampledFrom([]int{0, 1, 60, 3600}).Draw(t, "within")) * time.Second
				seen += b.Count
				move(p.Observe(b, now))
			},
			"pass": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 1200).Draw(t, "seconds")) * time.Second)
				if p.ID != "" {
					move(p.Quieten(now))
					require.False(t, p.State == correlate.Open && !p.ResolvesAt().After(now))
				}
			},
			"": func(t *rapid.T) {
				require.Equal(t, seen, p.Count)
				require.Equal(t, p.State == correlate.Open, !p.ResolvesAt().IsZero())
			},
		})
	})
}
