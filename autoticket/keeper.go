package autoticket

import (
	"errors"
	"slices"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/coalesce"
	"github.com/spanticket/spanticket/internal/outage"
)

const (
	// sweepEvery is how exactly a quiet period is kept.
	sweepEvery = time.Second
	// minStoreWait and maxStoreWait bound the wait between two attempts to reach the
	// store.
	minStoreWait = 100 * time.Millisecond
	maxStoreWait = 15 * time.Second
)

// keeper owns the ledger: it counts batches on their problems, and resolves those that
// have gone quiet. What the store does not take waits here, and has a stand-in look
// after it once the store is out of reach.
type keeper struct {
	e       *Engine
	waiting outage.Backlog
	flushes []flush // to be told when nothing waits

	wait  time.Duration    // before the next attempt; 0 while the store answers
	again <-chan time.Time // when that is over; nil while there is nothing to wait for

	drops watchman
	stand *standIn   // while the store is out of reach, if there is a sink for it
	left  []*standIn // that have something to hand over
}

// keep is the keeper's goroutine.
func (e *Engine) keep() {
	k := keeper{e: e}
	e.again(e.ctx, "what was brought to the store may be lost", k.run)
}

// run keeps until the engine stops. It may be called again when it has panicked.
func (k *keeper) run() {
	e := k.e
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	for {
		due, learnt := false, chan struct{}(nil)
		select {
		case w := <-e.work:
			k.take(w)
			learnt = w.learnt
		case <-k.again:
			k.again = nil
		case <-sweep.C:
			due = true
			k.drops.look(e.s.counters, e.s.config.Logger, time.Now())
			k.look()
		case <-e.ctx.Done():
			k.abandon()
			return
		}
		if k.wait > 0 { // the next attempt may hang
			k.standBy()
		}
		k.bring(due)
		if learnt != nil {
			close(learnt)
		}
		k.standBy()
		e.batches.Store(int64(k.waiting.Len()))
	}
}

// take adds to what waits.
func (k *keeper) take(w work) {
	k.flushes = append(slices.DeleteFunc(k.flushes, flush.gone), w.flushes...)
	if k.wait == 0 {
		k.e.publish(w.origins)
	}
	var added []coalesce.Batch
	for _, b := range w.batches {
		k.e.s.ledger.Join(b.Scope)
		as, ok := k.waiting.Add(b.Batch, b.kept)
		if !ok {
			k.e.s.ledger.Lose(b.Batch, correlate.SignaturesFull)
			k.e.s.release(b.kept)
			continue
		}
		added = append(added, as)
	}
	if k.stand != nil {
		k.stand.count(added...) // what cannot wait for the store is not to be known here alone
	}
	if len(w.flushes) > 0 {
		k.again = nil // somebody waits, perhaps the end of the process
	}
}

// bring brings what waits into the store, unless that has just failed. due says that
// it is time to sweep.
func (k *keeper) bring(due bool) {
	if k.again != nil {
		return
	}
	began, failed := time.Now(), k.wait > 0
	err := k.learn()
	if err == nil {
		err = k.applyAll()
	}
	if err == nil && (due || failed || len(k.flushes) > 0) {
		// What tickets for many say belongs to a flush.
		err = k.sweep()
	}
	if k.waiting.Len() == 0 {
		flushes := k.flushes
		k.flushes = nil
		for _, f := range flushes {
			close(f.done)
		}
	}
	switch {
	case k.e.ctx.Err() != nil:
		return
	case err == nil:
		k.wait = 0
	default:
		// A store that hangs gets no more of the keeper's time than anything else.
		k.wait = min(max(minStoreWait, 2*k.wait, time.Since(began)), maxStoreWait)
		if len(k.flushes) > 0 {
			k.wait = min(k.wait, time.Second)
		}
		k.again = time.After(k.wait)
	}
	k.e.s.reach.note(keeping, err, began)
}

// learn learns what the store has of services that are new here: in a flood that a
// process is started into, it must know before too many signatures are new to it.
func (k *keeper) learn() (err error) {
	defer k.e.recover("what the store has is not known before it is listed")
	return k.e.s.ledger.Look(k.e.ctx, time.Now())
}

// applyAll counts what waits, until the store fails.
func (k *keeper) applyAll() error {
	for w := k.waiting.Next(); w != nil; w = k.waiting.Next() {
		if w.Number == 0 { // what was replayed has the number that it was to have
			k.e.s.ledger.Number(&w.Batch)
			k.e.s.numbered.Store(w.Number)
		}
		if err := k.e.applyOnce(w.Batch); err != nil {
			return err
		}
		k.e.s.release(w.Kept)
		k.waiting.Stored()
	}
	return nil
}

// standBy calls the stand-in when the store is out of reach, and lets it go when the
// store has all that waited.
func (k *keeper) standBy() {
	now := time.Now()
	out := k.e.s.reach.look(k.e.s.config.Logger, now)
	switch {
	case k.stand == nil && k.wait > 0 && k.waiting.Len() > 0 && (out || k.e.closed.Load() || k.e.dying.Load()):
		if k.stand = k.e.standIn(); k.stand == nil {
			return
		}
		k.stand.count(k.waiting.All()...)
	case k.stand != nil && k.wait == 0:
		k.stand.stop()
		k.left = append(k.left, k.stand)
		k.stand = nil
	}
}

// look does each second what needs no store.
func (k *keeper) look() {
	defer k.e.recover("what rules and sinks do is not looked at")
	k.e.s.lookAtRules(time.Now())
	k.e.s.lookAtSinks(time.Now())
}

// sweep resolves what has gone quiet, and takes over what was filed without the
// store.
func (k *keeper) sweep() (err error) {
	e := k.e
	defer e.recover("quiet problems are not resolved")
	for len(k.left) > 0 {
		done, err := k.left[0].handOver()
		if err != nil {
			return err
		}
		if !done {
			break
		}
		k.left = k.left[1:]
	}
	resolved, err := e.s.ledger.Sweep(e.ctx, time.Now())
	if resolved > 0 {
		e.wakeDispatcher()
	}
	return err
}

// abandon counts what is lost because the engine stops before the store had it.
func (k *keeper) abandon() {
	for w := k.waiting.Next(); w != nil; w = k.waiting.Next() {
		k.e.s.ledger.Lose(w.Batch, correlate.AfterShutdown)
		k.waiting.Stored()
	}
	k.e.abandonWork()
}

// publish tells callers what became of their requests. They file for themselves
// if they are not told, so it is not tried again.
func (e *Engine) publish(origins []correlate.TraceOrigin) {
	defer e.recover("callers are not told what became of their requests")
	for _, o := range origins {
		if err := correlate.PublishOrigin(e.ctx, e.s.store, o, time.Now()); err != nil {
			if e.ctx.Err() == nil && !errors.Is(err, correlate.ErrStoreFull) {
				e.s.config.Logger.Debug("spanticket: callers are not told what became of their requests: the store failed", "error", err)
			}
			return
		}
	}
}

// applyOnce counts a batch. What a defect of the library keeps from being
// counted is dropped.
func (e *Engine) applyOnce(b coalesce.Batch) error {
	done := false
	defer func() {
		if !done { // it must not come again, whatever is wrong with it
			e.sound("occurrences are lost uncounted", func() { e.s.ledger.Lose(b, correlate.Panicked) })
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
