package autoticket_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
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
	"github.com/spanticket/spanticket/enrich"
	"github.com/spanticket/spanticket/sinks"
)

// seededIDs makes the same trace and span IDs in every run, so that a sampler
// by ratio takes the same ones.
type seededIDs struct{ random *rand.Rand }

func (g seededIDs) NewIDs(context.Context) (id trace.TraceID, span trace.SpanID) {
	binary.BigEndian.PutUint64(id[:8], g.random.Uint64())
	binary.BigEndian.PutUint64(id[8:], g.random.Uint64())
	binary.BigEndian.PutUint64(span[:], g.random.Uint64()|1)
	return id, span
}

func (g seededIDs) NewSpanID(context.Context, trace.TraceID) (span trace.SpanID) {
	binary.BigEndian.PutUint64(span[:], g.random.Uint64()|1)
	return span
}

// tally is an exporter that counts.
type tally struct{ spans int }

func (e *tally) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	e.spans += len(spans)
	return nil
}

func (*tally) Shutdown(context.Context) error { return nil }

// The sampler keeps 1 % of the traces for the backend. AlwaysRecord, around it,
// has the others recorded too, though not exported: so the engine sees every
// failure, and its ticket says whether the trace is in the backend.
func Example_sampling() {
	engine, err := autoticket.New(autoticket.Config{
		Sinks:     map[string]sinks.Sink{"printer": printer{}},
		TraceLink: enrich.Jaeger("https://jaeger.example.com"),
	})
	if err != nil {
		fmt.Println(err)
	}
	exported := new(tally) // the exporter of a backend
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSampler(sdktrace.AlwaysRecord(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(0.01)))),
		sdktrace.WithSpanProcessor(engine.SpanProcessor()),
		sdktrace.WithBatcher(exported),
		sdktrace.WithIDGenerator(seededIDs{rand.New(rand.NewPCG(1, 2))}), // for this example to print the same always
	)

	for i := range 1000 {
		_, span := provider.Tracer("example").Start(context.Background(), "charge")
		if i%100 == 0 {
			autoticket.RecordError(span, errors.New("card declined"))
		}
		span.End()
	}

	provider.Shutdown(context.Background())
	engine.Shutdown(context.Background())
	fmt.Println(engine.Stats().Occurrences, "failures seen,", exported.spans, "spans exported")
	// Output:
	// [error] charge: card declined ()
	// 10 failures seen, 9 spans exported
}

// thorough reports whether a test may take seconds.
func thorough() bool {
	info, ok := debug.ReadBuildInfo()
	race := ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
	return !testing.Short() && !race
}

// TestSamplingHidesNoFailure: with a head sampler of 1 % below AlwaysRecord, of
// a million spans every failing one is seen, and one in a hundred is exported.
func TestSamplingHidesNoFailure(t *testing.T) {
	spans := 1_000_000
	if !thorough() {
		spans /= 10
	}
	engine, err := autoticket.New(autoticket.Config{
		Sinks: map[string]sinks.Sink{"shelf": new(shelf)}, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Shutdown(context.WithoutCancel(t.Context()))) })
	exported := new(tally)
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSampler(sdktrace.AlwaysRecord(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(0.01)))),
		sdktrace.WithSpanProcessor(engine.SpanProcessor()),
		sdktrace.WithSyncer(exported),
		sdktrace.WithIDGenerator(seededIDs{rand.New(rand.NewPCG(1, 2))}),
	)
	t.Cleanup(func() { require.NoError(t, provider.Shutdown(context.WithoutCancel(t.Context()))) })

	tracer, random := provider.Tracer(""), rand.New(rand.NewPCG(3, 4))
	failed, sampled := 0, 0
	for range spans {
		_, sp := tracer.Start(t.Context(), "GET /orders/{id}", trace.WithSpanKind(trace.SpanKindServer))
		if sp.SpanContext().IsSampled() {
			sampled++
		}
		if random.IntN(250) == 0 {
			sp.SetStatus(codes.Error, "out of stock")
			failed++
			if failed%1024 == 0 { // before its queue is full
				sp.End()
				require.NoError(t, engine.ForceFlush(t.Context()))
				continue
			}
		}
		sp.End()
	}
	require.NoError(t, engine.Flush(t.Context()))

	stats := engine.Stats()
	require.EqualValues(t, spans, stats.Spans)
	require.EqualValues(t, spans-failed, stats.Healthy)
	require.EqualValues(t, failed, stats.Occurrences)
	require.Empty(t, stats.Dropped)
	require.Equal(t, 1, stats.OpenProblems)
	require.Equal(t, sampled, exported.spans)
	require.InEpsilon(t, spans/100, exported.spans, 0.1)
	t.Logf("%d spans, %d failed and were seen, %d were exported", spans, failed, exported.spans)
}

// TestUnwrappedSamplerHidesFailures is why the sampler must be wrapped: without
// AlwaysRecord no processor is told of what it drops.
func TestUnwrappedSamplerHidesFailures(t *testing.T) {
	engine, err := autoticket.New(autoticket.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Shutdown(context.WithoutCancel(t.Context()))) })
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(0.01))),
		sdktrace.WithSpanProcessor(engine.SpanProcessor()),
		sdktrace.WithIDGenerator(seededIDs{rand.New(rand.NewPCG(1, 2))}),
	)
	for range 1000 {
		endSpan(provider.Tracer(""), "GET /orders/{id}", errFailed)
	}
	require.NoError(t, engine.Flush(t.Context()))
	require.Less(t, engine.Stats().Spans, int64(50), "of a thousand")
}

// BenchmarkSampler measures what a span of eight attributes costs from its start
// to its end, by what becomes of it. What is sampled is not exported here: an
// exporter's work comes on top.
func BenchmarkSampler(b *testing.B) {
	ratio := sdktrace.ParentBased(sdktrace.TraceIDRatioBased(0.01))
	for _, bm := range []struct {
		name    string
		sampler sdktrace.Sampler
		engine  bool
	}{
		{"dropped", ratio, false},
		{"dropped/engine", ratio, true},
		{"always-record", sdktrace.AlwaysRecord(ratio), false},
		{"always-record/engine", sdktrace.AlwaysRecord(ratio), true},
		{"always-sample", sdktrace.AlwaysSample(), false},
		{"always-sample/engine", sdktrace.AlwaysSample(), true},
	} {
		b.Run(bm.name, func(b *testing.B) {
			options := []sdktrace.TracerProviderOption{
				sdktrace.WithSampler(bm.sampler),
				sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "checkout"))),
				sdktrace.WithSpanProcessor(nothing{}), // in the place of an exporter's
			}
			flush := func(context.Context) error { return nil }
			if bm.engine {
				engine, p := newBenchEngine(b, benchRules(100))
				options, flush = append(options, sdktrace.WithSpanProcessor(p)), engine.ForceFlush
			}
			tracer := sdktrace.NewTracerProvider(options...).Tracer("bench")
			endSpan(tracer, "GET /orders/{id}", nil)
			for range 16 { // the engine has met the resource after one of them
				require.NoError(b, flush(b.Context()))
			}
			runtime.GC()
			b.ReportAllocs()
			for b.Loop() {
				endSpan(tracer, "GET /orders/{id}", nil)
			}
		})
	}
}

// TestTicketOfASampledService: of a storm of which one trace was exported, the
// ticket leads to that one; with none it says so.
func TestTicketOfASampledService(t *testing.T) {
	for _, tt := range []struct {
		rule    string
		root    sdktrace.Sampler
		missing bool
	}{
		{"one in a hundred", sdktrace.TraceIDRatioBased(0.01), false},
		{"none", sdktrace.NeverSample(), true},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			var sink shelf
			engine, err := autoticket.New(autoticket.Config{
				Sinks: map[string]sinks.Sink{"shelf": &sink}, Logger: slog.New(slog.DiscardHandler),
				Rules:     []autoticket.Rule{{Name: "errors", When: `span.status == "ERROR"`, Threshold: correlate.Threshold{Count: 500, Within: time.Hour}}},
				TraceLink: enrich.Jaeger("https://jaeger.example.com"),
			})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, engine.Shutdown(context.WithoutCancel(t.Context()))) })
			exported := map[string]bool{}
			provider := sdktrace.NewTracerProvider(
				sdktrace.WithSampler(sdktrace.AlwaysRecord(sdktrace.ParentBased(tt.root))),
				sdktrace.WithSpanProcessor(engine.SpanProcessor()),
				sdktrace.WithIDGenerator(seededIDs{rand.New(rand.NewPCG(1, 2))}),
			)
			for range 500 {
				_, sp := provider.Tracer("").Start(t.Context(), "charge")
				if sp.SpanContext().IsSampled() {
					exported[sp.SpanContext().TraceID().String()] = true
				}
				sp.SetStatus(codes.Error, "declined")
				sp.End()
			}
			require.NoError(t, engine.Flush(t.Context()))

			ticket := sink.tickets()[0]
			const said = "trace: not exported (sampled out)"
			if tt.missing {
				require.Contains(t, ticket.Missing, said)
				require.Empty(t, ticket.Links)
				return
			}
			require.NotContains(t, ticket.Missing, said)
			require.True(t, exported[ticket.Origin.TraceID], "of %d that were exported", len(exported))
			require.Contains(t, ticket.Links[0].URL, ticket.Origin.TraceID)
		})
	}
}
