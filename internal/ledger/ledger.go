// Package ledger keeps the problems: it counts batches on them in the store,
// under the policy of package correlate, queues what is to be delivered in the
// same atomic step, and resolves the problems that have gone quiet.
package ledger

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/coalesce"
	"github.com/spanticket/spanticket/internal/observe"
	"github.com/spanticket/spanticket/redact"
)

// Config is what a ledger works with.
type Config struct {
	Store    correlate.Store
	Redactor *redact.Redactor
	Sinks    []string // names of all sinks
	Counters *observe.Counters
	Parked   *observe.Parked          // is told how many deliveries are parked; nil tells nobody
	Decided  func(correlate.Decision) // is told of what becomes of occurrences
	Logger   *slog.Logger
	Learn    func(id, earlier string) // is told of the signatures of problems that the store has; nil means nobody is
	Link     func(string) string      // makes a URL one that may be stored; nil leaves them

	// Suspects returns which deployments may be to blame for a problem that opens, or is
	// open, and Changed when a service was last deployed; from what is known, without
	// waiting. nil knows of none. Learnt is how often what they know has changed, and
	// Coming is told of a problem that may open.
	Suspects func(correlate.Problem, time.Time) correlate.Suspects
	Changed  func(correlate.Scope, time.Time) time.Time
	Learnt   func() int64
	Coming   func(correlate.Problem)
	// Met is told that a service was found to have called another one.
	Met func(caller, callee correlate.Scope, at time.Time)

	Writer string        // random, of this run of this process (see [correlate.Writer]); one is made if it is empty
	Peers  []string      // services that file their failures themselves
	Shadow bool          // nothing new is filed
	Budget int64         // new tickets an hour; 0 means any number
	Adopt  time.Duration // how long what fails is learnt as known, from when a scope is first watched
}

// Ledger applies batches to the store. Apply and Sweep are called from one
// goroutine; Scopes and Open from any.
type Ledger struct {
	Config
	watch  watch     // open problems
	listed time.Time // when the store was last asked for open problems
	number int64     // of the last batch

	admissions admissions
	reports    reports
	aliases    aliases
	asks       asks
	standsIn   bool // for another, whose store is out of reach

	mu     sync.Mutex
	scopes []correlate.Scope
	fresh  bool // a scope was added since the last listing
	open   int
	holds  int
}

// New returns a ledger.
func New(c Config) *Ledger {
	c.Writer = cmp.Or(c.Writer, rand.Text())
	c.Parked = cmp.Or(c.Parked, new(observe.Parked))
	return &Ledger{
		Config:     c,
		admissions: admissions{rules: map[ruleOf]*correlate.Budget{}, adopted: map[correlate.Scope]time.Time{}, restored: map[correlate.Scope]bool{}},
		reports:    reports{coming: map[reportOf]*news{}, told: map[reportOf]*news{}},
		asks:       asks{of: map[correlate.Key]ask{}},
		aliases:    aliases{upgrades: map[correlate.Scope]upgrade{}, of: map[correlate.Key]correlate.Alias{}},
	}
}

// listEvery is how often the store is asked for open problems that other
// replicas may have left.
const listEvery = 5 * time.Minute

// maxScopes bounds the services that one engine acts for.
const maxScopes = 1024

// Join adds a scope to those that the ledger acts for.
func (l *Ledger) Join(s correlate.Scope) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.scopes) < maxScopes && !slices.Contains(l.scopes, s) {
		l.scopes = append(l.scopes, s)
		l.fresh = true
	}
}

// Scopes returns the scopes that the ledger acts for, in order.
func (l *Ledger) Scopes() []correlate.Scope {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := slices.Clone(l.scopes)
	slices.SortFunc(out, correlate.Scope.Compare)
	return out
}

// Open returns how many open problems are watched.
func (l *Ledger) Open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}

// Held returns how many of them have no ticket of their own.
func (l *Ledger) Held() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.holds
}

// Number makes a batch one that is counted once, however often Apply is called with
// it because the store failed.
func (l *Ledger) Number(b *coalesce.Batch) {
	l.number++
	b.Writer, b.Number = l.Writer, l.number
}

// Apply counts a batch on its problem. It reports what that made of the
// problem. An error means that nothing was counted, and that it may work later:
// the caller keeps the batch. What can never be counted is dropped here.
func (l *Ledger) Apply(ctx context.Context, b coalesce.Batch, now time.Time) (correlate.Change, error) {
	l.Join(b.Scope)
	l.redact(&b)
	var err error
	if b.Admission, err = l.admission(ctx, b, now); err != nil {
		return correlate.ChangeNone, err
	}
	key, err := l.place(ctx, b, now)
	if err != nil {
		return correlate.ChangeNone, err
	}
	if b.Fold != "" {
		p, err := l.stored(ctx, correlate.Key{Scope: b.Scope, Kind: correlate.KindProblem, ID: b.Fold})
		if err != nil && !refused(err) {
			return correlate.ChangeNone, fmt.Errorf("ledger: asking whether %s was counted with a flood: %w", b.Signature.ID, err)
		}
		if change, again := p.Counted(b.Batch); again {
			b.Signature.ID = p.ID
			l.decided(b, change, p.HeldFor(b.Batch))
			return change, nil
		}
	}
	if b.Admission.Upstream, err = l.upstream(ctx, key, b, now); err != nil {
		return correlate.ChangeNone, err
	}
	var before, next correlate.Problem
	var change correlate.Change
	err = l.Store.Update(ctx, key, correlate.UpdateProblem(func(p correlate.Problem) (_ correlate.Problem, add []correlate.Delivery, _ error) {
		if p.ID == "" && key != b.Key() {
			return p, nil, errForgotten
		}
		before = p
		var again bool
		if change, again = p.Counted(b.Batch); again {
			next = p // the answer was lost
			return p, nil, nil
		}
		next, change = p.Observe(b.Batch, now)
		switch change {
		case correlate.ChangeOpened:
			l.freeze(&next, b, now)
			next, add = next.Queue(correlate.OpOpen, next.Answers.Sinks, now)
		case correlate.ChangeReopened:
			l.freeze(&next, b, now)
			next, add = next.Queue(correlate.OpReopen, next.Answers.Sinks, now)
		case correlate.ChangeHeld:
			if before.Hold == "" {
				l.freeze(&next, b, now)
			}
		case correlate.ChangeUpdated:
			next, add = next.Queue(correlate.OpUpdate, next.Answers.Sinks, now)
		}
		return next.Counting(b.Batch, change), add, nil
	}))
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return correlate.ChangeNone, err
	case errors.Is(err, errForgotten):
		if err := l.forget(ctx, b, key.ID); err != nil {
			return correlate.ChangeNone, err
		}
		return l.Apply(ctx, b, now)
	case refused(err):
		l.Lose(b, correlate.StoreRefused)
		l.Logger.Error("spanticket: occurrences are lost: the store refuses them", "count", b.Count, "problem", key.ID, "scope", key.Scope.String(), "error", err)
		return correlate.ChangeNone, nil
	default:
		return correlate.ChangeNone, fmt.Errorf("ledger: counting %d occurrences of %s: %w", b.Count, key.ID, err)
	}
	l.affect(ctx, b.Admission.Upstream, b, now)
	b.Signature.ID = next.ID // decisions name the problem
	l.decided(b, change, next.HeldFor(b.Batch))
	l.follow(key, next)
	l.spend(b, change, before, next, now)
	switch change {
	case correlate.ChangeBelow:
		if l.Coming != nil {
			l.Coming(next)
		}
	case correlate.ChangeOpened, correlate.ChangeReopened:
		l.answered(next)
	}
	l.relist(before, next, b.Count)
	return change, nil
}

// gone reports whether there is no such problem any more.
func gone(err error) bool { return errors.Is(err, correlate.ErrNotFound) }

// refused reports whether a store will not do what it was asked, however often
// it is.
func refused(err error) bool {
	return errors.Is(err, correlate.ErrStoreFull) || errors.As(err, new(*correlate.FormatError))
}

// decided counts what became of a batch. The occurrence that opens a problem
// is one; those with it are counted on it.
func (l *Ledger) decided(b coalesce.Batch, change correlate.Change, hold correlate.Reason) {
	first, rest := correlate.Reason(""), correlate.Deduplicated
	if b.Flood != nil {
		rest = correlate.Flooded
	}
	switch change {
	case correlate.ChangeBelow:
		rest = correlate.BelowThreshold
	case correlate.ChangeHeld:
		rest = hold
	case correlate.ChangeOpened:
		first = correlate.Opened
	case correlate.ChangeReopened:
		first = correlate.Reopened
	}
	n, own := b.Count, b.Own
	if first != "" {
		l.decide(b, first, 1, min(own, 1))
		n, own = n-1, max(own-1, 0)
	}
	l.decide(b, rest, n, own)
}

// Lose counts a batch as lost.
func (l *Ledger) Lose(b coalesce.Batch, r correlate.Reason) { l.decide(b, r, b.Count, b.Own) }

// decide tells of n occurrences of a batch, and counts those that are its own.
func (l *Ledger) decide(b coalesce.Batch, r correlate.Reason, n, own int64) {
	l.Counters.Add(r, own)
	if n == 0 {
		return
	}
	d := correlate.Decision{
		Withheld: b.Withheld, Time: b.Last, Stage: correlate.StageDecide, Reason: r, Count: n,
		TraceID: b.Newest.TraceID, SpanID: b.Newest.SpanID, Scope: b.Scope, Operation: b.Newest.Operation,
		Rule: b.Batch.Rule, Signature: b.Signature.ID,
	}
	if u := b.Admission.Upstream; r == correlate.Downstream {
		if d.Detail = "of " + u.String(); u.ID != "" {
			d.Detail += ", problem " + u.ID
		}
	}
	if r == correlate.Settling && !b.Admission.Changed.IsZero() {
		d.Detail = "deployed at " + b.Admission.Changed.UTC().Format(time.RFC3339)
	}
	l.Decided(d)
}

// follow remembers when a problem will be resolved.
func (l *Ledger) follow(key correlate.Key, p correlate.Problem) {
	l.watch.set(key, p)
	l.expect(key, p)
	l.mu.Lock()
	l.open, l.holds = l.watch.len, l.watch.held
	l.mu.Unlock()
}

// filed returns the sinks that have the problem, or will.
func filed(p correlate.Problem) []string {
	var names []string
	for _, f := range p.Filings {
		names = append(names, f.Sink)
	}
	return names
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
		var errs []error
		var pass func(correlate.Record) bool
		if l.admissions.restored[scope] {
			pass = isOver // what matters of those is known since the first time
		}
		if err := each(ctx, l.Store, &scope, pass, func(p correlate.Problem) {
			l.countParked(parked, p)
			key := correlate.Key{Scope: scope, Kind: correlate.KindProblem, ID: strings.Clone(p.ID)}
			if l.watch.has(key) {
				return
			}
			if l.Learn != nil {
				l.Learn(p.ID, p.Signature.Earlier)
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
		}); errors.Join(append(errs, err)...) != nil {
			l.mu.Lock()
			l.fresh = true
			l.mu.Unlock()
			return fmt.Errorf("ledger: listing the problems of %s: %w", scope, errors.Join(append(errs, err)...))
		}
		l.admissions.restored[scope] = true
	}
	listed(parked)
	l.listed = now
	return nil
}
