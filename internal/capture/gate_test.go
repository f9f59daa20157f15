package capture

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/internal/assemble"
	"github.com/spanticket/spanticket/internal/celrule"
	"github.com/spanticket/spanticket/internal/observe"
)

// compile makes a set of rules of conditions, named by their number.
func compile(tb testing.TB, rules ...celrule.Rule) *celrule.Set {
	tb.Helper()
	set, err := celrule.Compile(rules, nil)
	require.NoError(tb, err)
	return set
}

func newGate(tb testing.TB, spans int, bytes int64) *Gate {
	set := compile(tb,
		celrule.Rule{Name: "errors", When: `span.status == "ERROR" && span.name != "unwanted"`, Unless: `span.name == "excluded"`},
		celrule.Rule{Name: "slow", When: `span.name == "slow"`})
	return NewGate(set, new(assemble.Mark), observe.NewCounters(), spans, bytes)
}

// span makes a span of a trace that ended.
func span(name string, id byte, code codes.Code, edit ...func(*tracetest.SpanStub)) sdktrace.ReadOnlySpan {
	stub := tracetest.SpanStub{
		Name: name, StartTime: time.Unix(100, 0), EndTime: time.Unix(101, 0), Status: sdktrace.Status{Code: code},
		SpanContext: trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{15: id}, SpanID: trace.SpanID{7: id}, TraceFlags: trace.FlagsSampled}),
	}
	for _, fn := range edit {
		fn(&stub)
	}
	return stub.Snapshot()
}

// panicked makes a span that a panic ended.
func panicked(code codes.Code) sdktrace.ReadOnlySpan {
	return span("get", 1, code, func(s *tracetest.SpanStub) {
		s.Events = []sdktrace.Event{{Name: "exception", Time: s.EndTime.Add(1), Attributes: []attribute.KeyValue{attribute.String("exception.type", "string")}}}
	})
}

func TestGate(t *testing.T) {
	for _, test := range []struct {
		rule     string
		span     sdktrace.ReadOnlySpan
		marked   bool // something in the trace has failed
		captured bool
		want     Item
	}{
		{rule: "a healthy span of a healthy trace stays out", span: span("get", 1, codes.Ok)},
		{rule: "one of a trace that has failed is needed for its path", span: span("get", 1, codes.Ok), marked: true, captured: true, want: Item{Rule: -1}},
		{rule: "a span that matches counts", span: span("get", 1, codes.Error), captured: true, want: Item{Rule: 0, Matched: true, Counts: true}},
		{rule: "also when it did not fail", span: span("slow", 1, codes.Ok), captured: true, want: Item{Rule: 1, Matched: true, Counts: true}},
		{rule: "one that failed counts though no rule wants it: it may be the origin", span: span("unwanted", 1, codes.Error), captured: true, want: Item{Rule: -1, Counts: true}},
		{rule: "so does one that a panic ended", span: panicked(codes.Unset), captured: true, want: Item{Rule: -1, Counts: true, Panicked: true}},
		{rule: "unless the application calls it well", span: panicked(codes.Ok)},
		{rule: "and one that is excluded says so", span: span("excluded", 1, codes.Error), captured: true, want: Item{Rule: 0, Counts: true, Excluded: true}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			g := newGate(t, 10, 1<<20)
			if test.marked {
				g.Mark.Add(test.span.SpanContext().TraceID())
			}
			g.End(test.span)
			require.Equal(t, int64(1), g.Counters.Spans())
			require.Equal(t, test.want.Counts, g.Counters.Healthy() == 0)
			if !test.captured {
				require.Zero(t, g.Backlog())
				require.False(t, g.Mark.Has(test.span.SpanContext().TraceID()))
				return
			}
			it := <-g.Queue()
			require.Equal(t, test.want, Item{Rule: it.Rule, Matched: it.Matched, Counts: it.Counts, Panicked: it.Panicked, Excluded: it.Excluded})
			require.Same(t, g.Rules.Load(), it.Set)
			require.True(t, g.Mark.Has(test.span.SpanContext().TraceID()), "what ends later in this trace is seen")
			g.Taken(it)
			require.Zero(t, g.bytes.Load())
		})
	}
}

func TestHealthySpanAllocatesNothing(t *testing.T) {
	g := newGate(t, 10, 1<<20)
	sp := span("get", 1, codes.Unset, func(s *tracetest.SpanStub) {
		for _, k := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
			s.Attributes = append(s.Attributes, attribute.String(k, "value"))
		}
	})
	for name, prepare := range map[string]func(){
		"alone":                          func() {},
		"while another trace has failed": func() { g.Mark.Add(trace.TraceID{15: 99}) },
		"while a delivery is in flight": func() {
			ctx, _ := g.Own(context.Background())
			g.own.start(ctx, trace.SpanID{7: 99})
		},
	} {
		t.Run(name, func(t *testing.T) {
			prepare()
			require.Zero(t, testing.AllocsPerRun(1000, func() { g.End(sp) }))
		})
	}
}

func TestDropsAreCounted(t *testing.T) {
	failing := func(n byte, bytes int) sdktrace.ReadOnlySpan {
		return span("get", n, codes.Error, func(s *tracetest.SpanStub) {
			s.Attributes = append(s.Attributes, attribute.String("k", strings.Repeat("x", bytes)))
		})
	}
	t.Run("when the queue is full", func(t *testing.T) {
		g := newGate(t, 10, 1<<30)
		for i := range byte(25) {
			g.End(failing(i, 1))
		}
		require.Equal(t, 10, g.Backlog())
		require.Equal(t, map[string]int64{"queue_full": 15}, g.Counters.Dropped())
		require.Equal(t, int64(25), g.Counters.Spans())
		require.False(t, g.Mark.Has(trace.TraceID{15: 24}), "a trace of which nothing is kept is not followed")
		for range 10 {
			g.Taken(<-g.Queue())
		}
		require.Zero(t, g.bytes.Load())
	})
	t.Run("when its bytes are", func(t *testing.T) {
		g := newGate(t, 100, 50_000)
		for i := range byte(10) {
			g.End(failing(i, 10_000))
		}
		require.Equal(t, 4, g.Backlog())
		require.Equal(t, map[string]int64{"queue_full": 6}, g.Counters.Dropped())
		g.Taken(<-g.Queue())
		g.End(failing(11, 10_000))
		require.Equal(t, 4, g.Backlog(), "room that is freed is used")
	})
	t.Run("healthy spans give way first", func(t *testing.T) {
		g := newGate(t, 10, 1<<30)
		for i := range byte(6) {
			g.End(failing(i, 1))
		}
		g.End(span("get", 1, codes.Ok))
		require.Equal(t, 6, g.Backlog())
		require.Empty(t, g.Counters.Dropped())
		require.Equal(t, int64(1), g.Counters.Partial.Load())
	})
	t.Run("after Close", func(t *testing.T) {
		g := newGate(t, 10, 1<<30)
		g.Close()
		g.End(failing(1, 1))
		g.End(span("get", 1, codes.Ok))
		require.Zero(t, g.Backlog())
		require.Equal(t, map[string]int64{"after_shutdown": 1}, g.Counters.Dropped())
		require.Equal(t, int64(2), g.Counters.Spans())
	})
}

func TestManyGoroutines(t *testing.T) {
	const workers, each = 8, 2000
	g := newGate(t, 64, 1<<20)
	done := make(chan int64)
	go func() {
		taken := int64(0)
		for it := range g.queue {
			g.Taken(it)
			taken++
		}
		done <- taken
	}()
	var ends sync.WaitGroup
	for w := range byte(workers) {
		ends.Go(func() {
			failing, healthy := span("get", w, codes.Error), span("get", 100+w, codes.Ok)
			for i := range each {
				if i%4 == 0 {
					g.End(failing)
				} else {
					g.End(healthy)
				}
			}
		})
	}
	ends.Wait()
	close(g.queue)
	taken := <-done
	require.Equal(t, int64(workers*each), g.Counters.Spans())
	require.Equal(t, int64(workers*each*3/4), g.Counters.Healthy())
	require.Equal(t, int64(workers*each/4), taken+g.Counters.Dropped()["queue_full"], "what is not taken is counted as dropped")
	require.Zero(t, g.bytes.Load())
}

// What an application can make long is counted, wherever it stands.
func TestSizeCountsAllThatIsHeld(t *testing.T) {
	big := strings.Repeat("x", 1<<20)
	for name, edit := range map[string]func(*tracetest.SpanStub){
		"name":        func(s *tracetest.SpanStub) { s.Name = big },
		"description": func(s *tracetest.SpanStub) { s.Status.Description = big },
		"string":      func(s *tracetest.SpanStub) { s.Attributes = []attribute.KeyValue{attribute.String("k", big)} },
		"key":         func(s *tracetest.SpanStub) { s.Attributes = []attribute.KeyValue{attribute.Bool(big, true)} },
		"strings": func(s *tracetest.SpanStub) {
			s.Attributes = []attribute.KeyValue{attribute.StringSlice("k", []string{"", big})}
		},
		"numbers": func(s *tracetest.SpanStub) {
			s.Attributes = []attribute.KeyValue{attribute.Int64Slice("k", make([]int64, 1<<17))}
		},
		"bytes": func(s *tracetest.SpanStub) {
			s.Attributes = []attribute.KeyValue{{Key: "k", Value: attribute.ByteSliceValue([]byte(big))}}
		},
		"slice": func(s *tracetest.SpanStub) {
			s.Attributes = []attribute.KeyValue{{Key: "k", Value: attribute.SliceValue(attribute.BoolValue(true), attribute.StringValue(big))}}
		},
		"map": func(s *tracetest.SpanStub) {
			s.Attributes = []attribute.KeyValue{{Key: "k", Value: attribute.MapValue(attribute.String("in", big))}}
		},
		"event": func(s *tracetest.SpanStub) {
			s.Events = []sdktrace.Event{{Name: "exception", Attributes: []attribute.KeyValue{attribute.String("k", big)}}}
		},
		"event name": func(s *tracetest.SpanStub) { s.Events = []sdktrace.Event{{Name: big}} },
		"link": func(s *tracetest.SpanStub) {
			s.Links = []sdktrace.Link{{Attributes: []attribute.KeyValue{attribute.String("k", big)}}}
		},
	} {
		require.InDelta(t, 1<<20, size(span("get", 1, codes.Error, edit)), 4096, name)
	}
}

// treacherous is a span whose code panics.
type treacherous struct {
	sdktrace.ReadOnlySpan
	at string
}

func (s treacherous) SpanContext() trace.SpanContext {
	if s.at == "context" {
		panic(s.at)
	}
	return s.ReadOnlySpan.SpanContext()
}

func (s treacherous) Status() sdktrace.Status {
	if s.at == "status" {
		panic(s.at)
	}
	return s.ReadOnlySpan.Status()
}

func (s treacherous) Links() []sdktrace.Link {
	if s.at == "links" {
		panic(s.at)
	}
	return s.ReadOnlySpan.Links()
}

func TestPanicsStayInside(t *testing.T) {
	for _, at := range []string{"context", "status", "links"} {
		g := newGate(t, 10, 1<<20)
		require.NotPanics(t, func() { g.End(treacherous{span("get", 1, codes.Error), at}) }, at)
		require.Equal(t, map[string]int64{"panic": 1}, g.Counters.Dropped(), at)
		require.Equal(t, int64(1), g.Counters.Spans(), at)
		require.Zero(t, g.Counters.Healthy(), at)
		require.Zero(t, g.bytes.Load(), at)
	}
	g := newGate(t, 10, 1<<20)
	require.NotPanics(t, func() { g.End(treacherous{}) })
	g.Mark.Add(trace.TraceID{15: 1})
	require.NotPanics(t, func() { g.End(treacherous{span("get", 1, codes.Ok), "links"}) })
	require.Equal(t, int64(1), g.Counters.Healthy())
	require.Equal(t, int64(1), g.Counters.Partial.Load())
}

// processor is what the engine gives to a provider.
type processor struct{ g *Gate }

func (p processor) OnStart(ctx context.Context, sp sdktrace.ReadWriteSpan) { p.g.Start(ctx, sp) }
func (p processor) OnEnd(sp sdktrace.ReadOnlySpan)                         { p.g.End(sp) }
func (p processor) Shutdown(context.Context) error                         { return nil }
func (p processor) ForceFlush(context.Context) error                       { return nil }

func TestOwnSpansAreNotCaptured(t *testing.T) {
	g := newGate(t, 10, 1<<20)
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(processor{g})).Tracer("test")
	ctx, done := g.Own(context.Background())
	_, parent := tracer.Start(ctx, "deliver")
	parentCtx, child := tracer.Start(trace.ContextWithSpan(ctx, parent), "POST tracker")
	_, grandchild := tracer.Start(parentCtx, "dns")
	_, host := tracer.Start(context.Background(), "the host's own")
	done()
	for _, sp := range []trace.Span{grandchild, child, parent, host} { // after the delivery, too
		sp.SetStatus(codes.Error, "failed")
		sp.End()
	}
	require.Equal(t, 1, g.Backlog())
	require.Equal(t, "the host's own", (<-g.Queue()).Span.Name())
	require.Equal(t, int64(1), g.Counters.Spans(), "they are not even counted")
	require.Zero(t, g.own.marked.Load())

	_, sp := tracer.Start(context.Background(), "another")
	defer sp.End()
	require.Zero(t, g.own.marked.Load(), "without a delivery nothing is remembered")
}

func TestOwnSpansAreBounded(t *testing.T) {
	g := newGate(t, 10, 1<<20)
	ctx, done := g.Own(context.Background())
	defer done()
	for i := range 2 * maxOwn {
		g.own.start(ctx, trace.SpanID{5: byte(i >> 16), 6: byte(i >> 8), 7: byte(i)})
	}
	require.Equal(t, int64(maxOwn), g.own.marked.Load())
}
