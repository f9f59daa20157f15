package ledger

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/celrule"
)

// However many engines open problems of a service, and however often they are started
// again: together they keep to its budgets, and each problem is filed or held.
func TestAFleetHasOneBudget(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		store := new(correlate.Memory)
		limit, all := rapid.Int64Range(1, 6).Draw(rt, "of the rule"), rapid.Int64Range(0, 8).Draw(rt, "of the service")
		engine := func() *books {
			b := open(t, store, celrule.Rule{Budget: limit, Mode: "live"}, "jira")
			b.Budget = all
			return b
		}
		fleet := make([]*books, rapid.IntRange(2, 5).Draw(rt, "engines"))
		for i := range fleet {
			fleet[i] = engine()
		}
		now := start
		var opened []time.Time
		for n := range rapid.IntRange(1, 60).Draw(rt, "problems") {
			now = now.Add(time.Duration(rapid.SampledFrom([]int{0, 0, 1, 60, 300, 900, 1800}).Draw(rt, "passes")) * time.Second)
			i := rapid.IntRange(0, len(fleet)-1).Draw(rt, "engine")
			if rapid.IntRange(0, 9).Draw(rt, "restart") == 0 {
				fleet[i] = engine()
			}
			b := fleet[i]
			b.now = now
			if rapid.Bool().Draw(rt, "sweep") {
				_, err := b.Sweep(t.Context(), now)
				require.NoError(rt, err)
			}
			name := fmt.Sprintf("GET /%c%c", 'a'+n/26, 'a'+n%26)
			if n > 0 && rapid.IntRange(0, 3).Draw(rt, "again") == 0 { // one that is held goes on
				n = rapid.IntRange(0, n-1).Draw(rt, "which")
				name = fmt.Sprintf("GET /%c%c", 'a'+n/26, 'a'+n%26)
			}
			batch := b.batch(1, func(o *correlate.Occurrence) { o.Operation, o.Start, o.End = name, now, now })
			if b.apply(batch) == correlate.ChangeOpened {
				opened = append(opened, now)
			}
			var hour int64
			for _, at := range opened {
				if at.After(now.Add(-time.Hour)) {
					hour++
				}
			}
			require.LessOrEqual(rt, hour, limit)
			if all > 0 {
				require.LessOrEqual(rt, hour, all)
			}
		}
		require.NotEmpty(rt, opened)
	})
}

// budgetless is a store that fails for the record of budgets alone.
type budgetless struct {
	correlate.Store
	err   error
	calls int
}

func (s *budgetless) Update(ctx context.Context, key correlate.Key, fn correlate.UpdateFunc) error {
	if key.Kind == correlate.KindBudget && s.err != nil {
		s.calls++
		return s.err
	}
	return s.Store.Update(ctx, key, fn)
}

// A record of budgets that cannot be read or written keeps nothing from being filed:
// then each engine has a budget of its own.
func TestABudgetThatCannotBeReadHoldsNobodyBack(t *testing.T) {
	for _, tt := range []struct {
		rule  string
		err   error
		tries int // that fail for each ticket
	}{
		{"a newer program's record", &correlate.FormatError{Version: 99}, 0},
		{"a store without room", correlate.ErrStoreFull, 0},
		{"a store that fails", errors.New("connection reset by peer"), 1},
	} {
		store := &budgetless{Store: new(correlate.Memory), err: tt.err}
		b := open(t, store, celrule.Rule{Budget: 2, Mode: "live"}, "jira")
		var got []correlate.Change
		failed := 0
		for _, name := range []string{"a", "b", "c"} {
			batch := b.other(name)
			change, err := b.Apply(t.Context(), batch, b.now)
			for ; err != nil; change, err = b.Apply(t.Context(), batch, b.now) {
				failed++
				require.ErrorIs(t, err, tt.err, tt.rule)
			}
			got = append(got, change)
		}
		require.Equal(t, []correlate.Change{correlate.ChangeOpened, correlate.ChangeOpened, correlate.ChangeHeld}, got, tt.rule)
		require.LessOrEqual(t, failed, 3*tt.tries, tt.rule)

		// When it is back it is told.
		store.err = nil
		b.now = b.now.Add(20 * time.Minute)
		require.Equal(t, correlate.ChangeHeld, b.apply(b.other("d")), tt.rule)
		other := open(t, store, celrule.Rule{Budget: 2, Mode: "live"}, "jira")
		other.now = b.now
		require.Equal(t, correlate.ChangeHeld, other.apply(other.other("e")), tt.rule)
	}
}

// What is full is not asked for with each problem of a storm.
func TestAFullBudgetIsSeldomAskedFor(t *testing.T) {
	store := &budgetless{Store: new(correlate.Memory)}
	b := open(t, store, celrule.Rule{Budget: 1, Mode: "live"}, "jira")
	require.Equal(t, correlate.ChangeOpened, b.apply(b.other("a")))
	require.Equal(t, correlate.ChangeHeld, b.apply(b.other("b")))
	store.err = errors.New("asked")
	for range 4 {
		b.now = b.now.Add(time.Minute)
		require.Equal(t, correlate.ChangeHeld, b.apply(b.other("b")))
	}
	require.Zero(t, store.calls)
	b.now = b.now.Add(time.Minute)
	_, err := b.Apply(t.Context(), b.other("b"), b.now)
	require.ErrorIs(t, err, store.err, "others are to know that it goes on")
	require.Equal(t, 1, store.calls)
}

// The first process of a new version knows what the one before has filed, of which no
// record tells.
func TestWhatWasFiledBeforeThereWasARecord(t *testing.T) {
	store := &budgetless{Store: new(correlate.Memory), err: correlate.ErrStoreFull}
	b := open(t, store, celrule.Rule{Budget: 2, Mode: "live"}, "jira")
	b.apply(b.other("a"))
	b.apply(b.other("b"))
	store.err = nil
	for range 2 {
		next := open(t, store, celrule.Rule{Budget: 2, Mode: "live"}, "jira")
		next.Join(checkout)
		_, err := next.Sweep(t.Context(), next.now)
		require.NoError(t, err)
		require.Equal(t, correlate.ChangeHeld, next.apply(next.other("c")))
	}
}
