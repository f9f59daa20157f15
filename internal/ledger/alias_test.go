package ledger

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/celrule"
	"github.com/spanticket/spanticket/internal/coalesce"
)

// away makes a batch of calls to a database that is not available, one for each
// operation, signed by a version of the algorithm. By the first each operation
// has a problem of its own.
func (b *books) away(version int, operations ...string) coalesce.Batch {
	b.t.Helper()
	c := coalesce.Counts{Max: 1, Signer: correlate.Signer{Version: version}}
	for _, operation := range operations {
		_, ok := c.Add(&correlate.Occurrence{
			Scope: checkout, Rule: "errors", Operation: operation, Kind: "CLIENT", Status: "ERROR", Start: b.now.Add(-time.Second), End: b.now,
			Exception:  correlate.Exception{Type: "*net.OpError", Message: "connection refused"},
			Attributes: []correlate.Attribute{{Key: "peer.service", Value: "db"}},
		}, b.set, 0, false, b.now)
		require.True(b.t, ok)
	}
	return c.Take()[0]
}

// oldest is the version that upgrades begin with here, and newest that of this
// program.
const oldest, newest = 1, 0

func count(t *testing.T, store correlate.Store, kind correlate.Kind) int {
	t.Helper()
	records, err := store.List(t.Context(), correlate.Page{Kind: kind, Max: 1000})
	require.NoError(t, err)
	return len(records)
}

func TestUpgradeGoesOnWithAnOpenProblem(t *testing.T) {
	store := new(correlate.Memory)
	old := open(t, store, celrule.Rule{}, "jira")
	first := old.away(oldest, "SELECT")
	require.Equal(t, correlate.ChangeOpened, old.apply(first))
	require.Equal(t, []string{"open jira"}, due(t, store, old.now, "jira"))

	b := open(t, store, celrule.Rule{}, "jira") // the process after
	b.now = start.Add(10 * time.Second)
	batch := b.away(newest, "SELECT", "SELECT", "INSERT")
	require.NotEqual(t, first.Key(), batch.Key())
	require.Equal(t, first.Signature.ID, batch.Signature.Earlier)
	require.Equal(t, correlate.ChangeCounted, b.apply(batch))
	require.Empty(t, due(t, store, b.now, "jira"), "no second ticket")
	p := b.problem(first.Key())
	require.Equal(t, int64(4), p.Count)
	require.Equal(t, first.Signature.ID, p.ID, "its tickets keep their keys")
	require.Contains(t, p.Signature.Explain(), "by version 1 it was "+first.Signature.ID)
	require.Equal(t, 1, count(t, store, correlate.KindProblem))
	require.Equal(t, 1, b.Open())

	b.now = p.LastSeen.Add(30 * time.Minute)
	resolved, err := b.Sweep(t.Context(), b.now)
	require.NoError(t, err)
	require.Equal(t, 1, resolved)
	require.Equal(t, []string{"resolve jira"}, due(t, store, b.now, "jira"))
	b.now = b.now.Add(time.Hour)
	require.Equal(t, correlate.ChangeReopened, b.apply(b.away(newest, "DELETE")), "an operation that was never seen before is of the same dependency")
	require.Equal(t, []string{"reopen jira"}, due(t, store, b.now, "jira"), "the same ticket")
	require.Equal(t, 1, count(t, store, correlate.KindProblem))
}

// The problem of the version before may be over by the time of the upgrade.
func TestUpgradeReopensAResolvedProblem(t *testing.T) {
	store := new(correlate.Memory)
	old := open(t, store, celrule.Rule{}, "jira")
	old.apply(old.away(oldest, "SELECT"))
	old.now = start.Add(time.Hour)
	_, err := old.Sweep(t.Context(), old.now)
	require.NoError(t, err)
	require.Equal(t, []string{"open jira", "resolve jira"}, due(t, store, old.now, "jira"))

	b := open(t, store, celrule.Rule{}, "jira")
	b.now = start.Add(24 * time.Hour)
	require.Equal(t, correlate.ChangeReopened, b.apply(b.away(newest, "SELECT")))
	require.Equal(t, []string{"reopen jira"}, due(t, store, b.now, "jira"))
}

// Replicas of both versions run side by side during a rollout.
func TestUpgradeBesideTheVersionBefore(t *testing.T) {
	store := new(correlate.Memory)
	old, b := open(t, store, celrule.Rule{Threshold: correlate.Threshold{Count: 2, Within: time.Minute}}, "jira"), open(t, store, celrule.Rule{Threshold: correlate.Threshold{Count: 2, Within: time.Minute}}, "jira")
	require.Equal(t, correlate.ChangeBelow, b.apply(b.away(newest, "SELECT")), "there was nothing before")
	require.Zero(t, count(t, store, correlate.KindUpgrade), "and so it is no upgrade")
	b.now, old.now = start.Add(2*time.Minute), start.Add(2*time.Minute)
	require.Equal(t, correlate.ChangeOpened, old.apply(old.away(oldest, "SELECT", "SELECT")))
	require.Equal(t, correlate.ChangeCounted, b.apply(b.away(newest, "SELECT", "SELECT")), "what an older replica has opened since is found")
	require.Equal(t, correlate.ChangeCounted, old.apply(old.away(oldest, "SELECT")))
	require.Equal(t, []string{"open jira"}, due(t, store, b.now, "jira"))
	require.Equal(t, int64(5), b.problem(old.away(oldest, "SELECT").Key()).Count)
}

// Several problems of the version before became one: it goes on with one of
// them, the same one for all replicas.
func TestUpgradeOfSeveralProblems(t *testing.T) {
	store := new(correlate.Memory)
	old := open(t, store, celrule.Rule{}, "jira")
	sel, ins := old.away(oldest, "SELECT"), old.away(oldest, "INSERT")
	old.apply(sel)
	old.apply(ins)
	one, other, third := open(t, store, celrule.Rule{}, "jira"), open(t, store, celrule.Rule{}, "jira"), open(t, store, celrule.Rule{}, "jira")
	require.Equal(t, correlate.ChangeCounted, one.apply(one.away(newest, "UPDATE", "DELETE", "INSERT")), "also if the newest operations have none")
	require.Equal(t, correlate.ChangeCounted, other.apply(other.away(newest, "SELECT")))
	require.Equal(t, correlate.ChangeCounted, third.apply(third.away(newest, "VACUUM")))
	require.Equal(t, int64(6), one.problem(ins.Key()).Count)
	require.Equal(t, int64(1), one.problem(sel.Key()).Count)
	require.Equal(t, 2, count(t, store, correlate.KindProblem))
}

func TestUpgradeIsOver(t *testing.T) {
	store := new(correlate.Memory)
	old, b := open(t, store, celrule.Rule{}, "jira"), open(t, store, celrule.Rule{}, "jira")
	old.apply(old.away(oldest, "SELECT"))
	b.apply(b.away(newest, "SELECT"))
	const day = 24 * time.Hour
	// A problem that goes on is the one that it was, for as long as it lives.
	for b.now.Before(start.Add(100 * day)) {
		b.now = b.now.Add(20 * day)
		_, err := b.Sweep(t.Context(), b.now)
		require.NoError(t, err)
		require.Equal(t, correlate.ChangeReopened, b.apply(b.away(newest, "SELECT")))
		due(t, store, b.now, "jira")
	}
	again := open(t, store, celrule.Rule{}, "jira")
	again.now = b.now
	require.Equal(t, correlate.ChangeCounted, again.apply(again.away(newest, "SELECT")), "for a process that is started then, too")
	require.Equal(t, 1, count(t, store, correlate.KindProblem))

	// What an older replica opens now is not looked for any more.
	other := func(o *correlate.Occurrence) { o.Operation = "POST /other" }
	old.now = b.now
	c := coalesce.Counts{Max: 1, Signer: correlate.Signer{Version: oldest}}
	o := &correlate.Occurrence{Scope: checkout, Operation: "POST /pay", Kind: "SERVER", Status: "ERROR", End: b.now, Exception: correlate.Exception{Type: "net.OpError", Message: "connection refused"}}
	other(o)
	c.Add(o, old.set, 0, false, old.now)
	require.Equal(t, correlate.ChangeOpened, old.apply(c.Take()[0]))
	require.Equal(t, correlate.ChangeOpened, b.apply(b.batch(1, other)))

	// When the problem is forgotten, the signature has one of its own.
	b.now = b.now.Add(time.Hour)
	_, err := b.Sweep(t.Context(), b.now)
	require.NoError(t, err)
	due(t, store, b.now, "jira")
	b.now = b.now.Add(31 * day)
	due(t, store, b.now, "jira")
	batch := b.away(newest, "SELECT")
	require.Equal(t, correlate.ChangeOpened, b.apply(batch))
	require.Equal(t, batch.Key().ID, b.problem(batch.Key()).ID)
	require.Zero(t, count(t, store, correlate.KindAlias))
}

// What has no ticket, and why, stays what it was.
func TestUpgradeKeepsWhatIsHeld(t *testing.T) {
	store := new(correlate.Memory)
	old := open(t, store, celrule.Rule{}, "jira")
	old.Adopt = time.Hour
	require.Equal(t, correlate.ChangeHeld, old.apply(old.away(oldest, "SELECT")))
	b := open(t, store, celrule.Rule{}, "jira")
	b.Adopt, b.now = time.Hour, start.Add(61*time.Minute)
	require.Equal(t, correlate.ChangeHeld, b.apply(b.away(newest, "SELECT")))
	require.Equal(t, correlate.Known, b.problem(old.away(oldest, "SELECT").Key()).Hold)
}

// A problem below its threshold has no ticket that could be filed twice, and one
// that the signature has itself is not left for an older one.
func TestUpgradePassesOver(t *testing.T) {
	store := new(correlate.Memory)
	rule := celrule.Rule{Threshold: correlate.Threshold{Count: 2, Within: time.Minute}}
	old, b := open(t, store, rule, "jira"), open(t, store, rule, "jira")
	old.apply(old.away(oldest, "SELECT"))
	require.Equal(t, correlate.ChangeOpened, b.apply(b.away(newest, "SELECT", "SELECT")))
	require.Equal(t, correlate.ChangeOpened, old.apply(old.away(oldest, "SELECT")))
	b.now = start.Add(time.Hour)
	_, err := b.Sweep(t.Context(), b.now)
	require.NoError(t, err)
	old.now = b.now
	require.Equal(t, correlate.ChangeReopened, old.apply(old.away(oldest, "SELECT", "SELECT")))
	require.Equal(t, correlate.ChangeReopened, b.apply(b.away(newest, "SELECT", "SELECT")), "it goes back to its own ticket")
	require.Zero(t, count(t, store, correlate.KindAlias))
}

func TestUpgradeAndAStoreThatFails(t *testing.T) {
	store := &broken{Store: new(correlate.Memory)}
	old := open(t, store, celrule.Rule{}, "jira")
	old.apply(old.away(oldest, "SELECT"))
	b := open(t, store, celrule.Rule{}, "jira")
	batch := b.away(newest, "SELECT")
	store.list = true
	_, err := b.Apply(t.Context(), batch, b.now)
	require.ErrorIs(t, err, errDown)
	store.list, store.update = false, true
	_, err = b.Apply(t.Context(), batch, b.now)
	require.ErrorIs(t, err, errDown)
	store.update = false
	require.Equal(t, correlate.ChangeCounted, b.apply(batch), "the caller kept the batch")

	for _, kind := range []correlate.Kind{correlate.KindUpgrade, correlate.KindAlias} {
		b := open(t, store, celrule.Rule{}, "jira")
		id := map[correlate.Kind]string{correlate.KindUpgrade: "upgrade", correlate.KindAlias: batch.Key().ID}[kind]
		require.NoError(t, store.Update(t.Context(), correlate.Key{Scope: checkout, Kind: kind, ID: id},
			func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
				return correlate.Record{Version: 99, Data: []byte("{}")}, nil, nil
			}))
		require.NotEqual(t, correlate.ChangeNone, b.apply(batch), "what cannot be read keeps nothing waiting")
		require.Contains(t, b.log.String(), "it cannot be told")
	}
}
