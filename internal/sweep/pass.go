package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

const (
	// maxPlaces bounds the places that are watched, and maxQuiet the problems that one
	// pass resolves. What is beyond is left to later ones.
	maxPlaces = 100_000
	maxQuiet  = 10_000
)

// found is what one pass has seen in the store.
type found struct {
	places map[place]bool                      // where something waits
	quiet  map[correlate.Scope][]correlate.Key // open problems that should be over
	quiets int
	parked map[string]int64 // by sink, in the scopes of others
}

// pass goes through the store, if it is this engine's turn.
func (s *Sweeper) pass(ctx context.Context, now time.Time) error {
	mine, err := correlate.TakeTurn(ctx, s.Store, "sweep", s.Engine, turn, now)
	if err != nil {
		return fmt.Errorf("sweep: asking whose turn it is: %w", err)
	}
	if !mine {
		s.seen = nil
		s.Parked.Listing(false)(nil) // they are shown by the engine whose turn it is
		return nil
	}
	if gap := now.Sub(s.last); gap > maxGap || gap < 0 {
		s.seen = nil
	}
	rosters, err := s.rosters(ctx)
	if err != nil {
		return err
	}
	listed := s.Parked.Listing(false)
	f, err := s.list(ctx, now)
	if err != nil {
		return err
	}
	listed(f.parked)
	if err := s.look(ctx, f, rosters, now); err != nil {
		return err
	}
	s.last = now
	return s.clear(ctx, f, now)
}

// pages calls fn with all records of a kind.
func (s *Sweeper) pages(ctx context.Context, kind correlate.Kind, fn func(correlate.Record)) error {
	var after correlate.Key
	for {
		records, err := s.Store.List(ctx, correlate.Page{Kind: kind, After: after, Max: passPage})
		if err != nil {
			return fmt.Errorf("sweep: listing records of the kind %s: %w", kind, err)
		}
		for _, r := range records {
			fn(r)
			after = r.Key
		}
		if len(records) < passPage {
			return nil
		}
		select {
		case <-time.After(s.spread(pagePause, 0.5, 1.5)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// rosters returns the roster of each scope, nil where it cannot be read.
func (s *Sweeper) rosters(ctx context.Context) (map[correlate.Scope]*correlate.Roster, error) {
	all := map[correlate.Scope]*correlate.Roster{}
	err := s.pages(ctx, correlate.KindRoster, func(r correlate.Record) {
		all[r.Key.Scope] = nil
		if roster, err := correlate.DecodeRoster(r); err == nil {
			all[r.Key.Scope] = &roster
		}
	})
	return all, err
}

// list finds what waits, and what nobody has resolved, where this engine is not the
// one to look after it.
func (s *Sweeper) list(ctx context.Context, now time.Time) (found, error) {
	f := found{places: map[place]bool{}, quiet: map[correlate.Scope][]correlate.Key{}, parked: map[string]int64{}}
	scopes := s.Scopes()
	err := s.pages(ctx, correlate.KindProblem, func(r correlate.Record) {
		p, err := correlate.DecodeProblem(r)
		if err != nil {
			return // a newer program's: it looks after it
		}
		own := slices.Contains(scopes, r.Key.Scope)
		for _, filing := range p.Filings {
			if filing.Parked != nil && !own {
				f.parked[filing.Sink]++
			}
			if len(filing.Pending) > 0 && !(own && slices.Contains(s.Sinks, filing.Sink)) && len(f.places) < maxPlaces {
				f.places[place{r.Key.Scope, filing.Sink}] = true
			}
		}
		if at := p.ResolvesAt(); !own && !at.IsZero() && !now.Before(at) && f.quiets < maxQuiet {
			f.places[place{scope: r.Key.Scope}] = true
			f.quiet[r.Key.Scope] = append(f.quiet[r.Key.Scope], r.Key)
			f.quiets++
		}
	})
	return f, err
}

// look notes what the rosters say of the places where something waits, and since
// when. It asks for what they do not know: from now on they do.
func (s *Sweeper) look(ctx context.Context, f found, rosters map[correlate.Scope]*correlate.Roster, now time.Time) error {
	seen := make(map[place]sight, len(f.places))
	for _, pl := range sorted(f.places) {
		roster, ok := rosters[pl.scope]
		if ok && roster == nil {
			continue // a newer program's: it is left alone, and so is its scope
		}
		if !ok || roster.Had(pl.sink).IsZero() {
			asked, err := correlate.UpdateRoster(ctx, s.Store, pl.scope, now, func(r correlate.Roster) (correlate.Roster, bool) {
				return r.Ask([]string{pl.sink}, now)
			})
			if errors.Is(err, correlate.ErrStoreFull) || errors.As(err, new(*correlate.FormatError)) {
				continue // what cannot be known is left alone
			}
			if err != nil {
				return fmt.Errorf("sweep: asking for the sinks of %s: %w", pl.scope, err)
			}
			roster = &asked
			rosters[pl.scope] = roster
		}
		had := roster.Had(pl.sink)
		before, ok := s.seen[pl]
		if !ok || !before.had.Equal(had) {
			before = sight{had: had, since: now}
		}
		seen[pl] = before
	}
	s.seen = seen
	return nil
}

// overdue reports whether nobody has had a place for long.
func (s *Sweeper) overdue(pl place, now time.Time) bool {
	at, ok := s.seen[pl]
	return ok && now.Sub(at.had) >= s.After+stale && now.Sub(at.since) >= watch
}

// sorted returns places in order.
func sorted(places map[place]bool) []place {
	return slices.SortedFunc(maps.Keys(places), func(a, b place) int {
		if c := a.scope.Compare(b.scope); c != 0 {
			return c
		}
		return cmp.Compare(a.sink, b.sink)
	})
}
