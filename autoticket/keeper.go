package autoticket

import (
	"errors"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/coalesce"
)

const (
	// sweepEvery is how exactly a quiet period is kept.
	sweepEvery = time.Second
	// maxStoreWait bounds the wait between two attempts to reach the store.
	maxStoreWait = 15 * time.Second
)

// keep is the goroutine that owns the ledger: it counts batches on their
// problems, and resolves those that have gone quiet.
func (e *Engine) keep() {
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	var drops watchman
	for {
		select {
		case w := <-e.work:
			e.publish(w.origins)
			for i, b := range w.batches {
				if !e.apply(b) {
					for _, b := range w.batches[i:] {
						e.s.ledger.Lose(b.Batch, correlate.AfterShutdown)
					}
					return
				}
			}
			if len(w.done) > 0 {
				e.sweep() // what tickets for many say belongs to it
			}
			for _, done := range w.done {
				close(done)
			}
		case <-sweep.C:
			e.sweep()
			drops.look(e.s.counters, e.s.config.Logger, time.Now())
		case <-e.ctx.Done():
			return
		}
	}
}

// publish tells callers what became of their requests. They file for themselves
// if they are not told, so it is not tried again.
func (e *Engine) publish(origins []correlate.TraceOrigin) {
	defer e.recover("callers are not told what became of their requests")
	for _, o := range origins {
		if err := correlate.PublishOrigin(e.ctx, e.s.config.Store, o, time.Now()); err != nil {
			if e.ctx.Err() == nil && !errors.Is(err, correlate.ErrStoreFull) {
				e.s.config.Logger.Warn("spanticket: callers are not told what became of their requests: the store failed", "error", err)
			}
			return
		}
	}
}

// apply counts a batch, for as long as it takes the store to come back. It
// returns false when the engine stops before that.
func (e *Engine) apply(b batch) bool {
	if b.Number == 0 { // what was replayed has the number that it was to have
		e.s.ledger.Number(&b.Batch)
		e.s.numbered.Store(b.Number)
	}
	wait := 100 * time.Millisecond
	for {
		err := e.applyOnce(b.Batch)
		if err == nil {
			e.s.release(b.kept)
			return true
		}
		if e.ctx.Err() == nil {
			e.s.config.Logger.Warn("spanticket: the store failed, trying again", "error", err, "wait", wait)
		}
		select {
		case <-time.After(wait):
			wait = min(2*wait, maxStoreWait)
		case <-e.ctx.Done():
			return false
		}
	}
}

// applyOnce counts a batch. What a defect of the library keeps from being
// counted is dropped.
func (e *Engine) applyOnce(b coalesce.Batch) error {
	done := false
	defer func() {
		if !done {
			e.s.ledger.Lose(b, correlate.Panicked)
		}
	}()
	defer e.recover("occurrences are lost")
	change, err := e.s.ledger.Apply(e.ctx, b, time.Now())
	done = true
	if change != correlate.ChangeNone && change != correlate.ChangeBelow && change != correlate.ChangeCounted {
		e.wakeDispatcher()
	}
	return err
}

// sweep resolves what has gone quiet.
func (e *Engine) sweep() {
	defer e.recover("quiet problems are not resolved")
	e.s.lookAtRules(time.Now())
	e.s.lookAtSinks(time.Now())
	resolved, err := e.s.ledger.Sweep(e.ctx, time.Now())
	if err != nil && e.ctx.Err() == nil {
		e.s.config.Logger.Warn("spanticket: quiet problems are not resolved: the store failed", "error", err)
	}
	if resolved > 0 {
		e.wakeDispatcher()
	}
}
