package autoticket_test

import (
	"context"
	"log"
	"log/slog"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/boltstore"
	"github.com/spanticket/spanticket/enrich"
	"github.com/spanticket/spanticket/internal/canary"
	"github.com/spanticket/spanticket/sinks"
	"github.com/spanticket/spanticket/sinks/console"
	"github.com/spanticket/spanticket/sinks/jsonl"
	"github.com/spanticket/spanticket/sinks/webhook"
)

// TestNoCanaryLeaves plants secrets of every kind in every place where a span, a
// log record, a rule, an enricher, a sink or the network can carry text, and
// looks for them in every byte that leaves the engine.
func TestNoCanaryLeaves(t *testing.T) {
	var mu sync.Mutex
	again := 0
	ways, planted := map[string]bool{}, map[string]int{}
	kinds := canaryKinds(t)
	names := slices.Sorted(maps.Keys(kinds))
	require.GreaterOrEqual(t, len(names), 150)
	if !thorough() {
		names = names[len(names)-25:]
	}
	shapes := 0
	elsewhere := hear(t)
	t.Run("kinds", func(t *testing.T) {
		for kindsOf := range slices.Chunk(names, 5) {
			var f flock
			for _, kind := range kindsOf {
				shapes += len(kinds[kind])
				f = append(f, newPlanted(kind, kinds[kind]...))
			}
			t.Run(strings.Join(kindsOf, " "), func(t *testing.T) {
				t.Parallel()
				l := new(leaving)
				runWithCanaries(t, f, l)
				for _, leak := range f.leaks(l) {
					t.Error(leak)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, p := range f {
					again += p.again
					planted[p.kind] = len(p.secrets)
				}
				for way := range l.out {
					ways[way] = true
				}
			})
		}
	})
	places := slices.Max(slices.Collect(maps.Values(planted)))
	t.Logf("%d kinds of secrets, of %d shapes, in %d places each; %d ways out were searched: %v", len(names), shapes, places, len(ways), slices.Sorted(maps.Keys(ways)))
	t.Logf("of %d that were drawn %d look like no secret", len(names)*places+again, again)
	require.Less(t, 1000*again, len(names)*places, "too many secrets look like none")
	require.GreaterOrEqual(t, places, 220)
	require.GreaterOrEqual(t, len(ways), 24, "%v", ways)
	for kind, n := range planted {
		// What fails fails for each kind in turn, and not always as often as there are turns.
		require.GreaterOrEqual(t, n, places*9/10, kind)
	}
	require.Empty(t, elsewhere.out, "the engine speaks to nobody but those that it was given")
}

// hear returns what leaves by the ways that all of a process has.
func hear(t *testing.T) *leaving {
	l := new(leaving)
	before, std := slog.Default(), log.Writer()
	slog.SetDefault(slog.New(slog.NewTextHandler(l.to("default log"), nil)))
	log.SetOutput(l.to("standard log"))
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { l.printf("OpenTelemetry's errors", "%v", err) }))
	t.Cleanup(func() {
		slog.SetDefault(before)
		log.SetOutput(std)
	})
	return l
}

// The places are ones that are shown: what is no secret comes out of most.
func TestCanariesWouldLeave(t *testing.T) {
	f, l := flock{newPlanted(harmless, canary.Example{Template: "colour⟦<L20>⟧"})}, new(leaving)
	runWithCanaries(t, f, l)
	ways, places := map[string]int{}, map[string]bool{}
	for _, leak := range f.leaks(l) {
		place, way, _ := strings.Cut(leak, " came out at the ")
		way, _, _ = strings.Cut(way, ": \"")
		ways[way]++
		places[place] = true
	}
	t.Logf("of %d places %d show what they say: %v", len(f[0].secrets), len(places), ways)
	for _, way := range []string{
		"console", "file", "database", "journal", "webhook: body", "log", "audit", "store", "written records", "parked", "decision", "explanation", "explanation as text",
		"error", "held", "ticket", "ticket as text", "replay: log", "replay: written records", "error of a configuration",
	} {
		require.Positive(t, ways[way], "%s: %v", way, ways)
	}
	require.Greater(t, len(places), 80)
}

// A canary that is not redacted is found, whatever it looks like by then.
func TestCanariesAreFound(t *testing.T) {
	p, l := newPlanted("github-token", canary.Example{Template: "with ⟦ghp_<a36>⟧"}), new(leaving)
	f := flock{p}
	text := p.in("span name")
	require.Empty(t, f.leaks(l))
	l.value("ticket", map[string]any{"title": []byte("x" + text)})
	require.Len(t, f.leaks(l), 1)
	l.printf("log", "%s", text[15:30])
	require.Len(t, f.leaks(l), 2)
}

// runWithCanaries runs an engine with everything that it has.
func runWithCanaries(t *testing.T, f flock, l *leaving) {
	ctx := context.WithoutCancel(t.Context())
	server := httptest.NewServer(hook(f, l))
	defer server.Close()
	lines, rules := filepath.Join(t.TempDir(), "tickets.jsonl"), filepath.Join(t.TempDir(), "rules.yaml")
	require.NoError(t, os.WriteFile(rules, []byte("version: 1\nrules:\n  - name: from-file\n    when: span.name == \"never\"\n"), 0o600))
	file, err := jsonl.New(jsonl.Config{Path: lines})
	require.NoError(t, err)
	post, err := webhook.New(webhook.Config{URL: server.URL, Secrets: func() ([]string, error) {
		return []string{"whsec_" + "b25lIHNlY3JldCBvZiBhIHRlc3QsIDMyIGJ5dGVzIQ=="}, nil
	}})
	require.NoError(t, err)
	reader := sdkmetric.NewManualReader()
	database, journal := filepath.Join(t.TempDir(), "problems.db"), filepath.Join(t.TempDir(), "journal")
	bolt, err := boltstore.Open(boltstore.Config{Path: database})
	require.NoError(t, err)
	defer func() { require.NoError(t, bolt.Close()) }()
	store := &spillingStore{Store: bolt, f: f, l: l, seen: map[string]bool{}}
	config := canaryConfig(f, l, store)
	config.Journal = journal
	config.RuleFiles = []string{rules}
	config.MeterProvider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader), sdkmetric.WithExemplarFilter(exemplar.AlwaysOnFilter))
	config.Sinks = map[string]sinks.Sink{
		"console": console.New(console.Config{Writer: l.to("console")}), "jsonl": file, "webhook": post, "fails": failingSink{f}, "links": linkingSink{f, l},
	}
	config.Delivery = map[string]autoticket.Delivery{}
	for name := range config.Sinks {
		config.Delivery[name] = autoticket.Delivery{Attempts: 1, PerMinute: 60_000, Burst: 1000}
	}
	engine, err := autoticket.New(config)
	require.NoError(t, err)

	recorded := tracetest.NewSpanRecorder()
	fail := func(p *planted) {
		traces := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(engine.SpanProcessor()), sdktrace.WithSpanProcessor(recorded), sdktrace.WithResource(canaryResource(p)))
		logs := sdklog.NewLoggerProvider(sdklog.WithProcessor(engine.LogProcessor()), sdklog.WithResource(canaryResource(p)))
		failEverywhere(p, traces, logs)
	}
	for _, p := range f {
		store.held.Lock() // what is stored leaves the journal
		fail(p)
		l.journal(t, journal)
		store.held.Unlock()
		store.spill.writes.Store(true) // the first fails
		require.NoError(t, engine.ForceFlush(ctx))
	}
	held, err := engine.Held(ctx)
	l.value("held", held)
	require.NoError(t, err)
	for _, h := range held {
		l.printf("error", "%v", engine.Approve(ctx, h.Signature, f.next("who approves")))
	}
	require.NoError(t, engine.Flush(ctx))
	fail(f[0]) // updates
	require.NoError(t, engine.Flush(ctx))
	spans := recorded.Ended()

	for _, p := range f {
		bad := strings.ReplaceAll(p.in("bad rule"), "\n", "\n      ")
		require.NoError(t, os.WriteFile(rules, []byte("version: 1\nrules:\n  - name: bad\n    when: |\n      span.nam == '''"+bad+"'''\n"), 0o600))
		err = engine.Reload()
		require.Error(t, err)
		l.printf("error", "%v\n%#v", err, err)
		store.spill.lists.Store(true)
		_, err = engine.Parked(ctx)
		require.Error(t, err)
		l.printf("error", "%v", err)
	}
	askWithCanaries(t, f, l, engine)
	var metrics metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(ctx, &metrics))
	l.value("metrics", metrics.ScopeMetrics) // not the host's own resource

	shut, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	l.printf("error", "%v", engine.Shutdown(shut))
	require.NoError(t, file.Close())
	l.journal(t, journal)
	l.file(t, "database", database)
	data, err := os.ReadFile(lines)
	require.NoError(t, err)
	require.NotEmpty(t, data)
	l.printf("file", "%s", data)
	for _, kind := range []correlate.Kind{correlate.KindProblem, correlate.KindAlias, correlate.KindOrigin, correlate.KindUpgrade, correlate.KindAdoption, correlate.KindRoster} {
		records, err := store.Store.List(ctx, correlate.Page{Kind: kind, Max: 1000})
		require.NoError(t, err)
		for _, r := range records {
			l.printf("store", "%+v %s", r.Key, r.Data)
		}
	}
	replayWithCanaries(t, f, l, spans)
}

// canaryConfig is what an engine and a replay have in common.
func canaryConfig(f flock, l *leaving, store correlate.Store) autoticket.Config {
	return autoticket.Config{
		Rules: canaryRules(f), TicketsPerHour: 10_000, Enrichers: canaryEnrichers(f), Store: store,
		OnDecision: func(d correlate.Decision) {
			l.value("decision", d)
			panic(f.next("panic of the host"))
		},
		Audit:     slog.NewJSONHandler(l.to("audit"), &slog.HandlerOptions{Level: slog.LevelDebug}),
		Logger:    slog.New(slog.NewTextHandler(l.to("log"), &slog.HandlerOptions{Level: slog.LevelDebug})),
		TraceLink: enrich.Jaeger("https://jaeger.example"),
		UserKey:   []byte(strings.Repeat("k", 32)),
	}
}

// askWithCanaries asks an engine for all that it knows.
func askWithCanaries(t *testing.T, f flock, l *leaving, engine *autoticket.Engine) {
	ctx := context.WithoutCancel(t.Context())
	parked, err := engine.Parked(ctx)
	require.NoError(t, err)
	require.NotEmpty(t, parked)
	l.value("parked", parked)
	preview, err := engine.Preview(ctx, parked[0])
	require.NoError(t, err)
	l.value("preview", preview)
	l.printf("error", "%v", engine.Requeue(ctx, parked[0]))
	l.value("stats", engine.Stats())
	traces := map[string]bool{}
	explain := func(query string) autoticket.Explanation {
		x, err := engine.Explain(ctx, query)
		require.NoError(t, err)
		l.value("explanation", x)
		l.printf("explanation as text", "%s", x)
		return x
	}
	for _, r := range canaryRules(f) {
		for _, d := range explain(r.Name).Decisions {
			if !traces[d.TraceID] {
				traces[d.TraceID] = true
				explain(d.TraceID)
			}
		}
	}
}

// replayWithCanaries runs recorded spans through a configuration without a sink,
// and with ones that are wrong.
func replayWithCanaries(t *testing.T, f flock, l *leaving, spans []sdktrace.ReadOnlySpan) {
	again := new(leaving)
	stats, err := autoticket.Replay(t.Context(), canaryConfig(f, again, &spillingStore{Store: new(correlate.Memory), f: f, l: again, seen: map[string]bool{}}), spans)
	require.NoError(t, err)
	again.value("stats", stats)
	for way, out := range again.out {
		l.printf("replay: "+way, "%s", out)
	}
	for _, p := range f {
		_, err := autoticket.Replay(t.Context(), autoticket.Config{
			Rules:     []autoticket.Rule{{Name: "bad", When: "span.nam == " + strconv.Quote(p.in("condition that is wrong"))}, {Name: p.in("name of a rule"), When: "1 +"}},
			RuleYAML:  []byte("version: 1\nrules:\n  - " + strconv.Quote(p.in("rules that are wrong"))),
			TraceLink: "https://jaeger.example/{" + p.in("template that is wrong") + "}",
			Mode:      p.in("mode"),
		}, nil)
		require.Error(t, err)
		l.printf("error of a configuration", "%v\n%#v", err, err)
	}
}
