package celrule

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/spanticket/spanticket/correlate"
)

func event(name string, attrs ...attribute.KeyValue) sdktrace.Event {
	return sdktrace.Event{Name: name, Attributes: attrs}
}

func typed(s string) attribute.KeyValue  { return attribute.String("exception.type", s) }
func saying(s string) attribute.KeyValue { return attribute.String("exception.message", s) }

// TestExceptionOf holds where the exception of a span is read, and that rules
// see the same one, with and without CEL.
func TestExceptionOf(t *testing.T) {
	for _, tt := range []struct {
		rule   string
		events []sdktrace.Event
		attrs  []attribute.KeyValue
		want   correlate.Exception
	}{
		{"none", nil, nil, correlate.Exception{}},
		{"an event", []sdktrace.Event{event("exception", typed("T"), saying("m"), attribute.String("exception.stacktrace", "at x"))}, nil,
			correlate.Exception{Type: "T", Message: "m", Stacktrace: "at x"}},
		{"the newest", []sdktrace.Event{event("exception", typed("A")), event("exception", typed("B")), event("retry")}, nil,
			correlate.Exception{Type: "B"}},
		{"an event named after its operation", []sdktrace.Event{event("http.client.request.exception", typed("T"))}, nil,
			correlate.Exception{Type: "T"}},
		{"a log record with a type", []sdktrace.Event{event("exception", typed("A")), event("payment failed", typed("B"))}, nil,
			correlate.Exception{Type: "B"}},
		{"a log record with a message", []sdktrace.Event{event("", saying("m"))}, nil,
			correlate.Exception{Message: "m"}},
		{"another log record is none", []sdktrace.Event{event("exception", typed("A")), event("log", attribute.String("exception.id", "1"))}, nil,
			correlate.Exception{Type: "A"}},
		{"the span's own attributes", []sdktrace.Event{event("retry")}, []attribute.KeyValue{typed("T"), saying("m")},
			correlate.Exception{Type: "T", Message: "m"}},
		{"an event goes before them", []sdktrace.Event{event("exception", typed("A"))}, []attribute.KeyValue{typed("B"), saying("m")},
			correlate.Exception{Type: "A"}},
		{"the type of the error", nil, []attribute.KeyValue{attribute.String("error.type", "E")},
			correlate.Exception{Type: "E"}},
		{"as a number", nil, []attribute.KeyValue{attribute.Int("error.type", 504)},
			correlate.Exception{Type: "504"}},
		{"that of the event first", []sdktrace.Event{event("exception", saying("m"), attribute.String("error.type", "A"))},
			[]attribute.KeyValue{attribute.String("error.type", "B")},
			correlate.Exception{Type: "A", Message: "m"}},
		{"that of the span where the event has none", []sdktrace.Event{event("exception", saying("m"))},
			[]attribute.KeyValue{attribute.String("error.type", "E")},
			correlate.Exception{Type: "E", Message: "m"}},
		{"an empty type is none", nil, []attribute.KeyValue{typed(""), attribute.String("error.type", "E")},
			correlate.Exception{Type: "E"}},
		{"what is no text is none", nil, []attribute.KeyValue{attribute.Bool("exception.type", true), attribute.StringSlice("exception.message", []string{"m"})},
			correlate.Exception{}},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			sp := tracetest.SpanStub{Events: tt.events, Attributes: tt.attrs}.Snapshot()
			require.Equal(t, tt.want, ExceptionOf(sp))
			set := mustCompile(t, []Rule{
				{Name: "type", When: `exception.type != "` + tt.want.Type + `"`},
				{Name: "message", When: `exception.message != "` + tt.want.Message + `"`},
				{Name: "stack", When: `exception.stacktrace != "` + tt.want.Stacktrace + `"`},
			})
			require.NotEqual(t, Matched, set.Match(sp).Verdict)
			require.Equal(t, Match{Rule: -1}, set.MatchPlain(sp))
		})
	}
}

// TestEscaped holds when an exception is taken for one that left its span.
func TestEscaped(t *testing.T) {
	for _, tt := range []struct {
		rule string
		attr attribute.KeyValue
		want bool
	}{
		{"true", attribute.Bool("exception.escaped", true), true},
		{"false", attribute.Bool("exception.escaped", false), false},
		{"a text", attribute.String("exception.escaped", "true"), true},
		{"Python's", attribute.String("exception.escaped", "True"), true},
		{"another text", attribute.String("exception.escaped", "1"), false},
		{"a number", attribute.Int("exception.escaped", 1), false},
		{"nothing", attribute.String("other", "true"), false},
	} {
		record := recordOf(nil, []sdktrace.Event{event("exception", tt.attr)})
		require.Equal(t, tt.want, record.escaped(), tt.rule)
	}
}
