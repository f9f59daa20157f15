package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// chargeTime is how long the card network takes for a payment.
const chargeTime = 60 * time.Millisecond

// payment is what the payment service does: it charges cards, over a pool of
// connections to the card network.
type payment struct {
	tracer trace.Tracer
	pool   *pool
}

// pay returns the handler of a release that has a pool of that size. It counts
// the payments that fail.
func pay(poolSize int, failed *atomic.Int64) func(telemetry) http.Handler {
	return func(t telemetry) http.Handler {
		p := &payment{tracer: t.tracer(), pool: newPool(t.tracer(), poolSize)}
		mux := http.NewServeMux()
		mux.HandleFunc("POST /charge", func(w http.ResponseWriter, r *http.Request) {
			var o order
			if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxOrder)).Decode(&o); err != nil {
				http.Error(w, "the order cannot be read", http.StatusBadRequest)
				return
			}
			if err := p.pay(r.Context(), o); err != nil {
				failed.Add(1)
				http.Error(w, "try again", http.StatusServiceUnavailable)
				return
			}
			w.WriteHeader(http.StatusNoContent)
		})
		return mux
	}
}

// pay charges the card of an order.
func (p *payment) pay(ctx context.Context, o order) (err error) {
	ctx, sp := p.tracer.Start(ctx, "payment.Pay")
	defer sp.End()
	defer func() {
		if err != nil {
			fail(sp, err)
		}
	}()
	if err := p.pool.acquire(ctx, o); err != nil {
		return err
	}
	defer p.pool.release()
	return p.charge(ctx)
}

// charge is where the card network would be called. A connection is taken for
// as long as it would be.
func (p *payment) charge(ctx context.Context) error {
	ctx, sp := p.tracer.Start(ctx, "charge", trace.WithSpanKind(trace.SpanKindClient))
	defer sp.End()
	answer := time.NewTimer(chargeTime)
	defer answer.Stop()
	select {
	case <-answer.C:
		return nil
	case <-ctx.Done():
		err := errors.New("the customer did not wait")
		fail(sp, err)
		return err
	}
}
