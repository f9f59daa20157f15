package autoticket

import (
	"context"
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

	// What run remembers.
	draining []chan struct{}
	inFlight int
	landed   chan struct{}
	failed   time.Duration // the wait after a claim that failed
}

func newDispatcher(claim func(context.Context, time.Time) ([]outbox.Job, bool, error), carryOut func(outbox.Job), claimed func(error, time.Time)) *dispatcher {
	return &dispatcher{claim: claim, carryOut: carryOut, claimed: claimed, due: make(chan struct{}, 1), drains: make(chan chan struct{}), landed: make(chan struct{})}
}

// run claims until ctx ends, and returns when the last delivery is carried out. It
// may be called again when it has panicked.
func (d *dispatcher) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-d.due:
		case <-timer.C:
		case <-d.landed:
			d.inFlight--
		case done := <-d.drains:
			d.draining = append(d.draining, done)
		case <-ctx.Done():
			for ; d.inFlight > 0; d.inFlight-- {
				<-d.landed
			}
			return
		}
		began := time.Now()
		jobs, more, err := d.claim(ctx, began)
		if ctx.Err() == nil {
			d.claimed(err, began)
		}
		for _, j := range jobs {
			d.inFlight++
			go func() {
				defer func() { d.landed <- struct{}{} }()
				d.carryOut(j)
			}()
		}
		if d.inFlight == 0 && !more && err == nil {
			for _, done := range d.draining {
				close(done)
			}
			d.draining = nil
		}
		switch {
		case err != nil:
			d.failed = min(max(claimEvery, 2*d.failed), maxStoreWait)
			timer.Reset(d.failed)
			continue
		case more:
			timer.Reset(claimAgain)
		default:
			timer.Reset(claimEvery)
		}
		d.failed = 0
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
