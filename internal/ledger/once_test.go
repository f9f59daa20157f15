package ledger

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/celrule"
)

// mute is a store whose answers to updates are lost.
type mute struct {
	correlate.Store
	lost int // how many answers are lost yet
}

var errLost = errors.New("connection reset by peer")

func (m *mute) Update(ctx context.Context, key correlate.Key, fn correlate.UpdateFunc) error {
	if err := m.Store.Update(ctx, key, fn); err != nil || m.lost == 0 {
		return err
	}
	m.lost--
	return errLost
}

func TestBatchesAreCountedOnce(t *testing.T) {
	store := &mute{Store: new(correlate.Memory)}
	b := open(t, store, celrule.Rule{Threshold: correlate.Threshold{Count: 1}}, "jira")
	b.Writer = "a"
	other := open(t, store, celrule.Rule{Threshold: correlate.Threshold{Count: 1}}, "jira")
	other.Writer = "b"
	var key correlate.Key
	count := func(by *books, n, lost int) correlate.Change {
		t.Helper()
		batch := by.batch(n)
		key = batch.Key()
		by.Number(&batch)
		store.lost = lost
		for range lost {
			_, err := by.Apply(t.Context(), batch, by.now)
			require.ErrorIs(t, err, errLost)
		}
		return by.apply(batch)
	}
	require.Equal(t, correlate.ChangeOpened, count(b, 2, 3), "what a batch did is known when it is tried again")
	require.EqualValues(t, 2, b.problem(key).Count)
	require.Equal(t, []string{"open jira"}, due(t, store, b.now, "jira"), "and is not done again")
	require.Equal(t, correlate.ChangeCounted, count(b, 3, 1))
	require.Equal(t, correlate.ChangeCounted, count(other, 5, 2), "each writer has numbers of its own")
	require.Equal(t, correlate.ChangeCounted, count(b, 7, 0))
	require.EqualValues(t, 17, b.problem(key).Count)
	require.Len(t, b.problem(key).Writers, 2)

	for n := range 100 {
		passing := open(t, store, celrule.Rule{Threshold: correlate.Threshold{Count: 1}}, "jira")
		passing.Writer = string(rune('A' + n))
		count(passing, 1, 0)
	}
	require.Len(t, b.problem(key).Writers, 32, "those that counted last are remembered")
	require.EqualValues(t, 117, b.problem(key).Count)
}

// What a ticket for many is told is counted once, though more has come before the
// store answers.
func TestReportsAreToldOnce(t *testing.T) {
	store := &mute{Store: new(correlate.Memory)}
	b := open(t, store, celrule.Rule{Budget: 1, Mode: "live"}, "jira")
	key := correlate.ReportKey(checkout, correlate.ReportBudget)
	require.Equal(t, correlate.ChangeOpened, b.apply(b.other("a")))
	for _, name := range []string{"b", "c", "b"} {
		require.Equal(t, correlate.ChangeHeld, b.apply(b.other(name)))
	}
	store.lost = 1
	require.ErrorIs(t, b.Report(t.Context(), b.now), errLost)
	require.EqualValues(t, 3, b.problem(key).Count)

	require.Equal(t, correlate.ChangeHeld, b.apply(b.other("d")))
	require.NoError(t, b.Approve(t.Context(), b.other("c").Key(), "ann", b.now))
	store.lost = 2
	require.ErrorIs(t, b.Report(t.Context(), b.now), errLost)
	require.ErrorIs(t, b.Report(t.Context(), b.now), errLost)
	require.EqualValues(t, 3, b.problem(key).Count)
	require.NoError(t, b.Report(t.Context(), b.now))
	require.NoError(t, b.Report(t.Context(), b.now))

	report := b.problem(key)
	require.EqualValues(t, 4, report.Count)
	require.EqualValues(t, 2, report.Total)
	require.Len(t, report.Members, 2, "one has a ticket of its own")
	require.Equal(t, []string{"open jira", "open jira", "open jira"}, due(t, store, b.now, "jira"), "two problems, and one for the others")
	require.Len(t, report.Writers, 1)

	other := open(t, store, celrule.Rule{Budget: 1, Mode: "live"}, "jira")
	require.Equal(t, correlate.ChangeHeld, other.apply(other.other("e")), "they have one budget")
	require.Equal(t, correlate.ChangeHeld, other.apply(other.other("f")))
	require.NoError(t, other.Report(t.Context(), other.now))
	require.EqualValues(t, 6, b.problem(key).Count, "each process has numbers of its own")
}

// However answers are lost, the count of a ticket for many is that of what it lists.
func TestReportsCountWhatTheyList(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		store := &mute{Store: new(correlate.Memory)}
		b := open(t, store, celrule.Rule{Budget: 1, Mode: "live"}, "jira")
		b.apply(b.other("first"))
		want := map[string]int64{}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			name := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(rt, "name")
			b.apply(b.other(name))
			want[name]++
			store.lost = rapid.IntRange(0, 2).Draw(rt, "lost")
			for range rapid.IntRange(0, 2).Draw(rt, "reports") {
				_ = b.Report(t.Context(), b.now)
			}
			store.lost = 0
		}
		require.NoError(rt, b.Report(t.Context(), b.now))
		report := b.problem(correlate.ReportKey(checkout, correlate.ReportBudget))
		var total int64
		for _, n := range want {
			total += n
		}
		require.Equal(rt, total, report.Count)
		require.EqualValues(rt, len(want), report.Total)
		require.Len(rt, report.Members, len(want))
	})
}

// What a process counted with a flood just before it was killed, and had in its
// journal, is not counted again on a problem of its own.
func TestWhatAFloodCountedIsNotCountedAgain(t *testing.T) {
	for _, tt := range []struct {
		rule   string
		number int64 // of what the journal has
		fold   bool
		want   int64
	}{
		{"the batch that had it was stored", 1, true, 0},
		{"it was not", 2, true, 1},
		{"there was no flood", 1, false, 1},
	} {
		store := new(correlate.Memory)
		b := open(t, store, celrule.Rule{Threshold: correlate.Threshold{Count: 1}}, "jira")
		flood := b.batch(5)
		flood.Signature.ID, flood.Flood = "fold", &correlate.Flood{Fold: correlate.FoldOperation}
		flood.Writer, flood.Number = "killed", 1
		require.Equal(t, correlate.ChangeOpened, b.apply(flood), tt.rule)
		require.EqualValues(t, 4, b.Counters.Decisions()["flooded"], "the first of them opened it")

		left := b.batch(1)
		left.Writer, left.Number = "killed", tt.number
		if tt.fold {
			left.Fold = "fold"
		}
		b.apply(left)
		p, err := b.stored(t.Context(), left.Key())
		require.NoError(t, err)
		require.Equal(t, tt.want, p.Count, tt.rule)
		require.EqualValues(t, 5, b.problem(flood.Key()).Count, tt.rule)
	}
}
