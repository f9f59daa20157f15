package celrule

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/spanticket/spanticket/correlate"
)

func TestCostLimit(t *testing.T) {
	const loopInLoop, inLoop, pattern = "a loop (all, exists, filter, map) inside a loop", "searches and comparisons in a loop", "long patterns against"
	for _, tt := range []struct {
		when string
		dear string // what the hint names; "" if it is not refused
	}{
		{`span.status == "ERROR"`, ""},
		{`exception.stacktrace.matches("a.*b") && exception.message.matches("c.*d")`, ""},
		{`exception.stacktrace.split("\n").exists(l, l.contains("com.acme") && !l.contains("retry"))`, ""},
		{`span.attributes["tags"].split(",").exists(t, t.split("=").exists(p, p == "vip"))`, ""},
		{`span.attributes.tags.map(t, t.lowerAscii()).exists(t, t.contains("vip"))`, ""},
		{`span.attributes.exists(k, span.attributes[k].contains("vip"))`, ""},
		{`span.events.exists(e, e.attributes["exception.stacktrace"].matches("a.*b"))`, ""},
		{`span.events.exists(e, e.attributes.exists(k, k == "y"))`, ""},
		{`span.events.exists(e, span.events.exists(f, e.name == f.name))`, loopInLoop},
		{`span.attributes.exists(a, resource.attributes.exists(b, span.events.exists(e, a + b == e.name)))`, loopInLoop},
		{`span.events.exists(e, exception.stacktrace.contains(e.name) || exception.stacktrace.endsWith(e.name))`, inLoop},
		{`exception.stacktrace.matches("` + strings.Repeat("(a|b)", 40) + `")`, pattern},
	} {
		_, err := Compile([]Rule{{Name: "r", When: tt.when}}, nil)
		if tt.dear != "" {
			require.ErrorContains(t, err, "and the limit is 131072 (what is dear ", tt.when)
			require.ErrorContains(t, err, tt.dear, tt.when)
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

// TestCostOfSizes holds which sizes an estimate counts on.
func TestCostOfSizes(t *testing.T) {
	for _, row := range []struct{ rule, cheap, dear string }{
		{"an attribute may be a long text", `span.name.contains("x")`, `span.attributes["x"].contains("x")`},
		{"a field is read as an index is", `span.name.contains("x")`, `span.attributes.x.contains("x")`},
		{"a message is longer", `span.attributes.x.contains("x")`, `exception.message.contains("x")`},
		{"a stack trace still more", `exception.message.contains("x")`, `exception.stacktrace.contains("x")`},
		{"an event's attribute is one", `span.events.exists(e, e.name.contains("x"))`, `span.events.exists(e, e.attributes["k"].contains("x"))`},
		{"a definition is what it stands for", `message.contains("x")`, `trace.contains("x")`},
	} {
		set := mustCompile(t, []Rule{
			{Name: "cheap", When: row.cheap, Definitions: []Definition{{"message", "exception.message"}}},
			{Name: "dear", When: row.dear, Definitions: []Definition{{"trace", "exception.stacktrace"}}},
		})
		require.Less(t, set.Cost(0), set.Cost(1), row.rule)
	}
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
	a, err := set.Answers(0, &correlate.Occurrence{Operation: "x"}, new(correlate.Problem), asItIs)
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
