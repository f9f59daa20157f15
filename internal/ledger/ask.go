package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

const (
	// It is asked again who is to blame for a problem soon after it has opened, for one
	// failure says little, and then when it is older by a part, so that what has been open
	// for long costs little. Where nothing was known yet, as in a process that has just
	// started, or where something became known, it is asked sooner.
	minAsk   = 15 * time.Second
	firstAsk = 5 * time.Second
	maxAsk   = 30 * time.Minute
	askPart  = 8
	// maxAsks bounds how many problems are asked about in one sweep, each with one update of
	// the store, and maxAsked those that are asked about at all before they are resolved.
	maxAsks  = 8
	maxAsked = 4096
)

// asks is when it is to be asked again who is to blame for open problems.
type asks struct {
	of     map[correlate.Key]ask
	learnt int64 // what was known when it was looked at last
}

type ask struct {
	opened time.Time
	next   time.Time
}

// next returns when the first is due, or zero.
func (a *asks) next() (next time.Time) {
	for _, k := range a.of {
		if next.IsZero() || k.next.Before(next) {
			next = k.next
		}
	}
	return next
}

// due returns those that are due, the longest first, up to a bound.
func (a *asks) due(now time.Time) []correlate.Key {
	var keys []correlate.Key
	for key, k := range a.of {
		if !k.next.After(now) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(x, y correlate.Key) int {
		return cmp.Or(a.of[x].next.Compare(a.of[y].next), x.Scope.Compare(y.Scope), cmp.Compare(x.ID, y.ID))
	})
	return keys[:min(len(keys), maxAsks)]
}

// hurry makes all due within firstAsk: something became known that may change answers.
func (a *asks) hurry(now time.Time) {
	for key, k := range a.of {
		if t := now.Add(firstAsk); k.next.After(t) {
			k.next = t
			a.of[key] = k
		}
	}
}

// expect notes whether it is to be asked again who is to blame for a problem.
func (l *Ledger) expect(key correlate.Key, p correlate.Problem) {
	if l.Suspects == nil {
		return
	}
	if p.State != correlate.Open || p.Hold != "" || p.Report != "" {
		delete(l.again.of, key)
		return
	}
	if k, ok := l.again.of[key]; ok && k.opened.Equal(p.OpenedAt) || !ok && len(l.again.of) >= maxAsked {
		return
	}
	wait := minAsk
	if p.Suspects.Asked.IsZero() {
		wait = firstAsk
	}
	l.again.of[key] = ask{opened: p.OpenedAt, next: p.OpenedAt.Add(wait)}
}

// askAgain asks who is to blame for open problems that have tickets, some of them at
// a time, and stores what is new.
func (l *Ledger) askAgain(ctx context.Context, now time.Time) (told int, err error) {
	if l.Suspects == nil {
		return 0, nil
	}
	if l.Learnt != nil {
		if n := l.Learnt(); n != l.again.learnt {
			l.again.learnt = n
			l.again.hurry(now)
		}
	}
	for _, key := range l.again.due(now) {
		change, err := l.reconsider(ctx, key, now)
		if err != nil {
			return told, err
		}
		if change == correlate.ChangeUpdated {
			told++
		}
		if k, ok := l.again.of[key]; ok {
			k.next = now.Add(min(max(now.Sub(k.opened)/askPart, minAsk), maxAsk))
			l.again.of[key] = k
		}
	}
	return told, nil
}

// errAsBefore ends an update that would change nothing.
var errAsBefore = errors.New("ledger: nothing to change")

// reconsider asks who is to blame for one problem.
func (l *Ledger) reconsider(ctx context.Context, key correlate.Key, now time.Time) (change correlate.Change, err error) {
	var next correlate.Problem
	err = l.Store.Update(ctx, key, func(cur correlate.Record, found bool) (correlate.Record, []correlate.Delivery, error) {
		next, change = correlate.Problem{}, correlate.ChangeNone
		if !found {
			return cur, nil, errAsBefore
		}
		return correlate.UpdateProblem(func(p correlate.Problem) (_ correlate.Problem, add []correlate.Delivery, _ error) {
			if next, change = p.Reconsider(l.suspects(p, now), now); change == correlate.ChangeNone {
				return next, nil, errAsBefore
			}
			if change == correlate.ChangeUpdated {
				next, add = next.Queue(correlate.OpUpdate, filed(next), now)
			}
			return next, add, nil
		})(cur, found)
	})
	switch {
	case errors.As(err, new(*correlate.FormatError)):
		delete(l.again.of, key) // a newer program's: it asks
		return correlate.ChangeNone, nil
	case errors.Is(err, errAsBefore):
		if next.State != correlate.Open || next.Hold != "" { // another engine has resolved it
			delete(l.again.of, key)
		}
		return correlate.ChangeNone, nil
	case err != nil:
		return correlate.ChangeNone, fmt.Errorf("ledger: asking who is to blame for %s: %w", key.ID, err)
	}
	l.follow(key, next)
	if change == correlate.ChangeUpdated {
		l.answered(next)
	}
	return change, nil
}

// answered counts who is to blame for a problem, as it is told.
func (l *Ledger) answered(p correlate.Problem) {
	switch {
	case p.Suspects.Asked.IsZero():
	case len(p.Suspects.Ranked) == 0:
		l.Counters.Suspects.Add("none")
	default:
		l.Counters.Suspects.Add(p.Suspects.Ranked[0].Class)
	}
}

// suspects asks who is to blame for a problem. What cannot be redacted is not told.
func (l *Ledger) suspects(p correlate.Problem, now time.Time) (s correlate.Suspects) {
	if l.Suspects == nil {
		return s
	}
	s = l.Suspects(p, now)
	if err := l.Redactor.Document(&s); err != nil {
		return correlate.Suspects{Asked: now, Reason: "[REDACTED:failed]"}
	}
	return s
}
