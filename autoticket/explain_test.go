package autoticket_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

func TestExplain(t *testing.T) {
	var sink shelf
	engine, tracer := start(t, autoticket.Config{
		Sinks: map[string]sinks.Sink{"shelf": &sink},
		Rules: []autoticket.Rule{
			{Name: "slow", When: `span.name.size() > 100`},
			{Name: "drafts", When: `span.name.startsWith("DRAFT")`, Mode: "draft"},
			{Name: "errors", When: `span.status == "ERROR"`, Unless: `span.name == "GET /ignored"`},
		},
	})
	failingRequest(tracer)
	fail(tracer, "GET /ignored", "boom")
	fail(tracer, "DRAFT password=hunter2hunter2", "boom")
	require.NoError(t, engine.Flush(t.Context()))
	ticket := sink.tickets()[0]

	explain := func(query string) autoticket.Explanation {
		t.Helper()
		x, err := engine.Explain(t.Context(), query)
		require.NoError(t, err)
		return x
	}
	reasons := func(x autoticket.Explanation) map[correlate.Reason]int {
		n := map[correlate.Reason]int{}
		for _, d := range x.Decisions {
			n[d.Reason]++
		}
		return n
	}

	x := explain(ticket.Origin.TraceID)
	require.Equal(t, map[correlate.Reason]int{correlate.Origin: 1, correlate.Symptom: 3, correlate.Opened: 1}, reasons(x))
	require.Len(t, x.Problems, 1)
	require.Equal(t, ticket.Signature, x.Problems[0].ID)
	require.Contains(t, x.String(), "symptom at assemble: it failed because an operation below it did")
	require.Contains(t, x.String(), "of INSERT orders, span "+ticket.Origin.SpanID)
	require.Contains(t, x.String(), "shelf: "+ticket.Key)
	require.Contains(t, x.String(), "+ message: connection refused")

	for _, query := range []string{ticket.Signature, ticket.Key, " " + ticket.Key + "-2\n"} {
		x = explain(query)
		require.Equal(t, map[correlate.Reason]int{correlate.Origin: 1, correlate.Opened: 1}, reasons(x), query)
		require.Len(t, x.Problems, 1)
		require.Equal(t, "errors", x.Rules[0].Name)
	}

	x = explain("errors")
	require.Equal(t, 1, reasons(x)[correlate.Excluded])
	require.Equal(t, int64(4), x.Rules[0].Matches)

	x = explain("drafts")
	require.Equal(t, 1, reasons(x)[correlate.Draft])
	require.NotContains(t, x.String(), "hunter2", "what spans hold is redacted")
	held, err := engine.Held(t.Context())
	require.NoError(t, err)
	require.Contains(t, explain(held[0].Signature).String(), "has no ticket of its own (draft)")

	require.Contains(t, explain("nonsense").String(), "nothing is remembered")
	x, err = (*autoticket.Engine)(nil).Explain(t.Context(), "x")
	require.NoError(t, err)
	require.Empty(t, x.Decisions)
}

// Of a rule that goes on, and the rule after it, each has its problem, and the
// span is decided once.
func TestContinue(t *testing.T) {
	var sink shelf
	var origins []string
	engine, tracer := start(t, autoticket.Config{
		Sinks: map[string]sinks.Sink{"shelf": &sink},
		Rules: []autoticket.Rule{
			{Name: "watch", When: `span.name.startsWith("GET /pay")`, Unless: `exception.message == "bang"`, Continue: true},
			{Name: "errors", When: `span.status == "ERROR"`, Signature: []string{"operation"}},
			{Name: "never asked", When: `span.status == "ERROR"`},
		},
		OnDecision: func(d correlate.Decision) {
			if d.Reason == correlate.Origin {
				origins = append(origins, d.Rule)
			}
		},
	})
	for range 3 {
		fail(tracer, "GET /pay", "boom")
	}
	fail(tracer, "GET /other", "boom")
	fail(tracer, "GET /pay", "bang") // of the same signature under a rule that looks at the operation alone
	require.NoError(t, engine.Flush(t.Context()))
	rules := map[string]int64{}
	for _, ticket := range sink.tickets() {
		x, err := engine.Explain(t.Context(), ticket.Signature) // which counts on
		require.NoError(t, err)
		rules[ticket.Rule+" "+ticket.Operation] = x.Problems[0].Count
	}
	require.Equal(t, map[string]int64{"watch GET /pay": 3, "errors GET /pay": 4, "errors GET /other": 1}, rules)
	stats := engine.Stats()
	// The rule that goes on comes first. A problem of the one after it may have been
	// opened by spans that are decided with the first.
	require.Equal(t, int64(5), stats.Decisions["opened"]+stats.Decisions["deduplicated"], stats.Decisions)
	require.GreaterOrEqual(t, stats.Decisions["opened"], int64(2))
	require.Len(t, stats.Decisions, 2)
	require.Equal(t, int64(5), stats.Occurrences)
	require.Len(t, origins, 8)
	accountFor(t, stats)
}

// Spans that passed a rule's conditions in vain are decided, and all others that
// did not fail are healthy.
func TestEverySpanIsAccountedFor(t *testing.T) {
	engine, tracer := start(t, autoticket.Config{Rules: []autoticket.Rule{
		{Name: "long names", When: `span.name.size() > 100`},
		{Name: "jobs", When: `span.name.startsWith("job")`, Unless: `span.name.endsWith("7")`},
	}})
	for i := range 100 {
		_, sp := tracer.Start(t.Context(), fmt.Sprintf("job-%d", i))
		sp.End()
	}
	failingRequest(tracer)
	require.NoError(t, engine.Flush(t.Context()))
	stats := engine.Stats()
	require.Equal(t, int64(10), stats.Decisions["excluded"])
	require.Equal(t, int64(90), stats.Decisions["opened"]+stats.Decisions["deduplicated"])
	require.Equal(t, int64(4), stats.Decisions["no_rule"])
	require.Zero(t, stats.Healthy)
	accountFor(t, stats)
}
