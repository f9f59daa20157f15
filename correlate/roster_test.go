package correlate_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
)

func TestRoster(t *testing.T) {
	ago := func(d time.Duration) time.Time { return policyStart.Add(-d) }
	type had = map[string]time.Time
	announce := func(names ...string) func(correlate.Roster) (correlate.Roster, bool) {
		return func(r correlate.Roster) (correlate.Roster, bool) { return r.Announce(names, policyStart) }
	}
	ask := func(names ...string) func(correlate.Roster) (correlate.Roster, bool) {
		return func(r correlate.Roster) (correlate.Roster, bool) { return r.Ask(names, policyStart) }
	}
	full, cut := had{}, had{"new": policyStart}
	for i := range 64 {
		full[fmt.Sprintf("s%02d", i)] = ago(time.Duration(i+60) * time.Minute)
		if i < 63 {
			cut[fmt.Sprintf("s%02d", i)] = ago(time.Duration(i+60) * time.Minute)
		}
	}
	for _, test := range []struct {
		rule string
		r    correlate.Roster
		fn   func(correlate.Roster) (correlate.Roster, bool)
		want *correlate.Roster // nil if nothing is written
	}{
		{"the first engine is there", correlate.Roster{}, announce("jira"), &correlate.Roster{Seen: policyStart, Sinks: had{"jira": policyStart}}},
		{"what was just said is not said again", correlate.Roster{Seen: ago(44 * time.Minute), Sinks: had{"jira": ago(44 * time.Minute)}}, announce("jira"), nil},
		{"what was said long ago is", correlate.Roster{Seen: ago(45 * time.Minute), Sinks: had{"jira": ago(45 * time.Minute)}}, announce("jira"), &correlate.Roster{Seen: policyStart, Sinks: had{"jira": policyStart}}},
		{"a sink that is new is", correlate.Roster{Seen: ago(0), Sinks: had{"jira": ago(0)}}, announce("jira", "slack"), &correlate.Roster{Seen: policyStart, Sinks: had{"jira": policyStart, "slack": policyStart}}},
		{"a clock a little ahead is believed", correlate.Roster{Seen: ago(-4 * time.Minute), Sinks: had{"jira": ago(-4 * time.Minute)}}, announce("jira"), nil},
		{"one that is wrong is not", correlate.Roster{Seen: ago(-time.Hour), Sinks: had{"jira": ago(-time.Hour)}}, announce("jira"), &correlate.Roster{Seen: policyStart, Sinks: had{"jira": policyStart}}},
		{"the sinks of others stay", correlate.Roster{Seen: ago(time.Hour), Sinks: had{"old": ago(24 * time.Hour)}}, announce("jira"), &correlate.Roster{Seen: policyStart, Sinks: had{"old": ago(24 * time.Hour), "jira": policyStart}}},
		{"for a month", correlate.Roster{Seen: ago(time.Hour), Sinks: had{"old": ago(30 * 24 * time.Hour)}}, announce("jira"), &correlate.Roster{Seen: policyStart, Sinks: had{"jira": policyStart}}},
		{"and no more than 64", correlate.Roster{Seen: ago(time.Hour), Sinks: full}, announce("new"), &correlate.Roster{Seen: policyStart, Sinks: cut}},
		{"who asks first starts the time", correlate.Roster{}, ask("jira"), &correlate.Roster{Seen: policyStart, Sinks: had{"jira": policyStart}}},
		{"who asks again does not", correlate.Roster{Seen: ago(time.Hour), Sinks: had{"jira": ago(48 * time.Hour)}}, ask("jira"), nil},
		{"a scope can be asked for alone", correlate.Roster{}, ask(""), &correlate.Roster{Seen: policyStart, Sinks: had{}}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			before := fmt.Sprint(test.r)
			next, changed := test.fn(test.r)
			require.Equal(t, before, fmt.Sprint(test.r), "it is pure")
			require.Equal(t, test.want != nil, changed)
			if changed {
				require.Equal(t, *test.want, next)
			}
		})
	}
}

func TestRostersAreStored(t *testing.T) {
	store := new(correlate.Memory)
	scope := correlate.Scope{Service: "checkout"}
	announce := func(name string) func(correlate.Roster) (correlate.Roster, bool) {
		return func(r correlate.Roster) (correlate.Roster, bool) { return r.Announce([]string{name}, policyStart) }
	}
	list := func() []correlate.Record {
		records, err := store.List(t.Context(), correlate.Page{Kind: correlate.KindRoster, Max: 10})
		require.NoError(t, err)
		return records
	}
	r, err := correlate.UpdateRoster(t.Context(), store, scope, policyStart, func(r correlate.Roster) (correlate.Roster, bool) { return r, false })
	require.NoError(t, err)
	require.Zero(t, r)
	require.Empty(t, list(), "to look writes nothing")
	_, err = correlate.UpdateRoster(t.Context(), store, scope, policyStart, announce("jira"))
	require.NoError(t, err)
	require.Len(t, list(), 1)
	require.Equal(t, policyStart.Add(correlate.KeepRoster), list()[0].Expires)

	// A newer program's members stay; a newer program's format is left alone.
	put := func(rec correlate.Record) {
		require.NoError(t, store.Update(t.Context(), correlate.RosterKey(scope), func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) { return rec, nil, nil }))
	}
	put(correlate.Record{Version: 1, Data: []byte(`{"seen":"2026-01-01T00:00:00Z","sinks":{},"zone":"eu"}`)})
	_, err = correlate.UpdateRoster(t.Context(), store, scope, policyStart, announce("jira"))
	require.NoError(t, err)
	require.Contains(t, string(list()[0].Data), `"zone":"eu"`)
	r, err = correlate.DecodeRoster(list()[0])
	require.NoError(t, err)
	require.Equal(t, policyStart, r.Had("jira"))
	require.Equal(t, policyStart, r.Had(""))
	require.Zero(t, r.Had("slack"))
	for _, bad := range []correlate.Record{{Version: 99, Data: []byte("{}")}, {Version: 1, Data: []byte("[")}} {
		put(bad)
		_, err = correlate.UpdateRoster(t.Context(), store, scope, policyStart, announce("jira"))
		require.ErrorAs(t, err, new(*correlate.FormatError))
		_, err = correlate.DecodeRoster(list()[0])
		require.ErrorAs(t, err, new(*correlate.FormatError))
	}
}

func TestTakeTurn(t *testing.T) {
	store := new(correlate.Memory)
	take := func(by string, after time.Duration) bool {
		mine, err := correlate.TakeTurn(context.Background(), store, "sweep", by, time.Hour, policyStart.Add(after))
		require.NoError(t, err)
		return mine
	}
	require.True(t, take("a", 0), "it is nobody's")
	require.False(t, take("b", 0), "it is another's")
	require.True(t, take("a", 50*time.Minute), "it goes on")
	require.False(t, take("b", 100*time.Minute))
	require.True(t, take("b", 110*time.Minute), "it is over")
	require.False(t, take("a", 111*time.Minute))
	require.True(t, take("c", -24*time.Hour), "of a clock that was wrong there is nothing to wait for")
}

// A sink that a roster forgets is gone from the store, too.
func TestASinkLeavesItsRoster(t *testing.T) {
	store := new(correlate.Memory)
	scope := correlate.Scope{Service: "checkout"}
	announce := func(name string, now time.Time) correlate.Roster {
		r, err := correlate.UpdateRoster(t.Context(), store, scope, now, func(r correlate.Roster) (correlate.Roster, bool) { return r.Announce([]string{name}, now) })
		require.NoError(t, err)
		return r
	}
	announce("old", policyStart)
	announce("new", policyStart.Add(correlate.KeepRoster-time.Hour))
	announce("new", policyStart.Add(correlate.KeepRoster))
	records, err := store.List(t.Context(), correlate.Page{Kind: correlate.KindRoster, Max: 10})
	require.NoError(t, err)
	r, err := correlate.DecodeRoster(records[0])
	require.NoError(t, err)
	require.Equal(t, map[string]time.Time{"new": policyStart.Add(correlate.KeepRoster)}, r.Sinks)
}
