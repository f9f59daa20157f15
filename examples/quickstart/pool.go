package main

import (
	"context"
	"fmt"
	"time"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// acquireTimeout is how long a caller waits for a connection.
const acquireTimeout = 150 * time.Millisecond

// pool hands out a fixed number of connections.
type pool struct {
	tracer trace.Tracer
	slots  chan struct{} // one element for each connection in use
}

func newPool(tracer trace.Tracer, size int) *pool {
	return &pool{tracer: tracer, slots: make(chan struct{}, size)}
}

// acquire takes a connection, which the caller must release. Whoever wants it
// is named in the error, which is how what must not be seen gets into errors.
func (p *pool) acquire(ctx context.Context, whom order) error {
	ctx, sp := p.tracer.Start(ctx, "pool.Acquire", trace.WithAttributes(
		semconv.DBClientConnectionPoolName("card-network"),
	))
	defer sp.End()
	timeout := time.NewTimer(acquireTimeout)
	defer timeout.Stop()
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-timeout.C:
		err := &acquireError{size: cap(p.slots), whom: whom}
		fail(sp, err, whom.attributes()...)
		return err
	case <-ctx.Done():
		fail(sp, ctx.Err())
		return ctx.Err()
	}
}

func (p *pool) release() { <-p.slots }

// acquireError says that no connection became free in time.
type acquireError struct {
	size int
	whom order
}

func (e *acquireError) Error() string {
	return fmt.Sprintf("no connection within %s, all %d are in use: %s", acquireTimeout, e.size, e.whom)
}
