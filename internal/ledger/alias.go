package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/coalesce"
)

// aliases is what is known of problems that were opened under the IDs of an
// earlier version of the signature.
type aliases struct {
	upgrades map[correlate.Scope]upgrade
	of       map[correlate.Key]correlate.Alias // by the key that the signature gives
}

// upgrade is what the store has said of a scope, and when.
type upgrade struct {
	correlate.Upgrade
	asked time.Time
}

// askAgain is how long it counts that a scope was not upgraded. A rollout may
// only begin.
const askAgain = time.Minute

// maxAliases bounds the aliases that are remembered.
const maxAliases = 10_000

// place returns the key of the problem that a batch is counted on: the one that
// its signature gives, or that of a problem which an earlier version of the
// signature has opened.
func (l *Ledger) place(ctx context.Context, b coalesce.Batch, now time.Time) (correlate.Key, error) {
	key := b.Key()
	if l.watch.has(key) {
		return key, nil // the storm path
	}
	up, err := l.upgrade(ctx, b, now)
	if err != nil || up.From == 0 {
		return key, err
	}
	a, known := l.aliases.of[key]
	if !known {
		a, err = correlate.FindAlias(ctx, l.Store, key)
		if err == nil && a.Problem == "" && up.Looks(now) {
			a.Problem, err = l.predecessor(ctx, b)
		}
	}
	if err == nil && a.Problem != "" && a.Stale(now) {
		a, err = correlate.WriteAlias(ctx, l.Store, key, a.Problem, b.Quiet, now)
	}
	switch {
	case refused(err):
		l.Logger.Error("spanticket: it cannot be told whether a problem was open before the upgrade: it is taken for a new one", "problem", key.ID, "error", err)
		return key, nil
	case err != nil:
		return key, fmt.Errorf("ledger: looking for %s as it was before the upgrade: %w", key.ID, err)
	case a.Problem == "":
		return key, nil
	}
	if len(l.aliases.of) >= maxAliases {
		clear(l.aliases.of)
	}
	l.aliases.of[key] = a
	key.ID = a.Problem
	return key, nil
}

// upgrade says since when the scope of a batch has signatures of its version.
func (l *Ledger) upgrade(ctx context.Context, b coalesce.Batch, now time.Time) (correlate.Upgrade, error) {
	known, ok := l.aliases.upgrades[b.Scope]
	if ok && (known.From > 0 || now.Before(known.asked.Add(askAgain))) {
		return known.Upgrade, nil
	}
	up, err := correlate.Upgraded(ctx, l.Store, b.Scope, b.Signature.Version, now)
	switch {
	case refused(err):
		l.Logger.Error("spanticket: it cannot be told what was open before the upgrade: it may be filed again", "service", b.Scope.String(), "error", err)
	case err != nil:
		return up, fmt.Errorf("ledger: reading since when %s has its signatures: %w", b.Scope, err)
	}
	if len(l.aliases.upgrades) >= maxScopes {
		clear(l.aliases.upgrades) // the store is asked again
	}
	l.aliases.upgrades[b.Scope] = upgrade{up, now}
	return up, nil
}

// predecessor returns the ID of the problem that the version before has opened
// for what is in a batch, if there is one and the signature has none of its
// own. It is asked for with each batch of a problem that is not open: during a
// rollout the version before still opens problems.
func (l *Ledger) predecessor(ctx context.Context, b coalesce.Batch) (string, error) {
	if p, err := l.stored(ctx, b.Key()); err != nil || p.Episode > 0 || p.State == correlate.Open {
		return "", err
	}
	key := b.Key()
	for _, key.ID = range b.Earlier {
		if p, err := l.stored(ctx, key); err != nil || p.State == correlate.Open || p.State == correlate.Resolved {
			return p.ID, err
		}
	}
	return "", nil
}

// stored returns a problem, or the zero Problem if there is none.
func (l *Ledger) stored(ctx context.Context, key correlate.Key) (correlate.Problem, error) {
	p, err := correlate.ReadProblem(ctx, l.Store, key)
	if errors.Is(err, correlate.ErrNotFound) {
		err = nil
	}
	return p, err
}

// errForgotten ends the update of a problem that an alias stands for, if it is
// not there any more.
var errForgotten = errors.New("ledger: the problem of the version before is forgotten")

// forget drops the alias of a problem that is not there any more.
func (l *Ledger) forget(ctx context.Context, b coalesce.Batch, id string) error {
	delete(l.aliases.of, b.Key())
	if err := correlate.DropAlias(ctx, l.Store, b.Key(), id); err != nil {
		return fmt.Errorf("ledger: forgetting what stood for %s: %w", b.Signature.ID, err)
	}
	return nil
}
