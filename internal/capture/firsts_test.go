package capture

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/celrule"
	"github.com/spanticket/spanticket/internal/journal"
)

// shelf is a journal in memory.
type shelf struct {
	mu   sync.Mutex
	last journal.Entry
	kept map[journal.Entry]string // operation, type of the error, and rules
	all  []string
	fail bool
}

func (s *shelf) keep(origin Item, set *celrule.Set, rules []int) (journal.Entry, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail {
		return 0, false
	}
	text := origin.Span.Name() + " " + errorType(origin.Span)
	for _, rule := range rules {
		text += " " + set.Rule(rule).Name
	}
	s.last++
	s.kept[s.last] = text
	s.all = append(s.all, text)
	return s.last, true
}

func (s *shelf) release(entries ...journal.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range entries {
		delete(s.kept, e)
	}
}

// keeping makes a gate with a journal in memory.
func keeping(tb testing.TB, rules ...celrule.Rule) (*Gate, *shelf) {
	g := newGate(tb, 1<<14, 1<<30)
	if len(rules) > 0 {
		g.Rules.Store(compile(tb, rules...))
	}
	s := &shelf{kept: map[journal.Entry]string{}}
	g.Firsts = NewFirsts(&g.Counters.Journal, s.keep, s.release)
	return g, s
}

// failing makes a span of one trace that fails, and is below another.
func failingSpan(name string, id, parent byte, typ string, edit ...func(*tracetest.SpanStub)) sdktrace.ReadOnlySpan {
	return span(name, id, codes.Error, slices.Concat([]func(*tracetest.SpanStub){func(s *tracetest.SpanStub) {
		s.SpanContext = s.SpanContext.WithTraceID(trace.TraceID{15: 77})
		if parent != 0 {
			s.Parent = trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{15: 77}, SpanID: trace.SpanID{7: parent}})
		}
		s.Events = []sdktrace.Event{{Name: "exception", Attributes: []attribute.KeyValue{typeKey.String(typ), messageKey.String("of " + typ)}}}
	}}, edit)...)
}

func healthySpan(name string, id, parent byte) sdktrace.ReadOnlySpan {
	return failingSpan(name, id, parent, "", func(s *tracetest.SpanStub) { s.Status, s.Events = sdktrace.Status{}, nil })
}

func canceledSpan(name string, id, parent byte) sdktrace.ReadOnlySpan {
	return failingSpan(name, id, parent, "*errors.errorString", func(s *tracetest.SpanStub) {
		s.Events[0].Attributes[1] = messageKey.String("context canceled")
	})
}

func timedOutSpan(name string, id, parent byte) sdktrace.ReadOnlySpan {
	return failingSpan(name, id, parent, "context.deadlineExceededError", func(s *tracetest.SpanStub) {
		s.Events[0].Attributes[1] = messageKey.String("context deadline exceeded")
	})
}

func TestFirsts(t *testing.T) {
	all := celrule.Rule{Name: "all", When: `span.status == "ERROR"`}
	servers := celrule.Rule{Name: "servers", When: `span.status == "ERROR" && span.name == "server"`}
	remote := func(s *tracetest.SpanStub) { s.Parent = s.Parent.WithRemote(true) }
	for _, row := range []struct {
		rule  string
		rules []celrule.Rule
		spans []sdktrace.ReadOnlySpan // in the order in which they end
		want  []string
	}{
		{rule: "a failure is kept", rules: []celrule.Rule{all},
			spans: []sdktrace.ReadOnlySpan{failingSpan("db", 1, 0, "a")}, want: []string{"db a all"}},
		{rule: "another one of its operation and type is not", rules: []celrule.Rule{all},
			spans: []sdktrace.ReadOnlySpan{failingSpan("db", 1, 0, "a"), failingSpan("db", 2, 0, "a")}, want: []string{"db a all"}},
		{rule: "one of another operation or type is", rules: []celrule.Rule{all},
			spans: []sdktrace.ReadOnlySpan{failingSpan("db", 1, 0, "a"), failingSpan("db", 2, 0, "b"), failingSpan("cache", 3, 0, "a")},
			want:  []string{"db a all", "db b all", "cache a all"}},
		{rule: "after ten minutes it is news again", rules: []celrule.Rule{all},
			spans: []sdktrace.ReadOnlySpan{failingSpan("db", 1, 0, "a"), failingSpan("db", 2, 0, "a", func(s *tracetest.SpanStub) { s.EndTime = s.EndTime.Add(firstFor) })},
			want:  []string{"db a all", "db a all"}},
		{rule: "what no rule takes is not kept", rules: []celrule.Rule{servers},
			spans: []sdktrace.ReadOnlySpan{failingSpan("db", 1, 2, "a"), failingSpan("handler", 2, 0, "b")}},
		{rule: "what fails above a failure is a symptom", rules: []celrule.Rule{all},
			spans: []sdktrace.ReadOnlySpan{failingSpan("db", 1, 2, "a"), failingSpan("handler", 2, 3, "b"), failingSpan("server", 3, 0, "c")}, want: []string{"db a all"}},
		{rule: "also where an operation between them is healthy", rules: []celrule.Rule{all},
			spans: []sdktrace.ReadOnlySpan{failingSpan("db", 1, 2, "a"), healthySpan("handler", 2, 3), failingSpan("server", 3, 0, "c")}, want: []string{"db a all"}},
		{rule: "and where the failure below was kept before", rules: []celrule.Rule{all},
			spans: []sdktrace.ReadOnlySpan{failingSpan("db", 9, 0, "a"), failingSpan("db", 1, 2, "a"), failingSpan("server", 2, 0, "c")}, want: []string{"db a all"}},
		{rule: "the rule of an operation above takes the origin", rules: []celrule.Rule{servers},
			spans: []sdktrace.ReadOnlySpan{failingSpan("db", 1, 2, "a"), healthySpan("handler", 2, 3), failingSpan("server", 3, 0, "c")}, want: []string{"db a servers"}},
		{rule: "of the origin of each of its failures", rules: []celrule.Rule{servers},
			spans: []sdktrace.ReadOnlySpan{failingSpan("db", 1, 2, "a"), failingSpan("server", 2, 0, "c"), failingSpan("cache", 3, 4, "a"), failingSpan("server", 4, 0, "c")},
			want:  []string{"db a servers", "cache a servers"}},
		{rule: "a failure in another process is one of its own", rules: []celrule.Rule{all},
			spans: []sdktrace.ReadOnlySpan{failingSpan("db", 1, 2, "a", remote), failingSpan("server", 2, 0, "c")}, want: []string{"db a all", "server c all"}},
		{rule: "what its caller gave up is none", rules: []celrule.Rule{all},
			spans: []sdktrace.ReadOnlySpan{canceledSpan("db", 1, 2), canceledSpan("server", 2, 0)}},
		{rule: "unless the rule minds", rules: []celrule.Rule{{Name: "all", When: `span.status == "ERROR"`, Canceled: true}},
			spans: []sdktrace.ReadOnlySpan{canceledSpan("db", 1, 2), canceledSpan("server", 2, 0)}, want: []string{"db *errors.errorString all"}},
		{rule: "it is what an operation that timed out waited for", rules: []celrule.Rule{all},
			spans: []sdktrace.ReadOnlySpan{canceledSpan("db", 1, 2), timedOutSpan("server", 2, 0)}, want: []string{"db *errors.errorString all"}},
		{rule: "and has nothing to do with one that failed otherwise", rules: []celrule.Rule{all},
			spans: []sdktrace.ReadOnlySpan{canceledSpan("db", 1, 2), failingSpan("server", 2, 0, "c")}, want: []string{"server c all"}},
		{rule: "rules that go on are kept with the first", rules: []celrule.Rule{{Name: "audit", When: `span.status == "ERROR"`, Continue: true}, all},
			spans: []sdktrace.ReadOnlySpan{failingSpan("db", 1, 0, "a")}, want: []string{"db a audit all"}},
	} {
		t.Run(row.rule, func(t *testing.T) {
			g, s := keeping(t, row.rules...)
			for _, sp := range row.spans {
				g.End(sp)
			}
			require.Equal(t, row.want, s.all)
			for range g.Backlog() {
				s.release((<-g.Queue()).Kept...)
			}
			require.Empty(t, s.kept, "the items have all that was kept")
		})
	}
}

func TestFirstsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, s := keeping(t)
		end := func(n int) {
			for i := range n {
				g.End(span(fmt.Sprint("get ", i), 1, codes.Error))
			}
		}
		end(250)
		require.Len(t, s.all, firstsPerSecond)
		require.Positive(t, g.Counters.Journal.RateLimited.Load())
		time.Sleep(time.Second)
		end(250)
		require.Len(t, s.all, 2*firstsPerSecond, "what was beyond it is still news")
		s.fail = true
		time.Sleep(time.Second)
		end(250)
		s.fail = false
		time.Sleep(time.Second)
		end(250)
		slices.Sort(s.all) // two may share a slot, and are news to each other
		require.Len(t, slices.Compact(s.all), 250, "and so is what could not be kept")
	})
}

func TestWhatIsDroppedIsNotKept(t *testing.T) {
	g, s := keeping(t)
	for range cap(g.queue) {
		g.queue <- Item{}
	}
	g.End(span("get", 1, codes.Error))
	require.Len(t, s.all, 1)
	require.Empty(t, s.kept)
	require.Equal(t, int64(1), g.Counters.Dropped()["queue_full"])
	g.Close()
	g.End(span("put", 1, codes.Error))
	require.Len(t, s.all, 1, "after the end nothing is kept")
}

func TestManyGoroutinesKeepFirsts(t *testing.T) {
	g, s := keeping(t)
	var all sync.WaitGroup
	for w := range byte(8) {
		all.Go(func() {
			for i := range 500 {
				g.End(failingSpan(fmt.Sprint("get ", i%20), w+1, w+2, "a", func(s *tracetest.SpanStub) {
					s.SpanContext = s.SpanContext.WithTraceID(trace.TraceID{14: w + 1, 15: byte(i)})
					s.Parent = s.Parent.WithTraceID(s.SpanContext.TraceID())
				}))
			}
		})
	}
	all.Wait()
	require.GreaterOrEqual(t, len(s.all), 20)
	slices.Sort(s.all)
	require.Len(t, slices.Compact(s.all), 20)
}

// open starts a span that is recording.
func open(t *testing.T, g *Gate) (context.Context, trace.Span) {
	p := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(ender{g}), sdktrace.WithResource(resource.Empty()))
	return p.Tracer("test").Start(t.Context(), "get")
}

// ender gives the spans that end to a gate.
type ender struct{ g *Gate }

func (ender) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (e ender) OnEnd(sp sdktrace.ReadOnlySpan)                { e.g.End(sp) }
func (ender) Shutdown(context.Context) error                  { return nil }
func (ender) ForceFlush(context.Context) error                { return nil }

func TestPanic(t *testing.T) {
	x := correlate.Exception{Type: "*errors.errorString", Message: "boom", Stacktrace: "goroutine 1 [running]:\nmain.f()\n\t/main.go:1 +0x1\n"}
	for _, row := range []struct {
		rule   string
		span   bool // there is one
		before func(*Gate)
		after  func(trace.Span)
		all    []string
		queued int
		kept   int // that the item has
	}{
		{rule: "without a span it stands for itself", all: []string{"panic *errors.errorString errors"}, queued: 1, kept: 1},
		{rule: "in one it is kept at once, as its span", span: true, all: []string{"get *errors.errorString errors"}},
		{rule: "of which it becomes a part", span: true, after: func(sp trace.Span) { sp.SetStatus(codes.Error, "boom"); sp.End() },
			all: []string{"get *errors.errorString errors"}, queued: 1, kept: 1},
		{rule: "if that ends well nothing is left of it", span: true, after: func(sp trace.Span) { sp.SetStatus(codes.Ok, ""); sp.End() },
			all: []string{"get *errors.errorString errors"}},
		{rule: "and if it never ends it stands for itself", span: true, after: func(sp trace.Span) {}, all: []string{"get *errors.errorString errors"}},
	} {
		t.Run(row.rule, func(t *testing.T) {
			g, s := keeping(t)
			ctx := t.Context()
			var sp trace.Span
			if row.span {
				ctx, sp = open(t, g)
			}
			g.Panic(ctx, x, nil)
			if row.after != nil {
				row.after(sp)
			}
			require.Equal(t, row.all, s.all)
			require.Equal(t, row.queued, g.Backlog())
			for range row.queued {
				it := <-g.Queue()
				require.Len(t, it.Kept, row.kept)
				require.Equal(t, x, celrule.ExceptionOf(it.Span))
				s.release(it.Kept...)
			}
			g.Release(func(it Item) {
				require.Len(t, it.Kept, 1)
				s.release(it.Kept...)
			})
			require.Empty(t, s.kept)
		})
	}
}

func TestAPanicAfterCloseIsNone(t *testing.T) {
	g, s := keeping(t)
	g.Close()
	g.Panic(t.Context(), correlate.Exception{Type: "string", Message: errors.ErrUnsupported.Error()}, nil)
	require.Empty(t, s.all)
	require.Zero(t, g.Counters.Spans())
}
