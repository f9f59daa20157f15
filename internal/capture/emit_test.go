package capture

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/celrule"
)

// emitter is a gate behind a LoggerProvider, and a tracer of spans to log in.
type emitter struct {
	*Gate
	logs   log.Logger
	tracer trace.Tracer
}

func newEmitter(tb testing.TB, scope string) emitter {
	g := newGate(tb, 100, 1<<20)
	return emitter{g, sdklog.NewLoggerProvider(sdklog.WithProcessor(emitTo{g})).Logger(scope), sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(endIn{g})).Tracer("t")}
}

type emitTo struct{ *Gate }

func (e emitTo) OnEmit(ctx context.Context, r *sdklog.Record) error   { e.Emit(ctx, r); return nil }
func (emitTo) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }
func (emitTo) Shutdown(context.Context) error                         { return nil }
func (emitTo) ForceFlush(context.Context) error                       { return nil }

type endIn struct{ *Gate }

func (e endIn) OnStart(ctx context.Context, sp sdktrace.ReadWriteSpan) { e.Start(ctx, sp) }
func (e endIn) OnEnd(sp sdktrace.ReadOnlySpan)                         { e.End(sp) }
func (endIn) Shutdown(context.Context) error                           { return nil }
func (endIn) ForceFlush(context.Context) error                         { return nil }

func (e emitter) emit(ctx context.Context, severity log.Severity, body string, attrs ...attribute.KeyValue) {
	var r log.Record
	r.SetSeverity(severity)
	r.SetBody(attribute.StringValue(body))
	r.AddAttributes(attrs...)
	e.logs.Emit(ctx, r)
}

func exceptionAttrs(typ, message string) []attribute.KeyValue {
	return []attribute.KeyValue{typeKey.String(typ), messageKey.String(message)}
}

// requireCounted fails unless each record became a part of its span, waits, or
// was counted as a span is.
func requireCounted(t *testing.T, g *Gate, spans int64) {
	t.Helper()
	require.Equal(t, g.Counters.Records.Load(), g.Counters.Merged.Load()+int64(g.Held())+g.Counters.Spans()-spans)
}

func TestWhichRecordsMatter(t *testing.T) {
	for _, test := range []struct {
		rule  string
		scope string
		own   bool
		emit  func(e emitter, ctx context.Context)
		want  int64
	}{
		{rule: "an error", want: 1, emit: func(e emitter, ctx context.Context) { e.emit(ctx, log.SeverityError, "failed") }},
		{rule: "a warning does not", emit: func(e emitter, ctx context.Context) { e.emit(ctx, log.SeverityWarn4, "failed") }},
		{rule: "unless it has an exception", want: 1, emit: func(e emitter, ctx context.Context) {
			e.emit(ctx, log.SeverityWarn, "failed", messageKey.String("refused"))
		}},
		{rule: "or the type of one, at whatever severity", want: 1, emit: func(e emitter, ctx context.Context) {
			e.emit(ctx, log.SeverityUndefined, "", typeKey.String("T"))
		}},
		{rule: "what is logged under a delivery does not", own: true, emit: func(e emitter, ctx context.Context) { e.emit(ctx, log.SeverityError, "failed") }},
		{rule: "nor what the library logs", scope: module + "/autoticket", emit: func(e emitter, ctx context.Context) { e.emit(ctx, log.SeverityError, "failed") }},
	} {
		t.Run(test.rule, func(t *testing.T) {
			e, ctx := newEmitter(t, test.scope), t.Context()
			if test.own {
				var done func()
				ctx, done = e.Own(ctx)
				defer done()
			}
			test.emit(e, ctx)
			require.Equal(t, test.want, e.Counters.Records.Load())
			requireCounted(t, e.Gate, 0)
		})
	}
}

// TestMerge holds what is seen of a span in which something was logged.
func TestMerge(t *testing.T) {
	stack := attribute.String("exception.stacktrace", "goroutine 1")
	for _, test := range []struct {
		rule string
		do   func(e emitter, ctx context.Context, sp trace.Span)
		want correlate.Exception
		n    int // exceptions
	}{
		{rule: "an exception that was logged", n: 1, want: correlate.Exception{Type: "T", Message: "refused"},
			do: func(e emitter, ctx context.Context, _ trace.Span) {
				e.emit(ctx, log.SeverityWarn, "x", exceptionAttrs("T", "refused")...)
			}},
		{rule: "is one with the span's own", n: 1, want: correlate.Exception{Type: "T", Message: "refused", Stacktrace: "goroutine 1"},
			do: func(e emitter, ctx context.Context, sp trace.Span) {
				sp.AddEvent("exception", trace.WithAttributes(exceptionAttrs("T", "refused")...))
				e.emit(ctx, log.SeverityWarn, "x", append(exceptionAttrs("T", "refused"), stack)...)
			}},
		{rule: "also if the one or the other only says that it is an error", n: 1, want: correlate.Exception{Type: "net.OpError", Message: "refused"},
			do: func(e emitter, ctx context.Context, sp trace.Span) {
				sp.AddEvent("exception", trace.WithAttributes(exceptionAttrs("*fmt.wrapError", "refused")...))
				e.emit(ctx, log.SeverityWarn, "x", exceptionAttrs("net.OpError", "refused")...)
			}},
		{rule: "and with what the span's attributes say", n: 1, want: correlate.Exception{Type: "T", Message: "refused", Stacktrace: "goroutine 1"},
			do: func(e emitter, ctx context.Context, sp trace.Span) {
				sp.SetAttributes(append(exceptionAttrs("T", "refused"), stack)...)
				e.emit(ctx, log.SeverityWarn, "x", exceptionAttrs("T", "refused")...)
			}},
		{rule: "twice is once", n: 1, want: correlate.Exception{Type: "T", Message: "refused"},
			do: func(e emitter, ctx context.Context, _ trace.Span) {
				for range 2 {
					e.emit(ctx, log.SeverityError, "x", exceptionAttrs("T", "refused")...)
				}
			}},
		{rule: "another one is another", n: 2, want: correlate.Exception{Type: "U", Message: "declined"},
			do: func(e emitter, ctx context.Context, sp trace.Span) {
				sp.AddEvent("exception", trace.WithAttributes(exceptionAttrs("T", "refused")...))
				e.emit(ctx, log.SeverityError, "x", exceptionAttrs("U", "declined")...)
			}},
		{rule: "the newest counts, whichever that is", n: 2, want: correlate.Exception{Type: "T", Message: "refused"},
			do: func(e emitter, ctx context.Context, sp trace.Span) {
				e.emit(ctx, log.SeverityError, "x", exceptionAttrs("U", "declined")...)
				sp.AddEvent("exception", trace.WithAttributes(exceptionAttrs("T", "refused")...))
			}},
		{rule: "a type alone has the words beside it", n: 1, want: correlate.Exception{Type: "T", Message: "charge failed"},
			do: func(e emitter, ctx context.Context, _ trace.Span) {
				e.emit(ctx, log.SeverityError, "charge failed", typeKey.String("T"))
			}},
		{rule: "words are an exception where nothing else is said, the first of them", n: 1, want: correlate.Exception{Message: "charge failed"},
			do: func(e emitter, ctx context.Context, _ trace.Span) {
				e.emit(ctx, log.SeverityError, "charge failed")
				e.emit(ctx, log.SeverityError, "request failed")
			}},
		{rule: "a text of an error says more than they do", n: 1, want: correlate.Exception{Message: "card declined"},
			do: func(e emitter, ctx context.Context, _ trace.Span) {
				e.emit(ctx, log.SeverityError, "charge failed", attribute.String("error", "card declined"))
			}},
		{rule: "beside the number of a status they are", n: 1, want: correlate.Exception{Type: "500", Message: "charge failed"},
			do: func(e emitter, ctx context.Context, sp trace.Span) {
				sp.SetAttributes(attribute.String("error.type", "500"))
				e.emit(ctx, log.SeverityError, "charge failed")
			}},
		{rule: "not beside a description", want: correlate.Exception{},
			do: func(e emitter, ctx context.Context, sp trace.Span) {
				sp.SetStatus(codes.Error, "declined")
				e.emit(ctx, log.SeverityError, "charge failed")
			}},
		{rule: "nor beside an exception", n: 1, want: correlate.Exception{Type: "T", Message: "refused"},
			do: func(e emitter, ctx context.Context, sp trace.Span) {
				sp.AddEvent("exception", trace.WithAttributes(exceptionAttrs("T", "refused")...))
				e.emit(ctx, log.SeverityError, "charge failed")
			}},
		{rule: "a record from the future is no panic", n: 1, want: correlate.Exception{Type: "T", Message: "refused"},
			do: func(e emitter, ctx context.Context, _ trace.Span) {
				var r log.Record
				r.SetTimestamp(time.Now().Add(time.Second / 2))
				r.AddAttributes(exceptionAttrs("T", "refused")...)
				e.logs.Emit(ctx, r)
			}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			e := newEmitter(t, "shop")
			ctx, sp := e.tracer.Start(t.Context(), "charge")
			sp.SetStatus(codes.Error, "")
			test.do(e, ctx, sp)
			sp.End()
			require.Equal(t, 1, e.Backlog())
			it := <-e.Queue()
			require.Equal(t, test.want, celrule.ExceptionOf(it.Span))
			n := 0
			for _, ev := range it.Span.Events() {
				if celrule.IsException(&ev) {
					n++
				}
			}
			require.Equal(t, test.n, n)
			require.False(t, it.Panicked)
			require.False(t, e.Holding())
			requireCounted(t, e.Gate, 1)
		})
	}
}

// A span that logs without end keeps its first record and its newest ones, and
// many of them no more than there is room for.
func TestWhatIsHeldIsBounded(t *testing.T) {
	e := newEmitter(t, "shop")
	ctx, sp := e.tracer.Start(t.Context(), "charge")
	sp.SetStatus(codes.Error, "")
	for i := range 100 {
		e.emit(ctx, log.SeverityError, "x", exceptionAttrs("T", fmt.Sprint("m", i))...)
	}
	require.Equal(t, maxOfSpan, e.Held())
	sp.End()
	it := <-e.Queue()
	require.Len(t, it.Span.Events(), maxOfSpan)
	require.Equal(t, 100-maxOfSpan, it.Span.DroppedEvents(), "a ticket can say so")
	require.Equal(t, "m99", celrule.ExceptionOf(it.Span).Message)
	require.Equal(t, "m0", exceptionIn(it.Span.Events()[0].Attributes).Message)
	requireCounted(t, e.Gate, 1)

	long := strings.Repeat("a word ", 10_000)
	for i := range 5000 {
		ctx, _ := e.tracer.Start(t.Context(), "never ends")
		e.emit(ctx, log.SeverityError, long, attribute.String("exception.stacktrace", long), attribute.String("k", long), attribute.Int("i", i))
	}
	require.LessOrEqual(t, e.held.bytes, int64(maxHeldBytes))
	require.LessOrEqual(t, e.Held(), maxHeldRecords)
	require.Positive(t, e.Held())
	requireCounted(t, e.Gate, 1)
	e.Close()
	e.Release(func(it Item) { e.Drop(it, correlate.AfterShutdown) })
	require.Zero(t, e.held.bytes)
	require.Zero(t, e.Held())
	require.False(t, e.Holding())
	for i := range e.held.slots {
		require.Zero(t, e.held.slots[i].Load())
	}
	e.emit(ctx, log.SeverityError, "late")
	require.Zero(t, e.Held(), "nothing is held by a gate that is closed")
	requireCounted(t, e.Gate, 1)
}

// A record that could not wait is an item of its own.
func TestARecordOfItsOwn(t *testing.T) {
	e := newEmitter(t, "shop")
	e.emit(t.Context(), log.SeverityError, "charge failed", append(exceptionAttrs("T", "refused"), attribute.String("user.id", "ada"))...)
	it := <-e.Queue()
	n := (&Converter{UserKey: []byte("key")}).Node(it)
	require.True(t, n.Record)
	require.False(t, n.Plain)
	require.True(t, n.Step.Failed)
	require.False(t, n.Trace.IsValid())
	require.NotZero(t, n.User)
	o := n.Occurrence
	require.Equal(t, "shop", o.Operation)
	require.Equal(t, "shop", o.Library)
	require.Equal(t, "INTERNAL", o.Kind)
	require.Equal(t, "ERROR", o.Status)
	require.Equal(t, "charge failed", o.Message)
	require.Equal(t, correlate.Exception{Type: "T", Message: "refused"}, o.Exception)
	require.Empty(t, o.TraceID+o.SpanID)
	require.Equal(t, "ada", correlate.AttrString(o.Attributes, "user.id"))

	ctx, sp := e.tracer.Start(t.Context(), "charge", trace.WithSpanKind(trace.SpanKindConsumer))
	sp.End()
	e.emit(ctx, log.SeverityError, "refused")
	n = new(Converter).Node(<-e.Queue())
	require.True(t, n.Plain)
	require.Equal(t, "charge", n.Occurrence.Operation)
	require.Equal(t, "CONSUMER", n.Occurrence.Kind)
	require.Equal(t, sp.SpanContext().SpanID(), n.Span)
	require.Equal(t, sp.SpanContext().TraceID().String(), n.Occurrence.TraceID)
	require.Equal(t, correlate.Exception{Message: "refused"}, n.Occurrence.Exception)
}

// Many goroutines may log in spans that end at the same time: each record is
// counted once.
func TestRecordsAndEndsAtOnce(t *testing.T) {
	e := newEmitter(t, "shop")
	var wg sync.WaitGroup
	const spans = 50
	for range spans {
		ctx, sp := e.tracer.Start(t.Context(), "charge")
		for range 3 {
			wg.Go(func() { e.emit(ctx, log.SeverityError, "x", exceptionAttrs("T", "m")...) })
		}
		wg.Go(func() { sp.End() })
	}
	wg.Wait()
	require.Equal(t, int64(3*spans), e.Counters.Records.Load())
	e.Release(func(Item) {})
	requireCounted(t, e.Gate, spans)
}

// A record whose span is a host's own, and panics, does not reach the host.
func TestAHostileSpanInAContext(t *testing.T) {
	e := newEmitter(t, "shop")
	ctx, sp := e.tracer.Start(t.Context(), "charge")
	e.emit(trace.ContextWithSpan(ctx, hostile{sp}), log.SeverityError, "failed")
	require.Equal(t, map[string]int64{"panic": 1}, e.Counters.Dropped())
	requireCounted(t, e.Gate, 0)
}

type hostile struct{ trace.Span }

func (hostile) IsRecording() bool { panic("not now") }

// A span in which nothing was logged pays no memory while others are waited for.
func TestHealthySpanBesideWhatIsHeld(t *testing.T) {
	e := newEmitter(t, "shop")
	for range 100 {
		ctx, _ := e.tracer.Start(t.Context(), "never ends")
		e.emit(ctx, log.SeverityError, "failed")
	}
	sp := span("get", 1, codes.Unset, func(s *tracetest.SpanStub) { s.Attributes = []attribute.KeyValue{attribute.String("k", "v")} })
	require.Zero(t, testing.AllocsPerRun(1000, func() { e.End(sp) }))
	require.Equal(t, 100, e.Held())
}
