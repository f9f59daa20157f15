//go:build linux

package crashes

import (
	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

// judge looks at what the store and the tracker have at the end.
func (m *matrix) judge() {
	t := m.t
	numbers := map[string]int{}
	for n := range m.emitted {
		numbers[name(n)] = n
	}
	problems := m.problems()
	standing := m.tracker.Standing()
	require.Len(t, standing, len(problems), "one ticket for each problem")
	found := map[int]bool{}
	var total, counted int64
	for id, p := range problems {
		issues := standing["spt:"+id]
		require.Len(t, issues, 1, "tickets of %s", id)
		i := issues[0]
		n, ok := numbers[i.Name]
		require.True(t, ok, "a ticket about no failure: %+v", i)
		require.False(t, found[n], "%s has two problems", i.Name)
		found[n] = true
		require.LessOrEqual(t, p.Count, m.emitted[n], "%s is counted too high", i.Name)
		require.GreaterOrEqual(t, p.Count, m.confirmed[n], "%s lost what was in the store", i.Name)
		require.LessOrEqual(t, i.Count, p.Count, "%s is shown too high", i.Name)
		require.Equal(t, correlate.Resolved, p.State)
		require.Equal(t, sinks.Resolved, i.State)
		f := p.Filing("tracker")
		require.Equal(t, i.ID, f.Receipt.ID, "the problem knows the ticket that stands")
		require.Empty(t, f.Pending)
		require.False(t, f.Unknown)
		require.Nil(t, f.Parked)
		total += m.emitted[n]
		counted += p.Count
	}
	for n := range m.promised {
		require.True(t, found[n], "%s was lost", name(n))
	}
	t.Logf("%d tickets for %d failures, of which %d were promised one; %d occurrences of %d are counted",
		len(standing), len(m.emitted), len(m.promised), counted, total)
}

// problems returns what the store has, by ID.
func (m *matrix) problems() map[string]correlate.Problem {
	t := m.t
	store, closer, err := m.order.store()
	require.NoError(t, err)
	defer func() { require.NoError(t, closer.Close()) }()
	out := map[string]correlate.Problem{}
	page := correlate.Page{Kind: correlate.KindProblem, Max: 500}
	for {
		records, err := store.List(t.Context(), page)
		require.NoError(t, err)
		for _, r := range records {
			p, err := correlate.DecodeProblem(r)
			require.NoError(t, err)
			out[p.ID] = p
			page.After = r.Key
		}
		if len(records) < page.Max {
			return out
		}
	}
}
