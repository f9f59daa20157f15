package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/limit"
	"github.com/spanticket/spanticket/internal/observe"
	"github.com/spanticket/spanticket/internal/render"
	"github.com/spanticket/spanticket/redact"
	"github.com/spanticket/spanticket/sinks"
)

// Accounts are whose limits the calls of sinks count against. Outboxes of one
// process that have them in common keep under the limits together. The zero value
// is ready for use; it may be used concurrently.
type Accounts struct {
	mu  sync.Mutex
	all map[string]*account
}

// account is one of them: that which a sink names, or the sink itself.
type account struct {
	name  string
	named bool        // by a sink, and so the same in every process
	fleet atomic.Bool // an outbox of this process shares it with others

	mu     sync.Mutex
	state  limit.State    // as it is in this process or, on a shared store, as it was seen last
	share  limit.State    // under which calls are made while the store is out of reach
	learnt []limit.Answer // that nobody else knows of yet
	misses int            // draws in a row that got less than they asked for
	ask    [3]time.Time   // no draw for a class before
}

// maxLearnt bounds the answers that wait for the next draw.
const maxLearnt = 8

// of returns the account of a sink, and what it documents.
func (a *Accounts) of(name string, s sinks.Sink, r *redact.Redactor) (*account, []sinks.Rate) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var told sinks.Account
	if by, ok := sinks.As[sinks.Accounted](s); ok {
		told = by.Account()
	}
	id, named := name, told.ID != ""
	key := "sink\x00" + name
	if named {
		id = told.ID
		bad := func(r rune) bool { return r <= ' ' || r > '~' }
		if len(id) > 128 || strings.ContainsFunc(id, bad) || render.Safe(r, id) != id {
			id = sinks.AccountID("account", id) // it is stored and shown
		}
		key = id
	}
	if a.all == nil {
		a.all = map[string]*account{}
	}
	if a.all[key] == nil {
		a.all[key] = &account{name: id, named: named}
	}
	return a.all[key], told.Rates
}

// limitsOf returns the limits of a sink: the configured rate, and below that what is
// documented or configured for a span of time.
func limitsOf(o Options, documented []sinks.Rate, lag time.Duration) (l limit.Limits, strict bool) {
	l.Probe = o.Timeout + grace + lag
	every := time.Duration(float64(time.Second) / max(float64(o.Rate), 1e-6))
	l.Rates = []limit.Rate{{Name: "pace", Every: max(every, 1), Burst: max(o.Burst, 1)}}
	if o.PerHour > 0 {
		documented = append(slices.Clone(documented), sinks.Rate{Calls: o.PerHour, Per: time.Hour})
	}
	least := map[time.Duration]int{}
	for _, r := range documented {
		if n, ok := least[r.Per]; r.Calls > 0 && r.Per > 0 && (!ok || r.Calls < n) {
			least[r.Per] = r.Calls
		}
	}
	for per, calls := range least {
		l.Rates = append(l.Rates, limit.Within(calls, per, lag))
	}
	return l, len(least) > 0
}

// room returns how many calls of a class may start now, as far as is known.
func (a *account) room(l limit.Limits, c limit.Class, now time.Time) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now.Before(a.ask[c]) {
		return 0
	}
	return l.Room(a.state, c, now)
}

// near reports whether what matters most is to be asked for first, and overdue
// whether what is oldest is.
func (a *account) near(l limit.Limits, now time.Time) (near, overdue bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return l.Near(a.state, now), l.Overdue(l.Sane(a.state, now))
}

// paused reports whether there are no calls for some time.
func (a *account) paused(l limit.Limits, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return l.Paused(a.state, now)
}

// shut returns until when there are no calls.
func (a *account) shut() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state.Shut
}

// take takes n calls of a class, or as many as there are. An error says that the
// store failed, and that they are of a small share.
func (o *Outbox) take(ctx context.Context, t *target, c limit.Class, n int, waits bool, now time.Time) (got int, err error) {
	a := t.account
	if !o.fleet(a) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.fleet.Load() { // and stands in for the store that the others are asked by
			if got = a.part(t, c, n, waits, now); got < n {
				a.ask[c] = now.Add(askAgain)
			}
			return got, nil
		}
		a.state, got = t.rates.Take(a.state, c, n, waits, now)
		return got, nil
	}
	chance := o.jitter.between(1e9, 0, 1).Seconds()
	state, err := o.change(ctx, a, func(s limit.State) limit.State {
		s, got = t.rates.Take(s, c, n, waits, now)
		return s
	}, func(s limit.State) bool { return got > 0 || t.rates.Mended(s, now) }, t.rates, chance, now)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		got = a.part(t, c, n, waits, now)
		return got, fmt.Errorf("outbox: the limit of %s: %w", a.name, err)
	}
	a.state = state
	if got == n {
		a.misses = 0
		return got, nil
	}
	// Others were faster, and will be at the next moment too: the more there are, the
	// less often each asks. Who probes is heard of soon.
	const soon = 3 * time.Second
	if a.state.Probed.After(now.Add(soon)) {
		a.state.Probed = now.Add(soon)
	}
	spread := time.Second << min(a.misses, 3)
	a.misses++
	until := t.rates.Next(a.state, c, now).Add(time.Duration(chance * float64(spread)))
	for lesser := range c + 1 {
		a.ask[lesser] = until
	}
	return got, nil
}

// part takes calls of the small share that an engine has that cannot ask the others,
// of whom nobody knows how many there are. a is locked.
func (a *account) part(t *target, c limit.Class, n int, waits bool, now time.Time) (got int) {
	a.share.Half, a.share.Shut, a.share.Probed, a.share.Why = a.state.Half, a.state.Shut, a.state.Probed, a.state.Why
	a.share, got = t.rates.Share().Take(a.share, c, n, waits, now)
	a.state.Probed = a.share.Probed
	return got
}

// change changes the state of an account in the store, if write says so of the state
// before, with what was learnt meanwhile. The state that it returns holds also if it
// was not written.
func (o *Outbox) change(ctx context.Context, a *account, fn func(limit.State) limit.State, write func(limit.State) bool, l limit.Limits, chance float64, now time.Time) (next limit.State, err error) {
	a.mu.Lock()
	learnt := slices.Clone(a.learnt)
	a.mu.Unlock()
	err = o.Store.Update(ctx, limit.Key(a.name), func(cur correlate.Record, found bool) (correlate.Record, []correlate.Delivery, error) {
		was, err := limit.Load(cur)
		if err != nil {
			return correlate.Record{}, nil, err
		}
		next = was
		for _, answer := range learnt {
			next = l.Learn(next, answer, chance, now)
		}
		next = fn(next)
		if !write(was) && len(learnt) == 0 {
			return correlate.Record{}, nil, errLook
		}
		r, err := limit.Save(cur, next, now)
		return r, nil, err
	})
	if err != nil && !errors.Is(err, errLook) {
		return next, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.learnt = a.learnt[min(len(learnt), len(a.learnt)):]
	return next, nil
}

// fleet reports whether other processes may have calls on the account.
func (o *Outbox) fleet(a *account) bool {
	_, memory := o.Store.(*correlate.Memory)
	return a.named && !memory && !o.Alone
}

// learn notes what a call says of its account, and tells the others if they must
// know.
func (o *Outbox) learn(ctx context.Context, r Result, now time.Time) {
	t := r.job.target
	a := t.account
	answer := limit.Answer{Quotas: r.quotas, Delivery: r.job.Delivery.ID, Began: r.job.claimed, Flying: max(len(t.slots)-1, 0)}
	reason, after := sinks.ReasonOf(r.err)
	switch {
	case !r.called:
		answer.Outcome = limit.Unmade
	case r.err == nil, reason == sinks.Rejected, reason == sinks.Unauthorized:
	case reason == sinks.RateLimited:
		answer.Outcome, answer.After = limit.Stopped, after
	default:
		answer.Outcome = limit.Failed
	}
	chance := o.jitter.between(1e9, 0, 1).Seconds()
	a.mu.Lock()
	matters := t.rates.Matters(a.state, answer, now)
	a.state = t.rates.Learn(a.state, answer, chance, now)
	shared := o.fleet(a)
	if shared && (matters || len(answer.Quotas) > 0) {
		if len(a.learnt) == maxLearnt {
			a.learnt = a.learnt[1:]
		}
		a.learnt = append(a.learnt, answer)
	}
	a.mu.Unlock()
	if !shared || !matters {
		return
	}
	same := func(s limit.State) limit.State { return s }
	never := func(limit.State) bool { return false } // but for what was learnt
	state, err := o.change(ctx, a, same, never, t.rates, chance, now)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil {
		a.state = state
	}
}

// Limits returns how it stands with each account, by name.
func (o *Outbox) Limits(now time.Time) (all []observe.Limit) {
	places := map[*account]int{}
	for _, name := range o.names {
		t := o.targets[name]
		a := t.account
		if i, ok := places[a]; ok {
			all[i].Sinks = append(all[i].Sinks, name)
			continue
		}
		places[a] = len(all)
		a.mu.Lock()
		s := t.rates.Sane(a.state, now)
		a.mu.Unlock()
		l := observe.Limit{Account: a.name, Sinks: []string{name}, State: t.rates.Status(s, now), PerMinute: t.rates.PerMinute(s)}
		until := s.Shut
		for _, q := range s.Quotas {
			if !l.Told || int64(q.Left) < l.Remaining {
				l.Told, l.Remaining = true, int64(q.Left)
			}
			if q.Left == 0 && q.Until.After(until) {
				until = q.Until
			}
		}
		if until.After(now) {
			l.Until = until
		}
		all = append(all, l)
	}
	return all
}

// told collects what a sink reports, from whatever goroutine.
type told struct {
	mu     sync.Mutex
	quotas []sinks.Quota
}

func (t *told) quota(q sinks.Quota) {
	t.mu.Lock()
	defer t.mu.Unlock()
	const most = 16 // the last ones count
	if len(t.quotas) == most {
		t.quotas = t.quotas[1:]
	}
	t.quotas = append(t.quotas, q)
}

func (t *told) all() []sinks.Quota {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.quotas)
}
