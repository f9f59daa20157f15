package autoticket

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/spanticket/spanticket/internal/outbox"
)

const (
	// claimEvery is how often the store is asked for what has become due.
	claimEvery = time.Second
	// claimAgain is the same while sinks had no room for what may be due.
	claimAgain = 100 * time.Millisecond
)

// dispatcher claims deliveries. Each is carried out by a goroutine of its own, of
// which a sink's concurrency bounds the number.
type dispatcher struct {
	claim    func(context.Context, time.Time) (jobs []outbox.Job, more bool, err error)
	carryOut func(outbox.Job)
	claimed  func(err error, began time.Time) // is told how a claim went
	due      chan struct{}                    // there is something
	drains   chan chan struct{}               // asks to be told when nothing is due
}

func newDispatcher(claim func(context.Context, time.Time) ([]outbox.Job, bool, error), carryOut func(outbox.Job), claimed func(error, time.Time)) *dispatcher {
	return &dispatcher{claim: claim, carryOut: carryOut, claimed: claimed, due: make(chan struct{}, 1), drains: make(chan chan struct{})}
}

// run claims until ctx ends, and returns when the last delivery is carried out.
func (d *dispatcher) run(ctx context.Context) {
	var drains []chan struct{}
	inFlight := 0
	landed := make(chan struct{})
	timer := time.NewTimer(0)
	defer timer.Stop()
	failed := time.Duration(0) // the wait after a claim that failed
	for {
		select {
		case <-d.due:
		case <-timer.C:
		case <-landed:
			inFlight--
		case done := <-d.drains:
			drains = append(drains, done)
		case <-ctx.Done():
			for range inFlight {
				<-landed
			}
			return
		}
		began := time.Now()
		jobs, more, err := d.claim(ctx, began)
		if ctx.Err() == nil {
			d.claimed(err, began)
		}
		for _, j := range jobs {
			inFlight++
			go func() {
				d.carryOut(j)
				landed <- struct{}{}
			}()
		}
		if inFlight == 0 && !more && err == nil {
			for _, done := range drains {
				close(done)
			}
			drains = nil
		}
		switch {
		case err != nil:
			failed = min(max(claimEvery, 2*failed), maxStoreWait)
			timer.Reset(failed)
			continue
		case more:
			timer.Reset(claimAgain)
		default:
			timer.Reset(claimEvery)
		}
		failed = 0
	}
}

// wake says that something may be due. It never blocks.
func (d *dispatcher) wake() {
	select {
	case d.due <- struct{}{}:
	default:
	}
}

// wakeDispatcher says that something may be due. It never blocks.
func (e *Engine) wakeDispatcher() { e.dispatcher.wake() }

func (e *Engine) carryOut(j outbox.Job) {
	defer e.recover("a delivery waits until its lease has run out")
	if _, err := e.s.deliver(e.ctx, e.s.outbox, j, time.Now); err != nil {
		e.s.config.Logger.Warn("spanticket: the outcome of a delivery is not stored; it is taken up again when its lease has run out", "error", err)
	}
}

// claimed notes whether the store let itself be asked.
func (e *Engine) claimed(err error, began time.Time) { e.s.reach.note(claiming, err, began) }

// recover keeps a defect of the library from the host. It is deferred.
func (e *Engine) recover(harm string) {
	if v := recover(); v != nil {
		e.s.config.Logger.Error("spanticket: a defect in the library: "+harm, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
	}
}
