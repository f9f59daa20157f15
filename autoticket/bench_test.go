package autoticket_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/celrule"
	"github.com/spanticket/spanticket/sinks"
)

// BenchmarkOnEnd measures what the library costs the goroutine that ends a
// span. The yardstick is span, what the SDK itself spends on starting and ending
// a span of eight attributes; the others are OnEnd, or OnStart, alone.
func BenchmarkOnEnd(b *testing.B) {
	b.Run("span", func(b *testing.B) {
		tracer := newTracer(nothing{})
		b.ReportAllocs()
		for b.Loop() {
			endSpan(tracer, "GET /orders/{id}", nil)
		}
	})
	b.Run("handwritten", func(b *testing.B) {
		var failed int
		p := nothing{onEnd: func(sp sdktrace.ReadOnlySpan) {
			if sp.Status().Code == codes.Error {
				failed++
			}
		}}
		healthy := snapshots(1, "", nil)[0]
		b.ReportAllocs()
		for b.Loop() {
			p.OnEnd(healthy)
		}
		require.Zero(b, failed)
	})
	for _, n := range []int{1, 100, 1000, 10_000} {
		b.Run(fmt.Sprintf("healthy/rules=%d", n), func(b *testing.B) { benchHealthy(b, benchRules(n)) })
	}
	b.Run("healthy/residual=1", func(b *testing.B) {
		benchHealthy(b, []autoticket.Rule{{Name: "residual", When: `span.name.contains("x")`}})
	})
	b.Run("naive/rules=1000", func(b *testing.B) {
		set := compileBenchRules(b, 1000)
		healthy := snapshots(1, "", nil)[0]
		b.ReportAllocs()
		for b.Loop() {
			set.MatchPlain(healthy)
		}
	})
	b.Run("onstart", func(b *testing.B) {
		_, p := newBenchEngine(b, benchRules(1000))
		_, sp := newTracer(nothing{}).Start(b.Context(), "GET /orders/{id}")
		b.ReportAllocs()
		for b.Loop() {
			p.OnStart(b.Context(), sp.(sdktrace.ReadWriteSpan))
		}
	})
	b.Run("healthy/open-traces=1000", func(b *testing.B) {
		engine, p := newBenchEngine(b, benchRules(1000))
		for _, sp := range openTraces(1000) {
			p.OnEnd(sp)
		}
		await(b, func() bool { return engine.Stats().OpenTraces == 1000 })
		healthy := snapshots(1024, "", nil)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			p.OnEnd(healthy[i%len(healthy)])
		}
		require.Equal(b, 1000, engine.Stats().OpenTraces)
	})
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprintf("error/rules=%d", n), func(b *testing.B) {
			benchFailing(b, benchRules(n), snapshots(1024, "connection refused", errFailed), nil)
		})
	}
	b.Run("repeat", func(b *testing.B) {
		benchFailing(b, benchRules(1000), snapshots(1024, "connection refused", errFailed), nil)
	})
	b.Run("first", func(b *testing.B) {
		benchFailing(b, benchRules(1000), snapshots(1024, "", errFailed), new(forgetful))
	})
	b.Run("healthy/journal", func(b *testing.B) { benchHealthy(b, benchRules(1000), inJournal(b)) })
	b.Run("repeat/journal", func(b *testing.B) {
		benchFailing(b, benchRules(1000), snapshots(1024, "connection refused", errFailed), nil, inJournal(b))
	})
	b.Run("first/journal", benchFirst)
}

// benchFirst ends failing spans that are all kept in the journal: each has an
// operation of its own. An engine keeps a hundred in a second, so that it takes many.
func benchFirst(b *testing.B) {
	spans := operationSpans(100)
	journal := inJournal(b)
	var engine *autoticket.Engine
	var p sdktrace.SpanProcessor
	end := func() {
		if engine != nil {
			require.NoError(b, engine.Shutdown(context.WithoutCancel(b.Context())))
			require.Empty(b, engine.Stats().Dropped)
		}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%len(spans) == 0 {
			b.StopTimer()
			end()
			engine, p = newBenchEngineOn(b, benchRules(1), nil, journal)
			b.StartTimer()
		}
		p.OnEnd(spans[i%len(spans)])
	}
	b.StopTimer()
	end()
}

// inJournal gives an engine a journal.
func inJournal(tb testing.TB) func(*autoticket.Config) {
	path := filepath.Join(tb.TempDir(), "journal")
	return func(c *autoticket.Config) { c.Journal = path }
}

// benchHealthy ends healthy spans under rules that are ready for their service.
func benchHealthy(b *testing.B, rules []autoticket.Rule, edit ...func(*autoticket.Config)) {
	engine, p := newBenchEngineOn(b, rules, nil, edit...)
	healthy := snapshots(1, "", nil)[0]
	p.OnEnd(healthy)
	for range 16 { // the engine has met the resource after one of them
		require.NoError(b, engine.ForceFlush(b.Context()))
	}
	runtime.GC()
	b.ReportAllocs()
	for b.Loop() {
		p.OnEnd(healthy)
	}
	require.Equal(b, engine.Stats().Spans, engine.Stats().Healthy)
}

// compileBenchRules compiles the rules of the benchmark without an engine.
func compileBenchRules(tb testing.TB, n int) *celrule.Set {
	var rules []celrule.Rule
	for _, r := range benchRules(n) {
		rules = append(rules, celrule.Rule{Name: r.Name, When: r.When})
	}
	set, err := celrule.Compile(rules, nil)
	require.NoError(tb, err)
	return set
}

// benchFailing ends failing spans, and gives the engine its time between runs
// that its queue has room for, so that none is dropped.
func benchFailing(b *testing.B, rules []autoticket.Rule, spans []sdktrace.ReadOnlySpan, store correlate.Store, edit ...func(*autoticket.Config)) {
	engine, p := newBenchEngineOn(b, rules, store, edit...)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%len(spans) == 0 {
			b.StopTimer()
			require.NoError(b, engine.ForceFlush(b.Context()))
			b.StartTimer()
		}
		p.OnEnd(spans[i%len(spans)])
	}
	b.StopTimer()
	require.NoError(b, engine.ForceFlush(b.Context()))
	require.Empty(b, engine.Stats().Dropped)
}

// TestHealthyAllocatesNothing holds the promise that a healthy span costs the
// host no memory, whatever the number of rules.
func TestHealthyAllocatesNothing(t *testing.T) {
	for _, n := range []int{1, 1000} {
		engine, p := newBenchEngine(t, benchRules(n))
		spans := snapshots(64, "", nil)
		i := 0
		least := math.Inf(1)
		for range 10 { // the engine's own goroutines are measured too, while they begin
			least = min(least, testing.AllocsPerRun(1000, func() {
				p.OnEnd(spans[i%len(spans)])
				i++
			}))
		}
		require.Zero(t, least, "rules: %d", n)
		require.Equal(t, engine.Stats().Spans, engine.Stats().Healthy)
	}
}

// forgetful is a store in which every problem is a new one.
type forgetful struct{ correlate.Memory }

func (*forgetful) Update(_ context.Context, _ correlate.Key, fn correlate.UpdateFunc) error {
	_, _, err := fn(correlate.Record{}, false)
	return err
}

// newBenchEngine makes an engine that files nowhere.
func newBenchEngine(tb testing.TB, rules []autoticket.Rule) (*autoticket.Engine, sdktrace.SpanProcessor) {
	return newBenchEngineOn(tb, rules, nil)
}

func newBenchEngineOn(tb testing.TB, rules []autoticket.Rule, store correlate.Store, edit ...func(*autoticket.Config)) (*autoticket.Engine, sdktrace.SpanProcessor) {
	c := autoticket.Config{
		Rules:  rules,
		Store:  store,
		Sinks:  map[string]sinks.Sink{"shelf": nowhere{}},
		Logger: slog.New(slog.DiscardHandler),
		// Traces stay open for as long as the benchmark takes, and no delivery
		// waits for a rate.
		TraceWait: time.Hour,
		Delivery:  map[string]autoticket.Delivery{"shelf": {PerMinute: 1e9, Burst: 1e6, Concurrency: 64}},
	}
	for _, fn := range edit {
		fn(&c)
	}
	engine, err := autoticket.New(c)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, engine.Shutdown(context.WithoutCancel(tb.Context()))) })
	return engine, engine.SpanProcessor()
}

// nowhere is a sink that takes everything and keeps nothing.
type nowhere struct{}

func (nowhere) File(_ context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	return sinks.Receipt{ID: t.Key}, nil
}

// benchRules returns different rules of the kinds that teams write, all of them
// for the service of the benchmark. Half cannot be told from the status.
func benchRules(n int) []autoticket.Rule {
	kinds := []string{
		`span.status == "ERROR" && span.attributes["http.route"] == "/v1/resources-%d"`,
		`span.attributes["http.route"] == "/v2/resources-%d" && span.attributes["http.response.status_code"] >= 500`,
		`span.status == "ERROR" && exception.type == "acme.Error%d"`,
		`span.name == "GET /v3/items-%d" && span.duration > duration("2s")`,
		`span.status == "ERROR" && span.attributes["db.collection.name"] == "table_%d" && span.kind == "CLIENT"`,
		`span.kind == "CONSUMER" && span.attributes["messaging.destination.name"] == "queue-%d" && span.duration > duration("30s")`,
		`span.status == "ERROR" && resource.attributes["service.name"] == "checkout" && span.name.startsWith("job-%d/")`,
		`span.attributes["rpc.method"] == "acme.Service%d/Call" && span.attributes["rpc.response.status_code"] in ["INTERNAL", "UNAVAILABLE"]`,
	}
	rules := []autoticket.Rule{{Name: "errors", When: `span.status == "ERROR"`}}
	for i := len(rules); i < n; i++ {
		rules = append([]autoticket.Rule{{Name: fmt.Sprintf("rule-%d", i), When: fmt.Sprintf(kinds[i%len(kinds)], i)}}, rules...)
	}
	return rules
}

var errFailed = fmt.Errorf("acme: the upstream failed")

// nothing is a processor that does nothing, or one thing.
type nothing struct {
	onEnd func(sdktrace.ReadOnlySpan)
}

func (nothing) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (n nothing) OnEnd(sp sdktrace.ReadOnlySpan) {
	if n.onEnd != nil {
		n.onEnd(sp)
	}
}
func (nothing) Shutdown(context.Context) error   { return nil }
func (nothing) ForceFlush(context.Context) error { return nil }

func newTracer(p sdktrace.SpanProcessor) trace.Tracer {
	return sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p), sdktrace.WithResource(resource.NewSchemaless(
		attribute.String("service.name", "checkout"), attribute.String("service.version", "1.2.3"),
		attribute.String("service.instance.id", "checkout-1"), attribute.String("deployment.environment.name", "production"),
	))).Tracer("bench")
}

// endSpan starts and ends a server span with eight attributes.
func endSpan(tracer trace.Tracer, name string, err error) {
	_, sp := tracer.Start(context.Background(), name, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", "GET"),
		attribute.String("http.route", "/orders/{id}"),
		attribute.String("url.path", "/orders/4711"),
		attribute.String("url.scheme", "https"),
		attribute.Int("http.response.status_code", 200),
		attribute.String("server.address", "checkout.internal"),
		attribute.Int("server.port", 8443),
		attribute.String("user_agent.original", "acme-client/3.1"),
	))
	if err != nil {
		sp.RecordError(err)
		sp.SetStatus(codes.Error, err.Error())
	}
	sp.End()
}

// snapshots returns n spans as a processor gets them. Without a message each
// failing one has another problem.
func snapshots(n int, message string, err error) []sdktrace.ReadOnlySpan {
	var out []sdktrace.ReadOnlySpan
	tracer := newTracer(nothing{onEnd: func(sp sdktrace.ReadOnlySpan) { out = append(out, sp) }})
	for i := range n {
		switch {
		case err == nil:
			endSpan(tracer, "GET /orders/{id}", nil)
		case message != "":
			endSpan(tracer, "GET /orders/{id}", fmt.Errorf("%w: %s", err, message))
		default:
			endSpan(tracer, "GET /orders/{id}", fmt.Errorf("%w: %s", err, words(i)))
		}
	}
	return out
}

// operationSpans returns n failing spans, each of an operation of its own.
func operationSpans(n int) []sdktrace.ReadOnlySpan {
	var out []sdktrace.ReadOnlySpan
	tracer := newTracer(nothing{onEnd: func(sp sdktrace.ReadOnlySpan) { out = append(out, sp) }})
	for i := range n {
		endSpan(tracer, "GET /"+words(i), fmt.Errorf("%w: connection refused", errFailed))
	}
	return out
}

// words spells a number, so that nothing masks it.
func words(n int) string {
	digits := strings.Fields("zero one two three four five six seven eight nine")
	var out []string
	for _, d := range fmt.Sprint(n) {
		out = append(out, digits[d-'0'])
	}
	return strings.Join(out, " ")
}

// openTraces returns failing spans whose parents have not ended.
func openTraces(n int) []sdktrace.ReadOnlySpan {
	var out []sdktrace.ReadOnlySpan
	tracer := newTracer(nothing{onEnd: func(sp sdktrace.ReadOnlySpan) { out = append(out, sp) }})
	for range n {
		ctx, _ := tracer.Start(context.Background(), "never ends")
		_, sp := tracer.Start(ctx, "fails")
		sp.SetStatus(codes.Error, "failed")
		sp.End()
	}
	return out
}
