package autoticket

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/deployment"
	"github.com/spanticket/spanticket/internal/capture"
)

const (
	// beatEvery is how often it is said that this process runs, and the deployments of its
	// own services are read. It is less than a minute by up to a tenth, so that replicas
	// that started together do not stay so.
	beatEvery = time.Minute
	// All that is known is read as often as comes to readPace bytes a second, and shared
	// between leastRead and mostRead apart.
	readPace  = 2 << 10
	leastRead = time.Minute
	mostRead  = time.Hour
	// shareEvery is how often other replicas are told who calls whom, at the most.
	shareEvery = 5 * time.Minute
	// fetchEvery is how often rates are fetched anew, fetchSoon for a problem that is new,
	// and maxFetch bounds the time for it.
	fetchEvery = time.Minute
	fetchSoon  = 5 * time.Second
	maxFetch   = 30 * time.Second
	// maxQuestions bounds what is fetched at a time.
	maxQuestions = 2000
	// maxUnsaid bounds the deployments that wait for the store.
	maxUnsaid = 256
)

// scout is what the goroutine remembers that keeps up to date what is known of
// deployments. What it does not know by now, nobody waits for.
type scout struct {
	e      *Engine
	c      *changes
	unsaid []deployment.Deployment

	beat, read, share, fetch time.Time // when each is due
	fetching                 atomic.Bool
	told                     time.Time // when the log was last told that the store failed
}

// explore is the scout's goroutine.
func (e *Engine) explore() {
	s := &scout{e: e, c: e.s.changes}
	s.beat = time.Now()
	if !s.c.tracker.Forgets() {
		s.beat = s.beat.Add(rand.N(time.Second)) // others may start at the same time
	}
	s.read = s.beat
	s.share = s.beat.Add(rand.N(shareEvery))
	e.again(e.ctx, "what is deployed is not looked at", s.run)
}

// run keeps up to date until the engine stops. It may be called again when it has
// panicked.
func (s *scout) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case sp := <-s.c.notices:
			s.note(sp)
		case <-s.c.wake:
			s.hurry(time.Now())
		case <-timer.C:
		case <-s.e.ctx.Done():
			return
		}
		now := time.Now()
		s.look(now)
		next := s.beat
		for _, t := range []time.Time{s.read, s.share, s.fetch} {
			if !t.IsZero() && t.Before(next) {
				next = t
			}
		}
		timer.Reset(max(time.Until(next), 10*time.Millisecond))
	}
}

// hurry makes due soon what somebody waits for: another process is there, or a problem.
func (s *scout) hurry(now time.Time) {
	if s.c.present.changed() {
		s.beat = now
	}
	if _, ok := s.c.rates.(deployment.Fetcher); ok && (s.fetch.IsZero() || s.fetch.After(now.Add(fetchSoon))) {
		s.fetch = now
	}
}

// look does what is due.
func (s *scout) look(now time.Time) {
	if !now.Before(s.beat) {
		s.beat = now.Add(beatEvery - rand.N(beatEvery/10))
		s.tried(errors.Join(s.sayAgain(now), s.c.sight(s.e.ctx, now), s.c.count(s.e.ctx, now)))
		if now.Before(s.read) {
			s.tried(s.c.tracker.RefreshOf(s.e.ctx, s.c.near(now, s.e.s.ledger.Open() > 0), now))
		}
	}
	if !now.Before(s.read) {
		s.read = now.Add(leastRead) // whatever comes of it
		err := s.c.tracker.Refresh(s.e.ctx, now)
		pause := min(max(time.Duration(s.c.tracker.Stats().Read/readPace)*time.Second, leastRead), mostRead)
		s.read = now.Add(pause - rand.N(pause/10))
		s.tried(err)
	}
	if !now.Before(s.share) {
		pause := max(s.read.Sub(now), shareEvery)
		s.share = now.Add(pause - rand.N(pause/10))
		if !s.c.tracker.Forgets() {
			s.tried(s.c.tracker.Share(s.e.ctx, s.c.graph, now))
		}
	}
	if !s.fetch.IsZero() && !now.Before(s.fetch) {
		s.fetch = now.Add(fetchEvery)
		s.prefetch(now)
	}
}

// note looks at a span that was noticed.
func (s *scout) note(sp sdktrace.ReadOnlySpan) {
	d, ok := deployment.FromSpan(sp)
	if !ok {
		s.c.learn(sp, time.Now())
		return
	}
	if s.say(d, time.Now()) == nil {
		if s.c.tracker.History() == nil {
			s.beat, s.read = time.Now(), time.Now() // it begins with this
			return
		}
		s.tried(s.c.tracker.RefreshOf(s.e.ctx, []correlate.Scope{d.Scope}, time.Now()))
	}
}

// say stores what was announced. What the store does not take is kept for later.
func (s *scout) say(d deployment.Deployment, now time.Time) error {
	err := s.c.tracker.Note(s.e.ctx, d, now)
	var invalid *deployment.InvalidError
	switch {
	case err == nil:
	case errors.As(err, &invalid):
		s.e.s.config.Logger.Warn("spanticket: a span announces a deployment that is not valid", "service", d.Scope.Service, "error", err)
	case len(s.unsaid) < maxUnsaid:
		s.unsaid = append(s.unsaid, d)
	default:
		s.c.missed.Add(1)
	}
	return err
}

// sayAgain stores what could not be before.
func (s *scout) sayAgain(now time.Time) error {
	waiting := s.unsaid
	s.unsaid = nil
	for i, d := range waiting {
		if err := s.say(d, now); err != nil && !errors.As(err, new(*deployment.InvalidError)) {
			s.unsaid = append(s.unsaid, waiting[i+1:]...)
			return err
		}
	}
	return nil
}

// tried tells the log now and then that the store failed.
func (s *scout) tried(err error) {
	if err == nil || s.e.ctx.Err() != nil || time.Since(s.told) < warnEvery {
		return
	}
	s.told = time.Now()
	s.e.s.config.Logger.Debug("spanticket: what is deployed is not known as it is now", "error", err)
}

// prefetch has rates fetched. Who fetches is the host's own: it has a goroutine of its own, one
// at a time, and a time after which nothing waits for it any more.
func (s *scout) prefetch(now time.Time) {
	f, ok := s.c.rates.(deployment.Fetcher)
	if !ok || !s.fetching.CompareAndSwap(false, true) {
		return
	}
	at := now.Truncate(time.Second)
	queries := s.c.questions(at)
	if len(queries) == 0 {
		s.fetch = time.Time{}
		s.fetching.Store(false)
		return
	}
	queries = slices.Clip(queries[:min(len(queries), maxQuestions)])
	go func() { // not waited for: it may hang
		defer s.fetching.Store(false)
		defer s.e.recover("rates are not fetched")
		ctx, cancel := context.WithTimeout(s.e.ctx, maxFetch)
		defer cancel()
		err := f.Prefetch(ctx, queries)
		if err != nil && s.e.ctx.Err() == nil {
			s.e.s.config.Logger.Debug("spanticket: rates of failures before and after deployments are not complete", "error", err)
		}
		// While nothing can be fetched, what there was is better.
		if was := time.Unix(s.c.asOf.Load(), 0); err == nil || at.Sub(was) >= maxAsOf {
			s.c.asOf.Store(at.Unix())
		}
	}()
}

// sight says which processes run.
func (c *changes) sight(ctx context.Context, now time.Time) error {
	if c.tracker.Forgets() {
		return nil
	}
	for _, r := range c.present.all(now) {
		scope, attrs := c.convert.Resource(r)
		if scope.Service == unknownService {
			continue
		}
		// A scope is what its problems have, however a resource spells it.
		attrs = append([]correlate.Attribute{
			{Key: "deployment.service", Value: scope.Service}, {Key: "deployment.namespace", Value: scope.Namespace},
			{Key: "deployment.environment.name", Value: scope.Environment},
		}, attrs...)
		if err := c.tracker.Seen(ctx, attrs, now); err != nil && !errors.As(err, new(*deployment.InvalidError)) {
			return err
		}
	}
	return nil
}

// count stores what was counted of calls, and reads what others have counted.
func (c *changes) count(ctx context.Context, now time.Time) error {
	if c.meter == nil {
		return nil
	}
	return errors.Join(c.flush(ctx, now), c.meter.counts.Refresh(ctx, now, c.near(now, false)...))
}

// flush stores what was counted of calls.
func (c *changes) flush(ctx context.Context, now time.Time) error {
	if c.meter == nil {
		return nil
	}
	return c.meter.counts.Flush(ctx, now)
}

// unknownService is the name of services that have none.
const unknownService = "unknown_service"

// learn notes what a span that was taken tells of who calls whom, and which processes run. It
// belongs to the goroutine that takes spans.
func (s *stages) learn(it capture.Item, o *correlate.Occurrence, now time.Time) {
	c := s.changes
	if c == nil {
		return
	}
	c.graph.Learn(o.Scope, o.Kind, o.Attributes, now)
	if s.config.WholeTraces {
		s.paths.see(c.graph, it.Span, o.Scope, now)
		if c.present.touch(it.Span.Resource(), now) {
			c.stir()
		}
	}
}

// learn notes what a span called.
func (c *changes) learn(sp sdktrace.ReadOnlySpan, now time.Time) {
	from, kind, attrs := c.convert.Call(sp)
	c.graph.Learn(from, kind, attrs, now)
}

// maxLast bounds the time for what was counted last.
const maxLast = 2 * time.Second

// lastCounts stores what was counted of calls until the engine was shut down, if there is
// time.
func (e *Engine) lastCounts(ctx context.Context) {
	if e.s.changes == nil || !e.s.reach.lost().IsZero() {
		return
	}
	defer e.recover("what was counted last is lost")
	done := make(chan struct{})
	go func() { // it may wait for a call that has not returned
		defer close(done)
		defer e.recover("what was counted last is lost")
		ctx, cancel := context.WithTimeout(ctx, maxLast)
		defer cancel()
		_ = e.s.changes.flush(ctx, time.Now())
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}
