package autoticket_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/enrich"
	"github.com/spanticket/spanticket/redact"
	"github.com/spanticket/spanticket/sinks"
)

func TestNewSaysAllThatIsWrongAtOnce(t *testing.T) {
	engine, err := autoticket.New(autoticket.Config{
		Rules:     []autoticket.Rule{{Name: "one", When: `span.nmae == "x"`}, {Name: "two", When: `span.name`, Sinks: []string{"githbu"}}},
		RuleYAML:  []byte("version: 1\nrules:\n  - name: three\n    wen: 'true'\n"),
		RuleFS:    fstest.MapFS{"rules/a.yaml": {Data: []byte("version: 1\nrules: 7\n")}},
		RuleFiles: []string{"rules/*.yaml"},
		Sinks:     map[string]sinks.Sink{"github": new(shelf), "empty": nil},
		Delivery:  map[string]autoticket.Delivery{"gitlab": {}, "github": {Attempts: -1}},
		Enrichers: map[string]enrich.Enricher{"owners": nil},
		TraceLink: "ftp://example.com/{trace}",
		QueueSize: -1,
		Sweep:     time.Hour,
	})
	require.Nil(t, engine)
	for _, want := range []string{
		`Config.Sinks["empty"] is nil`,
		`Config.Delivery["gitlab"]: there is no sink of that name`,
		`Config.Delivery["github"].Attempts is negative`,
		`Config.Enrichers["owners"] is nil`,
		`Config.QueueSize is negative`,
		`Config.Sweep is 1h0m0s; it must be 0, or from 6h0m0s to 336h0m0s`,
		`Config.TraceLink`,
		`rule "one"`, `span.name`, // and what was meant
		`rule "two"`,
		`"github"`, // for githbu
		`Config.RuleYAML:4:5`, `when`,
		`rules/a.yaml:2:8`,
	} {
		require.ErrorContains(t, err, want)
	}
	require.Contains(t, err.Error(), "^", "the place is shown")
}

func TestAMissingRuleFileIsAnError(t *testing.T) {
	_, err := autoticket.New(autoticket.Config{RuleFiles: []string{"testdata/none-*.yaml"}})
	require.ErrorContains(t, err, "none-*.yaml")
}

func TestRulesComeFromValuesTextAndFilesInThisOrder(t *testing.T) {
	var sink shelf
	engine, tracer := start(t, autoticket.Config{
		Sinks:     map[string]sinks.Sink{"shelf": &sink},
		Rules:     []autoticket.Rule{{Name: "value", When: `span.name == "a" && span.status == "ERROR"`}},
		RuleYAML:  []byte("version: 1\nrules:\n  - {name: text, when: 'span.name in [\"a\", \"b\"]'}\n"),
		RuleFS:    fstest.MapFS{"r/2.yaml": {Data: []byte("version: 1\nrules:\n  - {name: last, when: 'true'}\n")}, "r/1.yaml": {Data: []byte("version: 1\nrules:\n  - {name: off, when: 'true', mode: off}\n")}},
		RuleFiles: []string{"r/*.yaml"},
	})
	for _, name := range []string{"a", "b", "c"} {
		fail(tracer, name, "boom")
	}
	require.NoError(t, engine.Flush(t.Context()))
	rules := map[string]string{}
	for _, got := range sink.tickets() {
		rules[got.Operation] = got.Rule
	}
	require.Equal(t, map[string]string{"a": "value", "b": "text", "c": "last"}, rules)
	var names []string
	for _, r := range engine.Stats().Rules {
		require.Equal(t, int64(1), r.Matches, r.Name)
		names = append(names, r.Name)
	}
	require.Equal(t, []string{"value", "text", "last"}, names)
}

func TestANilEngineDoesNothing(t *testing.T) {
	var engine *autoticket.Engine
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(engine.SpanProcessor()))
	fail(provider.Tracer("test"), "GET /", "boom")
	require.NoError(t, provider.ForceFlush(t.Context()))
	require.NoError(t, provider.Shutdown(t.Context()))
	require.NoError(t, engine.ForceFlush(t.Context()))
	require.NoError(t, engine.Flush(t.Context()))
	require.Zero(t, engine.Stats())
	parked, err := engine.Parked(t.Context())
	require.NoError(t, err)
	require.Empty(t, parked)
	require.ErrorIs(t, engine.Requeue(t.Context(), autoticket.Parked{}), autoticket.ErrNotParked)
	require.ErrorIs(t, engine.Discard(t.Context(), autoticket.Parked{}, "ann"), autoticket.ErrNotParked)
	_, err = engine.Preview(t.Context(), autoticket.Parked{})
	require.ErrorIs(t, err, autoticket.ErrNotParked)
	require.NoError(t, engine.Shutdown(t.Context()))
}

func TestAZeroConfigLogsItsTickets(t *testing.T) {
	var log strings.Builder
	engine, err := autoticket.New(autoticket.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(engine.SpanProcessor()))
	fail(provider.Tracer("test"), "GET /", "boom")
	require.NoError(t, engine.Shutdown(t.Context()))
	require.Contains(t, log.String(), "ticket opened")
	require.Contains(t, log.String(), "boom")
}

func TestAProvidersShutdownEndsItsHandleAlone(t *testing.T) {
	var sink shelf
	engine, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}})
	other := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(engine.SpanProcessor()))
	otherTracer := other.Tracer("test")
	_, open := otherTracer.Start(t.Context(), "ends too late")
	fail(otherTracer, "other", "boom")
	require.NoError(t, other.Shutdown(t.Context()))
	open.SetStatus(codes.Error, "boom")
	open.End()
	fail(tracer, "mine", "boom")
	require.NoError(t, engine.Flush(t.Context()))
	var got []string
	for _, ticket := range sink.tickets() {
		got = append(got, ticket.Operation)
	}
	require.ElementsMatch(t, []string{"other", "mine"}, got)
}

func TestFlushReturnsWhenItsContextEnds(t *testing.T) {
	release := make(chan struct{})
	sink := &script{file: func(ctx context.Context, _ int64, _ sinks.Ticket) error {
		select {
		case <-release:
		case <-ctx.Done():
		}
		return ctx.Err()
	}}
	engine, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"slow": sink}})
	fail(tracer, "GET /", "boom")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, engine.Flush(ctx), context.DeadlineExceeded)
	close(release)
	require.NoError(t, engine.Flush(t.Context()))
}

func TestMetrics(t *testing.T) {
	reader := metric.NewManualReader()
	var sink shelf
	engine, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}, MeterProvider: metric.NewMeterProvider(metric.WithReader(reader))})
	failingRequest(tracer)
	_, healthy := tracer.Start(t.Context(), "GET /health")
	healthy.End()
	require.NoError(t, engine.Flush(t.Context()))
	var rm metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(t.Context(), &rm))
	require.Len(t, rm.ScopeMetrics, 1)
	spans := map[string]int64{}
	units := map[string]string{}
	for _, m := range rm.ScopeMetrics[0].Metrics {
		units[m.Name] = m.Unit
		switch data := m.Data.(type) {
		case metricdata.Sum[int64]:
			for _, p := range data.DataPoints {
				outcome, _ := p.Attributes.Value("spanticket.outcome")
				reason, _ := p.Attributes.Value(attribute.Key("spanticket.reason"))
				if m.Name == "spanticket.spans" {
					spans[outcome.AsString()+"/"+reason.AsString()] = p.Value
				}
			}
		case metricdata.Histogram[float64]:
			require.Len(t, data.DataPoints, 1)
			require.Equal(t, uint64(1), data.DataPoints[0].Count)
		}
	}
	require.Equal(t, map[string]int64{"decided/opened": 1, "decided/symptom": 3, "healthy/": 1}, spans)
	require.Equal(t, map[string]string{
		"spanticket.spans": "{span}", "spanticket.matches": "{span}", "spanticket.occurrences": "{occurrence}",
		"spanticket.panics": "{panic}", "spanticket.deliveries": "{delivery}",
		"spanticket.queue.size": "{span}", "spanticket.queue.capacity": "{span}", "spanticket.trace.open": "{trace}", "spanticket.problem.open": "{problem}",
		"spanticket.problem.held": "{problem}", "spanticket.store.waiting": "{batch}", "spanticket.suspects": "{answer}", "spanticket.deployments": "{deployment}", "spanticket.deployment.known": "{deployment}", "spanticket.store.outage": "s", "spanticket.rules": "{rule}", "spanticket.rules.reloads": "{reload}", "spanticket.ticket.duration": "s",
		"spanticket.delivery.parked": "{delivery}",
		"spanticket.delivery.wait":   "s", "spanticket.limit.state": "{account}", "spanticket.limit.rate": "{call}/min",
	}, units)
}

func TestAttributesOfTickets(t *testing.T) {
	var sink shelf
	engine, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}, Attributes: []string{"shop.", "basket"}})
	_, sp := tracer.Start(t.Context(), "GET /")
	sp.SetAttributes(attribute.String("shop.region", "eu"), attribute.String("basket", "b1"), attribute.String("http.route", "/"), attribute.String("inner.note", "x"))
	sp.SetStatus(codes.Error, "boom")
	sp.End()
	require.NoError(t, engine.Flush(t.Context()))
	ticket := sink.tickets()[0]
	require.Equal(t, map[string]string{"shop.region": "eu", "basket": "b1", "http.route": "/"}, ticket.Evidence[0].Attributes)
	require.Contains(t, strings.Join(ticket.Missing, "\n"), "1 attribute: withheld")
}

// An engine that cannot know what is secret does not start.
func TestSecretsThatCannotBeRead(t *testing.T) {
	r := &redact.Redactor{Secrets: func() ([]string, error) { return nil, errors.New("no such file") }}
	_, err := autoticket.New(autoticket.Config{Redactor: r})
	require.ErrorContains(t, err, "Config.Redactor")
	require.ErrorContains(t, err, "no such file")
}
