package autoticket

import (
	"crypto/rand"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/coalesce"
)

// publish notes which problem a request from another service is an occurrence
// of, for that service to find: it fails too, and should not file it again.
func (s *stages) publish(o *correlate.Occurrence, id string) {
	if s.alone || o.Caller == "" {
		return
	}
	origin := correlate.TraceOrigin{
		Call:     correlate.Call{TraceID: o.TraceID, SpanID: o.Caller},
		Upstream: correlate.Upstream{Scope: o.Scope, ID: id, Operation: o.Operation, At: o.End},
	}
	if coalesce.IsCall(o) {
		origin.Next = o.SpanID
	}
	s.origins = coalesce.Lowest(s.origins, maxOrigins, origin, func(o correlate.TraceOrigin) string { return o.Call.TraceID })
}

// batches takes what is to be counted in the store by now: all of it, or
// without the calls whose callees may still have something to say.
func (s *stages) batches(now time.Time, all bool) []batch {
	out := s.withKept(s.counts.Take(), false)
	if all || s.callsDue(now) {
		out = append(out, s.withKept(s.calls.Take(), true)...)
	}
	for i := range out {
		b := &out[i]
		b.Impact.Share = s.gate.Traffic.Share(b.Scope.Service, b.Newest.Operation)
		for k := range b.Impact.Operations {
			a := &b.Impact.Operations[k]
			a.Share = s.gate.Traffic.Share(a.Service, a.Operation)
		}
	}
	return out
}

// callsDue reports whether callees have had their time.
func (s *stages) callsDue(now time.Time) bool {
	return s.calls.Len() > 0 && !now.Before(s.called.Add(calleeWait))
}

// takeOrigins returns what is to be published, redacted.
func (s *stages) takeOrigins() []correlate.TraceOrigin {
	out := s.origins
	s.origins = nil
	for i := range out {
		out[i].Upstream.Operation = s.config.Redactor.Text(out[i].Upstream.Operation)
	}
	return out
}

// randomID returns a name that nobody has in a fleet.
func randomID() string { return rand.Text()[:12] }

// randomKey returns a key that nobody has.
func randomKey() []byte {
	key := make([]byte, 32)
	rand.Read(key) // never fails
	return key
}
