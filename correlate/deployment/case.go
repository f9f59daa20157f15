package deployment

import (
	"slices"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// Case is a problem, as far as it matters to who is to blame.
type Case struct {
	Scope     correlate.Scope // of the origin's service
	Operation string          // of the origin
	Region    string          // of the failing process; empty if that is not known
	// Peer is the service that the operation was calling when it failed, if it was.
	Peer string
	// First is when the problem occurred first, in this episode of it, and Unsure how
	// much later that may have been.
	First  time.Time
	Unsure time.Duration
	// Known says that its signature was seen before that.
	Known bool
	// Count is how often it occurred since; 0 if that is not known.
	Count int64
	// Failing are versions of processes in which it occurred; empty if they are
	// not known.
	Failing []string
	// Window is how long before First a change may have been. Defaults to two hours.
	Window time.Duration
}

// window returns how long before the first failure a change may have been.
func (c Case) window() time.Duration {
	if c.Window > 0 {
		return c.Window
	}
	return defaultWindow
}

// CaseOf returns the case of a problem that has opened, from its samples and its times. A problem
// that was seen before, or has opened before, is known; when this episode of it
// began is then taken from its threshold.
func CaseOf(p correlate.Problem) Case {
	c := Case{Scope: p.Scope, First: p.FirstSeen, Count: p.Count}
	if p.OpenedAt.Sub(p.FirstSeen) > defaultWindow {
		c.Known, c.Count = true, 0
		c.First, c.Unsure = began(p)
	}
	for i, s := range p.Samples {
		if s.Time.Before(c.First) {
			continue
		}
		if i == 0 || c.Operation == "" {
			c.Operation, c.Region = s.Operation, s.Resource["cloud.region"]
			c.Peer = peerOf(s)
		}
		if v := known(s.Resource["service.version"]); v != "" && !slices.Contains(c.Failing, v) {
			c.Failing = append(c.Failing, v)
		}
	}
	return c
}

// began returns when an episode of a problem began, and how much later that may have been.
func began(p correlate.Problem) (time.Time, time.Duration) {
	within := p.Answers.Threshold.Within
	from, first := p.OpenedAt.Add(-within), p.OpenedAt
	see := func(t time.Time) {
		if !t.Before(from) {
			first = earliest(first, t)
		}
	}
	for _, b := range p.Recent {
		see(b.Start)
	}
	for _, s := range p.Samples {
		see(s.Time)
	}
	if p.Answers.Threshold.Count <= 1 || !p.LastSeen.After(p.OpenedAt) && len(p.Recent) > 0 {
		return first, 0 // one was enough, or all are counted yet that were
	}
	return from, first.Sub(from)
}

// peerOf returns which service a sample was calling.
func peerOf(s correlate.Sample) string {
	if s.Kind != "CLIENT" {
		return ""
	}
	for _, key := range []string{"service.peer.name", "peer.service"} {
		if name := s.Attributes[key]; name != "" {
			return name
		}
	}
	return ""
}
