package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// Next returns when Sweep has something to resolve, or to ask again. It is zero if no
// problem is open.
func (l *Ledger) Next() time.Time {
	next := l.watch.next()
	if t := l.again.next(); !t.IsZero() && (next.IsZero() || t.Before(next)) {
		next = t
	}
	return next
}

// Sweep resolves what has gone quiet, and asks again who is to blame for what has not.
// It returns of how many problems there is something to be told. It returns an error
// when the store failed; what is left is due again at the next call.
func (l *Ledger) Sweep(ctx context.Context, now time.Time) (told int, err error) {
	if err := errors.Join(l.list(ctx, now), l.Report(ctx, now)); err != nil {
		return 0, err
	}
	for _, key := range l.watch.due(now) {
		change, err := l.quieten(ctx, key, now)
		if err != nil {
			return told, err
		}
		if change == correlate.ChangeResolved {
			told++
		}
	}
	n, err := l.askAgain(ctx, now)
	return told + n, err
}

func (l *Ledger) quieten(ctx context.Context, key correlate.Key, now time.Time) (change correlate.Change, err error) {
	var next correlate.Problem
	err = l.Store.Update(ctx, key, func(cur correlate.Record, found bool) (correlate.Record, []correlate.Delivery, error) {
		if !found {
			next, change = correlate.Problem{}, correlate.ChangeNone
			return cur, nil, nil
		}
		return correlate.UpdateProblem(func(p correlate.Problem) (_ correlate.Problem, add []correlate.Delivery, _ error) {
			next, change = p.Quieten(now)
			if change == correlate.ChangeResolved {
				if len(filed(next)) > 0 {
					next = next.Conclude(l.suspects(next, now), now)
				}
				next, add = next.Queue(correlate.OpResolve, filed(next), now)
			}
			return next, add, nil
		})(cur, found)
	})
	if errors.As(err, new(*correlate.FormatError)) {
		err, next = nil, correlate.Problem{} // a newer program's: it looks after it
	}
	if err != nil {
		return change, fmt.Errorf("ledger: resolving %s: %w", key.ID, err)
	}
	l.follow(key, next)
	return change, nil
}
