package autoticket_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/enrich"
	"github.com/spanticket/spanticket/internal/canary"
	"github.com/spanticket/spanticket/sinks"
	"github.com/spanticket/spanticket/sinks/console"
	"github.com/spanticket/spanticket/sinks/jsonl"
	"github.com/spanticket/spanticket/sinks/webhook"
)

// leaving collects, by the way that it takes, all that leaves an engine.
type leaving struct {
	mu  sync.Mutex
	out map[string]*bytes.Buffer
}

func (l *leaving) to(way string) io.Writer { return &exit{l, way} }

func (l *leaving) printf(way, format string, args ...any) {
	fmt.Fprintf(l.to(way), format+"\n", args...)
}

// value writes all that a value holds.
func (l *leaving) value(way string, v any) {
	data, err := json.Marshal(v)
	l.printf(way, "%s %v %+v", data, err, v)
}

type exit struct {
	l   *leaving
	way string
}

func (e *exit) Write(p []byte) (int, error) {
	e.l.mu.Lock()
	defer e.l.mu.Unlock()
	if e.l.out == nil {
		e.l.out = map[string]*bytes.Buffer{}
	}
	if e.l.out[e.way] == nil {
		e.l.out[e.way] = new(bytes.Buffer)
	}
	return e.l.out[e.way].Write(p)
}

// TestNoCanaryLeaves plants secrets of every kind in every place where a span, a
// log record, a rule, an enricher, a sink or the network can carry text, and
// looks for them in every byte that leaves the engine.
func TestNoCanaryLeaves(t *testing.T) {
	var mu sync.Mutex
	places, ways := map[string]bool{}, map[string]bool{}
	kinds := canaryKinds(t)
	shapes := 0
	t.Run("kinds", func(t *testing.T) {
		for kind, examples := range kinds {
			shapes += len(examples)
			t.Run(kind, func(t *testing.T) {
				t.Parallel()
				p, l := newPlanted(kind, examples...), new(leaving)
				runWithCanaries(t, p, l)
				for _, leak := range p.leaks(l) {
					t.Error(leak)
				}
				mu.Lock()
				defer mu.Unlock()
				for place := range p.secrets {
					places[place] = true
				}
				for way := range l.out {
					ways[way] = true
				}
			})
		}
	})
	t.Logf("%d kinds of secrets, of %d shapes, in %d places each; %d ways out were searched: %v", len(kinds), shapes, len(places), len(ways), slices.Sorted(maps.Keys(ways)))
	require.GreaterOrEqual(t, len(kinds), 150)
	require.GreaterOrEqual(t, len(places), 150)
	require.GreaterOrEqual(t, len(ways), 14, "%v", ways)
}

// The places are ones that are shown: what is no secret comes out of most.
func TestCanariesWouldLeave(t *testing.T) {
	p, l := newPlanted("harmless", canary.Example{Template: "colour⟦<L20>⟧"}), new(leaving)
	runWithCanaries(t, p, l)
	ways, places := map[string]int{}, map[string]bool{}
	for _, leak := range p.leaks(l) {
		place, way, _ := strings.Cut(leak, " came out at the ")
		way, _, _ = strings.Cut(way, ":")
		ways[way]++
		places[place] = true
	}
	t.Logf("of %d places %d show what they say: %v", len(p.secrets), len(places), ways)
	for _, way := range []string{"console", "file", "webhook", "log", "audit", "store", "parked", "decision", "explanation", "explanation as text", "error", "held"} {
		require.Positive(t, ways[way], "%s: %v", way, ways)
	}
	require.Greater(t, len(places), 80)
}

// A canary that is not redacted is found, whatever it looks like by then.
func TestCanariesAreFound(t *testing.T) {
	p, l := newPlanted("github-token", canary.Example{Template: "with ⟦ghp_<a36>⟧"}), new(leaving)
	text := p.in("span name")
	require.Empty(t, p.leaks(l))
	l.value("ticket", map[string]any{"title": []byte("x" + text)})
	require.Len(t, p.leaks(l), 1)
	l.printf("log", "%s", text[15:30])
	require.Len(t, p.leaks(l), 2)
}

// runWithCanaries runs an engine with everything that it has.
func runWithCanaries(t *testing.T, p *planted, l *leaving) {
	ctx := context.WithoutCancel(t.Context())
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		l.printf("webhook", "%s %s %s %v\n%s", r.Method, r.Host, r.URL, r.Header, body)
		w.Header().Set("X-Answer", p.in("header of an answer"))
		if len(body)%3 == 0 {
			w.WriteHeader(http.StatusBadRequest)
		}
		fmt.Fprint(w, p.in("answer to a webhook"))
	}))
	defer hook.Close()

	lines := filepath.Join(t.TempDir(), "tickets.jsonl")
	file, err := jsonl.New(jsonl.Config{Path: lines})
	require.NoError(t, err)
	post, err := webhook.New(webhook.Config{URL: hook.URL, Secrets: func() ([]string, error) {
		return []string{"whsec_" + "b25lIHNlY3JldCBvZiBhIHRlc3QsIDMyIGJ5dGVzIQ=="}, nil
	}})
	require.NoError(t, err)
	store := &spillingStore{Store: new(correlate.Memory), p: p}
	reader := sdkmetric.NewManualReader()
	rules := filepath.Join(t.TempDir(), "rules.yaml")
	require.NoError(t, os.WriteFile(rules, []byte("version: 1\nrules:\n  - name: from-file\n    when: span.name == \"never\"\n"), 0o600))

	config := autoticket.Config{
		Rules: canaryRules(p), RuleFiles: []string{rules}, TicketsPerHour: 1000,
		Sinks: map[string]sinks.Sink{
			"console": console.New(console.Config{Writer: l.to("console")}), "jsonl": file, "webhook": post,
			"rejects": failingSink(func() error { return &sinks.Error{Reason: sinks.Rejected, Err: errors.New(p.in("rejection"))} }),
			"panics":  failingSink(func() error { panic(p.in("panic of a sink")) }),
			"unsure":  failingSink(func() error { return &sinks.Error{Reason: sinks.Unknown, Err: errors.New(p.in("unknown outcome"))} }),
			"dials":   failingSink(func() error { return dial(p, "URL that a sink dials") }),
			"links":   linkingSink{p},
		},
		Delivery:  map[string]autoticket.Delivery{},
		Enrichers: canaryEnrichers(p),
		Store:     store,
		OnDecision: func(d correlate.Decision) {
			l.value("decision", d)
			panic(p.in("panic of the host"))
		},
		Audit:         slog.NewJSONHandler(l.to("audit"), &slog.HandlerOptions{Level: slog.LevelDebug}),
		Logger:        slog.New(slog.NewTextHandler(l.to("log"), &slog.HandlerOptions{Level: slog.LevelDebug})),
		MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)),
		TraceLink:     enrich.Jaeger("https://jaeger.example"),
		UserKey:       []byte(strings.Repeat("k", 32)),
	}
	for name := range config.Sinks {
		config.Delivery[name] = autoticket.Delivery{Attempts: 1, PerMinute: 60_000, Burst: 1000}
	}
	engine, err := autoticket.New(config)
	require.NoError(t, err)
	traces := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(engine.SpanProcessor()), sdktrace.WithResource(canaryResource(p)))
	logs := sdklog.NewLoggerProvider(sdklog.WithProcessor(engine.LogProcessor()), sdklog.WithResource(canaryResource(p)))
	failEverywhere(p, traces, logs)

	store.spill.Store(true) // the first writes fail
	require.NoError(t, engine.ForceFlush(ctx))
	held, err := engine.Held(ctx)
	l.value("held", held)
	require.NoError(t, err)
	for _, h := range held {
		l.printf("error", "%v", engine.Approve(ctx, h.Signature, p.in("who approves")))
	}
	require.NoError(t, engine.Flush(ctx))
	failEverywhere(p, traces, logs) // updates
	require.NoError(t, engine.Flush(ctx))

	bad := strings.ReplaceAll(p.in("bad rule"), "\n", "\n      ")
	require.NoError(t, os.WriteFile(rules, []byte("version: 1\nrules:\n  - name: bad\n    when: |\n      span.nam == '''"+bad+"'''\n"), 0o600))
	err = engine.Reload()
	require.Error(t, err)
	l.printf("error", "%v\n%#v", err, err)

	parked, err := engine.Parked(ctx)
	require.NoError(t, err)
	require.NotEmpty(t, parked)
	l.value("parked", parked)
	l.printf("error", "%v", engine.Requeue(ctx, parked[0]))
	l.value("stats", engine.Stats())
	var metrics metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(ctx, &metrics))
	l.value("metrics", metrics.ScopeMetrics) // not the host's own resource
	for _, r := range canaryRules(p) {
		x, err := engine.Explain(ctx, r.Name)
		require.NoError(t, err)
		l.value("explanation", x)
		l.printf("explanation as text", "%s", x)
		for _, d := range x.Decisions {
			x, err := engine.Explain(ctx, d.TraceID)
			require.NoError(t, err)
			l.value("explanation", x)
			l.printf("explanation as text", "%s", x)
		}
	}
	store.spill.Store(true)
	_, err = engine.Parked(ctx)
	l.printf("error", "%v", err)
	store.spill.Store(false)

	shut, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	require.NoError(t, traces.Shutdown(shut))
	require.NoError(t, logs.Shutdown(shut))
	l.printf("error", "%v", engine.Shutdown(shut))
	require.NoError(t, file.Close())

	data, err := os.ReadFile(lines)
	require.NoError(t, err)
	require.NotEmpty(t, data)
	l.printf("file", "%s", data)
	for _, kind := range []correlate.Kind{correlate.KindProblem, correlate.KindAlias, correlate.KindOrigin, correlate.KindUpgrade, correlate.KindAdoption} {
		records, err := store.Store.List(ctx, correlate.Page{Kind: kind, Max: 1000})
		require.NoError(t, err)
		for _, r := range records {
			l.printf("store", "%+v %s", r.Key, r.Data)
		}
	}
}
