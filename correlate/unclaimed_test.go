package correlate_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
)

const gone = "no engine has it"

func TestUnclaimed(t *testing.T) {
	for _, test := range []struct {
		rule   string
		ops    []correlate.Operation // that wait, in order
		parked correlate.Operation
	}{
		{"an opening is parked", []correlate.Operation{correlate.OpOpen}, correlate.OpOpen},
		{"and stands for the end that follows it", []correlate.Operation{correlate.OpOpen, correlate.OpResolve}, correlate.OpOpen},
		{"a return stands for what it followed", []correlate.Operation{correlate.OpOpen, correlate.OpResolve, correlate.OpReopen}, correlate.OpReopen},
		{"and for its end", []correlate.Operation{correlate.OpReopen, correlate.OpResolve}, correlate.OpReopen},
		{"the end says what an update would", []correlate.Operation{correlate.OpUpdate, correlate.OpResolve}, correlate.OpResolve},
		{"a look is parked", []correlate.Operation{correlate.OpLook}, correlate.OpLook},
		{"and stands for nothing", []correlate.Operation{correlate.OpLook, correlate.OpUpdate}, correlate.OpUpdate},
		{"nor in place of anything", []correlate.Operation{correlate.OpUpdate, correlate.OpLook}, correlate.OpUpdate},
	} {
		t.Run(test.rule, func(t *testing.T) {
			p := filingProblem()
			p.Filings = []correlate.Filing{{Sink: "jira", Generation: 1}}
			var all []correlate.Delivery
			for _, op := range test.ops {
				d := correlate.Delivery{ID: "d" + string(op), Sink: "jira", Operation: op, Attempts: 2}
				p.Filings[0].Pending = append(p.Filings[0].Pending, d.ID)
				all = append(all, d)
			}
			for _, d := range all {
				before := policyCopy(p)
				next := p.Unclaimed(d, gone, policyStart)
				require.Equal(t, before, p, "it is pure")
				p = next
			}
			f := p.Filing("jira")
			require.Empty(t, f.Pending)
			require.Equal(t, &correlate.Parked{Operation: test.parked, At: policyStart, Attempts: 2, Reason: gone}, f.Parked)
			require.Equal(t, p, p.Unclaimed(all[0], "again", policyStart), "what is settled is not parked")
		})
	}
}

// A ticket that was parked because nobody had its sink is right when it is sent
// again, whatever waited then.
func TestUnclaimedIsSentAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		can := rapid.SampledFrom(filingAll).Draw(t, "sink")
		p, waiting := filingProblem().Queue(correlate.OpOpen, []string{"jira"}, policyStart)
		p.Episode = 1
		now := policyStart
		deliver := func(all []correlate.Delivery) {
			for _, d := range all {
				if p.Plan(d, can) == correlate.ActNothing {
					p = p.Skipped(d)
				} else {
					p = p.Accepted(d, correlate.Receipt{ID: "7"}, p.Count, now)
				}
			}
		}
		if rapid.Bool().Draw(t, "filed") {
			deliver(waiting)
			waiting = nil
		}
		for range rapid.IntRange(0, 5).Draw(t, "changes") {
			now = now.Add(time.Hour)
			var add []correlate.Delivery
			if p.State == correlate.Open {
				p.State = correlate.Resolved
				p, add = p.Queue(correlate.OpResolve, []string{"jira"}, now)
			} else {
				p.State, p.Episode = correlate.Open, p.Episode+1
				p, add = p.Queue(correlate.OpReopen, []string{"jira"}, now)
			}
			waiting = append(waiting, add...)
		}
		if len(waiting) == 0 {
			return
		}
		for _, d := range waiting {
			p = p.Unclaimed(d, gone, now)
		}
		require.Empty(t, p.Filing("jira").Pending)
		require.NotNil(t, p.Filing("jira").Parked)
		require.Zero(t, p.Expires(), "nothing is forgotten that was to be sent")

		again, add := p.Queue(p.Filing("jira").Parked.Operation, []string{"jira"}, now)
		p = again
		deliver(add)
		f := p.Filing("jira")
		require.Nil(t, f.Parked)
		require.NotZero(t, f.Receipt, "there is a ticket")
		if can.Update {
			require.Equal(t, p.State, f.State, "that says how it is")
		}
	})
}

func TestOrphaned(t *testing.T) {
	at := policyStart.Add(time.Hour)
	month := at.Add(30 * 24 * time.Hour)
	end := &correlate.Parked{Operation: correlate.OpResolve, At: at, Reason: gone, Until: month}
	parked := func(op correlate.Operation) *correlate.Parked {
		return &correlate.Parked{Operation: op, At: policyStart, Reason: "refused"}
	}
	ticket := correlate.Receipt{ID: "7"}
	for _, test := range []struct {
		rule    string
		filing  correlate.Filing
		now     time.Time
		resolve bool
		parked  *correlate.Parked
		expires time.Time
	}{
		{"a problem that is quiet is over, and the end of its ticket is parked", correlate.Filing{Receipt: ticket, State: correlate.Open}, at, true, end, month},
		{"one that is not quiet goes on", correlate.Filing{Receipt: ticket}, policyStart, false, nil, time.Time{}},
		{"one that has deliveries waiting goes on", correlate.Filing{Receipt: ticket, Pending: []string{"d"}}, at, false, nil, time.Time{}},
		{"without a ticket there is nothing to tell", correlate.Filing{}, at, true, nil, month},
		{"nor where the ticket is closed", correlate.Filing{Receipt: ticket, State: correlate.Resolved}, at, true, nil, month},
		{"an opening that is parked says how it ended, and stays", correlate.Filing{Parked: parked(correlate.OpOpen)}, at, true, parked(correlate.OpOpen), time.Time{}},
		{"a return too", correlate.Filing{Receipt: ticket, State: correlate.Resolved, Parked: parked(correlate.OpReopen)}, at, true, parked(correlate.OpReopen), time.Time{}},
		{"the end takes the place of an update, and stays as that would", correlate.Filing{Receipt: ticket, Parked: parked(correlate.OpUpdate)}, at, true,
			&correlate.Parked{Operation: correlate.OpResolve, At: at, Reason: gone}, time.Time{}},
		{"and of a look, which nobody misses", correlate.Filing{Receipt: ticket, Parked: parked(correlate.OpLook)}, at, true, end, month},
	} {
		t.Run(test.rule, func(t *testing.T) {
			p := filingProblem()
			test.filing.Sink = "jira"
			p.Filings = []correlate.Filing{test.filing}
			before := policyCopy(p)
			next, change := p.Orphaned(gone, test.now)
			require.Equal(t, before, p, "it is pure")
			require.Equal(t, test.parked, next.Filing("jira").Parked)
			require.Equal(t, test.expires, next.Expires())
			if !test.resolve {
				require.Equal(t, correlate.ChangeNone, change)
				require.Equal(t, before, next)
				return
			}
			require.Equal(t, correlate.ChangeResolved, change)
			require.Equal(t, correlate.Resolved, next.State)
		})
	}
}

func TestDiscard(t *testing.T) {
	p, add := filingProblem().Queue(correlate.OpOpen, []string{"jira", "slack"}, policyStart)
	p = p.GivenUp(add[0], "refused", policyStart)
	before := policyCopy(p)
	next, ok := p.Discard("jira", "ann", policyStart)
	require.True(t, ok)
	require.Equal(t, before, p, "it is pure")
	require.Nil(t, next.Filing("jira").Parked)
	require.Equal(t, p.Filing("slack"), next.Filing("slack"))
	require.Contains(t, policyHistory(next), "open for jira discarded by ann")
	_, ok = next.Discard("jira", "ann", policyStart)
	require.False(t, ok, "once is enough")
	_, ok = next.Discard("nothing", "ann", policyStart)
	require.False(t, ok)

	// What goes on is not filed, and what comes back is.
	for _, test := range []struct {
		op   correlate.Operation
		want correlate.Action
	}{{correlate.OpUpdate, correlate.ActNothing}, {correlate.OpResolve, correlate.ActNothing}, {correlate.OpReopen, correlate.ActFile}} {
		p, add := next.Queue(test.op, []string{"jira"}, policyStart)
		require.Len(t, add, 1)
		require.Equal(t, test.want, p.Plan(add[0], filingUpdate), test.op)
	}
}
