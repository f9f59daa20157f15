// Package sweep looks after what no engine looks after any more. Engines that share
// a store announce in it which sinks they have, for which scopes; one of them at a
// time goes through the whole store, and parks the deliveries that nobody claims,
// and resolves the problems of services that are gone.
package sweep

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/observe"
)

const (
	// Least and Most bound Config.After: an engine that is there has said so again
	// before the least of it is over, and a roster is kept for longer than the most.
	Least = 6 * time.Hour
	Most  = 14 * 24 * time.Hour

	// announceEvery, spread by up to a quarter more, is how often an engine looks at
	// the roster of each of its scopes, which it writes only if that is older than
	// correlate.RosterFresh. 20,000 pods of 1,000 services are 5 reads a second and
	// one write in 2 seconds.
	announceEvery = time.Hour
	// announceAgain is the same after the store failed.
	announceAgain = time.Minute

	// passEvery, spread by a quarter either way, is how often the store is gone
	// through. Pages are passPage problems, with a pause between them of about
	// pagePause: 100,000 problems are 780 questions in a minute and a half, of the one
	// engine whose turn it is. The others that would sweep ask whose turn it is: 22
	// times a second if that is all of 20,000.
	passEvery = 15 * time.Minute
	passPage  = 128
	pagePause = 100 * time.Millisecond
	// turn is for how long it is one engine's turn. It is renewed by each pass.
	turn = 45 * time.Minute
	// maxGap is how long ago the pass before may be. Who could not reach the store for
	// longer does not know who else could not.
	maxGap = 45 * time.Minute
	// stale is for how long the last engine of a place may have been there after its
	// roster was written last.
	stale = 2 * time.Hour
	// watch is how long a roster was seen to stay as it is before it is believed that
	// nobody writes it: whatever the clocks say, an engine that is there writes twice in
	// that time.
	watch = 4 * time.Hour
)

// Config is what a sweeper works with. Every field but After is required.
type Config struct {
	Store    correlate.Store
	Scopes   func() []correlate.Scope // that the engine acts for
	Sinks    []string                 // names of its sinks
	After    time.Duration            // what nobody has had for so long is swept; 0 means that this engine does not
	Engine   string                   // random, of this run of this process
	Counters *observe.Deliveries
	Parked   *observe.Parked
	Logger   *slog.Logger
	Jitter   rand.Source
}

// Sweeper announces what an engine has, and sweeps. It belongs to one goroutine.
type Sweeper struct {
	Config
	rng      *rand.Rand
	announce map[correlate.Scope]time.Time // when the roster of each scope is looked at next
	failing  bool                          // to announce
	again    time.Time                     // no announcement before
	due      time.Time                     // the next pass
	last     time.Time                     // the last that went well, while it is this engine's turn
	seen     map[place]sight
}

// place is where deliveries wait: for a sink of a scope. Without a sink it stands for
// the scope itself.
type place struct {
	scope correlate.Scope
	sink  string
}

// sight is what a roster says of a place, and since when it was seen to say so.
type sight struct {
	had   time.Time
	since time.Time
}

// New returns a sweeper.
func New(c Config) *Sweeper {
	return &Sweeper{Config: c, rng: rand.New(c.Jitter), announce: map[correlate.Scope]time.Time{}}
}

// Tick does what is due. Call it every few seconds. What the store does not take is
// tried again by later calls.
func (s *Sweeper) Tick(ctx context.Context, now time.Time) {
	s.announceAll(ctx, now)
	if s.After <= 0 {
		return
	}
	if s.due.IsZero() { // engines that are started together do not ask together
		s.due = now.Add(s.spread(passEvery, 0, 1))
	}
	// A due time that is further ahead than any is by a clock that was set back.
	if now.Before(s.due) && s.due.Before(now.Add(2*passEvery)) {
		return
	}
	s.due = now.Add(s.spread(passEvery, 0.75, 1.25))
	if err := s.pass(ctx, now); err != nil && ctx.Err() == nil {
		s.Logger.Warn("spanticket: what nobody claims is not looked for: the store failed", "error", err)
	}
}

func (s *Sweeper) spread(d time.Duration, from, to float64) time.Duration {
	return time.Duration(float64(d) * (from + (to-from)*s.rng.Float64()))
}

// announceAll says of each scope of the engine, now and then, which sinks it has.
func (s *Sweeper) announceAll(ctx context.Context, now time.Time) {
	if now.Before(s.again) && s.again.Before(now.Add(2*announceAgain)) {
		return
	}
	for _, scope := range s.Scopes() {
		if at, ok := s.announce[scope]; ok && now.Before(at) && at.Before(now.Add(2*announceEvery)) {
			continue
		}
		_, err := correlate.UpdateRoster(ctx, s.Store, scope, now, func(r correlate.Roster) (correlate.Roster, bool) {
			return r.Announce(s.Sinks, now)
		})
		// A roster of a newer program is left to it, and who sweeps leaves its scope
		// alone. A store that is full has no room for one, and none is missed.
		if err != nil && !errors.As(err, new(*correlate.FormatError)) && !errors.Is(err, correlate.ErrStoreFull) {
			if s.again = now.Add(announceAgain); !s.failing && ctx.Err() == nil {
				s.Logger.Warn("spanticket: engines that share the store are not told which sinks this one has: the store failed", "error", err)
			}
			s.failing = true
			return
		}
		s.failing = false
		s.announce[scope] = now.Add(s.spread(announceEvery, 1, 1.25))
	}
}
