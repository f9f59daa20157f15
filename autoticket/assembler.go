package autoticket

import (
	"slices"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/capture"
)

const (
	// assembleEvery is how exactly a trace's wait is kept.
	assembleEvery = 100 * time.Millisecond
	// countEvery is how long occurrences of known problems are counted in
	// memory before the store is told. New ones are told at once.
	countEvery = time.Second
	// assembleRun bounds the spans that are taken before other work has a turn.
	assembleRun = 512
)

// assemble is the goroutine that owns the stages up to the counts.
func (e *Engine) assemble() {
	s := e.s
	tick := time.NewTicker(assembleEvery)
	defer tick.Stop()
	minute := time.NewTicker(time.Minute)
	defer minute.Stop()
	s.gate.Traffic.Advance(time.Now())
	if left := s.left(); len(left) > 0 {
		e.work <- work{batches: left}
	}
	var flushes []flush
	told := time.Now() // when the keeper was last given counts
	for {
		wake := tick.C
		if s.table.Next().IsZero() && s.counts.Len() == 0 && s.calls.Len() == 0 && len(flushes) == 0 && !s.gate.Holding() && !s.gate.Thin.Active() {
			wake = nil // nothing is held: sleep until a span comes
		}
		select {
		case it := <-s.gate.Queue():
			s.take(it, time.Now())
			e.takeMore(assembleRun)
		case <-wake:
		case <-s.gate.Holds():
		case <-minute.C:
		case r := <-e.resources:
			s.ledger.Join(s.convert.Scope(r))
			e.known.add(r)
			s.gate.Rules.Load().Prepare(r)
			e.wakeDispatcher()
		case f := <-e.flushes:
			e.takeMore(s.gate.Backlog())
			if f.open {
				s.gate.Release(func(it capture.Item) { s.take(it, time.Now()) })
				s.table.CloseAll(time.Now())
			}
			s.countAll(time.Now())
			flushes = append(slices.DeleteFunc(flushes, flush.gone), f)
		case <-e.ctx.Done():
			e.abandon()
			return
		}
		now := time.Now()
		s.gate.Overdue(now, func(it capture.Item) { s.take(it, now) })
		s.table.Advance(now)
		s.thin(now)
		e.traces.Store(int64(s.table.Len()))
		s.gate.Traffic.Advance(now)
		due := s.counts.Fresh() || len(flushes) > 0 || max(s.counts.Len(), s.calls.Len()) >= maxPending/2 || s.callsDue(now) ||
			(s.counts.Len() > 0 || len(s.origins) > 0) && now.Sub(told) >= countEvery
		// The keeper may be waiting for the store: counting goes on meanwhile.
		if due && len(e.work) == 0 {
			all := len(flushes) > 0 || s.calls.Len() >= maxPending/2
			e.work <- work{batches: s.batches(now, all), origins: s.takeOrigins(), flushes: flushes}
			flushes, told = nil, now
		}
	}
}

// takeMore takes up to n items that are in the queue already.
func (e *Engine) takeMore(n int) {
	for range n {
		select {
		case it := <-e.s.gate.Queue():
			e.s.take(it, time.Now())
		default:
			return
		}
	}
}

// abandon counts what is lost because the engine stops before it was stored.
func (e *Engine) abandon() {
	s := e.s
	for {
		select {
		case it := <-s.gate.Queue():
			s.gate.Taken(it)
			s.gate.Drop(it, correlate.AfterShutdown)
			continue
		default:
		}
		break
	}
	s.gate.Release(func(it capture.Item) { s.gate.Drop(it, correlate.AfterShutdown) })
	s.table.CloseAll(time.Now())
	s.countAll(time.Now())
	for _, b := range s.batches(time.Now(), true) {
		s.ledger.Lose(b.Batch, correlate.AfterShutdown)
	}
}
