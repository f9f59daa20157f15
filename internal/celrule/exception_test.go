package celrule

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/spanticket/spanticket/correlate"
)

func event(name string, attrs ...attribute.KeyValue) sdktrace.Event {
	return sdktrace.Event{Name: name, Attributes: attrs}
}

// at returns an event with a time.
func at(e sdktrace.Event, t time.Time) sdktrace.Event {
	e.Time = t
	return e
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
		says   string // the status of the span
	}{
		{"none", nil, nil, correlate.Exception{}, ""},
		{"an event", []sdktrace.Event{event("exception", typed("T"), saying("m"), attribute.String("exception.stacktrace", "at x"))}, nil,
			correlate.Exception{Type: "T", Message: "m", Stacktrace: "at x"}, ""},
		{"the newest", []sdktrace.Event{event("exception", typed("A")), event("exception", typed("B")), event("retry")}, nil,
			correlate.Exception{Type: "B"}, ""},
		{"an event named after its operation", []sdktrace.Event{event("http.client.request.exception", typed("T"))}, nil,
			correlate.Exception{Type: "T"}, ""},
		{"a log record with a type", []sdktrace.Event{event("exception", typed("A")), event("payment failed", typed("B"))}, nil,
			correlate.Exception{Type: "B"}, ""},
		{"a log record with a message", []sdktrace.Event{event("", saying("m"))}, nil,
			correlate.Exception{Message: "m"}, ""},
		{"another log record is none", []sdktrace.Event{event("exception", typed("A")), event("log", attribute.String("exception.id", "1"))}, nil,
			correlate.Exception{Type: "A"}, ""},
		{"the span's own attributes", []sdktrace.Event{event("retry")}, []attribute.KeyValue{typed("T"), saying("m")},
			correlate.Exception{Type: "T", Message: "m"}, ""},
		{"an event goes before them", []sdktrace.Event{event("exception", typed("A"))}, []attribute.KeyValue{typed("B"), saying("m")},
			correlate.Exception{Type: "A"}, ""},
		{"the type of the error", nil, []attribute.KeyValue{attribute.String("error.type", "E")},
			correlate.Exception{Type: "E"}, ""},
		{"as a number", nil, []attribute.KeyValue{attribute.Int("error.type", 504)},
			correlate.Exception{Type: "504"}, ""},
		{"that of the event first", []sdktrace.Event{event("exception", saying("m"), attribute.String("error.type", "A"))},
			[]attribute.KeyValue{attribute.String("error.type", "B")},
			correlate.Exception{Type: "A", Message: "m"}, ""},
		{"that of the span where the event has none", []sdktrace.Event{event("exception", saying("m"))},
			[]attribute.KeyValue{attribute.String("error.type", "E")},
			correlate.Exception{Type: "E", Message: "m"}, ""},
		{"an empty type is none", nil, []attribute.KeyValue{typed(""), attribute.String("error.type", "E")},
			correlate.Exception{Type: "E"}, ""},
		{"what is no text is none", nil, []attribute.KeyValue{attribute.Bool("exception.type", true), attribute.StringSlice("exception.message", []string{"m"})},
			correlate.Exception{}, ""},
		{"of several, the one that the status repeats", []sdktrace.Event{event("exception", typed("A"), saying("declined")), event("exception", typed("B"), saying("not closed"))}, nil,
			correlate.Exception{Type: "A", Message: "declined"}, "pay: declined"},
		{"and of those, the one that it is", []sdktrace.Event{event("exception", typed("A"), saying("pay: declined")), event("exception", typed("B"), saying("declined"))}, nil,
			correlate.Exception{Type: "A", Message: "pay: declined"}, "pay: declined"},
		{"or else the newest of them", []sdktrace.Event{event("exception", typed("A"), saying("pay")), event("exception", typed("B"), saying("declined")), event("exception", typed("C"))}, nil,
			correlate.Exception{Type: "B", Message: "declined"}, "pay: declined"},
		{"the newest, if it repeats none", []sdktrace.Event{event("exception", typed("A"), saying("declined")), event("exception", typed("B"), saying("not closed"))}, nil,
			correlate.Exception{Type: "B", Message: "not closed"}, "failed"},
		{"the panic that ended it before all others", []sdktrace.Event{event("exception", typed("A"), saying("declined")), at(event("exception", typed("B"), saying("boom")), time.Unix(100, 1))}, nil,
			correlate.Exception{Type: "B", Message: "boom"}, "declined"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			sp := tracetest.SpanStub{Events: tt.events, Attributes: tt.attrs, EndTime: time.Unix(100, 0), Status: sdktrace.Status{Code: codes.Error, Description: tt.says}}.Snapshot()
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
		record := recordOf(tracetest.SpanStub{Events: []sdktrace.Event{event("exception", tt.attr)}}.Snapshot(), nil)
		require.Equal(t, tt.want, record.escaped(), tt.rule)
	}
}

// TestPanicked holds what is taken for a panic that ended a span.
func TestPanicked(t *testing.T) {
	end := time.Unix(100, 0)
	boom := event("exception", typed("string"), saying("boom"), attribute.String("exception.stacktrace", "goroutine 1"))
	for _, tt := range []struct {
		rule   string
		status codes.Code
		events []sdktrace.Event
		want   bool
	}{
		{"an exception that is younger than the end", codes.Unset, []sdktrace.Event{at(boom, end.Add(time.Microsecond))}, true},
		{"also where the status says that it failed", codes.Error, []sdktrace.Event{at(boom, end.Add(time.Microsecond))}, true},
		{"not where it says that it went well", codes.Ok, []sdktrace.Event{at(boom, end.Add(time.Microsecond))}, false},
		{"not one that was recorded before", codes.Unset, []sdktrace.Event{at(boom, end)}, false},
		{"not one long after an end that was set", codes.Unset, []sdktrace.Event{at(boom, end.Add(time.Minute))}, false},
		{"not what came before something else", codes.Unset, []sdktrace.Event{at(boom, end.Add(1)), at(event("cleanup"), end.Add(2))}, false},
		{"not what has more to say", codes.Unset, []sdktrace.Event{at(event("exception", typed("T"), attribute.Int("retry", 1)), end.Add(1))}, false},
		{"not what has no type", codes.Unset, []sdktrace.Event{at(event("exception", saying("boom")), end.Add(1))}, false},
		{"not a handler of net/http that gives up because its client has", codes.Unset, []sdktrace.Event{at(event("exception", typed("*errors.errorString"), saying("net/http: abort Handler")), end.Add(1))}, false},
		{"not nothing", codes.Unset, nil, false},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			require.Equal(t, tt.want, Panicked(tracetest.SpanStub{Events: tt.events, EndTime: end}.Snapshot(), tt.status))
		})
	}
	t.Run("the SDK says it so", func(t *testing.T) {
		recorder := tracetest.NewSpanRecorder()
		tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)).Tracer("t")
		require.Panics(t, func() {
			_, sp := tracer.Start(t.Context(), "work")
			defer sp.End()
			panic("boom")
		})
		_, sp := tracer.Start(t.Context(), "handled")
		sp.RecordError(errors.New("boom"))
		sp.End()
		ended := recorder.Ended()
		require.True(t, Panicked(ended[0], codes.Unset))
		require.False(t, Panicked(ended[1], codes.Unset))
	})
}
