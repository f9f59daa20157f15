package correlate

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// Upstream is the problem of another service that a problem is a symptom of.
type Upstream struct {
	Scope     Scope     `json:"scope"`
	ID        string    `json:"id"` // of the problem; empty if only the service is known
	Operation string    `json:"operation"`
	At        time.Time `json:"at"` // when that was last seen of a request
}

func (u Upstream) known() bool { return u.Scope.Service != "" }

// Key returns the key of the problem's record.
func (u Upstream) Key() Key { return Key{Scope: u.Scope, Kind: KindProblem, ID: u.ID} }

// String returns "service operation".
func (u Upstream) String() string {
	if u.Operation == "" {
		return u.Scope.Service
	}
	return u.Scope.Service + " " + u.Operation
}

// KindOrigin is the kind of the records that say which problem a request is an
// occurrence of, to whoever made the request. They belong to no service but to
// the fleet: their scope is a namespace and an environment.
const KindOrigin Kind = "origin"

// keepOrigin is how long a caller may take to fail too.
const keepOrigin = 2 * time.Minute

// maxHops bounds the services that a failure is followed through.
const maxHops = 16

// Call is a call of another service, in which the request failed.
type Call struct {
	TraceID string
	SpanID  string // of the caller's span, which is the parent of the callee's
}

// key returns the key of the record about a call, for callers of a scope.
func (c Call) key(s Scope) Key {
	return Key{Scope: Scope{Namespace: s.Namespace, Environment: s.Environment}, Kind: KindOrigin, ID: c.TraceID + "/" + c.SpanID}
}

// TraceOrigin is what a service says of a call that failed in it.
type TraceOrigin struct {
	Call     Call     `json:"-"`
	Upstream Upstream `json:"upstream"` // the problem that it counts as
	Next     string   `json:"next"`     // span of the call that it failed by itself, if it did
}

// PublishOrigin says to whoever made a call of which problem it was an
// occurrence. What was said first stays.
func PublishOrigin(ctx context.Context, s Store, o TraceOrigin, now time.Time) error {
	err := s.Update(ctx, o.Call.key(o.Upstream.Scope), func(_ Record, found bool) (Record, []Delivery, error) {
		if found {
			return Record{}, nil, errRead
		}
		data, err := json.Marshal(o)
		return Record{Version: problemVersion, Data: data, Expires: now.Add(keepOrigin)}, nil, err
	})
	if errors.Is(err, errRead) {
		return nil
	}
	return err
}

// FindUpstream returns what a call that failed is a symptom of: the deepest
// problem on its way, through the calls that the callee made in turn, that has a
// ticket or waits for one. It returns the zero Upstream if there is none. scope is
// the caller's.
func FindUpstream(ctx context.Context, s Store, scope Scope, c Call) (found Upstream, err error) {
	return FollowCall(ctx, s, scope, c, nil)
}

// FollowCall does what [FindUpstream] does, and tells met, unless that is nil, of each
// service on the way, by whom it was called.
func FollowCall(ctx context.Context, s Store, scope Scope, c Call, met func(caller, callee Scope)) (found Upstream, err error) {
	caller := scope
	for range maxHops {
		o, ok, err := readOrigin(ctx, s, c.key(scope))
		if err != nil || !ok {
			return found, err
		}
		if met != nil {
			met(caller, o.Upstream.Scope)
		}
		caller = o.Upstream.Scope
		p, err := FindProblem(ctx, s, o.Upstream.Key())
		switch {
		case err == nil:
			if p.AnswersFor(o.Upstream.At) {
				found = o.Upstream
				found.ID = p.ID
			}
		case !errors.Is(err, ErrNotFound) && !errors.As(err, new(*FormatError)):
			return found, err
		}
		if o.Next == "" {
			break
		}
		c.SpanID = o.Next
	}
	return found, nil
}

// AnswersFor reports whether people know of the problem, or will, as it was at a
// time, so that its symptoms need no tickets. They may come late: by then it can
// be over.
func (p Problem) AnswersFor(at time.Time) bool {
	switch {
	case p.Hold == Shadow, p.Hold == Canary, p.Hold == Downstream:
		return false
	case p.State == Resolved:
		return len(p.Filings) > 0 && !at.After(p.ResolvedAt)
	}
	return p.State == Open
}

func readOrigin(ctx context.Context, s Store, key Key) (o TraceOrigin, ok bool, err error) {
	err = s.Update(ctx, key, func(cur Record, found bool) (Record, []Delivery, error) {
		o, ok = TraceOrigin{}, found
		if !found {
			return Record{}, nil, errRead
		}
		// One that cannot be read says nothing; the caller files for itself.
		ok = json.Unmarshal(cur.Data, &o) == nil
		return Record{}, nil, errRead
	})
	if errors.Is(err, errRead) {
		err = nil
	}
	return o, ok, err
}

// Affect adds to the problem what it does in another service. It is a pure
// function like [Problem.Observe]: ChangeUpdated says that the sinks are to be
// told.
func (p Problem) Affect(i Impact, now time.Time) (Problem, Change) {
	p = p.clone()
	before := len(p.Impact.Operations)
	p.Impact = p.Impact.Merge(i)
	if p.State != Open || p.Hold != "" || now.Before(p.nextUpdate()) && len(p.Impact.Operations) == before {
		return p, ChangeNone
	}
	p.UpdatedAt = now
	p.Updates++
	return p, ChangeUpdated
}
