package autoticket

import (
	"slices"
	"time"

	"go.opentelemetry.io/otel/sdk/resource"

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
	// maxLearn bounds the wait for what the store has of a service that is new here.
	maxLearn = 2 * time.Second
)

// assembler is what the goroutine that owns the stages up to the counts remembers.
type assembler struct {
	e       *Engine
	flushes []flush   // to be told of when what there is was given to the keeper
	told    time.Time // when the keeper was last given counts
	hasty   bool      // the store is too slow to be waited for
}

// assemble is the assembler's goroutine.
func (e *Engine) assemble() {
	a := assembler{e: e, told: time.Now()}
	e.sound("what an earlier process has left is not looked at", func() {
		if left := e.s.left(); len(left) > 0 {
			e.work <- work{batches: left}
		}
	})
	e.again(e.ctx, "what was at hand of a trace may be lost", a.run)
}

// run takes spans until the engine stops. It may be called again when it has panicked.
func (a *assembler) run() {
	e, s := a.e, a.e.s
	tick := time.NewTicker(assembleEvery)
	defer tick.Stop()
	minute := time.NewTimer(untilMinute(time.Now())) // what is counted is told by the minute
	defer minute.Stop()
	s.gate.Traffic.Advance(time.Now())
	a.learn()
	for {
		select {
		case r := <-e.resources: // before its spans
			a.meet(r)
		default:
		}
		wake := tick.C
		if s.table.Next().IsZero() && s.counts.Len() == 0 && s.calls.Len() == 0 && len(a.flushes) == 0 && !s.gate.Holding() && !s.gate.Thin.Active() {
			wake = nil // nothing is held: sleep until a span comes
		}
		select {
		case it := <-s.gate.Queue():
			s.take(it, time.Now())
			e.takeMore(assembleRun)
		case <-wake:
		case <-s.gate.Holds():
		case <-minute.C:
			minute.Reset(untilMinute(time.Now()))
		case r := <-e.resources:
			a.meet(r)
		case f := <-e.flushes:
			a.flushes = append(slices.DeleteFunc(a.flushes, flush.gone), f)
			e.takeMore(s.gate.Backlog())
			if f.open {
				s.gate.Release(func(it capture.Item) { s.take(it, time.Now()) })
				s.table.CloseAll(time.Now())
			}
			if e.closed.Load() {
				s.gate.Traffic.Cut(time.Now()) // it is the last that is counted
			}
			s.countAll(time.Now())
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
		due := s.counts.Fresh() || len(a.flushes) > 0 || max(s.counts.Len(), s.calls.Len()) >= maxPending/2 || s.callsDue(now) ||
			(s.counts.Len() > 0 || len(s.origins) > 0) && now.Sub(a.told) >= countEvery
		// The keeper may be waiting for the store: counting goes on meanwhile.
		if due && len(e.work) == 0 {
			all := len(a.flushes) > 0 || s.calls.Len() >= maxPending/2
			e.work <- work{batches: s.batches(now, all), origins: s.takeOrigins(), flushes: a.flushes}
			a.flushes, a.told = nil, now
		}
	}
}

// meet gets ready for the spans of a provider.
func (a *assembler) meet(r *resource.Resource) {
	s := a.e.s
	s.ledger.Join(s.convert.Scope(r))
	a.learn()
	a.e.known.add(r)
	s.gate.Rules.Load().Prepare(r)
	a.e.wakeDispatcher()
}

// learn waits until it is known what the store has of the services that there are. A
// process that is started into a flood would take all of it for new. Spans wait in the
// queue meanwhile.
func (a *assembler) learn() {
	if a.hasty || !a.e.s.lasting {
		return
	}
	learnt, late := make(chan struct{}), time.NewTimer(maxLearn)
	defer late.Stop()
	give := a.e.work
	for {
		select {
		case give <- work{learnt: learnt}:
			give = nil
		case <-learnt:
			return
		case <-late.C:
			a.hasty = true
			return
		case <-a.e.ctx.Done():
			return
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
	e.abandonWork() // that was given to the keeper after it had ended
}

// abandonWork counts what the keeper has not taken.
func (e *Engine) abandonWork() {
	select {
	case w := <-e.work:
		for _, b := range w.batches {
			e.s.ledger.Lose(b.Batch, correlate.AfterShutdown)
		}
	default:
	}
}

// untilMinute returns how long it takes until the next minute begins.
func untilMinute(now time.Time) time.Duration {
	return now.Truncate(time.Minute).Add(time.Minute).Sub(now)
}
