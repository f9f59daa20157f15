package celrule

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/spanticket/spanticket/correlate"
)

func TestCostLimit(t *testing.T) {
	for _, tt := range []struct {
		when string
		dear bool
	}{
		{`span.status == "ERROR"`, false},
		{`exception.stacktrace.matches("a.*b") && exception.message.matches("c.*d")`, false},
		{`span.events.exists(e, e.attributes["exception.stacktrace"].matches("a.*b"))`, false},
		{`span.events.exists(e, e.attributes.exists(k, k == "y"))`, false},
		{`span.events.exists(e, span.events.exists(f, e.name == f.name))`, true},
		{`span.attributes.exists(a, resource.attributes.exists(b, span.events.exists(e, a + b == e.name)))`, true},
	} {
		_, err := Compile([]Rule{{Name: "r", When: tt.when}}, nil)
		if tt.dear {
			require.ErrorContains(t, err, "and the limit is 131072 (what is dear are loops in loops", tt.when)
		} else {
			require.NoError(t, err, tt.when)
		}
	}
	set := mustCompile(t, []Rule{
		{Name: "cheap", When: `span.status == "ERROR"`},
		{Name: "dear", When: `span.status == "ERROR"`, Unless: `span.events.exists(e, e.attributes.exists(k, k == "y"))`},
	})
	require.Less(t, set.Cost(0), uint64(10))
	require.Greater(t, set.Cost(1), uint64(10_000))
}

// A rule that meets values beyond all that is likely is stopped, counted, and in
// the end switched off; the others go on.
func TestSwitchedOff(t *testing.T) {
	var attrs []attribute.KeyValue
	for i := range 2000 {
		attrs = append(attrs, attribute.Int(fmt.Sprint("key-", i), i))
	}
	stub := tracetest.SpanStub{Name: "huge", Status: sdktrace.Status{Code: codes.Error}}
	for range 2000 {
		stub.Events = append(stub.Events, sdktrace.Event{Name: "event", Attributes: attrs})
	}
	huge := stub.Snapshot()
	rules := []Rule{
		{Name: "dear", When: `span.events.exists(e, e.attributes.exists(k, k == "no"))`, Title: `"title " + span.name`},
		{Name: "errors", When: `span.status == "ERROR"`},
	}
	set := mustCompile(t, rules)
	for i := range maxOverruns {
		require.False(t, set.Stats(0).Off)
		require.Empty(t, set.SwitchedOff())
		require.Equal(t, Match{Verdict: Matched, Rule: 1}, set.Match(huge))
		require.Equal(t, int64(i+1), set.Stats(0).Overruns)
	}
	require.True(t, set.Stats(0).Off)
	require.Equal(t, []int{0}, set.SwitchedOff())
	require.Contains(t, set.Stats(0).LastError, "the evaluation exceeded its limits")
	require.Equal(t, Match{Verdict: Matched, Rule: 1}, set.Match(huge))
	require.Equal(t, int64(maxOverruns), set.Stats(0).Overruns, "it is not evaluated any more")
	a, err := set.Answers(0, &correlate.Occurrence{Operation: "x"}, new(correlate.Problem))
	require.NoError(t, err)
	require.Equal(t, "x", a.Title, "its answers are the defaults")

	same, err := set.Compile(rules, nil)
	require.NoError(t, err)
	require.True(t, same.Stats(0).Off, "loading it again does not help")
	rules[0].When = `span.events.exists(e, e.name == "no")`
	changed, err := set.Compile(rules, nil)
	require.NoError(t, err)
	require.False(t, changed.Stats(0).Off, "changing it does")
	require.Equal(t, Match{Verdict: Matched, Rule: 1}, changed.Match(huge))
}
