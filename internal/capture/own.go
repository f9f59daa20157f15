package capture

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/trace"
)

// ownSpans remembers the spans that were started under a delivery, so that the
// library's own calls never make tickets. A context is looked at only while a
// delivery is in flight.
type ownSpans struct {
	marked atomic.Int64
	ids    sync.Map // trace.SpanID -> struct{}
}

// inFlight counts the deliveries of all engines of the process: what one of them sends
// is no failure of the host's for the others either, or each would file what went
// wrong with the other's tickets.
var inFlight atomic.Int64

// maxOwn bounds the spans that are remembered, should they never end.
const maxOwn = 4096

type ownKey struct{}

func isOwn(ctx context.Context) bool { return ctx.Value(ownKey{}) != nil }

// Quiet returns a handler whose log records are known for the library's own,
// should they come back to it through a bridge to OpenTelemetry: what it logs
// about a failure of its own must not be one more failure.
func Quiet(h slog.Handler) slog.Handler { return quiet{h} }

type quiet struct{ slog.Handler }

func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	return q.Handler.Handle(context.WithValue(ctx, ownKey{}, true), r)
}
func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }
func (q quiet) WithGroup(name string) slog.Handler       { return quiet{q.Handler.WithGroup(name)} }

// Own returns a context under which spans are not captured, until done is
// called.
func (g *Gate) Own(ctx context.Context) (_ context.Context, done func()) {
	inFlight.Add(1)
	return context.WithValue(ctx, ownKey{}, true), func() { inFlight.Add(-1) }
}

func (o *ownSpans) start(ctx context.Context, id trace.SpanID) {
	if isOwn(ctx) && o.marked.Load() < maxOwn {
		o.marked.Add(1)
		o.ids.Store(id, struct{}{})
	}
}

func (o *ownSpans) end(id trace.SpanID) bool {
	_, mine := o.ids.LoadAndDelete(id)
	if mine {
		o.marked.Add(-1)
	}
	return mine
}
