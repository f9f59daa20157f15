package correlate

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestSpend(t *testing.T) {
	begin := time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)
	type step struct {
		after   time.Duration // since the step before
		problem string
		rule    string
		waits   bool // it was held before
		want    bool
	}
	for _, tt := range []struct {
		rule  string
		limit int64 // of the scope; a rule has 2
		steps []step
	}{
		{"a rule has its tickets", 0, []step{{0, "a", "r", false, true}, {0, "b", "r", false, true}, {0, "c", "r", false, false}}},
		{"the same problem needs no other one", 0, []step{{0, "a", "r", false, true}, {0, "b", "r", false, true}, {0, "b", "r", false, true}, {0, "a", "r", true, true}}},
		{"another rule has its own", 0, []step{{0, "a", "r", false, true}, {0, "b", "r", false, true}, {0, "c", "s", false, true}}},
		{"unless all are spent", 3, []step{{0, "a", "r", false, true}, {0, "b", "r", false, true}, {0, "c", "s", false, true}, {0, "d", "u", false, false}}},
		{"an hour later there are others", 0, []step{{0, "a", "r", false, true}, {0, "b", "r", false, true}, {time.Hour, "c", "r", false, true}}},
		{"but not while new problems come", 0, []step{{0, "a", "r", false, true}, {0, "b", "r", false, true}, {50 * time.Minute, "c", "r", false, false}, {10 * time.Minute, "d", "r", false, false}}},
		{"when none came for a while there are", 0, []step{{0, "a", "r", false, true}, {0, "b", "r", false, true}, {50 * time.Minute, "c", "r", false, false}, {15 * time.Minute, "c", "r", true, true}}},
		{"what was held before is no new problem", 0, []step{{0, "a", "r", false, true}, {0, "b", "r", false, true}, {45 * time.Minute, "c", "r", false, false}, {14 * time.Minute, "c", "r", true, false}, {time.Minute, "c", "r", true, true}}},
		{"only the budget that is full waits", 2, []step{{0, "a", "r", false, true}, {0, "b", "s", false, true}, {59 * time.Minute, "c", "u", false, false}, {time.Minute, "d", "r", false, false}, {15 * time.Minute, "d", "r", true, true}}},
	} {
		store, now := new(Memory), begin
		for i, s := range tt.steps {
			now = now.Add(s.after)
			_, ok, err := Spend(t.Context(), store, Scope{Service: "checkout"}, Purchase{
				Spent: Spent{Problem: s.problem, Rule: s.rule, At: now}, Limit: tt.limit, RuleLimit: 2, Waits: s.waits,
			})
			require.NoError(t, err)
			require.Equal(t, s.want, ok, "%s: step %d", tt.rule, i)
		}
	}
}

// What was opened without asking counts, once, and so does what an engine knows of the
// problems that it held.
func TestSpendIsTold(t *testing.T) {
	now := time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)
	store, scope := new(Memory), Scope{Service: "checkout"}
	told := []Spent{{"a", "r", now.Add(-59 * time.Minute)}, {"b", "r", now}, {"old", "r", now.Add(-time.Hour)}, {"of a wrong clock", "s", now.Add(time.Hour)}}
	ask := func(problem string, known Budgets) (Budgets, bool) {
		b, ok, err := Spend(t.Context(), store, scope, Purchase{Spent: Spent{problem, "r", now}, Limit: 9, RuleLimit: 3, Told: told, Known: known})
		require.NoError(t, err)
		return b, ok
	}
	b, ok := ask("c", Budgets{})
	require.True(t, ok)
	require.True(t, b.Rule.Full(3, now))
	require.False(t, b.Rule.Full(4, now))
	require.True(t, b.Scope.Full(4, now))
	_, ok = ask("d", Budgets{})
	require.False(t, ok)

	now = now.Add(30 * time.Minute)
	told = nil
	var known Budgets
	known.Scope.Held(now.Add(-10 * time.Minute))
	_, ok = ask("e", known)
	require.False(t, ok, "there are tickets again, but an engine saw new problems")
}

// Whatever is asked for, by whatever clocks: the record is small, and when the clock is
// right, or as wrong as it stays, an hour later there are tickets.
func TestSpendingIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)
		var s spending
		limit := rapid.Int64Range(1, 5).Draw(t, "limit")
		ask := func(i int) (ok bool) {
			p := Purchase{Spent: Spent{fmt.Sprint(i), fmt.Sprint("rule ", i%100), now}, Limit: limit, RuleLimit: 2}
			for n := range rapid.IntRange(0, 30).Draw(t, "told") {
				p.Told = append(p.Told, Spent{fmt.Sprint("told ", i, " ", n), "rule", now})
			}
			s, _, ok = s.buy(p)
			require.LessOrEqual(t, len(s.Tickets), maxSpent)
			require.LessOrEqual(t, len(s.Held), maxHolding)
			return ok
		}
		for i := range rapid.IntRange(1, 60).Draw(t, "asked") {
			now = now.Add(time.Duration(rapid.SampledFrom([]int64{0, 1, 60, 3600, -60, -3600, -24 * 3600, 24 * 3600}).Draw(t, "jump")) * time.Second)
			ask(i)
		}
		s = s.sane(now)
		now = now.Add(time.Hour)
		require.Empty(t, s.sane(now).Tickets)
		require.True(t, func() bool {
			_, _, ok := s.buy(Purchase{Spent: Spent{"new", "rule", now}, Limit: 1, RuleLimit: 1})
			return ok
		}())
	})
}

// A record that is of a newer program is left alone.
func TestSpendOnANewerRecord(t *testing.T) {
	store, scope := new(Memory), Scope{Service: "checkout"}
	for _, r := range []Record{{Version: budgetVersion + 1, Data: []byte(`{}`)}, {Version: 1, Data: []byte(`no`)}} {
		require.NoError(t, store.Update(t.Context(), Key{Scope: scope, Kind: KindBudget, ID: "budget"}, func(Record, bool) (Record, []Delivery, error) { return r, nil, nil }))
		_, ok, err := Spend(t.Context(), store, scope, Purchase{Spent: Spent{"a", "r", time.Now()}, RuleLimit: 1})
		require.ErrorAs(t, err, new(*FormatError))
		require.False(t, ok)
	}
}

// What a newer program wrote beside what is known stays.
func TestSpendKeepsWhatItDoesNotKnow(t *testing.T) {
	store, key := new(Memory), Key{Scope: Scope{Service: "checkout"}, Kind: KindBudget, ID: "budget"}
	now := time.Now()
	written := fmt.Sprintf(`{"tickets":[{"problem":"a","rule":"r","at":%q,"colour":"red"}],"size":7}`, now.Format(time.RFC3339))
	require.NoError(t, store.Update(t.Context(), key, func(Record, bool) (Record, []Delivery, error) {
		return Record{Version: 1, Data: []byte(written)}, nil, nil
	}))
	_, ok, err := Spend(t.Context(), store, key.Scope, Purchase{Spent: Spent{"b", "r", now}, RuleLimit: 2})
	require.NoError(t, err)
	require.True(t, ok)
	records, err := store.List(t.Context(), Page{Kind: KindBudget, Max: 1})
	require.NoError(t, err)
	require.Contains(t, string(records[0].Data), `"size":7`)
	require.True(t, strings.Contains(string(records[0].Data), `"problem":"b"`))
}
