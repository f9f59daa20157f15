package deployment

import (
	"cmp"
	"slices"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

const (
	defaultWindow = 2 * time.Hour
	// Clocks of who fails and who deploys differ by up to this.
	clocks = 2 * time.Minute
	// Who tells only that a deployment is done has begun it within this.
	untold = 15 * time.Minute
	// maxCandidates bounds the deployments that are weighed, the nearest and latest first.
	maxCandidates = 32
	// maxSuspects bounds those that are returned.
	maxSuspects = 5
)

// candidate is a deployment that may be to blame.
type candidate struct {
	Deployment
	distance int
	shared   bool
}

// Suspects returns which deployments are probably to blame for a problem, or why
// none is: those within a window before it of the service in which it began, then of those that
// it depends on, then of the infrastructure that they share. It is a pure function:
// the same answers of r and g make the same verdict. h, g and r may be nil, which know of nothing.
func Suspects(c Case, h *History, g *Graph, r Rates, now time.Time) Verdict {
	var v Verdict
	for _, d := range candidates(c, h, g, now) {
		m := measure(c, d, h, r, now)
		s, reason := judge(c, d, m)
		if reason != "" {
			v.Cleared = append(v.Cleared, Cleared{Deployment: d.Deployment, Distance: d.distance, Reason: reason})
			continue
		}
		v.Suspects = append(v.Suspects, s)
	}
	slices.SortStableFunc(v.Suspects, func(a, b Suspect) int {
		return cmp.Or(
			-cmp.Compare(a.Class.rank(), b.Class.rank()),
			-compareBool(a.beside, b.beside),
			compareBool(a.late, b.late),
			compareBool(a.Shared, b.Shared),
			cmp.Compare(a.Distance, b.Distance),
			cmp.Compare(a.Delay.Abs(), b.Delay.Abs()),
		)
	})
	v.Suspects = v.Suspects[:min(len(v.Suspects), maxSuspects)]
	slices.SortStableFunc(v.Cleared, func(a, b Cleared) int {
		return cmp.Or(cmp.Compare(a.Distance, b.Distance),
			cmp.Compare(c.First.Sub(a.Deployment.Time).Abs(), c.First.Sub(b.Deployment.Time).Abs()))
	})
	switch {
	case len(v.Suspects) > 0:
	case len(v.Cleared) > 0:
		v.Reason = v.Cleared[0].Reason
	case h.unknown(c.Scope, c.First.Add(-c.window())):
		v.Reason = NoHistory
	default:
		v.Reason = NoChange
	}
	return v
}

// Questions returns what [Suspects] will ask of its rates: who has to fetch the answers
// does so before.
func Questions(c Case, h *History, g *Graph, now time.Time) []Query {
	var asked recorder
	for _, d := range candidates(c, h, g, now) {
		measure(c, d, h, &asked, now)
	}
	return asked.queries
}

// recorder knows nothing, and notes what it is asked.
type recorder struct{ queries []Query }

// Count implements [Rates].
func (r *recorder) Count(q Query) (Count, bool) {
	if !slices.Contains(r.queries, q) {
		r.queries = append(r.queries, q)
	}
	return Count{}, false
}

// slack returns by how much a failure may come before the time that was told of a
// deployment, and yet be of it.
func (d Deployment) slack() time.Duration {
	if d.Done.Equal(d.Time) && d.Status != Started && d.Source != seenRunning {
		return untold // when it began was not told
	}
	return clocks
}

// candidates returns the deployments that may be to blame: of the service, and of
// what it depends on. One that came after the first failure is among them only
// if it was the service's own, for a reason to be given.
func candidates(c Case, h *History, g *Graph, now time.Time) []candidate {
	var out []candidate
	add := func(scope correlate.Scope, distance int, shared bool, to time.Time) {
		var of []candidate
		for d := range h.between(scope, c.First.Add(-c.window()), to) {
			if d.Status == Removed && distance == 0 || distance > 0 && d.Time.Sub(c.First) > d.slack() {
				continue
			}
			of = append(of, candidate{d, distance, shared})
		}
		slices.SortStableFunc(of, func(a, b candidate) int { return -a.Time.Compare(b.Time) })
		out = append(out, of...)
	}
	after := func(d time.Duration) time.Time {
		if t := c.First.Add(d); t.Before(now) {
			return t
		}
		return now
	}
	add(c.Scope, 0, false, after(untold))
	for _, r := range c.upstream(g, now) {
		if len(out) >= maxCandidates {
			break
		}
		if r.Scope.Service != c.Scope.Service || !agrees(r.Scope.Namespace, c.Scope.Namespace) {
			add(r.Scope, r.Distance, r.Shared, after(untold))
		}
	}
	return out[:min(len(out), maxCandidates)]
}

// upstream returns what the failure may have come from. An operation that failed while
// it called something got it from there, or has it from itself.
func (c Case) upstream(g *Graph, now time.Time) []Reach {
	if c.Peer == "" {
		return g.Upstream(c.Scope, now)
	}
	peer := Reach{Peer: Peer{Scope: correlate.Scope{Namespace: c.Scope.Namespace, Service: c.Peer, Environment: c.Scope.Environment}}, Distance: 1}
	for _, r := range g.Upstream(c.Scope, now) {
		if r.Distance == 1 && r.Scope.Service == c.Peer {
			peer = r
		}
	}
	out := []Reach{peer}
	for _, r := range g.Upstream(peer.Scope, now) {
		r.Distance++
		out = append(out, r)
	}
	return out
}
