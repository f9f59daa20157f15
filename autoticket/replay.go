package autoticket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/deployment"
	"github.com/spanticket/spanticket/internal/capture"
)

// Replay runs recorded spans through an engine in the time of the spans, and
// returns when all is delivered: an hour of traffic takes seconds, and the same
// spans and configuration give the same tickets on every run. What it does is
// what a live engine does, by the same code. It sorts spans by their end; of
// those that end at once, the one that began last comes first, as a child ends
// before its parent.
//
// Its clock stands at the end of the newest span when it returns, so that a
// problem that had not been quiet for long enough by then is still open. The
// store in Config must be fresh: a record of another time would be found too.
func Replay(ctx context.Context, c Config, spans []sdktrace.ReadOnlySpan) (Stats, error) {
	r := new(replay)
	s, err := newStages(c, process{replays: true, clock: func() time.Time { return r.now }}, rand.NewPCG(1, 2))
	if err != nil {
		return Stats{}, err
	}
	slices.SortStableFunc(spans, func(a, b sdktrace.ReadOnlySpan) int {
		if c := a.EndTime().Compare(b.EndTime()); c != 0 {
			return c
		}
		if c := b.StartTime().Compare(a.StartTime()); c != 0 {
			return c
		}
		at, bt := a.SpanContext().TraceID(), b.SpanContext().TraceID()
		if c := bytes.Compare(at[:], bt[:]); c != 0 {
			return c
		}
		as, bs := a.SpanContext().SpanID(), b.SpanContext().SpanID()
		return bytes.Compare(as[:], bs[:])
	})
	r.stages = s
	for _, sp := range spans {
		if err := r.until(ctx, sp.EndTime()); err != nil {
			return s.stats(), err
		}
		s.gate.Rules.Load().Prepare(sp.Resource())
		s.gate.Traffic.Advance(r.now)
		if err := r.note(ctx, sp); err != nil {
			return s.stats(), err
		}
		var it capture.Item
		if s.gate.Examine(sp, &it) {
			s.take(it, r.now)
		}
		if s.counts.Fresh() {
			if err := r.tick(ctx); err != nil {
				return s.stats(), err
			}
		}
	}
	err = r.finish(ctx)
	return s.stats(), err
}

// replay is the clock of recorded spans, and what is due by it.
type replay struct {
	*stages
	now       time.Time
	told      time.Time // when counts were last taken
	finishing bool      // there is nothing to wait for
	waiting   bool      // a delivery waits for its sink or its next attempt

	sighted time.Time // when it was last said which processes run
	stale   bool      // something was deployed that is not in the history
}

// note learns of deployments and calls from a span, in the time of the spans.
func (r *replay) note(ctx context.Context, sp sdktrace.ReadOnlySpan) error {
	c := r.changes
	if c == nil {
		return nil
	}
	r.stale = c.present.touch(sp.Resource(), r.now) || r.stale
	scope, kind, attrs := c.convert.Call(sp)
	c.graph.Learn(scope, kind, attrs, r.now)
	r.paths.see(c.graph, sp, scope, r.now)
	if deployment.Announces(sp) {
		if d, ok := deployment.FromSpan(sp); ok {
			err := c.tracker.Note(ctx, d, r.now)
			if err != nil && !errors.As(err, new(*deployment.InvalidError)) && !errors.Is(err, deployment.ErrTooMany) {
				return fmt.Errorf("autoticket: replay: %w", err)
			}
			r.stale = true
		}
	}
	if !r.stale && r.now.Sub(r.sighted) < beatEvery {
		return nil
	}
	r.sighted, r.stale = r.now, false
	if err := errors.Join(c.sight(ctx, r.now), c.tracker.Refresh(ctx, r.now), c.count(ctx, r.now)); err != nil {
		return fmt.Errorf("autoticket: replay: %w", err)
	}
	return nil
}

// until moves the clock to t, and stops wherever something is due on the way.
func (r *replay) until(ctx context.Context, t time.Time) error {
	if r.now.IsZero() {
		r.now, r.told = t, t
	}
	for {
		next := r.next()
		if next.IsZero() || next.After(t) {
			break
		}
		r.now = later(r.now, next)
		if err := r.tick(ctx); err != nil {
			return err
		}
	}
	r.now = later(r.now, t)
	return nil
}

// next returns when something is due, or zero.
func (r *replay) next() time.Time {
	next := r.table.Next()
	soonest := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	soonest(r.ledger.Next())
	if r.counts.Len() > 0 || len(r.origins) > 0 {
		soonest(r.told.Add(countEvery))
	}
	if r.calls.Len() > 0 {
		soonest(r.called.Add(calleeWait))
	}
	if r.waiting {
		soonest(r.now.Add(claimEvery))
	}
	return next
}

// tick does what is due now.
func (r *replay) tick(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.table.Advance(r.now)
	if r.counts.Fresh() || r.callsDue(r.now) || !r.now.Before(r.told.Add(countEvery)) {
		for _, o := range r.takeOrigins() {
			if err := correlate.PublishOrigin(ctx, r.store, o, r.now); err != nil {
				return fmt.Errorf("autoticket: replay: %w", err)
			}
		}
		for _, b := range r.batches(r.now, r.finishing) {
			if _, err := r.ledger.Apply(ctx, b.Batch, r.now); err != nil {
				return fmt.Errorf("autoticket: replay: %w", err)
			}
		}
		r.told = r.now
	}
	r.lookAtRules(r.now)
	if _, err := r.ledger.Sweep(ctx, r.now); err != nil {
		return fmt.Errorf("autoticket: replay: %w", err)
	}
	return r.send(ctx)
}

// maxFinish bounds the time, on the clock of the spans, that sinks have for
// what waits at the end.
const maxFinish = 24 * time.Hour

// finish decides what is open and delivers what waits. Nothing is resolved any
// more: the recording does not say what came after it.
func (r *replay) finish(ctx context.Context) error {
	r.table.CloseAll(r.now)
	r.told, r.finishing = r.now.Add(-countEvery), true
	err := r.tick(ctx)
	if r.changes != nil && err == nil {
		r.gate.Traffic.Cut(r.now)
		err = r.changes.flush(ctx, r.now)
	}
	end := r.now
	for err == nil && r.waiting {
		if r.now = r.now.Add(claimEvery); r.now.Sub(end) > maxFinish {
			return errors.New("autoticket: replay: a sink does not take its deliveries")
		}
		if err = ctx.Err(); err == nil {
			err = r.send(ctx)
		}
	}
	return err
}

// later returns the later of two times.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// send makes the deliveries that are due, one after another.
func (r *replay) send(ctx context.Context) error {
	r.waiting = false
	for {
		jobs, more, err := r.claim(ctx, r.now)
		if err != nil {
			return fmt.Errorf("autoticket: replay: %w", err)
		}
		for _, j := range jobs {
			again, err := r.deliver(ctx, r.outbox, j, func() time.Time { return r.now })
			if err != nil {
				return fmt.Errorf("autoticket: replay: %w", err)
			}
			r.waiting = r.waiting || again
		}
		if len(jobs) == 0 {
			r.waiting = r.waiting || more
			return nil
		}
	}
}
