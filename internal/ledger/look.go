package ledger

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// listEvery is how often the store is asked for open problems that other
// replicas may have left.
const listEvery = 5 * time.Minute

// Look learns what the store has of scopes that are new, so that it is known before
// anything is counted. It asks once for each: after an error there is nothing to wait
// for, and Sweep asks again.
func (l *Ledger) Look(ctx context.Context, now time.Time) error {
	scopes := l.Scopes()
	if len(scopes) == l.looked {
		return nil
	}
	l.looked = len(scopes)
	if l.listed.IsZero() {
		return l.list(ctx, now)
	}
	for _, scope := range scopes {
		if l.admissions.restored[scope] {
			continue
		}
		if err := l.listScope(ctx, scope, nil, now); err != nil {
			return err
		}
	}
	return nil
}

// list finds open problems of the ledger's scopes that this process did not
// see: those of the run before, and those of replicas that are gone.
func (l *Ledger) list(ctx context.Context, now time.Time) error {
	l.mu.Lock()
	due := l.fresh || !now.Before(l.listed.Add(listEvery))
	l.fresh = false
	l.mu.Unlock()
	if !due {
		return nil
	}
	listed, parked := l.Parked.Listing(true), l.noneParked()
	for _, scope := range l.Scopes() {
		if err := l.listScope(ctx, scope, parked, now); err != nil {
			l.mu.Lock()
			l.fresh = true
			l.mu.Unlock()
			return err
		}
	}
	listed(parked)
	l.listed = now
	return nil
}

// listScope does so for one of them, and counts what is parked, if it is given where.
func (l *Ledger) listScope(ctx context.Context, scope correlate.Scope, parked map[string]int64, now time.Time) error {
	var errs []error
	var pass func(correlate.Record) bool
	if l.admissions.restored[scope] {
		pass = isOver // what matters of those is known since the first time
	}
	err := each(ctx, l.Store, &scope, pass, func(p correlate.Problem) {
		if parked != nil {
			l.countParked(parked, p)
		}
		key := correlate.Key{Scope: scope, Kind: correlate.KindProblem, ID: strings.Clone(p.ID)}
		if l.watch.has(key) {
			return
		}
		if l.Learn != nil {
			l.Learn(p)
		}
		l.follow(key, p)
		if !l.watch.has(key) && p.State == correlate.Open && !p.ResolvesAt().After(now) {
			_, err := l.quieten(ctx, key, now) // there was no room to watch it
			errs = append(errs, err)
			return
		}
		l.relist(p, p, 0) // the report may lack it, if a process ended
		if !l.admissions.restored[scope] {
			l.admissions.restore(p, now)
		}
	})
	if err := errors.Join(append(errs, err)...); err != nil {
		return fmt.Errorf("ledger: listing the problems of %s: %w", scope, err)
	}
	l.admissions.restored[scope] = true
	return nil
}
