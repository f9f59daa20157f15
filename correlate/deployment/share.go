package deployment

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/redact"
)

// KindDependency is the kind of the records that hold what a service depends on;
// there is one for each scope.
const KindDependency correlate.Kind = "dependency"

const (
	dependencyVersion = 1
	dependencyID      = "calls"
)

// dependencies is what is stored of one service.
type dependencies struct {
	Peers []dependency `json:"peers"`

	rest rest
}

type dependency struct {
	Peer
	Seen time.Time `json:"seen"`

	rest rest
}

// UnmarshalJSON keeps what is not known.
func (d *dependency) UnmarshalJSON(data []byte) (err error) {
	type plain dependency
	if err := json.Unmarshal(data, (*plain)(d)); err != nil {
		return err
	}
	d.rest, err = restOf(data, "scope", "shared", "seen")
	return err
}

// MarshalJSON writes it again.
func (d dependency) MarshalJSON() ([]byte, error) {
	type plain dependency
	data, err := json.Marshal(plain(d))
	if err != nil {
		return nil, err
	}
	return d.rest.into(data)
}

// Share tells other replicas what a graph has learnt, and the graph what they have:
// after it each knows of what any has seen. What was given by hand is not told. It is
// to be called every few minutes; an error is the store's, and leaves the rest for
// the next time. Names are redacted before they are stored.
func (t *Tracker) Share(ctx context.Context, g *Graph, now time.Time) error {
	for _, scope := range g.unshared() {
		if err := t.share(ctx, g, scope, now); err != nil {
			return err
		}
	}
	const page = 256
	p := correlate.Page{Kind: KindDependency, Max: page}
	for read := 0; read < maxNodes; read += page {
		records, err := t.config.Store.List(ctx, p)
		if err != nil {
			return err
		}
		for _, r := range records {
			if known, err := decodeDependencies(r); err == nil {
				g.merge(r.Key.Scope, known, now)
			}
		}
		if len(records) < page {
			break
		}
		p.After = records[len(records)-1].Key
	}
	return nil
}

// share stores what one service depends on.
func (t *Tracker) share(ctx context.Context, g *Graph, scope correlate.Scope, now time.Time) error {
	own := g.told(scope, now, t.config.Redactor)
	age := cmp.Or(g.Age, defaultAge)
	key := correlate.Key{Scope: redacted(t.config.Redactor, scope), Kind: KindDependency, ID: dependencyID}
	err := t.config.Store.Update(ctx, key, func(cur correlate.Record, found bool) (correlate.Record, []correlate.Delivery, error) {
		var known dependencies
		if found {
			var err error
			if known, err = decodeDependencies(cur); err != nil {
				return correlate.Record{}, nil, err
			}
		}
		known = known.with(own, now.Add(-age))
		data, err := json.Marshal(known)
		if err == nil {
			data, err = known.rest.into(data)
		}
		return correlate.Record{Version: dependencyVersion, Data: data, Expires: now.Add(age)}, nil, err
	})
	if err != nil {
		g.soil(scope) // it is told again
	}
	return err
}

// with returns what two replicas know, the newest up to a bound, without what is too old.
func (d dependencies) with(other dependencies, oldest time.Time) dependencies {
	seen := map[Peer]dependency{}
	for _, p := range slices.Concat(d.Peers, other.Peers) {
		if p.Seen.After(oldest) {
			was := seen[p.Peer]
			p.Seen, p.rest = latest(p.Seen, was.Seen), was.rest.and(p.rest)
			seen[p.Peer] = p
		}
	}
	out := make([]dependency, 0, len(seen))
	for _, p := range seen {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b dependency) int { return cmp.Or(-a.Seen.Compare(b.Seen), a.compare(b.Peer)) })
	return dependencies{Peers: out[:min(len(out), maxEdges)], rest: d.rest.and(other.rest)}
}

func decodeDependencies(r correlate.Record) (d dependencies, err error) {
	if r.Version > dependencyVersion {
		return d, &correlate.FormatError{Key: r.Key, Version: r.Version}
	}
	if err = json.Unmarshal(r.Data, &d); err == nil {
		d.rest, err = restOf(r.Data, "peers")
	}
	if err != nil {
		return dependencies{}, &correlate.FormatError{Key: r.Key, Version: r.Version, Err: err}
	}
	return d, nil
}

// unshared returns the services of which there is something to tell, in order, and takes
// it for told.
func (g *Graph) unshared() (out []correlate.Scope) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for s, n := range g.nodes {
		if n.dirty {
			n.dirty = false
			out = append(out, s)
		}
	}
	slices.SortFunc(out, correlate.Scope.Compare)
	return out
}

func (g *Graph) soil(s correlate.Scope) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if n := g.nodes[s]; n != nil {
		n.dirty = true
	}
}

// told returns what was seen of a service's dependencies, as it may be stored.
func (g *Graph) told(s correlate.Scope, now time.Time, r *redact.Redactor) (d dependencies) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	n := g.nodes[s]
	if n == nil {
		return d
	}
	for p, at := range n.edges {
		if !at.IsZero() {
			p.Scope = redacted(r, p.Scope)
			d.Peers = append(d.Peers, dependency{Peer: p, Seen: stored(at)})
		}
	}
	return d
}

func redacted(r *redact.Redactor, s correlate.Scope) correlate.Scope {
	return correlate.Scope{Namespace: clean(r, s.Namespace, maxIdentity), Service: clean(r, s.Service, maxIdentity), Environment: clean(r, s.Environment, maxIdentity)}
}

// merge adds what others have seen.
func (g *Graph) merge(s correlate.Scope, d dependencies, now time.Time) {
	for _, p := range d.Peers {
		if p.Seen.After(now) {
			p.Seen = now // by a clock that is ahead
		}
		if !p.Seen.IsZero() {
			g.put(s, p.Peer, p.Seen, false)
		}
	}
}
