package autoticket

import (
	"context"
	"sync/atomic"

	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// SpanProcessor returns a handle for one TracerProvider. Its Shutdown, which the
// provider calls, ends that handle alone; the engine goes on until
// [Engine.Shutdown]. Call it once for each provider.
func (e *Engine) SpanProcessor() sdktrace.SpanProcessor {
	if e != nil && e.off {
		e = nil
	}
	return &processor{engine: e}
}

// processor is the handle of one provider.
type processor struct {
	engine   *Engine // may be nil
	closed   atomic.Bool
	resource atomic.Pointer[resource.Resource] // the one that was last seen
}

// OnStart implements [sdktrace.SpanProcessor].
func (p *processor) OnStart(ctx context.Context, sp sdktrace.ReadWriteSpan) {
	if p.engine != nil {
		p.engine.s.gate.Start(ctx, sp)
	}
}

// OnEnd implements [sdktrace.SpanProcessor]. It never blocks and never panics.
func (p *processor) OnEnd(sp sdktrace.ReadOnlySpan) {
	if p.engine == nil || p.closed.Load() {
		return
	}
	if r := sp.Resource(); p.resource.Load() != r {
		p.meet(r)
	}
	p.engine.s.gate.End(sp)
}

// meet tells the engine of a service that it now acts for. A provider has one
// resource, so this happens once.
func (p *processor) meet(r *resource.Resource) {
	select {
	case p.engine.resources <- r:
		p.resource.Store(r)
	default: // busy; the next span tries again
	}
}

// Shutdown implements [sdktrace.SpanProcessor]. It brings into the store what
// is decided; open traces may go on in other providers.
func (p *processor) Shutdown(ctx context.Context) error {
	if p.engine == nil || !p.closed.CompareAndSwap(false, true) {
		return nil
	}
	return p.engine.flush(ctx, false)
}

// ForceFlush implements [sdktrace.SpanProcessor].
func (p *processor) ForceFlush(ctx context.Context) error {
	if p.closed.Load() {
		return nil
	}
	return p.engine.ForceFlush(ctx)
}
