package ledger

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

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
