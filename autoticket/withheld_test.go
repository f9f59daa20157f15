package autoticket_test

import (
	"bytes"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/canary"
	"github.com/spanticket/spanticket/redact"
	"github.com/spanticket/spanticket/sinks"
	"github.com/spanticket/spanticket/sinks/console"
)

// What was withheld is told by kind, wherever somebody may ask.
func TestWhatIsWithheldIsCounted(t *testing.T) {
	var mu sync.Mutex
	withheld := map[string]int64{}
	var tickets, audit bytes.Buffer
	reader := sdkmetric.NewManualReader()
	engine, err := autoticket.New(autoticket.Config{
		Rules:         []autoticket.Rule{{Name: "errors", When: `span.status == "ERROR"`}},
		Sinks:         map[string]sinks.Sink{"console": console.New(console.Config{Writer: &tickets})},
		MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)),
		Audit:         slog.NewTextHandler(&audit, nil),
		OnDecision: func(d correlate.Decision) {
			mu.Lock()
			defer mu.Unlock()
			if d.Reason == correlate.Opened {
				for kind, n := range d.Withheld {
					withheld[kind] += n
				}
			}
		},
	})
	require.NoError(t, err)
	require.Empty(t, engine.Stats().Withheld)
	token := "ghp" + "_" + strings.Repeat("a1B2", 9)
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(engine.SpanProcessor()))
	_, sp := provider.Tracer("shop").Start(t.Context(), "charge")
	sp.SetStatus(codes.Error, "bob@example.com sent "+token+" and "+token+"x")
	sp.End()
	require.NoError(t, engine.Flush(t.Context()))

	mu.Lock()
	require.Equal(t, int64(2), withheld["github-token"], "%v", withheld)
	require.Equal(t, int64(1), withheld["email"], "%v", withheld)
	mu.Unlock()
	require.Contains(t, tickets.String(), "values: withheld, because they are secret or personal (")
	stats := engine.Stats().Withheld
	require.GreaterOrEqual(t, stats["github-token"], int64(2))

	var metrics metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(t.Context(), &metrics))
	counted := map[string]int64{}
	for _, m := range metrics.ScopeMetrics[0].Metrics {
		if m.Name == "spanticket.withheld" {
			for _, p := range m.Data.(metricdata.Sum[int64]).DataPoints {
				kind, _ := p.Attributes.Value("spanticket.kind")
				counted[kind.AsString()] = p.Value
			}
		}
	}
	require.Equal(t, stats, counted)

	held, err := engine.Explain(t.Context(), "errors")
	require.NoError(t, err)
	require.Contains(t, held.String(), "; withheld: 1 email 2 github-token")
	require.NoError(t, engine.Shutdown(t.Context()))
	require.NotContains(t, audit.String(), "withheld", "nothing was withheld from it")
}

// What an engine answers is made of what was redacted, and can be redacted again by
// whoever shows it: a field that is added is text, or counts.
func TestEveryAnswerIsADocument(t *testing.T) {
	answers := []any{new(autoticket.Held), new(autoticket.Parked), new(autoticket.Explanation), new(autoticket.Stats)}
	none := map[string]string{
		"autoticket.Config": "configuration", "autoticket.Rule": "configuration", "autoticket.Delivery": "configuration", "autoticket.Engine": "the engine",
		"autoticket.Deployments": "configuration",
	}
	var r redact.Redactor
	for _, a := range answers {
		places, wrong := canary.Check(a, r.Document, reflect.TypeFor[correlate.Sketch]())
		require.Empty(t, wrong)
		require.Positive(t, places)
	}
	reached := canary.Reached(answers...)
	names, err := canary.Structs(".")
	require.NoError(t, err)
	for _, name := range names {
		if none[name] == "" && !reached[name] {
			t.Errorf("%s: add it to the answers, or to those that are none, with a reason", name)
		}
	}
}
