package correlate_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
)

// TestSettling holds what a deployment keeps back, for five minutes after policyStart
// unless a step says otherwise.
func TestSettling(t *testing.T) {
	const opened, reopened, held, counted, resolved = correlate.ChangeOpened, correlate.ChangeReopened, correlate.ChangeHeld, correlate.ChangeCounted, correlate.ChangeResolved
	const grace = 5 * time.Minute
	deployed := func(after time.Duration) correlate.Admission {
		return correlate.Admission{Suppress: correlate.Suppress{Deploy: grace}, Changed: policyStart.Add(after)}
	}
	with := func(a correlate.Admission, change func(*correlate.Admission)) correlate.Admission {
		change(&a)
		return a
	}
	at0 := deployed(0)
	draft := func(a *correlate.Admission) { a.Draft = time.Hour }
	full := func(a *correlate.Admission) { a.Full = true }
	type step struct {
		at        time.Duration // since policyStart
		admission correlate.Admission
		count     int64 // 0 asks whether it has gone quiet
		late      time.Duration
		want      correlate.Change
		hold      correlate.Reason
	}
	for _, test := range []struct {
		rule  string
		steps []step
	}{
		{"what fails right after a deployment waits", []step{{1 * time.Second, at0, 3, 0, held, correlate.Settling}, {4 * time.Minute, at0, 3, 0, held, correlate.Settling}}},
		{"from the moment of the deployment", []step{{0, at0, 1, 0, held, correlate.Settling}}},
		{"to the moment at which the time is over", []step{{1, at0, 1, 0, held, correlate.Settling}, {grace - 1, at0, 1, 0, held, correlate.Settling}, {grace, at0, 1, 0, opened, ""}}},
		{"what still fails then has its ticket, and keeps it", []step{{time.Second, at0, 3, 0, held, correlate.Settling}, {6 * time.Minute, at0, 1, 0, opened, ""}, {7 * time.Minute, deployed(6 * time.Minute), 1, 0, correlate.ChangeUpdated, ""}}},
		{"what vanishes has none", []step{{time.Second, at0, 3, 0, held, correlate.Settling}, {10 * time.Minute, at0, 0, 0, correlate.ChangeNone, correlate.Settling}, {10*time.Minute + time.Second, at0, 0, 0, resolved, ""}}},
		{"and is new when it comes back", []step{{time.Second, at0, 3, 0, held, correlate.Settling}, {11 * time.Minute, at0, 0, 0, resolved, ""}, {12 * time.Minute, at0, 1, 0, opened, ""}}},
		{"what comes back after the next deployment waits again", []step{{time.Second, at0, 3, 0, held, correlate.Settling}, {11 * time.Minute, at0, 0, 0, resolved, ""}, {12 * time.Minute, deployed(12 * time.Minute), 1, 0, held, correlate.Settling}}},
		{"what was told late, and was over in time, waits", []step{{time.Hour, at0, 3, 57 * time.Minute, held, correlate.Settling}, {time.Hour, at0, 0, 0, resolved, ""}}},
		{"a batch that comes late says nothing of now", []step{{20 * time.Minute, deployed(20 * time.Minute), 1, 0, held, correlate.Settling}, {21 * time.Minute, at0, 1, 17 * time.Minute, held, correlate.Settling}}},
		{"what failed before the deployment is none of it", []step{{0, deployed(time.Second), 1, 0, opened, ""}}},
		{"what has its ticket is counted on it", []step{{0, correlate.Admission{}, 1, 0, opened, ""}, {time.Second, at0, 1, 0, counted, ""}}},
		{"what had a ticket comes back at once: it says that this is over", []step{{0, correlate.Admission{}, 1, 0, opened, ""}, {time.Hour, at0, 0, 0, resolved, ""}, {2 * time.Hour, deployed(2 * time.Hour), 1, 0, reopened, ""}}},
		{"without a known deployment nothing waits", []step{{0, correlate.Admission{Suppress: correlate.Suppress{Deploy: grace}}, 1, 0, opened, ""}}},
		{"nor without a time to wait", []step{{0, correlate.Admission{Changed: policyStart}, 1, 0, opened, ""}}},
		{"nor for a deployment that is yet to come", []step{{0, deployed(time.Hour), 1, 0, opened, ""}}},
		{"no longer than an hour, whatever a rule says", []step{{59 * time.Minute, with(at0, func(a *correlate.Admission) { a.Suppress.Deploy = time.Hour * 24 }), 1, 0, held, correlate.Settling}, {time.Hour, with(at0, func(a *correlate.Admission) { a.Suppress.Deploy = time.Hour * 24 }), 1, 0, opened, ""}}},
		{"the next deployment does not prolong it", []step{{time.Minute, at0, 1, 0, held, correlate.Settling}, {4 * time.Minute, deployed(4 * time.Minute), 1, 0, held, correlate.Settling}, {6*time.Minute - 1, deployed(4 * time.Minute), 1, 0, held, correlate.Settling}, {6 * time.Minute, deployed(4 * time.Minute), 1, 0, opened, ""}}},
		{"a draft is one only if it stays", []step{{0, with(at0, draft), 1, 0, held, correlate.Settling}, {grace, with(at0, draft), 1, 0, held, correlate.Draft}}},
		{"one that waits for an approval goes on to", []step{{0, with(correlate.Admission{}, draft), 1, 0, held, correlate.Draft}, {time.Minute, with(deployed(time.Minute), draft), 1, 0, held, correlate.Draft}}},
		{"the budget is asked when it would be filed", []step{{0, with(at0, full), 1, 0, held, correlate.Settling}, {grace, with(at0, full), 1, 0, held, correlate.Over}, {grace + time.Minute, with(deployed(grace+time.Minute), full), 1, 0, held, correlate.Over}}},
		{"what is known is listed all the same", []step{{0, with(at0, func(a *correlate.Admission) { a.Learning = true }), 1, 0, held, correlate.Known}}},
		{"what is downstream of something else is that", []step{{0, with(at0, func(a *correlate.Admission) { a.Upstream = correlate.Upstream{Scope: correlate.Scope{Service: "bank"}} }), 1, 0, held, correlate.Downstream}, {time.Minute, at0, 1, 0, held, correlate.Settling}}},
		{"shadow is above all", []step{{0, with(at0, func(a *correlate.Admission) { a.Shadow = true }), 1, 0, held, correlate.Shadow}}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			p := correlate.Problem{}
			var count int64
			for i, s := range test.steps {
				now, change := policyStart.Add(s.at), correlate.ChangeNone
				if s.count == 0 {
					p, change = p.Quieten(now)
				} else {
					b := policyBatch(now.Add(-s.late), s.count)
					b.Threshold.Count, b.Admission = 1, s.admission
					p, change = p.Observe(b, now)
					count += s.count
				}
				require.Equal(t, s.want, change, "step %d", i)
				require.Equal(t, s.hold, p.Hold, "step %d", i)
				require.Equal(t, count, p.Count, "all is counted")
				require.False(t, p.Hold == correlate.Settling && p.Listed(), "and stands on no ticket for many")
			}
		})
	}
}

func TestAnyoneCanFileWhatSettles(t *testing.T) {
	b := policyBatch(policyStart, 1)
	b.Threshold.Count, b.Admission = 1, correlate.Admission{Suppress: correlate.Suppress{Deploy: time.Minute}, Changed: policyStart}
	p, _ := correlate.Problem{}.Observe(b, policyStart)
	require.Equal(t, correlate.Settling, p.Hold)
	require.True(t, p.AnswersFor(policyStart), "what fails in other services because of it waits with it")
	p, ok := p.Approve("ann", policyStart.Add(time.Second))
	require.True(t, ok)
	require.Empty(t, p.Hold)
	require.Equal(t, "approved by ann", p.History[len(p.History)-1].What)
}

// However failures and deployments come, and however late they are told: what was
// seen only while a deployment settled has no ticket, anything else has, none waits
// longer than it may, and all is counted.
func TestSettlingHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		grace := time.Duration(rapid.IntRange(1, 10).Draw(t, "grace")) * time.Minute
		var deployed []time.Time
		var p correlate.Problem
		now := policyStart
		var count int64
		first, began, outside := time.Time{}, time.Time{}, false
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 180).Draw(t, "pause")) * time.Second)
			if rapid.IntRange(0, 4).Draw(t, "deploy") == 0 {
				deployed = append(deployed, now)
			}
			at := now.Add(-time.Duration(rapid.SampledFrom([]int{0, 0, 0, 1, 30, 600}).Draw(t, "late")) * time.Second)
			b := policyBatch(at, rapid.Int64Range(1, 5).Draw(t, "count"))
			b.Threshold.Count, b.Quiet = 1, 24*time.Hour
			b.Admission.Suppress.Deploy = grace
			for _, d := range deployed {
				if !d.After(at) {
					b.Admission.Changed = d
				}
			}
			if first.IsZero() || at.Before(first) {
				first = at
			}
			if began.IsZero() {
				began = now
			}
			count += b.Count
			was := p
			p, _ = p.Observe(b, now)
			d := b.Admission.Changed
			in := !d.IsZero() && at.Sub(d) < grace && at.Sub(began) < grace
			outside = outside || !in
			require.Equal(t, outside, p.Hold == "", "grace %v, seen at %v, deployed %v", grace, at, deployed)
			require.Equal(t, outside, p.Episode == 1)
			require.Equal(t, count, p.Count)
			require.True(t, first.Equal(p.FirstSeen))
			require.False(t, p.Hold != "" && at.Sub(began) >= grace, "it waits too long")
			require.False(t, was.Episode > p.Episode)
		}
	})
}
