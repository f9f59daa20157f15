package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/boltstore"
	"github.com/spanticket/spanticket/sinks"
	"github.com/spanticket/spanticket/sinks/jsonl"
)

const (
	storeFile  = "problems.db"
	ticketFile = "tickets.jsonl"
	ruleFile   = "rules.yaml"

	// The stores are small, so that they are full soon and for most of the time.
	mostRecords = 500
	mostBytes   = 2 << 20
	mostTickets = 256 << 10 // bytes of a file of tickets
)

// world is everything that takes part.
type world struct {
	run
	rng     *rand.Rand // of the goroutine that plans; load has its own
	began   time.Time
	server  *http.Server
	url     string
	http    *http.Client
	engines []*engine

	spans  *trace.TracerProvider
	logs   *log.LoggerProvider
	loaded atomic.Int64 // spans that the load has ended
	least  *sample      // goroutines and files, of all samples
}

// engine is an engine with what it works with, which outlives it.
type engine struct {
	*autoticket.Engine
	name     string
	store    *unsteady
	bolt     *boltstore.Store // nil if the store is in memory
	file     *jsonl.Sink      // nil likewise
	trackers map[string]*tracker
	given    *atomic.Int64 // spans
	orphans  map[string]bool
}

func newWorld(r run) (_ *world, err error) {
	w := &world{run: r, rng: rand.New(rand.NewPCG(r.Seed, 0)), began: time.Now(), http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	mux := http.NewServeMux()
	for _, name := range []string{"file", "memory"} {
		e := &engine{name: name, store: new(unsteady), orphans: map[string]bool{}, trackers: map[string]*tracker{"issues": {}, "pager": {keyed: true}}}
		for sink, t := range e.trackers {
			t.tickets = map[string]*ticket{}
			mux.Handle("/"+name+"/"+sink+"/{key}", t)
		}
		w.engines = append(w.engines, e)
	}
	w.engines[1].store.Store = &correlate.Memory{MaxRecords: mostRecords, MaxBytes: mostBytes}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w.server, w.url = &http.Server{Handler: mux}, "http://"+l.Addr().String()
	go func() { _ = w.server.Serve(l) }()
	if err := w.writeRules(0); err != nil {
		return nil, errors.Join(err, w.server.Close())
	}
	for _, e := range w.engines {
		if err := w.start(e); err != nil {
			return nil, errors.Join(err, w.server.Close())
		}
	}
	w.provide()
	return w, nil
}

// start makes an engine.
func (w *world) start(e *engine) (err error) {
	to := map[string]sinks.Sink{
		"issues": finder{w.client(e, "issues")},
		"pager":  pager{w.client(e, "pager")},
	}
	delivery := map[string]autoticket.Delivery{}
	c := autoticket.Config{
		RuleFiles: []string{filepath.Join(w.Dir, ruleFile)}, Sinks: to, Delivery: delivery, Store: e.store, Journal: "off",
		TicketsPerHour: 200, TraceWait: 500 * time.Millisecond, EnrichTimeout: 100 * time.Millisecond, Logger: w.Log,
	}
	if e.name == "file" {
		path := filepath.Join(w.Dir, storeFile)
		c.Journal = path + ".journal"
		if e.bolt, err = boltstore.Open(boltstore.Config{Path: path, MaxBytes: mostBytes}); err != nil {
			return err
		}
		e.store.Store = e.bolt
		if e.file, err = jsonl.New(jsonl.Config{Path: filepath.Join(w.Dir, ticketFile), MaxBytes: mostTickets, MaxFiles: 2}); err != nil {
			return errors.Join(err, e.bolt.Close())
		}
		to["lines"] = e.file
	}
	for name := range to {
		delivery[name] = autoticket.Delivery{
			PerMinute: 60000, Burst: 1000, Timeout: 2 * time.Second, Attempts: 1 << 20, MinBackoff: 50 * time.Millisecond, MaxBackoff: time.Second,
		}
	}
	e.given = new(atomic.Int64)
	e.Engine, err = autoticket.New(c)
	return err
}

func (w *world) client(e *engine, sink string) *client {
	return &client{url: w.url + "/" + e.name + "/" + sink + "/", http: w.http, of: e.trackers[sink]}
}

// end checks the numbers of an engine that was shut down, and leaves it. No span may
// end meanwhile.
func (w *world) end(e *engine) error {
	var errs []error
	if err := sums(e); err != nil {
		errs = append(errs, fmt.Errorf("the engine with its store in %s: %w", e.name, err))
	}
	errs = append(errs, orphaned(e))
	if e.bolt != nil {
		errs = append(errs, e.file.Close(), e.bolt.Close())
		e.file, e.bolt = nil, nil
	}
	e.Engine = nil
	return errors.Join(errs...)
}

// provide makes the providers, which give everything to both engines, and ends a first
// span: an engine acts for the services that it has seen.
func (w *world) provide() {
	w.spans, w.logs = w.providers()
	_, sp := w.spans.Tracer("soak").Start(context.Background(), "GET /health")
	sp.End()
	w.loaded.Add(1)
}

func (w *world) providers() (*trace.TracerProvider, *log.LoggerProvider) {
	r := resource.NewSchemaless(attribute.String("service.name", "soak"), attribute.String("deployment.environment.name", "test"))
	spans, logs := []trace.TracerProviderOption{trace.WithResource(r)}, []log.LoggerProviderOption{log.WithResource(r)}
	for _, e := range w.engines {
		spans = append(spans, trace.WithSpanProcessor(counting{e.SpanProcessor(), e.given}))
		logs = append(logs, log.WithProcessor(e.LogProcessor()))
	}
	return trace.NewTracerProvider(spans...), log.NewLoggerProvider(logs...)
}

// withdraw shuts the providers down. No span may end meanwhile.
func (w *world) withdraw() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, _ = w.spans.Shutdown(ctx), w.logs.Shutdown(ctx) // a store may hang
}

// counting counts the spans that a processor is given.
type counting struct {
	trace.SpanProcessor
	n *atomic.Int64
}

// OnEnd implements [trace.SpanProcessor].
func (c counting) OnEnd(sp trace.ReadOnlySpan) {
	c.n.Add(1)
	c.SpanProcessor.OnEnd(sp)
}

// trouble begins new troubles, or ends all.
func (w *world) trouble(all bool) {
	pick := func(kinds []string) string {
		if !all {
			return ""
		}
		return kinds[w.rng.IntN(len(kinds))]
	}
	for _, e := range w.engines {
		e.store.begin(pick(storeTroubles(w.Losing)))
		for _, name := range []string{"issues", "pager"} {
			e.trackers[name].begin(pick(trackerTroubles))
		}
	}
}

// maxPause is for a machine that has little time for it: after a storm hundreds of
// deliveries wait.
const maxPause = 5 * time.Minute

// pause lets everything calm down, and measures.
func (w *world) pause(ctx context.Context) (sample, error) {
	w.trouble(false)
	for _, e := range w.engines {
		ctx, cancel := context.WithTimeout(ctx, maxPause)
		err := e.Flush(ctx)
		cancel()
		if err != nil {
			return sample{}, fmt.Errorf("the engine with its store in %s, all being well: %w", e.name, err)
		}
	}
	select {
	case <-time.After(1500 * time.Millisecond): // traces are forgotten
	case <-ctx.Done():
	}
	s := take(w.Dir, 10*time.Second, w.least)
	s.after, s.spans = time.Since(w.began), w.loaded.Load()
	for _, e := range w.engines {
		for _, t := range e.trackers {
			n, _ := t.has()
			s.tickets += n
		}
	}
	if w.least == nil {
		w.least = &sample{values: s.values}
	}
	for _, m := range []int{goroutines, filesOpen} {
		w.least.values[m] = min(w.least.values[m], s.values[m])
	}
	return s, nil
}

// writeRules writes the n-th of some sets of rules. The last is none that can be read.
func (w *world) writeRules(n int) error {
	const all = `version: 1
rules:
  - name: errors
    when: span.status == "ERROR"
    resolve: {quiet: 3s}
    budget: 100
`
	variants := []string{
		all,
		all + "  - name: slow\n    when: span.duration > duration(\"1h\")\n",
		"version: 1\nrules:\n  - name: gone\n    when: span.name.startsWith(\"GET /gone\")\n    mode: shadow\n" + all[len("version: 1\nrules:\n"):],
		"version: 1\nrules: [\n",
	}
	return os.WriteFile(filepath.Join(w.Dir, ruleFile), []byte(variants[n%len(variants)]), 0o600)
}

// close ends what there still is.
func (w *world) close() error {
	w.trouble(false)
	w.withdraw()
	var errs []error
	for _, e := range w.engines {
		if e.Engine != nil {
			errs = append(errs, e.Shutdown(context.Background()), w.end(e))
		}
	}
	return errors.Join(append(errs, w.server.Close())...)
}

// shuffled returns the engines in a random order.
func (w *world) shuffled() []*engine {
	all := slices.Clone(w.engines)
	w.rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}
