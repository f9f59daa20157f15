package sweep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

const (
	// lease is how long deliveries are kept from an engine that comes back while they
	// are parked.
	lease = time.Minute
	// maxClaim and maxClaims bound the deliveries of a place that one pass parks.
	maxClaim, maxClaims = 64, 64
)

// clear parks what nobody claims, and resolves what nobody resolves.
func (s *Sweeper) clear(ctx context.Context, f found, now time.Time) error {
	var errs []error
	for _, pl := range sorted(f.places) {
		if !s.overdue(pl, now) {
			continue
		}
		// It was listed a while ago: an engine may have come. One that comes after this
		// is late: what waited had been nobody's for all of that time.
		roster, err := correlate.UpdateRoster(ctx, s.Store, pl.scope, now, func(r correlate.Roster) (correlate.Roster, bool) { return r, false })
		switch {
		case err != nil:
		case !roster.Had(pl.sink).Equal(s.seen[pl].had):
			continue
		case pl.sink == "":
			err = s.resolve(ctx, pl.scope, f.quiet[pl.scope], now)
		default:
			err = s.park(ctx, pl, now)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("sweep: clearing what waits for %q of %s: %w", pl.sink, pl.scope, err))
			if ctx.Err() != nil {
				break
			}
		}
	}
	return errors.Join(errs...)
}

// park parks what has waited at a place for long.
func (s *Sweeper) park(ctx context.Context, pl place, now time.Time) (err error) {
	since := s.seen[pl].had.Add(stale)
	reason := fmt.Sprintf("for %s no engine of %s has had a sink of this name: it was renamed, or the service is gone; requeue the delivery where there is one again, or discard it",
		hours(now.Sub(since)), pl.scope)
	own := slices.Contains(s.Scopes(), pl.scope)
	parked := 0
	var left []correlate.Delivery // that go back
	defer func() {
		for _, d := range left {
			if e := s.Store.Settle(ctx, d, correlate.Outcome{Due: d.Due}, nil); e != nil && !errors.Is(e, correlate.ErrLeaseLost) {
				err = errors.Join(err, e)
			}
		}
		if parked > 0 {
			s.Logger.Error("spanticket: deliveries that nobody claims are parked; Engine.Parked lists them, Engine.Requeue and Engine.Discard decide",
				"service", pl.scope.String(), "sink", pl.sink, "deliveries", parked, "unclaimed_since", since)
		}
	}()
	for range maxClaims {
		ds, err := s.Store.Claim(ctx, correlate.Claim{Scope: pl.scope, Sinks: []string{pl.sink}, Now: now, Lease: lease, Max: maxClaim})
		if err != nil || len(ds) == 0 {
			return err
		}
		for _, d := range ds {
			if now.Sub(d.Created) < s.After {
				left = append(left, d) // such as one that was requeued: it waits again
				continue
			}
			added, err := s.parkOne(ctx, d, reason, now)
			switch {
			case errors.As(err, new(*correlate.FormatError)):
				left = append(left, d)
			case errors.Is(err, correlate.ErrLeaseLost):
			case err != nil:
				return err
			default:
				parked++
				s.Counters.Count(d.Sink, string(d.Operation), "parked")
				s.Parked.Add(own, d.Sink, added)
			}
		}
	}
	return nil
}

// parkOne returns by how many more are parked for the sink of the problem.
func (s *Sweeper) parkOne(ctx context.Context, d correlate.Delivery, reason string, now time.Time) (added int64, err error) {
	park := correlate.UpdateProblem(func(p correlate.Problem) (correlate.Problem, []correlate.Delivery, error) {
		added = 0
		if p.Filing(d.Sink).Parked == nil {
			added = 1
		}
		return p.Unclaimed(d, reason, now), nil, nil
	})
	err = s.Store.Settle(ctx, d, correlate.Outcome{Done: true}, func(cur correlate.Record, found bool) (correlate.Record, []correlate.Delivery, error) {
		if !found { // forgotten: there is nothing to tell anybody
			added = 0
			return correlate.Record{}, nil, nil
		}
		return park(cur, found)
	})
	return added, err
}

// errAsItIs ends an update that changes nothing.
var errAsItIs = errors.New("sweep: nothing to change")

// resolve resolves the quiet problems of a scope that nobody acts for.
func (s *Sweeper) resolve(ctx context.Context, scope correlate.Scope, keys []correlate.Key, now time.Time) error {
	since := s.seen[place{scope: scope}].had.Add(stale)
	reason := fmt.Sprintf("the problem is over, and for %s there has been no engine of %s to tell its ticket: close that by hand and discard this, or requeue it when there is one again",
		hours(now.Sub(since)), scope)
	resolved := 0
	defer func() {
		if resolved > 0 {
			s.Logger.Warn("spanticket: quiet problems of a service without an engine are resolved; Engine.Parked lists their tickets",
				"service", scope.String(), "problems", resolved, "without_since", since)
		}
	}()
	for _, key := range keys {
		added := map[string]int64{}
		err := s.Store.Update(ctx, key, correlate.UpdateProblem(func(p correlate.Problem) (correlate.Problem, []correlate.Delivery, error) {
			clear(added)
			next, change := p.Orphaned(reason, now)
			if change != correlate.ChangeResolved {
				return p, nil, errAsItIs
			}
			for _, f := range next.Filings {
				if f.Parked != nil && p.Filing(f.Sink).Parked == nil {
					added[f.Sink]++
				}
			}
			return next, nil, nil
		}))
		if errors.Is(err, errAsItIs) || errors.As(err, new(*correlate.FormatError)) {
			continue
		}
		if err != nil {
			return err
		}
		resolved++
		for sink, n := range added {
			s.Parked.Add(false, sink, n)
		}
	}
	return nil
}

// hours says how long something was.
func hours(d time.Duration) string {
	if h := int(d.Round(time.Hour).Hours()); h < 72 {
		return fmt.Sprintf("%d hours", h)
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
