package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// taking returns a span of each operation that took so many milliseconds.
func taking(service, name string, ms ...int) []sdktrace.ReadOnlySpan {
	res := resource.NewSchemaless(attribute.String("service.name", service))
	var out []sdktrace.ReadOnlySpan
	for i, n := range ms {
		out = append(out, tracetest.SpanStub{
			Name: name, Resource: res, StartTime: noon, EndTime: noon.Add(time.Duration(n) * time.Millisecond),
			SpanContext: trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1, 15: byte(i)}, SpanID: trace.SpanID{7: 1}}),
		}.Snapshot())
	}
	return out
}

func TestSlowRules(t *testing.T) {
	s := slowness{Spans: 3, Usual: 0.999, Factor: 2, Floor: 50 * time.Millisecond, Count: 4, Within: time.Minute}
	for _, test := range []struct {
		rule  string
		spans []sdktrace.ReadOnlySpan
		want  string // of the duration, "" if there is no rule
	}{
		{"an operation with too few spans has no rule", taking("bank", `a "b"`, 1, 2), ""},
		{"the slowest of few is usual", taking("bank", `a "b"`, 100, 300, 200), "600000us"},
		{"what is fast must be slower by the floor", taking("bank", `a "b"`, 1, 2, 1), "52000us"},
	} {
		t.Run(test.rule, func(t *testing.T) {
			rules := s.rules(test.spans)
			if test.want == "" {
				require.Empty(t, rules)
				return
			}
			require.Len(t, rules, 1)
			require.Equal(t, `slow bank a "b"`, rules[0].Name)
			require.Equal(t, `resource.attributes["service.name"] == "bank" && span.name == "a \"b\"" && span.duration > duration("`+test.want+`")`, rules[0].When)
			require.Equal(t, int64(4), rules[0].Threshold.Count)
		})
	}
	many := append(taking("b", "x", 1, 1, 1), append(taking("a", "y", 1, 1, 1), taking("a", "x", 1, 1, 1)...)...)
	var names []string
	for _, r := range s.rules(many) {
		names = append(names, r.Name)
	}
	require.Equal(t, []string{"slow a x", "slow a y", "slow b x"}, names)
}

func TestQuantile(t *testing.T) {
	times := make([]time.Duration, 2000)
	for i := range times {
		times[i] = time.Duration(len(times) - i)
	}
	require.Equal(t, time.Duration(1999), quantile(times, 0.999), "one in a thousand is left out")
	require.Equal(t, time.Duration(999), quantile(times[:999], 0.999), "of few the longest")
}

func TestBefore(t *testing.T) {
	spans := taking("bank", "x", 1000, 3000)
	moved := before(spans, noon, 10*time.Second)
	require.Equal(t, noon.Add(-10*time.Second), extent(moved).to)
	require.Equal(t, 3*time.Second, extent(moved).to.Sub(extent(moved).from))
	require.NotEqual(t, spans[0].SpanContext().TraceID(), moved[0].SpanContext().TraceID())
	require.NotEqual(t, moved[0].SpanContext().TraceID(), moved[1].SpanContext().TraceID())
	require.Equal(t, noon, spans[0].StartTime(), "the recording stays")
}
