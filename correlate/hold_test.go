package correlate_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
)

func TestHold(t *testing.T) {
	const opened, reopened, held, counted = correlate.ChangeOpened, correlate.ChangeReopened, correlate.ChangeHeld, correlate.ChangeCounted
	const day = 24 * time.Hour
	free, shadow, full, learning := correlate.Admission{}, correlate.Admission{Shadow: true}, correlate.Admission{Full: true}, correlate.Admission{Learning: true}
	draft := correlate.Admission{Draft: 7 * day}
	type step struct {
		after     time.Duration // the step before
		admission correlate.Admission
		count     int64 // 0 asks whether it has gone quiet
		approve   bool
		want      correlate.Change
		hold      correlate.Reason
	}
	for _, test := range []struct {
		rule  string
		steps []step
	}{
		{"in shadow nothing is filed", []step{{0, shadow, 1, false, held, correlate.Shadow}, {time.Second, shadow, 9, false, held, correlate.Shadow}}},
		{"when the rule goes live, what goes on is filed", []step{{0, shadow, 1, false, held, correlate.Shadow}, {time.Second, free, 1, false, opened, ""}, {time.Second, free, 1, false, counted, ""}}},
		{"what has its ticket keeps it when the rule goes into shadow", []step{{0, free, 1, false, opened, ""}, {time.Second, shadow, 1, false, counted, ""}}},
		{"but does not come back in shadow", []step{{0, free, 1, false, opened, ""}, {time.Hour, free, 0, false, correlate.ChangeResolved, ""}, {time.Hour, shadow, 1, false, held, correlate.Shadow}, {time.Second, free, 1, false, reopened, ""}}},
		{"a shadow cannot be approved", []step{{0, shadow, 1, false, held, correlate.Shadow}, {time.Second, shadow, 0, true, correlate.ChangeNone, correlate.Shadow}}},
		{"a draft waits", []step{{0, draft, 1, false, held, correlate.Draft}, {day, draft, 1, false, held, correlate.Draft}}},
		{"an approved one is filed, and stays so", []step{{0, draft, 1, false, held, correlate.Draft}, {time.Second, draft, 0, true, correlate.ChangeNone, ""}, {time.Second, draft, 1, false, counted, ""}}},
		{"one that nobody approves expires", []step{{0, draft, 1, false, held, correlate.Draft}, {7 * day, draft, 1, false, held, correlate.Expired}, {day, draft, 1, false, held, correlate.Expired}}},
		{"and cannot be approved any more", []step{{0, draft, 1, false, held, correlate.Draft}, {7 * day, draft, 1, false, held, correlate.Expired}, {1, draft, 0, true, correlate.ChangeNone, correlate.Expired}}},
		{"but is a draft again when it comes back", []step{{0, draft, 1, false, held, correlate.Draft}, {7 * day, draft, 1, false, held, correlate.Expired}, {time.Hour, draft, 0, false, correlate.ChangeResolved, ""}, {time.Hour, draft, 1, false, held, correlate.Draft}}},
		{"one that was approved once comes back by itself", []step{{0, draft, 1, false, held, correlate.Draft}, {1, draft, 0, true, correlate.ChangeNone, ""}, {time.Hour, draft, 0, false, correlate.ChangeResolved, ""}, {time.Hour, draft, 1, false, reopened, ""}}},
		{"beyond the budget it is listed", []step{{0, full, 1, false, held, correlate.Over}, {time.Second, full, 1, false, held, correlate.Over}}},
		{"and is filed when there is room again and it goes on", []step{{0, full, 1, false, held, correlate.Over}, {time.Hour, free, 1, false, opened, ""}}},
		{"a return is no new ticket", []step{{0, free, 1, false, opened, ""}, {time.Hour, free, 0, false, correlate.ChangeResolved, ""}, {time.Hour, full, 1, false, reopened, ""}}},
		{"what fails while a service is adopted is known", []step{{0, learning, 1, false, held, correlate.Known}, {day, free, 1, false, held, correlate.Known}}},
		{"also when it comes back", []step{{0, learning, 1, false, held, correlate.Known}, {day, free, 0, false, correlate.ChangeResolved, ""}, {day, free, 1, false, held, correlate.Known}}},
		{"unless it grows", []step{{0, learning, 6, false, held, correlate.Known}, {day, free, 6, false, held, correlate.Known}, {2 * time.Second, free, 20, false, opened, ""}}},
		{"fewer than ten are no growth", []step{{0, learning, 1, false, held, correlate.Known}, {day, free, 9, false, held, correlate.Known}, {time.Second, free, 1, false, opened, ""}}},
		{"a draft rule's old failures are known first", []step{{0, correlate.Admission{Learning: true, Draft: day}, 1, false, held, correlate.Known}}},
		{"and shadow is above all", []step{{0, correlate.Admission{Learning: true, Draft: day, Shadow: true, Full: true}, 1, false, held, correlate.Shadow}}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			now, p := policyStart, correlate.Problem{}
			for i, s := range test.steps {
				now = now.Add(s.after)
				change := correlate.ChangeNone
				switch {
				case s.approve:
					p, _ = p.Approve("ann", now)
				case s.count == 0:
					p, change = p.Quieten(now)
				default:
					b := policyBatch(now, s.count)
					b.Threshold.Count, b.Admission = 1, s.admission
					p, change = p.Observe(b, now)
				}
				require.Equal(t, s.want, change, "step %d", i)
				require.Equal(t, s.hold, p.Hold, "step %d", i)
				require.Equal(t, p.Hold == correlate.Over || p.Hold == correlate.Known, p.Listed(), "step %d", i)
			}
		})
	}
}

func TestApprovalIsInTheHistory(t *testing.T) {
	b := policyBatch(policyStart, 1)
	b.Threshold.Count, b.Admission = 1, correlate.Admission{Draft: time.Hour}
	p, _ := correlate.Problem{}.Observe(b, policyStart)
	p, ok := p.Approve("ann", policyStart.Add(time.Minute))
	require.True(t, ok)
	require.Equal(t, policyStart.Add(time.Minute), p.OpenedAt)
	require.Equal(t, []correlate.Entry{{Time: policyStart, What: "held: draft"}, {Time: policyStart.Add(time.Minute), What: "approved by ann"}}, p.History)
	_, ok = p.Approve("bob", policyStart.Add(time.Minute))
	require.False(t, ok, "once is enough")
}

func TestCanaryIsStableAndFair(t *testing.T) {
	live := map[float64]int{}
	const n = 4000
	for i := range n {
		before := false
		for _, percent := range []float64{1, 10, 50, 99} {
			b := policyBatch(policyStart, 1)
			b.Threshold.Count, b.Admission = 1, correlate.Admission{Percent: percent}
			b.Signature.ID = fmt.Sprint("v1", i)
			p, change := correlate.Problem{}.Observe(b, policyStart)
			filed := change == correlate.ChangeOpened
			require.Equal(t, filed, p.Hold == "")
			require.True(t, filed || !before, "a larger part has all that a smaller one has")
			if before = filed; filed {
				live[percent]++
			}
			b.First, b.Last = policyStart.Add(time.Hour), policyStart.Add(time.Hour)
			p, _ = p.Observe(b, policyStart.Add(time.Hour))
			require.Equal(t, filed, p.Hold == "", "and it stays")
		}
	}
	for percent, got := range live {
		require.InDelta(t, percent/100*n, got, 120, "%v%%", percent)
	}
}

func TestBudget(t *testing.T) {
	var b correlate.Budget
	at := func(minutes int) time.Time { return policyStart.Add(time.Duration(minutes) * time.Minute) }
	require.True(t, b.Idle(at(0)))
	for i := range 3 {
		require.False(t, b.Full(3, at(i)))
		b.Opened(at(i))
	}
	require.True(t, b.Full(3, at(59)))
	require.False(t, b.Full(4, at(59)))
	require.False(t, b.Full(3, at(60)), "an hour after the first there is room again")
	require.True(t, b.Held(at(59)))
	require.False(t, b.Held(at(59)), "it is said once")
	require.True(t, b.Full(3, at(73)), "but not while new problems come")
	require.False(t, b.Full(3, at(74)))
	require.True(t, b.Idle(at(200)))
}

// However batches come, a budget of n lets through at most n in any hour.
func TestBudgetHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.Int64Range(1, 5).Draw(t, "limit")
		var b correlate.Budget
		var opened []time.Time
		now := policyStart
		for range rapid.IntRange(1, 100).Draw(t, "problems") {
			now = now.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "minutes")) * time.Minute)
			if b.Full(limit, now) {
				b.Held(now)
				continue
			}
			b.Opened(now)
			opened = append(opened, now)
			within := 0
			for _, at := range opened {
				if now.Sub(at) < time.Hour {
					within++
				}
			}
			require.LessOrEqual(t, int64(within), limit)
		}
	})
}
