package deployment

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

const (
	maxNodes    = 4096
	maxEdges    = 128 // of one service
	maxDistance = 4   // calls that are followed
	maxReach    = 128 // services and infrastructure that are returned
	// defaultAge is after how long without a call a service is no dependency any more.
	defaultAge = 7 * 24 * time.Hour
)

// Peer is what a service depends on.
type Peer struct {
	// Scope names it. The environment is that of the caller.
	Scope correlate.Scope `json:"scope"`
	// Shared says that it is infrastructure: a database, a queue, a cache.
	Shared bool `json:"shared,omitempty"`
}

// Reach is a dependency, and how many calls it is away.
type Reach struct {
	Peer
	Distance int
}

// Graph knows which services depend on which. It is bounded: what was not seen
// for long is forgotten, and a service beyond its bounds takes the place of the
// one that was not seen for longest. Its methods may be called concurrently; the zero value
// is empty and ready to use, and a nil Graph knows of nothing.
type Graph struct {
	// Age is how long a dependency is kept that is not seen. Defaults to seven days.
	Age time.Duration
	// Names says what is meant by names that spans call by, where they are not those of services:
	// hosts, queues ("kafka orders"), databases ("postgresql orders") and services of
	// RPC. It must not change once the graph is in use. The environment of a name is
	// always the caller's.
	Names map[string]Peer

	mu    sync.RWMutex
	nodes map[correlate.Scope]*node
	named map[correlate.Scope][]correlate.Scope // those of one name, in whatever namespace
}

// node is one service, and what it depends on.
type node struct {
	edges map[Peer]time.Time // when it was last seen; zero means given by hand, for ever
	seen  time.Time
	dirty bool // there is something that was not shared
}

// Add says that a service depends on others, whatever is seen.
func (g *Graph) Add(from correlate.Scope, on ...Peer) {
	for _, p := range on {
		g.see(from, p, time.Time{})
	}
}

// See notes that a service depended on something at a time. It is for whole traces, and for what the
// shared store says of the origin of a request; [Graph.Learn] is for spans.
func (g *Graph) See(from correlate.Scope, on Peer, now time.Time) { g.see(from, on, now) }

// shareEvery is how often a dependency that goes on is told to other replicas.
const shareEvery = time.Hour

func (g *Graph) see(from correlate.Scope, p Peer, now time.Time) { g.put(from, p, now, true) }

// put adds what was seen here, which others do not know, or what they have told.
func (g *Graph) put(from correlate.Scope, p Peer, now time.Time, here bool) {
	p.Scope.Environment = from.Environment
	if p.Scope.Service == "" || from.Service == "" || p.Scope == from || len(p.Scope.Service)+len(p.Scope.Namespace) > maxIdentity {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	n := g.node(from)
	at, found := n.edges[p]
	if found && (at.IsZero() || !now.IsZero() && !now.After(at)) {
		return
	}
	if !found && len(n.edges) >= maxEdges {
		delete(n.edges, oldest(n.edges))
	}
	if !found || now.Sub(at) >= time.Minute || now.IsZero() { // to the minute is enough
		n.edges[p] = now
		n.dirty = n.dirty || here && !now.IsZero() && (!found || now.Truncate(shareEvery).After(at))
	}
	n.seen = latest(n.seen, now)
}

// node returns the node of a service, and makes room for it.
func (g *Graph) node(s correlate.Scope) *node {
	if n := g.nodes[s]; n != nil {
		return n
	}
	if g.nodes == nil {
		g.nodes, g.named = map[correlate.Scope]*node{}, map[correlate.Scope][]correlate.Scope{}
	}
	if len(g.nodes) >= maxNodes {
		var out correlate.Scope
		var seen time.Time
		first := true
		for s, n := range g.nodes {
			if c := n.seen.Compare(seen); first || c < 0 || c == 0 && s.Compare(out) < 0 {
				out, seen, first = s, n.seen, false
			}
		}
		delete(g.nodes, out)
		g.named[unnamed(out)] = slices.DeleteFunc(g.named[unnamed(out)], func(s correlate.Scope) bool { return s == out })
		if len(g.named[unnamed(out)]) == 0 {
			delete(g.named, unnamed(out))
		}
	}
	n := &node{edges: map[Peer]time.Time{}}
	g.nodes[s] = n
	g.named[unnamed(s)] = append(g.named[unnamed(s)], s)
	return n
}

// unnamed returns a scope without its namespace.
func unnamed(s correlate.Scope) correlate.Scope {
	s.Namespace = ""
	return s
}

// oldest returns the edge that was not seen for longest; those by hand are the last to go.
func oldest(edges map[Peer]time.Time) (out Peer) {
	first := true
	for p, at := range edges {
		c := at.Compare(edges[out])
		switch {
		case first, edges[out].IsZero() && !at.IsZero():
		case at.IsZero() && !edges[out].IsZero():
			continue
		case c > 0, c == 0 && p.compare(out) > 0:
			continue
		}
		out, first = p, false
	}
	return out
}

func (p Peer) compare(q Peer) int {
	return cmp.Or(p.Scope.Compare(q.Scope), compareBool(p.Shared, q.Shared))
}

// Upstream returns what a service depends on, the nearest first: services before
// infrastructure of the same distance, at most four calls away and 128 in all.
func (g *Graph) Upstream(from correlate.Scope, now time.Time) []Reach {
	if g == nil {
		return nil
	}
	g.mu.RLock()
	defer g.mu.RUnlock()
	seen := map[correlate.Scope]bool{from: true}
	var out []Reach
	line := []correlate.Scope{from}
	for distance := 1; distance <= maxDistance && len(line) > 0 && len(out) < maxReach; distance++ {
		var next []Peer
		for _, s := range line {
			next = g.appendOf(next, s, now)
		}
		slices.SortFunc(next, func(a, b Peer) int {
			return cmp.Or(compareBool(a.Shared, b.Shared), a.Scope.Compare(b.Scope))
		})
		line = line[:0]
		for _, p := range next {
			if !seen[p.Scope] && len(out) < maxReach {
				seen[p.Scope] = true
				line = append(line, p.Scope)
				out = append(out, Reach{Peer: p, Distance: distance})
			}
		}
	}
	return out
}

// appendOf appends the dependencies of a service that are not too old. Of a
// service whose namespace a caller did not know, it is the only one of that name, if there is
// one.
func (g *Graph) appendOf(out []Peer, s correlate.Scope, now time.Time) []Peer {
	n := g.nodes[s]
	if of := g.named[s]; n == nil && len(of) == 1 {
		n = g.nodes[of[0]]
	}
	if n == nil {
		return out
	}
	oldest := now.Add(-cmp.Or(g.Age, defaultAge))
	for p, at := range n.edges {
		if at.IsZero() || at.After(oldest) {
			out = append(out, p)
		}
	}
	return out
}
