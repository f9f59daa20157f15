package autoticket

import (
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

// dispatch is the goroutine that claims deliveries. Each is carried out by a
// goroutine of its own, of which a sink's concurrency bounds the number.
func (e *Engine) dispatch() {
	var drains []chan struct{}
	inFlight := 0
	landed := make(chan struct{})
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-e.due:
		case <-timer.C:
		case <-landed:
			inFlight--
		case done := <-e.drains:
			drains = append(drains, done)
		case <-e.ctx.Done():
			for range inFlight {
				<-landed
			}
			return
		}
		jobs, more, err := e.s.claim(e.ctx, time.Now())
		if err != nil && e.ctx.Err() == nil {
			e.s.config.Logger.Warn("spanticket: deliveries wait: the store failed", "error", err)
		}
		for _, j := range jobs {
			inFlight++
			go func() {
				e.carryOut(j)
				landed <- struct{}{}
			}()
		}
		if inFlight == 0 && !more && err == nil {
			for _, done := range drains {
				close(done)
			}
			drains = nil
		}
		if more {
			timer.Reset(claimAgain)
		} else {
			timer.Reset(claimEvery)
		}
	}
}

func (e *Engine) carryOut(j outbox.Job) {
	defer e.recover("a delivery waits until its lease has run out")
	if _, err := e.s.deliver(e.ctx, j, time.Now); err != nil {
		e.s.config.Logger.Warn("spanticket: the outcome of a delivery is not stored; it is taken up again when its lease has run out", "error", err)
	}
}

// wakeDispatcher says that something may be due. It never blocks.
func (e *Engine) wakeDispatcher() {
	select {
	case e.due <- struct{}{}:
	default:
	}
}

// recover keeps a defect of the library from the host. It is deferred.
func (e *Engine) recover(harm string) {
	if v := recover(); v != nil {
		e.s.config.Logger.Error("spanticket: a defect in the library: "+harm, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
	}
}
