package ledger

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/celrule"
)

// A rule that waits for deployments of a service that was deployed at start.
func settling(t *testing.T, store correlate.Store) *books {
	b := open(t, store, celrule.Rule{Suppress: correlate.Suppress{Deploy: 5 * time.Minute}, Quiet: 10 * time.Minute, Title: "pay fails"}, "jira")
	b.Changed = func(scope correlate.Scope, at time.Time) time.Time {
		if scope != checkout || at.Before(start) {
			return time.Time{}
		}
		return start
	}
	return b
}

func TestWhatVanishesAfterADeploymentHasNoTicket(t *testing.T) {
	store := new(correlate.Memory)
	b := settling(t, store)
	var key correlate.Key
	for range 4 {
		b.now = b.now.Add(time.Minute)
		batch := b.batch(10)
		key = batch.Key()
		require.Equal(t, correlate.ChangeHeld, b.apply(batch))
		require.Equal(t, 1, b.Held())
	}
	b.now = b.now.Add(10 * time.Minute)
	resolved, err := b.Sweep(t.Context(), b.now)
	require.NoError(t, err)
	require.Equal(t, 1, resolved)
	require.Empty(t, due(t, store, b.now, "jira"), "nobody is told that it is over: nobody knew")
	require.Equal(t, map[string]int64{"settling": 40}, b.Counters.Decisions())
	p := b.problem(key)
	require.Equal(t, correlate.Resolved, p.State)
	require.Zero(t, p.Episode)
	require.Equal(t, "pay fails", p.Answers.Title, "whoever lists what is held reads it")
	all := 0
	require.NoError(t, EachProblem(t.Context(), store, checkout, func(correlate.Problem) { all++ }))
	require.Equal(t, 1, all, "no ticket for many lists it")
}

func TestWhatStaysAfterADeploymentHasATicketWithAll(t *testing.T) {
	store := new(correlate.Memory)
	b := settling(t, store)
	var asked []string
	b.Suspects = func(p correlate.Problem, _ time.Time) correlate.Suspects {
		asked = append(asked, string(p.Hold))
		return correlate.Suspects{Ranked: []correlate.Suspect{{Version: "2.4.1"}}}
	}
	b.now = b.now.Add(time.Second)
	first := b.now
	require.Equal(t, correlate.ChangeHeld, b.apply(b.batch(10)))
	b.now = b.now.Add(time.Minute)
	require.Equal(t, correlate.ChangeHeld, b.apply(b.batch(10)))
	b.now = start.Add(5 * time.Minute)
	last := b.batch(10)
	require.Equal(t, correlate.ChangeOpened, b.apply(last))
	require.Equal(t, []string{"open jira"}, due(t, store, b.now, "jira"))
	p := b.problem(last.Key())
	require.EqualValues(t, 30, p.Count)
	require.True(t, first.Equal(p.FirstSeen))
	require.Equal(t, 1, p.Episode)
	require.Equal(t, []string{"settling", ""}, asked, "what is to blame is asked again when it is filed")
	require.Equal(t, map[string]int64{"settling": 20, "opened": 1, "deduplicated": 9}, b.Counters.Decisions())
}

func TestOnlyTheServiceThatWasDeployedSettles(t *testing.T) {
	b := settling(t, new(correlate.Memory))
	b.now = b.now.Add(time.Second)
	require.Equal(t, correlate.ChangeOpened, b.apply(b.batch(1, func(o *correlate.Occurrence) { o.Scope.Service = "bank" })))
	require.Equal(t, correlate.ChangeHeld, b.apply(b.batch(1)))
}

// What is told late may be older than the deployment that was last.
func TestTheDeploymentBeforeIsMeant(t *testing.T) {
	b := settling(t, new(correlate.Memory))
	b.Changed = func(_ correlate.Scope, at time.Time) time.Time { return at.Truncate(time.Hour) }
	b.now = time.Date(2026, 3, 14, 10, 3, 0, 0, time.UTC)
	late := b.batch(1)
	b.now = b.now.Add(2 * time.Hour)
	require.Equal(t, correlate.ChangeHeld, b.apply(late))
	resolved, err := b.Sweep(t.Context(), b.now)
	require.NoError(t, err)
	require.Equal(t, 1, resolved)
}

// A ledger that stands in for one whose store is out of reach waits as that does.
func TestAStandInWaitsToo(t *testing.T) {
	b := settling(t, new(correlate.Memory))
	b.now = b.now.Add(time.Second)
	b.Ledger = b.StandIn(new(correlate.Memory))
	require.Equal(t, correlate.ChangeHeld, b.apply(b.batch(1)))
}

// What nobody knows of, nobody waits for.
func TestWithoutKnowledgeOfDeploymentsNothingWaits(t *testing.T) {
	b := settling(t, new(correlate.Memory))
	b.Changed = nil
	require.Equal(t, correlate.ChangeOpened, b.apply(b.batch(1)))
}

// A ledger that stood in may not have known of the deployment, and has filed a ticket.
func TestWhatWasFiledMeanwhileWaitsNoMore(t *testing.T) {
	store := new(correlate.Memory)
	b := settling(t, store)
	b.now = b.now.Add(time.Second)
	batch := b.batch(3)
	require.Equal(t, correlate.ChangeHeld, b.apply(batch))
	known, err := b.TakeOver(t.Context(), batch.Key(), "jira", b.now)
	require.NoError(t, err)
	require.True(t, known)
	require.Equal(t, []string{"open jira"}, due(t, store, b.now, "jira"), "the sink finds the ticket by its key")
	p := b.problem(batch.Key())
	require.Empty(t, p.Hold)
	require.Equal(t, 1, p.Episode)
	require.Equal(t, "has a ticket already", p.History[1].What)
	b.now = b.now.Add(time.Second)
	require.Equal(t, correlate.ChangeCounted, b.apply(b.batch(1)))
	known, err = b.TakeOver(t.Context(), batch.Key(), "jira", b.now)
	require.NoError(t, err)
	require.True(t, known)
	require.Empty(t, due(t, store, b.now, "jira"), "it is taken over once")
}

// The answer of the store is lost, and asked for again when the problem is over.
func TestABatchIsHeldAsItWas(t *testing.T) {
	b := settling(t, new(correlate.Memory))
	b.now = b.now.Add(time.Second)
	batch := b.batch(3)
	b.Number(&batch)
	require.Equal(t, correlate.ChangeHeld, b.apply(batch))
	b.now = b.now.Add(time.Hour)
	_, err := b.Sweep(t.Context(), b.now)
	require.NoError(t, err)
	require.Equal(t, correlate.ChangeHeld, b.apply(batch))
	require.Equal(t, map[string]int64{"settling": 6}, b.Counters.Decisions())
	require.EqualValues(t, 3, b.problem(batch.Key()).Count, "it is counted once")
}
