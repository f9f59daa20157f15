package capture

import (
	"context"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/trace"
)

// ownSpans remembers the spans that were started under a delivery, so that the
// library's own calls never make tickets. A context is looked at only while a
// delivery is in flight.
type ownSpans struct {
	inFlight atomic.Int64
	marked   atomic.Int64
	ids      sync.Map // trace.SpanID -> struct{}
}

// maxOwn bounds the spans that are remembered, should they never end.
const maxOwn = 4096

type ownKey struct{}

// Own returns a context under which spans are not captured, until done is
// called.
func (g *Gate) Own(ctx context.Context) (_ context.Context, done func()) {
	g.own.inFlight.Add(1)
	return context.WithValue(ctx, ownKey{}, true), func() { g.own.inFlight.Add(-1) }
}

func (o *ownSpans) start(ctx context.Context, id trace.SpanID) {
	if ctx.Value(ownKey{}) != nil && o.marked.Load() < maxOwn {
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
