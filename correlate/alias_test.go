package correlate_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
)

// put stores a record as it is.
func put(t *testing.T, s correlate.Store, key correlate.Key, r correlate.Record) {
	t.Helper()
	require.NoError(t, s.Update(t.Context(), key, func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) { return r, nil, nil }))
}

func TestAlias(t *testing.T) {
	store := new(correlate.Memory)
	key := correlate.Key{Scope: correlate.Scope{Service: "checkout"}, Kind: correlate.KindProblem, ID: "v2new"}
	a, err := correlate.FindAlias(t.Context(), store, key)
	require.NoError(t, err)
	require.Zero(t, a)

	a, err = correlate.WriteAlias(t.Context(), store, key, "v1old", time.Hour, policyStart)
	require.NoError(t, err)
	require.Equal(t, correlate.Alias{Problem: "v1old", Written: policyStart}, a)
	require.False(t, a.Stale(policyStart.Add(time.Hour)))
	require.True(t, a.Stale(policyStart.Add(24*time.Hour)))
	a, err = correlate.WriteAlias(t.Context(), store, key, "v1other", time.Hour, policyStart.Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, "v1old", a.Problem, "the first is what all agree on")
	a, err = correlate.FindAlias(t.Context(), store, key)
	require.NoError(t, err)
	require.True(t, a.Written.Equal(policyStart.Add(time.Hour)), "and it lives on")
	records, err := store.List(t.Context(), correlate.Page{Kind: correlate.KindAlias, Max: 9})
	require.NoError(t, err)
	require.Len(t, records, 1)
	require.Equal(t, policyStart.Add(60*24*time.Hour+2*time.Hour), records[0].Expires, "longer than a problem that is resolved late")

	require.NoError(t, correlate.DropAlias(t.Context(), store, key, "v1other"))
	a, err = correlate.FindAlias(t.Context(), store, key)
	require.NoError(t, err)
	require.Equal(t, "v1old", a.Problem, "it does not stand for that one")
	require.NoError(t, correlate.DropAlias(t.Context(), store, key, "v1old"))
	require.NoError(t, correlate.DropAlias(t.Context(), store, key, "v1old"))
	a, err = correlate.FindAlias(t.Context(), store, key)
	require.NoError(t, err)
	require.Zero(t, a)

	for _, bad := range []correlate.Record{{Version: 99, Data: []byte("{}")}, {Version: 1, Data: []byte("x")}} {
		put(t, store, correlate.Key{Scope: key.Scope, Kind: correlate.KindAlias, ID: key.ID}, bad)
		_, err = correlate.FindAlias(t.Context(), store, key)
		require.ErrorAs(t, err, new(*correlate.FormatError))
		_, err = correlate.WriteAlias(t.Context(), store, key, "v1old", 0, policyStart)
		require.ErrorAs(t, err, new(*correlate.FormatError))
	}
}

func TestFindProblem(t *testing.T) {
	store := new(correlate.Memory)
	key := correlate.Key{Scope: correlate.Scope{Service: "checkout"}, Kind: correlate.KindProblem, ID: "v2new"}
	old := key
	old.ID = "v1old"
	find := func() (string, error) {
		p, err := correlate.FindProblem(t.Context(), store, key)
		return p.ID, err
	}
	_, err := find()
	require.ErrorIs(t, err, correlate.ErrNotFound)
	_, err = correlate.WriteAlias(t.Context(), store, key, old.ID, time.Hour, policyStart)
	require.NoError(t, err)
	_, err = find()
	require.ErrorIs(t, err, correlate.ErrNotFound, "what the alias names is forgotten")
	for _, key := range []correlate.Key{old, key} {
		r, err := correlate.EncodeProblem(correlate.Problem{ID: key.ID, Scope: key.Scope, State: correlate.Open}, correlate.Record{})
		require.NoError(t, err)
		put(t, store, key, r)
		id, err := find()
		require.NoError(t, err)
		require.Equal(t, key.ID, id, "a problem of its own comes first")
	}
}

func TestUpgraded(t *testing.T) {
	store := new(correlate.Memory)
	scope := correlate.Scope{Service: "checkout"}
	ask := func(version int, now time.Time) correlate.Upgrade {
		t.Helper()
		u, err := correlate.Upgraded(t.Context(), store, scope, version, now)
		require.NoError(t, err)
		return u
	}
	problem := func(id string, report correlate.Report) {
		r, err := correlate.EncodeProblem(correlate.Problem{ID: id, Scope: scope, Report: report}, correlate.Record{})
		require.NoError(t, err)
		r.Expires = time.Time{}
		put(t, store, correlate.Key{Scope: scope, Kind: correlate.KindProblem, ID: id}, r)
	}
	require.Zero(t, ask(2, policyStart), "a scope without problems")
	problem("v2a", "")
	problem("v1a", correlate.ReportKnown)
	problem("v1b", correlate.ReportBudget)
	problem("v1c", correlate.ReportRules)
	require.Zero(t, ask(2, policyStart), "one whose problems are all of this version; tickets for many always have the same ID")
	problem("v1d", "")
	require.Zero(t, ask(1, policyStart), "an engine of the first version has nothing to look for")
	u := ask(2, policyStart)
	require.Equal(t, correlate.Upgrade{Version: 2, From: 1, Since: policyStart}, u)
	require.True(t, u.Looks(policyStart.Add(30*24*time.Hour-1)))
	require.False(t, u.Looks(policyStart.Add(30*24*time.Hour)))
	require.True(t, ask(2, policyStart.Add(time.Hour)).Since.Equal(policyStart), "a restart does not begin anew")
	require.Equal(t, correlate.Upgrade{Version: 3, From: 2, Since: policyStart.Add(time.Hour)}, ask(3, policyStart.Add(time.Hour)))
	require.Zero(t, ask(2, policyStart.Add(2*time.Hour)), "beside a newer version there is no upgrade to this one")

	for _, bad := range []correlate.Record{{Version: 99, Data: []byte("{}")}, {Version: 1, Data: []byte("x")}} {
		put(t, store, correlate.Key{Scope: scope, Kind: correlate.KindUpgrade, ID: "upgrade"}, bad)
		_, err := correlate.Upgraded(t.Context(), store, scope, 3, policyStart)
		require.ErrorAs(t, err, new(*correlate.FormatError))
	}
}
