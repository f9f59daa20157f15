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
	Learn    func(correlate.Problem) // is told of problems that the store has; nil means nobody is
	Link     func(string) string     // makes a URL one that may be stored; nil leaves them

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
	looked int       // scopes that [Ledger.Look] has seen
	number int64     // of the last batch

	admissions admissions
	reports    reports
	aliases    aliases
	again      asks
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
		admissions: admissions{budgets: map[ruleOf]*budget{}, owed: map[correlate.Scope][]correlate.Spent{}, adopted: map[correlate.Scope]time.Time{}, restored: map[correlate.Scope]bool{}},
		reports:    reports{coming: map[reportOf]*news{}, told: map[reportOf]*news{}},
		again:      asks{of: map[correlate.Key]ask{}},
		aliases:    aliases{upgrades: map[correlate.Scope]upgrade{}, of: map[correlate.Key]correlate.Alias{}},
	}
}

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
	before, next, change, err := l.observe(ctx, key, b, l.asks(b, now), now)
	paid := false
	if errors.Is(err, errUnpaid) {
		var ok bool
		if ok, paid, err = l.buy(ctx, b, key.ID, before.Hold == correlate.Over, now); err != nil {
			return correlate.ChangeNone, fmt.Errorf("ledger: asking for a new ticket for %s: %w", key.ID, err)
		}
		b.Admission.Full = !ok
		before, next, change, err = l.observe(ctx, key, b, asking{}, now)
	}
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
	l.admissions.failed = false
	l.spend(b, change, before, next, paid, now)
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
