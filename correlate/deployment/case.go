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
	// First is when the problem occurred first, in this episode of it.
	First time.Time
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
		c.First = began(p)
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

// began returns when an episode of a problem began, as far as that is known. One that was opened by an
// older program did not say so. An earlier time, at which all went well, would make its failures look as if
// they grew.
func began(p correlate.Problem) time.Time {
	if !p.BeganAt.IsZero() {
		return p.BeganAt
	}
	return p.OpenedAt
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
