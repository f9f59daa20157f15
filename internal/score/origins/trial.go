package main

import (
	"cmp"
	"context"
	"slices"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

// outcome is what came of a replay.
type outcome struct {
	tickets []*sinks.Ticket // by when they were opened; tickets for many are not among them
	times   map[string][]time.Time
	stats   autoticket.Stats
}

// within counts the occurrences of a ticket's problem in a time.
func (o outcome) within(t *sinks.Ticket, s span) int {
	n := 0
	for _, at := range o.times[t.Signature] {
		if s.has(at) {
			n++
		}
	}
	return n
}

// replay runs spans through an engine that sees the whole traces. What fails
// before learnt is learnt as known; zero means that nothing is.
func replay(ctx context.Context, rules []autoticket.Rule, spans []sdktrace.ReadOnlySpan, learnt time.Time) (outcome, error) {
	out := outcome{times: map[string][]time.Time{}}
	shelf := shelf{}
	store := &correlate.Memory{MaxRecords: 1 << 20, MaxBytes: 1 << 30}
	c := autoticket.Config{
		Rules:       rules,
		Sinks:       map[string]sinks.Sink{"shelf": shelf},
		Delivery:    map[string]autoticket.Delivery{"shelf": {PerMinute: 1 << 30, Burst: 1 << 20}},
		Store:       store,
		WholeTraces: true,
		OnDecision: func(d correlate.Decision) {
			if d.Reason == correlate.Origin {
				out.times[d.Signature] = append(out.times[d.Signature], d.Time)
			}
		},
	}
	if !learnt.IsZero() {
		began := extent(spans).from
		c.Adopt = learnt.Sub(began)
		if err := watch(ctx, store, spans, began); err != nil {
			return out, err
		}
	}
	var err error
	out.stats, err = autoticket.Replay(ctx, c, spans)
	for _, t := range shelf {
		if len(t.Problems) == 0 {
			out.tickets = append(out.tickets, t)
		}
	}
	slices.SortFunc(out.tickets, func(a, b *sinks.Ticket) int {
		return cmp.Or(a.OpenedAt.Compare(b.OpenedAt), cmp.Compare(a.Key, b.Key))
	})
	return out, err
}

// watch says that all services have been watched since a time: the engine would
// begin with the first failure of each.
func watch(ctx context.Context, store correlate.Store, spans []sdktrace.ReadOnlySpan, since time.Time) error {
	seen := map[correlate.Scope]bool{}
	for _, sp := range spans {
		scope := correlate.Scope{
			Namespace:   resourceText(sp, "service.namespace"),
			Service:     serviceOf(sp),
			Environment: cmp.Or(resourceText(sp, "deployment.environment.name"), resourceText(sp, "deployment.environment")),
		}
		if seen[scope] {
			continue
		}
		seen[scope] = true
		if _, err := correlate.Adopt(ctx, store, scope, since); err != nil {
			return err
		}
	}
	return nil
}

// shelf is a sink that keeps the newest state of every ticket.
type shelf map[string]*sinks.Ticket

func (s shelf) File(_ context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	s[t.Key] = &t
	return sinks.Receipt{ID: t.Key}, nil
}

func (s shelf) Update(ctx context.Context, _ sinks.Receipt, t sinks.Ticket) (sinks.Receipt, error) {
	return s.File(ctx, t)
}

// before returns spans moved in time so that the last ends gap before t, with
// trace IDs of their own: the same traces may be in the other recording too.
func before(spans []sdktrace.ReadOnlySpan, t time.Time, gap time.Duration) []sdktrace.ReadOnlySpan {
	by := t.Add(-gap).Sub(extent(spans).to)
	out := make([]sdktrace.ReadOnlySpan, 0, len(spans))
	for _, sp := range spans {
		s := tracetest.SpanStubFromReadOnlySpan(sp)
		s.StartTime, s.EndTime = s.StartTime.Add(by), s.EndTime.Add(by)
		s.SpanContext, s.Parent = elsewhere(s.SpanContext), elsewhere(s.Parent)
		s.Events = slices.Clone(s.Events)
		for i := range s.Events {
			s.Events[i].Time = s.Events[i].Time.Add(by)
		}
		out = append(out, s.Snapshot())
	}
	return out
}

func elsewhere(c trace.SpanContext) trace.SpanContext {
	id := c.TraceID()
	id[0] ^= 0xff
	return c.WithTraceID(id)
}
