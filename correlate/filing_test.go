package correlate_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
)

var (
	filingNone   = correlate.Capabilities{}
	filingFind   = correlate.Capabilities{Find: true}
	filingUpdate = correlate.Capabilities{Update: true}
	filingBoth   = correlate.Capabilities{Find: true, Update: true}
	filingAll    = []correlate.Capabilities{filingNone, filingFind, filingUpdate, filingBoth}
)

// TestPlan is the whole table: what is on file, what the problem is by now, and
// what each operation comes to on a sink of each kind.
func TestPlan(t *testing.T) {
	const nothing, file, find, update = correlate.ActNothing, correlate.ActFile, correlate.ActFind, correlate.ActUpdate
	const open, resolved = correlate.Open, correlate.Resolved
	const opOpen, opUpdate, opResolve, opReopen = correlate.OpOpen, correlate.OpUpdate, correlate.OpResolve, correlate.OpReopen
	none, filed := correlate.Filing{}, correlate.Filing{Receipt: correlate.Receipt{ID: "7"}, Episode: 1}
	unknown := correlate.Filing{Unknown: true, Episode: 1}
	told := func(f correlate.Filing, s correlate.State) correlate.Filing { f.State = s; return f }
	now := func(f correlate.Filing) correlate.Filing { f.Episode = 2; return f } // filed in this episode
	for _, test := range []struct {
		rule   string
		filing correlate.Filing
		state  correlate.State // of the problem
		op     correlate.Operation
		want   [4]correlate.Action // by no capability, Find, Update, both
	}{
		{"what was not filed is filed", none, open, opOpen, [4]correlate.Action{file, file, file, file}},
		{"though it is over by now: never zero", none, resolved, opOpen, [4]correlate.Action{file, file, file, file}},
		{"a return that was never filed is filed", none, open, opReopen, [4]correlate.Action{file, file, file, file}},
		{"and so is one that is over", none, resolved, opReopen, [4]correlate.Action{file, file, file, file}},
		{"there is no ticket to update", none, open, opUpdate, [4]correlate.Action{nothing, nothing, nothing, nothing}},
		{"nor to resolve", none, resolved, opResolve, [4]correlate.Action{nothing, nothing, nothing, nothing}},

		{"what may have been filed is looked for", unknown, open, opOpen, [4]correlate.Action{file, find, file, find}},
		{"also when it is over", unknown, resolved, opOpen, [4]correlate.Action{file, find, file, find}},
		{"also when it is a return", unknown, open, opReopen, [4]correlate.Action{file, find, file, find}},
		{"what may have been filed is not updated", unknown, open, opUpdate, [4]correlate.Action{nothing, nothing, nothing, nothing}},
		{"nor resolved", unknown, resolved, opResolve, [4]correlate.Action{nothing, nothing, nothing, nothing}},

		{"what is filed is not filed again", told(filed, open), open, opOpen, [4]correlate.Action{nothing, nothing, nothing, nothing}},
		{"not when it is over either", told(filed, open), resolved, opOpen, [4]correlate.Action{nothing, nothing, nothing, nothing}},
		{"growth is told", told(filed, open), open, opUpdate, [4]correlate.Action{nothing, nothing, update, update}},
		{"but not when the end will be", told(filed, open), resolved, opUpdate, [4]correlate.Action{nothing, nothing, nothing, nothing}},
		{"nor when the return will be", told(filed, resolved), open, opUpdate, [4]correlate.Action{nothing, nothing, nothing, nothing}},
		{"the end is told", told(filed, open), resolved, opResolve, [4]correlate.Action{nothing, nothing, update, update}},
		{"but not when it is back by now", told(filed, open), open, opResolve, [4]correlate.Action{nothing, nothing, nothing, nothing}},
		{"a return updates the ticket, or files one where that cannot be", told(filed, resolved), open, opReopen, [4]correlate.Action{file, file, update, update}},
		{"also when the end was not told", told(filed, open), open, opReopen, [4]correlate.Action{file, file, update, update}},
		{"a return that is over is told by its end, or filed where that cannot be told", told(filed, resolved), resolved, opReopen, [4]correlate.Action{file, file, nothing, nothing}},
		{"a return that an earlier delivery has filed is not filed again", now(told(filed, open)), open, opReopen, [4]correlate.Action{nothing, nothing, update, update}},
	} {
		t.Run(fmt.Sprintf("%s of a problem that is %s: %s", test.op, test.state, test.rule), func(t *testing.T) {
			f := test.filing
			f.Sink, f.Generation = "jira", 1
			p := correlate.Problem{ID: "v1a", State: test.state, Episode: 2, Filings: []correlate.Filing{{Sink: "other"}, f}}
			for i, can := range filingAll {
				require.Equal(t, test.want[i], p.Plan(correlate.Delivery{Sink: "jira", Operation: test.op}, can), "%+v", can)
			}
		})
	}
}

// filingProblem is a problem that is open, at policyStart.
func filingProblem() correlate.Problem {
	p, _ := correlate.Problem{}.Observe(policyBatch(policyStart, 5), policyStart)
	return p
}

func TestQueue(t *testing.T) {
	p := filingProblem()
	p, add := p.Queue(correlate.OpOpen, []string{"jira", "slack"}, policyStart)
	require.Len(t, add, 2)
	require.Equal(t, correlate.Delivery{
		ID:        "v1a/jira/1",
		Key:       correlate.Key{Scope: correlate.Scope{Service: "checkout"}, Kind: correlate.KindProblem, ID: "v1a"},
		Sink:      "jira",
		Operation: correlate.OpOpen,
		Due:       policyStart,
		Created:   policyStart,
	}, add[0])
	require.Equal(t, "v1a/slack/1", add[1].ID)
	require.Equal(t, []string{"v1a/jira/1"}, p.Filing("jira").Pending)
	require.Equal(t, correlate.Filing{Sink: "pager"}, p.Filing("pager"))

	same, none := p.Queue(correlate.OpUpdate, []string{"jira", "slack"}, policyStart)
	require.Empty(t, none, "what waits will say it")
	require.Equal(t, p, same)

	p = p.Accepted(add[0], correlate.Receipt{ID: "7"}, 5, policyStart)
	p, updates := p.Queue(correlate.OpUpdate, []string{"jira", "slack"}, policyStart)
	require.Len(t, updates, 1, "only for the sink that has nothing waiting")
	require.Equal(t, "v1a/jira/2", updates[0].ID)

	p, ends := p.Queue(correlate.OpResolve, []string{"jira"}, policyStart)
	require.Len(t, ends, 1, "an end is queued behind whatever waits")
	require.Equal(t, []string{"v1a/jira/2", "v1a/jira/3"}, p.Filing("jira").Pending)
	p = p.Skipped(ends[0]).Skipped(updates[0]).Skipped(add[1])
	require.Empty(t, p.Filing("jira").Pending)
	require.Empty(t, p.Filing("slack").Pending)
}

// A parked delivery stays where people see it until they send it again, or
// something that says all of it was taken.
func TestParked(t *testing.T) {
	park := func(op correlate.Operation) correlate.Problem {
		p, add := filingProblem().Queue(op, []string{"jira"}, policyStart)
		add[0].Attempts = 3
		return p.GivenUp(add[0], "refused", policyStart)
	}
	p := park(correlate.OpOpen)
	require.Equal(t, &correlate.Parked{Operation: correlate.OpOpen, At: policyStart, Attempts: 3, Reason: "refused"}, p.Filing("jira").Parked)
	require.Empty(t, p.Filing("jira").Pending)
	require.Contains(t, policyHistory(p), "open parked for jira: refused")

	for _, test := range []struct {
		rule         string
		parked, then correlate.Operation
		state        correlate.State
		want         []correlate.Operation // that are queued; none leaves it parked
	}{
		{"an update has no ticket to change while the opening is parked", correlate.OpOpen, correlate.OpUpdate, correlate.Open, nil},
		{"nor has the end", correlate.OpOpen, correlate.OpResolve, correlate.Resolved, nil},
		{"nor has an update while the return is parked", correlate.OpReopen, correlate.OpUpdate, correlate.Open, nil},
		{"a return opens what was parked", correlate.OpOpen, correlate.OpReopen, correlate.Open, []correlate.Operation{correlate.OpReopen}},
		{"what is sent again is not parked", correlate.OpOpen, correlate.OpOpen, correlate.Open, []correlate.Operation{correlate.OpOpen}},
		{"sent again when it is over, its end follows", correlate.OpOpen, correlate.OpOpen, correlate.Resolved, []correlate.Operation{correlate.OpOpen, correlate.OpResolve}},
		{"an update says what a parked one would have", correlate.OpUpdate, correlate.OpUpdate, correlate.Open, []correlate.Operation{correlate.OpUpdate}},
		{"and so does the end", correlate.OpUpdate, correlate.OpResolve, correlate.Resolved, []correlate.Operation{correlate.OpResolve}},
		{"and a return says that the end was none", correlate.OpResolve, correlate.OpReopen, correlate.Open, []correlate.Operation{correlate.OpReopen}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			p := park(test.parked)
			p.State = test.state
			p, add := p.Queue(test.then, []string{"jira"}, policyStart)
			var got []correlate.Operation
			for _, d := range add {
				got = append(got, d.Operation)
			}
			require.Equal(t, test.want, got)
			require.Equal(t, test.want == nil, p.Filing("jira").Parked != nil)
			require.Len(t, p.Filing("jira").Pending, len(test.want))
		})
	}
}

func TestFilingLifecycle(t *testing.T) {
	for _, can := range []correlate.Capabilities{filingUpdate, filingNone} {
		t.Run(fmt.Sprintf("%+v", can), func(t *testing.T) {
			p := filingProblem()
			at := policyStart
			deliver := func(op correlate.Operation, want correlate.Action, receipt string) {
				t.Helper()
				var add []correlate.Delivery
				p, add = p.Queue(op, []string{"jira"}, at)
				require.Len(t, add, 1)
				act := p.Plan(add[0], can)
				require.Equal(t, want, act)
				if act == correlate.ActNothing {
					p = p.Skipped(add[0])
				} else {
					if act == correlate.ActFile {
						p = p.Trying("jira")
						require.True(t, p.Filing("jira").Unknown)
					}
					p = p.Accepted(add[0], correlate.Receipt{ID: receipt}, p.Count, at)
				}
				require.Empty(t, p.Filing("jira").Pending)
				require.False(t, p.Filing("jira").Unknown)
			}
			deliver(correlate.OpOpen, correlate.ActFile, "1")
			require.Contains(t, policyHistory(p), "filed in jira: 1")

			at = at.Add(5 * time.Minute)
			p, _ = p.Observe(policyBatch(at, 3), at)
			if can.Update {
				deliver(correlate.OpUpdate, correlate.ActUpdate, "1")
				require.EqualValues(t, 8, p.Filing("jira").Sent)
			} else {
				deliver(correlate.OpUpdate, correlate.ActNothing, "")
				require.EqualValues(t, 5, p.Filing("jira").Sent)
			}

			at = at.Add(time.Hour)
			p, _ = p.Quieten(at)
			if can.Update {
				deliver(correlate.OpResolve, correlate.ActUpdate, "1")
				require.Equal(t, correlate.Resolved, p.Filing("jira").State)
			} else {
				deliver(correlate.OpResolve, correlate.ActNothing, "")
			}

			at = at.Add(time.Hour)
			p, _ = p.Observe(policyBatch(at, 5), at)
			f := p.Filing("jira")
			if can.Update {
				deliver(correlate.OpReopen, correlate.ActUpdate, "1")
				f.State, f.SentAt, f.Sent, f.Seq = correlate.Open, at, 13, 4
				f.Pending = []string{}
				require.Equal(t, f, p.Filing("jira"), "the same ticket, of the same generation")
			} else {
				deliver(correlate.OpReopen, correlate.ActFile, "2")
				f = p.Filing("jira")
				require.Equal(t, 2, f.Generation)
				require.Equal(t, "1", f.Previous.ID, "a new ticket names the old one")
				require.Equal(t, "2", f.Receipt.ID)
				require.Equal(t, correlate.Open, f.State)
				require.Equal(t, at, f.SentAt)
			}
		})
	}
}

func TestUnknownOutcome(t *testing.T) {
	p, add := filingProblem().Queue(correlate.OpOpen, []string{"jira"}, policyStart)
	d := add[0]
	p = p.Trying("jira")
	require.True(t, p.Filing("jira").Unknown, "from before the call: a crash is an unknown outcome")

	refused := p.Refused(d, false)
	require.False(t, refused.Filing("jira").Unknown, "the first attempt failed for certain")
	require.NotEmpty(t, refused.Filing("jira").Pending, "it waits")

	again := p.Trying("jira").Refused(d, true)
	require.True(t, again.Filing("jira").Unknown, "the second did, but what became of the first?")
	require.Equal(t, correlate.ActFind, again.Plan(d, filingFind))

	parked := again.GivenUp(d, "no answer", policyStart)
	require.True(t, parked.Filing("jira").Unknown)
	parked, _ = parked.Queue(correlate.OpOpen, []string{"jira"}, policyStart)
	require.True(t, parked.Filing("jira").Unknown, "sent again, it is looked for first")

	answered := again.Accepted(d, correlate.Receipt{ID: "1"}, 5, policyStart)
	require.False(t, answered.Filing("jira").Unknown)
	require.Equal(t, 1, answered.Filing("jira").Generation)
}

func TestLateAnswers(t *testing.T) {
	queued, add := filingProblem().Queue(correlate.OpOpen, []string{"jira"}, policyStart)
	d := add[0]
	one, two := correlate.Receipt{ID: "1"}, correlate.Receipt{ID: "2"}

	settled := queued.Trying("jira").Accepted(d, one, 5, policyStart)
	require.Equal(t, settled, settled.Accepted(d, two, 5, policyStart), "somebody else's answer came first")

	parked := queued.Trying("jira").GivenUp(d, "no answer", policyStart).Accepted(d, two, 5, policyStart)
	require.Equal(t, two, parked.Filing("jira").Receipt, "it was given up, and went well")
	require.Nil(t, parked.Filing("jira").Parked)

	// The answer comes between another engine's plan and its attempt.
	p := settled.Trying("jira")
	require.Equal(t, 1, p.Filing("jira").Generation, "the key stays the same, so that the sink can tell")
	require.Equal(t, one, p.Filing("jira").Receipt)

	// Of an update there is nothing to learn.
	update := d
	update.Operation, update.ID = correlate.OpUpdate, "v1a/jira/0"
	require.Equal(t, queued, queued.Accepted(update, one, 5, policyStart))
}

// A sink that was away for several episodes is told of the newest, once.
func TestReopensThatWaited(t *testing.T) {
	p, opened := filingProblem().Queue(correlate.OpOpen, []string{"jira"}, policyStart)
	p = p.Trying("jira").Accepted(opened[0], correlate.Receipt{ID: "1"}, 5, policyStart)
	at := policyStart
	var waiting []correlate.Delivery
	for range 5 {
		at = at.Add(time.Hour)
		var add []correlate.Delivery
		p, _ = p.Quieten(at)
		p, add = p.Queue(correlate.OpResolve, []string{"jira"}, at)
		waiting = append(waiting, add...)
		p, _ = p.Observe(policyBatch(at, 5), at)
		p, add = p.Queue(correlate.OpReopen, []string{"jira"}, at)
		waiting = append(waiting, add...)
	}
	filed := 0
	for _, d := range waiting {
		switch p.Plan(d, filingNone) {
		case correlate.ActFile:
			filed++
			p = p.Trying("jira").Accepted(d, correlate.Receipt{ID: "2"}, 5, at)
		case correlate.ActNothing:
			p = p.Skipped(d)
		}
	}
	require.Equal(t, 1, filed)
	require.Equal(t, 2, p.Filing("jira").Generation)
	require.Empty(t, p.Filing("jira").Pending)
}

// filingTicket is what stands in a tracker: one ticket, filed under a key.
type filingTicket struct{ generation, episode int }

// TestNeverTwo lets a problem come and go while its deliveries succeed, fail,
// and vanish, against a tracker that can or cannot be searched and updated.
func TestNeverTwo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		can := rapid.SampledFrom(filingAll).Draw(t, "can")
		p, queue := filingProblem().Queue(correlate.OpOpen, []string{"jira"}, policyStart)
		now := policyStart
		var tracker []filingTicket
		unknown := false // an attempt had no answer, so that there may be one ticket more
		queueUp := func(op correlate.Operation) {
			var add []correlate.Delivery
			p, add = p.Queue(op, []string{"jira"}, now)
			queue = append(queue, add...)
		}
		t.Repeat(map[string]func(*rapid.T){
			"observe": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 600).Draw(t, "seconds")) * time.Second)
				var change correlate.Change
				p, change = p.Observe(policyBatch(now, 5), now)
				switch change {
				case correlate.ChangeReopened:
					queueUp(correlate.OpReopen)
				case correlate.ChangeUpdated:
					queueUp(correlate.OpUpdate)
				}
			},
			"quieten": func(*rapid.T) {
				now = now.Add(10 * time.Minute)
				var change correlate.Change
				if p, change = p.Quieten(now); change == correlate.ChangeResolved {
					queueUp(correlate.OpResolve)
				}
			},
			"requeue": func(*rapid.T) {
				if parked := p.Filing("jira").Parked; parked != nil {
					queueUp(parked.Operation)
					require.Nil(t, p.Filing("jira").Parked)
				}
			},
			"deliver": func(t *rapid.T) {
				if len(queue) == 0 {
					return
				}
				d := queue[0]
				act := p.Plan(d, can)
				before := p.Filing("jira").Unknown
				receipt := p.Filing("jira").Receipt
				outcome := rapid.SampledFrom([]string{"accepted", "accepted", "refused", "lost", "committed", "given up"}).Draw(t, "outcome")
				done := outcome == "accepted" || outcome == "given up"
				switch act {
				case correlate.ActNothing:
					p, done = p.Skipped(d), true
				case correlate.ActUpdate:
					require.True(t, can.Update)
					require.NotZero(t, receipt)
					switch outcome {
					case "accepted":
						p = p.Accepted(d, receipt, p.Count, now)
					case "given up":
						p = p.GivenUp(d, "refused", now)
					}
				default:
					require.Equal(t, act == correlate.ActFind, before && can.Find)
					p = p.Trying("jira")
					f := p.Filing("jira")
					ticket := filingTicket{f.Generation, p.Episode}
					there := act == correlate.ActFind && slices.ContainsFunc(tracker, func(t filingTicket) bool { return t.generation == f.Generation })
					if !there && (outcome == "accepted" || outcome == "committed") {
						tracker = append(tracker, ticket)
					}
					switch outcome {
					case "accepted":
						p = p.Accepted(d, correlate.Receipt{ID: fmt.Sprint(f.Generation)}, p.Count, now)
					case "refused":
						p = p.Refused(d, before)
					case "given up":
						p = p.GivenUp(d, "refused", now)
					default: // no answer: the process is gone, or the sink did not say
						unknown = true
					}
				}
				if done {
					queue = queue[1:]
				}
			},
			"": func(t *rapid.T) {
				f := p.Filing("jira")
				var ids []string
				for _, d := range queue {
					ids = append(ids, d.ID)
				}
				require.ElementsMatch(t, ids, f.Pending)
				if can.Find || !unknown {
					perGeneration, perEpisode := map[int]int{}, map[int]int{}
					for _, ticket := range tracker {
						perGeneration[ticket.generation]++
						perEpisode[ticket.episode]++
						require.Equal(t, 1, perGeneration[ticket.generation], "two tickets under one key")
						require.Equal(t, 1, perEpisode[ticket.episode], "two tickets in one episode")
					}
				}
				if can.Update {
					require.Equal(t, 1, f.Generation)
				}
			},
		})
		// In the end everything is sent, and the tracker knows how it stands.
		for len(queue) > 0 || p.Filing("jira").Parked != nil {
			if len(queue) == 0 {
				queueUp(p.Filing("jira").Parked.Operation)
			}
			d := queue[0]
			queue = queue[1:]
			switch p.Plan(d, can) {
			case correlate.ActNothing:
				p = p.Skipped(d)
			case correlate.ActUpdate:
				p = p.Accepted(d, p.Filing("jira").Receipt, p.Count, now)
			default:
				p = p.Trying("jira").Accepted(d, correlate.Receipt{ID: "last"}, p.Count, now)
			}
		}
		f := p.Filing("jira")
		require.NotZero(t, f.Receipt, "never zero")
		require.False(t, f.Unknown)
		require.Empty(t, f.Pending)
		if can.Update {
			require.Equal(t, p.State, f.State)
		} else {
			require.Equal(t, p.Episode, f.Episode, "the newest episode is filed")
		}
	})
}
