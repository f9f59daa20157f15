package ledger

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/coalesce"
)

// keepUpstream is how long a problem that was a symptom of another one counts as
// one though nothing is heard of it: only some of its requests are looked up.
const keepUpstream = time.Minute

// upstream returns what the occurrences of a batch are symptoms of in other
// services, or the zero Upstream. They are counted on the problem with the key.
func (l *Ledger) upstream(ctx context.Context, key correlate.Key, b coalesce.Batch, now time.Time) (correlate.Upstream, error) {
	met := func(caller, callee correlate.Scope) {
		if l.Met != nil {
			l.Met(caller, callee, now)
		}
	}
	for _, c := range b.Calls {
		u, err := correlate.FollowCall(ctx, l.Store, b.Scope, c, met)
		if err != nil {
			return u, fmt.Errorf("ledger: asking what became of a call: %w", err)
		}
		if u.ID != "" {
			return u, nil
		}
	}
	if len(b.Calls) == 0 {
		return correlate.Upstream{}, nil
	}
	if u, err := l.lately(ctx, key, b.Last, now); err != nil || u.ID != "" {
		return u, err
	}
	return l.peer(b), nil
}

// lately returns what a problem that is held was found to be a symptom of, if
// that still went on when it was last seen.
func (l *Ledger) lately(ctx context.Context, key correlate.Key, last, now time.Time) (none correlate.Upstream, _ error) {
	if l.watch.hold(key) != correlate.Downstream {
		return none, nil
	}
	p, err := correlate.ReadProblem(ctx, l.Store, key)
	if err != nil {
		return none, passing(err)
	}
	if p.Upstream.ID == "" || !now.Before(p.Upstream.At.Add(keepUpstream)) {
		return none, nil
	}
	up, err := correlate.ReadProblem(ctx, l.Store, p.Upstream.Key())
	if err != nil {
		return none, passing(err)
	}
	if !up.AnswersFor(last) || !now.Before(up.LastSeen.Add(keepUpstream)) {
		return none, nil
	}
	return p.Upstream, nil
}

// peer returns the service that was called, if it is known to file its failures
// itself, and failed by an answer: what does not answer may not even run.
func (l *Ledger) peer(b coalesce.Batch) correlate.Upstream {
	o := b.Newest
	name := correlate.AttrString(o.Attributes, "service.peer.name", "peer.service", "server.address", "net.peer.name")
	if name == "" || !slices.Contains(l.Peers, name) || !answered(o) {
		return correlate.Upstream{}
	}
	return correlate.Upstream{Scope: correlate.Scope{Namespace: b.Scope.Namespace, Service: name, Environment: b.Scope.Environment}, At: b.Last}
}

// answered reports whether a call that failed was answered by its callee, and not
// by a proxy for one that does not answer.
func answered(o *correlate.Occurrence) bool {
	if n := o.HTTPStatus(); n != 0 {
		return n < 502 || n > 504
	}
	rpc := o.RPCStatus()
	return rpc != "" && rpc != "UNAVAILABLE" && rpc != "DEADLINE_EXCEEDED"
}

// passing returns nil for an error that will not go away.
func passing(err error) error {
	if refused(err) || gone(err) {
		return nil
	}
	return fmt.Errorf("ledger: reading what a problem is a symptom of: %w", err)
}

// affect adds to the problem that a batch is a symptom of what the batch says.
// What fails is not tried again: the batch itself is counted.
func (l *Ledger) affect(ctx context.Context, u correlate.Upstream, b coalesce.Batch, now time.Time) {
	if u.ID == "" {
		return
	}
	err := l.Store.Update(ctx, u.Key(), correlate.UpdateProblem(func(p correlate.Problem) (correlate.Problem, []correlate.Delivery, error) {
		if p.ID == "" {
			return p, nil, correlate.ErrNotFound
		}
		p, change := p.Affect(b.Impact, now)
		if change != correlate.ChangeUpdated {
			return p, nil, nil
		}
		next, add := p.Queue(correlate.OpUpdate, filed(p), now)
		return next, add, nil
	}))
	if err != nil && ctx.Err() == nil && !gone(err) {
		l.Logger.Warn("spanticket: the impact of a problem is not complete", "problem", u.ID, "scope", u.Scope.String(), "error", err)
	}
}
