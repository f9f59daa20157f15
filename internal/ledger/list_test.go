package ledger

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
)

func TestWhatIsOverNeedNotBeRead(t *testing.T) {
	parked := &correlate.Parked{Operation: correlate.OpResolve, At: time.Unix(1, 0), Until: time.Unix(9, 0)}
	for _, test := range []struct {
		rule    string
		problem correlate.Problem
		over    bool
	}{
		{"an open one is read", correlate.Problem{ID: "a", State: correlate.Open}, false},
		{"one that is resolved is not", correlate.Problem{ID: "a", State: correlate.Resolved}, true},
		{"nor is one that was never open", correlate.Problem{ID: "a"}, true},
		{"one that is to be told is", correlate.Problem{ID: "a", State: correlate.Resolved, Filings: []correlate.Filing{{Sink: "jira", Pending: []string{"1"}}}}, false},
		{"so is one of which something is parked", correlate.Problem{ID: "a", State: correlate.Resolved, Filings: []correlate.Filing{{Sink: "jira", Parked: parked}}}, false},
		{"and not one of which nothing is", correlate.Problem{ID: "a", State: correlate.Resolved, Filings: []correlate.Filing{{Sink: "jira"}}}, true},
	} {
		t.Run(test.rule, func(t *testing.T) {
			r, err := correlate.EncodeProblem(test.problem, correlate.Record{})
			require.NoError(t, err)
			require.Equal(t, test.over, isOver(r))
		})
	}
}

func TestProblemsThatAreOverArePassedOver(t *testing.T) {
	ctx, store := context.Background(), new(correlate.Memory)
	scope := correlate.Scope{Service: "checkout"}
	for id, state := range map[string]correlate.State{"a": correlate.Open, "b": correlate.Resolved} {
		key := correlate.Key{Scope: scope, Kind: correlate.KindProblem, ID: id}
		require.NoError(t, store.Update(ctx, key, correlate.UpdateProblem(func(p correlate.Problem) (correlate.Problem, []correlate.Delivery, error) {
			p.ID, p.Scope, p.State, p.ResolvedAt = id, scope, state, time.Now()
			return p, nil, nil
		})))
	}
	read := func(pass func(correlate.Record) bool) (ids []string) {
		require.NoError(t, each(ctx, store, &scope, pass, func(p correlate.Problem) { ids = append(ids, p.ID) }))
		return ids
	}
	require.Equal(t, []string{"a", "b"}, read(nil))
	require.Equal(t, []string{"a"}, read(isOver))
}
