package autoticket

import (
	"context"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// SpanProcessor returns a handle for one TracerProvider. Its Shutdown, which the
// provider calls, ends that handle alone; the engine goes on until
// [Engine.Shutdown]. Call it once for each provider.
func (e *Engine) SpanProcessor() sdktrace.SpanProcessor {
	return &processor{handle{engine: e.orNil()}}
}

// orNil returns an engine that does something, or nil.
func (e *Engine) orNil() *Engine {
	if e != nil && e.off {
		return nil
	}
	return e
}

// handle is what one provider has of an engine.
type handle struct {
	engine   *Engine // may be nil
	closed   atomic.Bool
	resource atomic.Pointer[resource.Resource] // the one that was last seen
}

// idle reports whether the handle has nothing to do any more.
func (h *handle) idle() bool { return h.engine == nil || h.closed.Load() }

// meet tells the engine of a service that it now acts for. A provider has one
// resource, so this happens once.
func (h *handle) meet(r *resource.Resource) {
	select {
	case h.engine.resources <- r:
		before := h.resource.Swap(r)
		if c := h.engine.s.changes; c != nil {
			if before != nil {
				c.present.leave(before, time.Now())
			}
			if c.present.arrive(r) {
				c.stir()
			}
		}
	default: // busy; the next span tries again
	}
}

// Shutdown brings into the store what is decided; open traces may go on in other
// providers.
func (h *handle) Shutdown(ctx context.Context) error {
	if h.engine == nil || !h.closed.CompareAndSwap(false, true) {
		return nil
	}
	if r, c := h.resource.Load(), h.engine.s.changes; r != nil && c != nil {
		c.present.leave(r, time.Now())
	}
	return h.engine.flush(ctx, false)
}

// ForceFlush does what [Engine.ForceFlush] does.
func (h *handle) ForceFlush(ctx context.Context) error {
	if h.closed.Load() {
		return nil
	}
	return h.engine.ForceFlush(ctx)
}

// processor is the handle of a TracerProvider.
type processor struct{ handle }

// OnStart implements [sdktrace.SpanProcessor].
func (p *processor) OnStart(ctx context.Context, sp sdktrace.ReadWriteSpan) {
	if p.engine != nil {
		p.engine.s.gate.Start(ctx, sp)
	}
}

// OnEnd implements [sdktrace.SpanProcessor]. It never blocks and never panics.
func (p *processor) OnEnd(sp sdktrace.ReadOnlySpan) {
	if p.idle() {
		return
	}
	if r := sp.Resource(); p.resource.Load() != r {
		p.meet(r)
	}
	p.engine.s.gate.End(sp)
}
