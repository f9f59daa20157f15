// Package autoticket turns failing and slow OpenTelemetry spans into tickets:
// one failure, one ticket, at its origin. A service makes an [Engine] and gives
// its [Engine.SpanProcessor] to its TracerProvider:
//
//	engine, err := autoticket.New(autoticket.Config{
//		RuleFiles: []string{"rules.yaml"},
//		Sinks:     map[string]sinks.Sink{"console": console.New(console.Config{})},
//	})
//	if err != nil {
//		slog.Error("no tickets will be filed", "error", err) // a nil engine does nothing
//	}
//	defer engine.Shutdown(context.Background())
//	provider := trace.NewTracerProvider(
//		trace.WithSpanProcessor(engine.SpanProcessor()),
//	)
//
// Errors that are logged belong to the spans that they are logged in: give
// [Engine.LogProcessor] to the LoggerProvider, if there is one.
//
// # What it costs the host
//
// Spans are examined on the goroutine that ends them. A healthy span of a
// healthy trace costs a look into an index of the rules and allocates nothing.
// What matters goes through a bounded queue; when that is full it is dropped
// and counted, and the application never waits. The library does not panic into
// its host.
//
// # Caveats
//
// With the default store in memory, problems and tickets that wait are gone
// when the process ends: after a restart the same failure files again.
//
// Spans that a head sampler drops never reach a processor. Wrap the sampler to
// see every failure:
//
//	trace.WithSampler(trace.AlwaysRecord(trace.ParentBased(trace.TraceIDRatioBased(0.01))))
//
// A ticket says whether its trace was exported. docs/sampling.md has what that
// costs.
package autoticket

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/observe"
)

// Engine is the library at work. Make one per process with [New]. All of its
// methods may be called concurrently, after Shutdown too, and on a nil Engine,
// which does nothing.
//
// Three goroutines do the work, and each owns its part: the assembler takes
// spans from the queue, puts traces together and counts failures; the keeper
// alone writes counts to the store; the dispatcher claims deliveries, and
// starts a goroutine for each. On the side the scout learns what is deployed and, with a
// store of the host's, the sweeper tells the other engines of this one. A panic ends none of them: it is
// counted, and the loop runs again.
type Engine struct {
	s       *stages
	ctx     context.Context // ends when the engine stops
	stop    context.CancelFunc
	running sync.WaitGroup
	closed  atomic.Bool
	off     bool        // it does nothing at all
	dying   atomic.Bool // a goroutine that panicked waits for its ticket
	unmeter func() error

	known     resources
	reloading sync.Mutex // held while rules are loaded

	resources  chan *resource.Resource // of providers, for the assembler
	flushes    chan flush              // asks the assembler to bring what it has into the store
	work       chan work               // from the assembler to the keeper
	dispatcher *dispatcher
	traces     atomic.Int64 // open ones, for display
	batches    atomic.Int64 // that wait for the store, for display
}

// flush asks for what was captured to be brought into the store.
type flush struct {
	done  chan struct{}   // closed when it is there
	ended <-chan struct{} // closed when nobody waits for it any more; nil if that is never
	open  bool            // traces that are open too, as they are
}

func (f flush) gone() bool {
	select {
	case <-f.ended:
		return true
	default:
		return false
	}
}

// work is what the assembler hands to the keeper.
type work struct {
	batches []batch
	origins []correlate.TraceOrigin
	flushes []flush       // to be told when the batches are in the store
	learnt  chan struct{} // to be closed when it is known what the store has; nil asks for nothing
}

// New checks the configuration, returns everything that is wrong with it at
// once, and starts an engine. It opens no connection. An engine that is not nil
// must be shut down.
func New(c Config) (*Engine, error) {
	// What is read is at least as new as this.
	seen := ""
	if c.WatchRules > 0 && len(c.RuleFiles) > 0 {
		seen, _ = c.ruleFiles().Digest()
	}
	s, err := newStages(c.overruled(), thisProcess(), rand.NewPCG(rand.Uint64(), rand.Uint64()))
	if err != nil {
		return nil, err
	}
	e := &Engine{
		s:         s,
		resources: make(chan *resource.Resource, 16),
		flushes:   make(chan flush),
		work:      make(chan work, 1),
	}
	e.dispatcher = newDispatcher(s.claim, e.carryOut, e.claimed)
	e.ctx, e.stop = context.WithCancel(context.Background())
	s.audit.Info("started", "mode", s.config.Mode, "rules", s.gate.Rules.Load().Len())
	if s.config.Mode == modeOff {
		s.config.Logger.Warn("spanticket: off: spans are not looked at")
		e.off = true
		e.closed.Store(true)
		e.stop()
		return e, nil
	}
	if mp := s.config.MeterProvider; mp != nil {
		g := observe.Gauges{
			Queue:         func() int64 { return int64(s.gate.Backlog()) },
			QueueCapacity: func() int64 { return int64(s.config.QueueSize) },
			Traces:        e.traces.Load,
			Problems:      func() int64 { return int64(s.ledger.Open()) },
			Held:          func() int64 { return int64(s.ledger.Held()) },
			Parked:        s.parked.Counts,
			Rules:         s.ruleStates,
			Limits:        func() []observe.Limit { return s.outbox.Limits(time.Now()) },
			Waiting:       e.batches.Load,
			Lost:          s.reach.lost,
		}
		if s.changes != nil {
			g.Deployments, g.Known = s.changes.outcomes, func() int64 { return int64(s.changes.tracker.History().Len()) }
		}
		e.unmeter, err = observe.Export(mp, s.counters, s.deliveries, g)
		if err != nil {
			e.stop()
			return nil, fmt.Errorf("autoticket: Config.MeterProvider: %w", err)
		}
	}
	if s.shadow {
		s.config.Logger.Warn("spanticket: in shadow: nothing is filed")
	}
	s.openJournal()
	e.running.Go(e.assemble)
	e.running.Go(e.keep)
	if s.changes != nil {
		s.gate.Noticed = s.changes.notice
		e.running.Go(e.explore)
	}
	e.running.Go(func() {
		e.again(e.ctx, "deliveries wait until their leases have run out", func() { e.dispatcher.run(e.ctx) })
	})
	if c.Store != nil { // nobody else can see the default one
		e.running.Go(e.sweeps)
	}
	if seen != "" {
		go e.watchRules(seen) // not waited for: its file system may hang
	}
	return e, nil
}

// ForceFlush brings what was captured into the store: traces that are still
// open are decided as they are. It does not wait for deliveries. It returns when
// that is done or ctx ends.
func (e *Engine) ForceFlush(ctx context.Context) error {
	if e == nil {
		return nil
	}
	return e.flush(ctx, true)
}

// flush brings what was captured into the store, with the traces that are still
// open or without.
func (e *Engine) flush(ctx context.Context, open bool) error {
	done := make(chan struct{})
	return ask(e, ctx, e.flushes, flush{done: done, ended: ctx.Done(), open: open}, done, "bringing what was captured into the store")
}

// Flush does what ForceFlush does, and then delivers all that is due: for
// functions and jobs that may be frozen or end when they return. Deliveries that
// failed and wait for their next attempt are not waited for. Give ctx a
// deadline.
func (e *Engine) Flush(ctx context.Context) error {
	if err := e.ForceFlush(ctx); err != nil || e == nil {
		return err
	}
	done := make(chan struct{})
	return ask(e, ctx, e.dispatcher.drains, done, done, "delivering what is due")
}

// ask gives a request to one of the engine's goroutines and waits until it is
// done. An engine that has stopped has nothing left to do.
func ask[R any](e *Engine, ctx context.Context, requests chan<- R, request R, done <-chan struct{}, doing string) error {
	select {
	case requests <- request:
	case <-e.ctx.Done():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("autoticket: %s: %w", doing, ctx.Err())
	}
	select {
	case <-done:
		return nil
	case <-e.ctx.Done():
		return fmt.Errorf("autoticket: %s: the engine was shut down", doing)
	case <-ctx.Done():
		return fmt.Errorf("autoticket: %s: %w", doing, ctx.Err())
	}
}

const maxShutdown = 10 * time.Second

// Shutdown ends the engine: spans that end from now on are dropped and counted,
// what was captured is brought into the store, and what is due is delivered,
// until ctx ends or, if it has no deadline, for at most 10 seconds. A durable
// store keeps what is not delivered by then. Only the first call does something.
func (e *Engine) Shutdown(ctx context.Context) error {
	if e == nil || !e.closed.CompareAndSwap(false, true) {
		return nil
	}
	if _, ok := ctx.Deadline(); !ok {
		// A host that did not think of it must not hang at its end.
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, maxShutdown)
		defer cancel()
	}
	e.s.gate.Close()
	err := e.Flush(ctx)
	e.stop()
	stopped := make(chan struct{})
	go func() {
		e.running.Wait()
		close(stopped)
	}()
	select {
	case <-stopped:
	case <-ctx.Done():
		// Calls of sinks that do not return in time are left alone.
		select {
		case <-stopped:
		case <-time.After(time.Second):
		}
	}
	e.lastCounts(ctx)
	e.s.firsts.close()
	if e.unmeter != nil {
		err = errors.Join(err, e.unmeter())
	}
	if err != nil {
		e.s.config.Logger.Warn("spanticket: shut down before everything was delivered", "error", err)
	}
	return err
}
