// Package render makes the ticket out of a problem as it is now: it gathers
// what enrichers know, lays out the document, redacts every field of it, and
// cuts it to what the sink takes.
package render

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/enrich"
	"github.com/spanticket/spanticket/redact"
	"github.com/spanticket/spanticket/sinks"
)

// Renderer renders tickets. It may be used concurrently.
type Renderer struct {
	Redactor  *redact.Redactor
	Enrichers []*Named      // in the order in which their facts stand on the ticket
	Budget    time.Duration // for each enricher

	// Attributes are those that tickets show besides the usual ones; a trailing
	// '.' stands for all that begin so.
	Attributes []string
}

// Named is an enricher under the name that tickets call it by.
type Named struct {
	Name     string
	Enricher enrich.Enricher

	calls atomic.Int32 // that have not returned
}

// Ticket renders a problem for one delivery. The error means that the document
// could not be made safe: nothing may be sent.
func (r *Renderer) Ticket(ctx context.Context, p correlate.Problem, d correlate.Delivery, limits sinks.Limits) (sinks.Ticket, error) {
	t := layout(p, d)
	if p.Report == "" {
		r.enrich(ctx, p, &t)
	}
	r.links(&t)
	if err := r.Redactor.Document(&t); err != nil {
		return sinks.Ticket{}, fmt.Errorf("render: ticket %s cannot be redacted, nothing is sent: %w", Key(p, d.Sink), err)
	}
	// What is cut or left out is so only now: half a secret is not known for one.
	if n := r.evidence(t.Evidence); n > 0 {
		t.Missing = append(t.Missing, withheld(n))
	}
	t.Title = cmp.Or(line(t.Title), line(t.Operation), untitled)
	r.links(&t) // whatever the redactor has made of them
	counts := map[string]int{}
	if redactions(reflect.ValueOf(&t), counts); len(counts) > 0 {
		t.Missing = append(t.Missing, withheldValues(counts))
	}
	fit(&t, limits)
	return t, nil
}

// links makes every URL of a ticket one that may stand there, and leaves out
// those that cannot be made so.
func (r *Renderer) links(t *sinks.Ticket) {
	t.Runbook = URL(r.Redactor, t.Runbook)
	t.Previous.URL = URL(r.Redactor, t.Previous.URL)
	for i := range t.Suspects {
		t.Suspects[i].Changelog = URL(r.Redactor, t.Suspects[i].Changelog)
	}
	for i := range t.Links {
		t.Links[i].URL = URL(r.Redactor, t.Links[i].URL)
	}
	t.Links = slices.DeleteFunc(t.Links, func(l sinks.Link) bool { return l.URL == "" })
}

// untitled is the title of a ticket about an operation without a name: trackers
// refuse an empty one.
const untitled = "unnamed operation"

// Key returns the key of a sink's ticket about a problem. A ticket that could
// not be reopened, and was filed again, has another.
func Key(p correlate.Problem, sink string) string {
	key := "spt:" + p.ID
	if g := p.Filing(sink).Generation; g > 1 {
		key += "-" + strconv.Itoa(g)
	}
	return key
}

// layout fills in what the problem itself says.
func layout(p correlate.Problem, d correlate.Delivery) sinks.Ticket {
	s := p.Newest()
	f := p.Filing(d.Sink)
	t := sinks.Ticket{
		Key:         Key(p, d.Sink),
		Signature:   p.ID,
		Rule:        p.Rule,
		Severity:    p.Answers.Severity,
		Title:       p.Answers.Title,
		Team:        p.Answers.Team,
		Runbook:     p.Answers.Runbook,
		Labels:      slices.Clone(p.Answers.Labels),
		Namespace:   p.Scope.Namespace,
		Service:     p.Scope.Service,
		Environment: p.Scope.Environment,
		Operation:   s.Operation,
		Count:       p.Count,
		FirstSeen:   p.FirstSeen.UTC(),
		LastSeen:    p.LastSeen.UTC(),
		OpenedAt:    p.OpenedAt.UTC(),
		Origin:      sinks.Origin{Service: p.Scope.Service, Operation: s.Operation, TraceID: s.TraceID, SpanID: s.SpanID},
		Exception:   sinks.Exception(s.Exception),
		Previous:    sinks.Receipt(f.Previous),
	}
	t.Event, t.State = event(d.Operation, f)
	if t.State == sinks.Resolved {
		t.ResolvedAt = p.ResolvedAt.UTC()
	}
	if t.Exception.Message == "" {
		t.Exception.Message = s.Message
	}
	t.Impact = impact(p.Impact)
	if at, ok := exported(p.Samples); ok {
		t.Origin.TraceID, t.Origin.SpanID = at.TraceID, at.SpanID
	} else if t.Origin.TraceID != "" {
		t.Missing = append(t.Missing, "trace: not exported (sampled out)")
	}
	for _, step := range s.Path {
		t.Path = append(t.Path, sinks.Step{Service: step.Service, Operation: step.Operation})
	}
	for _, s := range slices.Backward(p.Samples) {
		t.Evidence = append(t.Evidence, sample(s))
	}
	for _, e := range p.History {
		t.History = append(t.History, sinks.Entry{Time: e.Time.UTC(), What: e.What})
	}
	if t.State == sinks.Open && p.State == correlate.Resolved && t.Event != sinks.EventUpdated {
		// A sink that can update is told next; another one never.
		t.Facts = append(t.Facts, sinks.Fact{Name: "over", Value: "since " + p.ResolvedAt.UTC().Format(time.RFC3339) + ", before this was filed"})
	}
	if to := callee(s); to != "" {
		t.Facts = append(t.Facts, sinks.Fact{Name: "calls", Value: to})
	}
	t.Facts = append(t.Facts, continued(s)...)
	if s.Dropped > 0 {
		t.Missing = append(t.Missing, fmt.Sprintf("earlier events: the newest were kept, and %d dropped; an earlier exception may be among them", s.Dropped))
	}
	suspects(p.Suspects, &t)
	if p.Report != "" {
		report(p, &t)
		return t
	}
	t.Why = why(p)
	if p.Flood != nil {
		flood(p, &t)
	}
	if p.Bare {
		t.Missing = append(t.Missing, "earlier evidence: the store keeps it for the newest problems only")
	}
	return t
}

// exported returns the newest sample whose trace a trace store may have.
func exported(samples []correlate.Sample) (correlate.Sample, bool) {
	for _, s := range slices.Backward(samples) {
		if s.Exported {
			return s, true
		}
	}
	return correlate.Sample{}, false
}

// callee returns what an operation calls in another process, if it does.
func callee(s correlate.Sample) string {
	if s.Kind != "CLIENT" && s.Kind != "PRODUCER" {
		return ""
	}
	for _, key := range []string{
		"service.peer.name", "peer.service", "db.system.name", "db.system", "messaging.destination.name", "rpc.service", "server.address", "net.peer.name",
	} {
		if to := s.Attributes[key]; to != "" {
			return to
		}
	}
	return "another process"
}

// event says what a sink is told. An update does not change the state that it
// knows; how a problem ended is the business of a delivery of its own.
func event(op correlate.Operation, f correlate.Filing) (sinks.Event, sinks.State) {
	switch op {
	case correlate.OpOpen:
		return sinks.EventOpened, sinks.Open
	case correlate.OpReopen:
		return sinks.EventReopened, sinks.Open
	case correlate.OpResolve:
		return sinks.EventResolved, sinks.Resolved
	default:
		if f.State == correlate.Resolved {
			return sinks.EventUpdated, sinks.Resolved
		}
		return sinks.EventUpdated, sinks.Open
	}
}

func sample(s correlate.Sample) sinks.Sample {
	message := s.Exception.Message
	if message == "" {
		message = s.Message
	}
	return sinks.Sample{
		Time:       s.Time.UTC(),
		Duration:   s.Duration,
		TraceID:    s.TraceID,
		SpanID:     s.SpanID,
		Exported:   s.Exported,
		Message:    message,
		Attributes: maps.Clone(s.Attributes),
	}
}

// why says why there is a ticket, and what makes two failures the same one.
func why(p correlate.Problem) []string {
	out := []string{fmt.Sprintf("rule %q matched", p.Rule)}
	if t := p.Answers.Threshold; t.Count > 1 {
		out = append(out, fmt.Sprintf("its threshold of %d occurrences within %s was reached", t.Count, t.Within))
	}
	if len(p.Newest().Path) > 1 {
		out = append(out, "the origin is the deepest operation that failed; what failed above it is not counted again")
	}
	if to := callee(p.Newest()); to != "" {
		out = append(out, "downstream of "+to+", which the operation calls, and which is not seen here: the cause may lie there, on the same trace")
	}
	if p.Newest().RemoteParent && !reached(p) {
		out = append(out, "the request came from another process, whose part of the trace is not seen here")
	}
	if p.Upstream.Scope.Service != "" {
		out = append(out, "it was taken for a symptom of "+p.Upstream.String()+" until that was over, or was heard of no more")
	}
	for _, c := range p.Signature.Components {
		if c.Used {
			out = append(out, "signature: "+c.Name+" = "+c.Value)
		} else {
			out = append(out, "signature: without "+c.Name+": "+c.Why)
		}
	}
	return out
}
