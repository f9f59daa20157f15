package correlate

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestImpactAdd(t *testing.T) {
	step := func(service, operation string) Step { return Step{Service: service, Operation: operation} }
	for _, test := range []struct {
		rule string
		path []Step
		want []Affected
	}{
		{"the root is what the request came in through", []Step{step("pay", "db"), step("pay", "POST /pay")}, []Affected{{Service: "pay", Operation: "POST /pay", Count: 1}}},
		{
			"so is what each service on the way was called by",
			[]Step{step("pay", "db"), step("pay", "POST /pay"), step("shop", "call"), step("shop", "POST /buy")},
			[]Affected{{Service: "pay", Operation: "POST /pay", Count: 1}, {Service: "shop", Operation: "POST /buy", Count: 1}},
		},
		{"an origin that is the root is one itself", []Step{step("pay", "POST /pay")}, []Affected{{Service: "pay", Operation: "POST /pay", Count: 1}}},
		{"what has no path affects nothing that is known", nil, nil},
	} {
		t.Run(test.rule, func(t *testing.T) {
			var i Impact
			i.Add(&Occurrence{Path: test.path})
			require.Equal(t, test.want, i.Operations)
		})
	}
}

func TestImpactCounts(t *testing.T) {
	var i Impact
	for n := range 30 {
		i.Add(&Occurrence{TraceID: fmt.Sprintf("%032x", n/3), User: uint64(n%7) * 0x9E3779B97F4A7C15, Path: []Step{{Service: "shop", Operation: "POST /buy"}}})
	}
	require.EqualValues(t, 10, i.Traces.Count(), "several failures of one trace")
	require.EqualValues(t, 6, i.Users.Count(), "0 is nobody that is known")
	require.Equal(t, []Affected{{Service: "shop", Operation: "POST /buy", Count: 30}}, i.Operations)
}

func TestImpactMerge(t *testing.T) {
	affected := func(operation string, n int64) Impact {
		return Impact{Operations: []Affected{{Service: "shop", Operation: operation, Count: n}}}
	}
	a := affected("few", 2)
	b := a.Merge(affected("many", 5)).Merge(affected("few", 1))
	require.Equal(t, []Affected{{Service: "shop", Operation: "many", Count: 5}, {Service: "shop", Operation: "few", Count: 3}}, b.Operations, "the most affected first")
	require.Equal(t, affected("few", 2), a, "neither is changed")

	for n := range 100 {
		b = b.Merge(affected(fmt.Sprintf("op %d", n), 1))
	}
	require.Len(t, b.Operations, maxAffected)
	total := b.Others
	for _, a := range b.Operations {
		total += a.Count
	}
	require.EqualValues(t, 108, total, "what there is no room for is counted")

	b = b.Merge(Impact{Share: Share{Failed: 1, Requests: 4}}).Merge(Impact{})
	require.Equal(t, Share{Failed: 1, Requests: 4}, b.Share, "a batch that does not know a share does not take it away")
}

func TestAffect(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	open := Problem{ID: "v1x", State: Open, Episode: 1, UpdatedAt: now, Impact: Impact{Operations: []Affected{{Service: "pay", Operation: "POST /pay", Count: 1}}}}
	shop := Impact{Operations: []Affected{{Service: "shop", Operation: "POST /buy", Count: 1}}}

	p, change := open.Affect(shop, now)
	require.Equal(t, ChangeUpdated, change, "people are told at once what else is affected")
	require.Len(t, p.Impact.Operations, 2)
	require.Len(t, open.Impact.Operations, 1, "it is a pure function")

	p, change = p.Affect(shop, now.Add(time.Second))
	require.Equal(t, ChangeNone, change, "that it goes on can wait")
	require.EqualValues(t, 2, p.Impact.Operations[0].Count)
	_, change = p.Affect(shop, now.Add(time.Hour))
	require.Equal(t, ChangeUpdated, change)

	open.Hold = Draft
	_, change = open.Affect(shop, now)
	require.Equal(t, ChangeNone, change, "nobody is told of what has no ticket")
}
