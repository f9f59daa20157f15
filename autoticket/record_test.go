package autoticket_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/sinks"
)

func TestRecordError(t *testing.T) {
	var sink shelf
	var ended sdktrace.ReadOnlySpan
	engine, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}})
	_, span := tracer.Start(t.Context(), "read settings")
	autoticket.RecordError(span, nil)
	require.Equal(t, codes.Unset, span.(sdktrace.ReadOnlySpan).Status().Code, "nothing failed")
	autoticket.RecordError(span, fmt.Errorf("settings: %w", &fs.PathError{Op: "open", Path: "/etc/shop", Err: errors.New("no such file")}))
	ended = span.(sdktrace.ReadOnlySpan)
	span.End()
	require.NoError(t, engine.Flush(t.Context()))

	require.Equal(t, sdktrace.Status{Code: codes.Error, Description: "settings: open /etc/shop: no such file"}, ended.Status())
	event := map[string]string{}
	for _, kv := range ended.Events()[0].Attributes {
		event[string(kv.Key)] = kv.Value.String()
	}
	require.Equal(t, "exception", ended.Events()[0].Name)
	require.Equal(t, "*fs.PathError", event["exception.type"])
	require.Contains(t, event["spanticket.error.chain"], "*errors.errorString: no such file")
	first := strings.Split(event["exception.stacktrace"], "\n")[1]
	require.True(t, strings.HasSuffix(first, "TestRecordError(...)"), first)

	ticket := sink.tickets()[0]
	require.Equal(t, "*fs.PathError", ticket.Exception.Type)
	require.Contains(t, strings.Join(ticket.Why, "\n"), "signature: exception = fs.PathError")

	_, none := noop.NewTracerProvider().Tracer("").Start(t.Context(), "x")
	autoticket.RecordError(none, errors.New("x")) // records nothing, and does not mind
	autoticket.RecordError(nil, errors.New("x"))
}

// hostile is an error whose methods panic.
type hostile struct{}

func (*hostile) Error() string { panic("no message") }
func (*hostile) Unwrap() error { panic("nothing in it") }

// endless wraps itself, and has much to say.
type endless struct{}

func (endless) Error() string   { return strings.Repeat("\xff and so on ", 1<<14) }
func (e endless) Unwrap() error { return e }

func TestRecordErrorOfAnyError(t *testing.T) {
	var nobody *fs.PathError
	for _, tt := range []struct {
		rule          string
		err           error
		typ, message  string // which begins so
		chain, length int
	}{
		{"a nil pointer", fmt.Errorf("x: %w", nobody), "*fs.PathError", "x: ", 2, 0},
		{"methods that panic", new(hostile), "*autoticket_test.hostile", "*autoticket_test.hostile, whose Error method panics", 0, 0},
		{"what wraps one", errors.Join(errors.New("x"), new(hostile)), "*autoticket_test.hostile", "*errors.joinError, whose Error method panics", 3, 0},
		{"an endless one, in invalid UTF-8", endless{}, "autoticket_test.endless", "\uFFFD and so on \uFFFD and", 32, 5 << 10},
	} {
		event := recordError(t, tt.err)
		require.Equal(t, tt.typ, event["exception.type"].AsString(), tt.rule)
		require.True(t, strings.HasPrefix(event["exception.message"].AsString(), tt.message), "%s: %q", tt.rule, event["exception.message"])
		chain := event["spanticket.error.chain"].AsStringSlice()
		require.Len(t, chain, tt.chain, tt.rule)
		for key, value := range event {
			require.True(t, utf8.ValidString(value.String()), "%s: %s", tt.rule, key)
		}
		for _, link := range chain {
			require.Less(t, len(link), 512, tt.rule)
		}
		require.LessOrEqual(t, len(event["exception.message"].AsString()), max(tt.length, 128), tt.rule)
	}
}

// recordError returns what RecordError adds to a span.
func recordError(t *testing.T, err error) map[attribute.Key]attribute.Value {
	t.Helper()
	var ended sdktrace.ReadOnlySpan
	_, span := newTracer(nothing{onEnd: func(sp sdktrace.ReadOnlySpan) { ended = sp }}).Start(t.Context(), "x")
	autoticket.RecordError(span, err)
	span.End()
	event := map[attribute.Key]attribute.Value{}
	for _, kv := range ended.Events()[0].Attributes {
		event[kv.Key] = kv.Value
	}
	return event
}

func TestRecordErrorsStack(t *testing.T) {
	var ended sdktrace.ReadOnlySpan
	_, span := newTracer(nothing{onEnd: func(sp sdktrace.ReadOnlySpan) { ended = sp }}).Start(t.Context(), "x")
	descend(100, func() { descend(3, func() { autoticket.RecordError(span, errors.New("x")) }) })
	span.End()
	var stack string
	for _, kv := range ended.Events()[0].Attributes {
		if kv.Key == "exception.stacktrace" {
			stack = kv.Value.AsString()
		}
	}
	lines := strings.Split(stack, "\n")
	require.Regexp(t, `^github.com/spanticket/spanticket/autoticket_test\.TestRecordErrorsStack.*\(\.\.\.\)$`, lines[1], "the caller's frame is the first")
	require.NotContains(t, stack, "autoticket.RecordError")
	require.Equal(t, 2, strings.Count(stack, "autoticket_test.descend("), "a recursion stands once for each of its calls")
	require.Contains(t, stack, "testing.tRunner", "so that what is around it is there")
	require.Less(t, len(stack), 2<<10)
}

//go:noinline
func descend(depth int, f func()) {
	if depth > 0 {
		descend(depth-1, f)
		return
	}
	f()
}

// BenchmarkRecordError measures what it costs the host, beside the span itself.
func BenchmarkRecordError(b *testing.B) {
	err := fmt.Errorf("settings: %w", &fs.PathError{Op: "open", Path: "/etc/shop", Err: errors.New("no such file")})
	for _, bm := range []struct {
		name   string
		record func(trace.Span)
	}{
		{"none", func(trace.Span) {}},
		{"sdk", func(sp trace.Span) { sp.RecordError(err); sp.SetStatus(codes.Error, err.Error()) }},
		{"sdk-with-stack", func(sp trace.Span) {
			sp.RecordError(err, trace.WithStackTrace(true))
			sp.SetStatus(codes.Error, err.Error())
		}},
		{"autoticket", func(sp trace.Span) { autoticket.RecordError(sp, err) }},
	} {
		b.Run(bm.name, func(b *testing.B) {
			tracer := newTracer(nothing{})
			b.ReportAllocs()
			for b.Loop() {
				_, sp := tracer.Start(b.Context(), "x")
				bm.record(sp)
				sp.End()
			}
		})
	}
}
