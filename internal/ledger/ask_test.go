package ledger

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
)

func TestAsks(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	l := New(Config{Suspects: func(correlate.Problem, time.Time) correlate.Suspects { return correlate.Suspects{} }})
	problem := func(i int) (correlate.Key, correlate.Problem) {
		p := correlate.Problem{ID: fmt.Sprint("v1", i), Scope: correlate.Scope{Service: "shop"}, State: correlate.Open, OpenedAt: now, Suspects: correlate.Suspects{Asked: now}}
		return correlate.Key{Scope: p.Scope, Kind: correlate.KindProblem, ID: p.ID}, p
	}
	for i := range 2 * maxAsked {
		l.expect(problem(i))
	}
	require.Len(t, l.again.of, maxAsked, "they are bounded")
	require.Empty(t, l.again.due(now.Add(minAsk-1)))
	require.Len(t, l.again.due(now.Add(minAsk)), maxAsks, "so many at a time")
	require.Equal(t, now.Add(minAsk), l.again.next())

	l.again.hurry(now)
	require.Equal(t, now.Add(firstAsk), l.again.next(), "what became known may change answers")

	for _, test := range []struct {
		rule string
		edit func(*correlate.Problem)
	}{
		{"what is over is not asked about", func(p *correlate.Problem) { p.State = correlate.Resolved }},
		{"nor what has no ticket", func(p *correlate.Problem) { p.Hold = correlate.Over }},
		{"nor a ticket for many", func(p *correlate.Problem) { p.Report = correlate.ReportBudget }},
	} {
		key, p := problem(0)
		l.expect(key, p)
		require.Contains(t, l.again.of, key)
		test.edit(&p)
		l.expect(key, p)
		require.NotContains(t, l.again.of, key, test.rule)
	}
	key, p := problem(0)
	p.Suspects.Asked = time.Time{}
	l.expect(key, p)
	require.Equal(t, now.Add(firstAsk), l.again.of[key].next, "where nothing was known it is asked soon")
}
