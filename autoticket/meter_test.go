package autoticket

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/deployment"
	"github.com/spanticket/spanticket/internal/capture"
	"github.com/spanticket/spanticket/sinks"
)

// silent takes tickets and says nothing.
type silent struct{}

func (silent) File(_ context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	return sinks.Receipt{ID: t.Key}, nil
}

// What is counted of an operation is known under the name that its problem has.
func TestCountsHaveTheNamesOfProblems(t *testing.T) {
	for _, c := range []struct {
		rule      string
		operation string // of the origin
		kind      trace.SpanKind
		service   string
		known     bool
	}{
		{rule: "a route", operation: "GET /orders/{id}", kind: trace.SpanKindServer, service: "shop", known: true},
		{rule: "a call", operation: "SELECT orders", kind: trace.SpanKindClient, service: "shop", known: true},
		{rule: "a step within", operation: "price the basket", kind: trace.SpanKindInternal, service: "shop", known: true},
		{rule: "with a secret in it", operation: "GET /login?password=hunter2hunter2", kind: trace.SpanKindServer, service: "shop", known: true},
		{rule: "with what is no text in it", operation: "GET /\xff\xfe", kind: trace.SpanKindServer, service: "shop", known: true},
		{rule: "of a service without a name", operation: "GET /", kind: trace.SpanKindServer, service: "unknown_service:main", known: true},
		{rule: "too long to be counted apart", operation: "GET /" + strings.Repeat("x/", 1000), kind: trace.SpanKindServer, service: "shop"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			store := &correlate.Memory{}
			s, err := newStages(Config{Store: store, Rules: []Rule{{Name: "all", When: `span.status == "ERROR"`}}, Sinks: map[string]sinks.Sink{"silent": silent{}}}, process{}, rand.NewPCG(1, 2))
			require.NoError(t, err)
			r := &replay{stages: s, now: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)}
			m := newMeter(s.gate.Traffic, s.convert.Clone(), nil, true, s.config.Redactor, time.Time{}, func() time.Time { return r.now })
			res := resource.NewSchemaless(attribute.String("service.name", c.service), attribute.String("service.version", "2.3.1"))
			s.gate.Traffic.Advance(r.now)
			for i := range 10 {
				stub := tracetest.SpanStub{Name: c.operation, SpanKind: c.kind, Resource: res, StartTime: r.now, EndTime: r.now}
				stub.SpanContext = trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{byte(i + 1)}, SpanID: trace.SpanID{byte(i + 1)}, TraceFlags: trace.FlagsSampled})
				if i%5 == 0 {
					stub.Status = sdktrace.Status{Code: codes.Error, Description: "out of order"}
				}
				var it capture.Item
				if s.gate.Examine(stub.Snapshot(), &it) {
					s.take(it, r.now)
				}
			}
			r.now = r.now.Add(30 * time.Second)
			require.NoError(t, r.finish(t.Context()))

			records, err := store.List(t.Context(), correlate.Page{Kind: correlate.KindProblem, Max: 10})
			require.NoError(t, err)
			require.Len(t, records, 1)
			p, err := correlate.DecodeProblem(records[0])
			require.NoError(t, err)
			of := deployment.CaseOf(p)
			require.Equal(t, []string{"2.3.1"}, of.Failing)
			q := deployment.Query{Scope: of.Scope, Operation: of.Operation, Version: of.Failing[0], From: of.First.Add(-time.Minute)}
			for range 2 { // while the minute goes on, and when it has ended
				q.To = r.now
				n, known := m.counts.At(r.now).Count(q)
				require.Equal(t, c.known, known)
				if c.known {
					require.Equal(t, deployment.Count{Total: 10, Failed: 2}, n)
				}
				r.now = r.now.Add(time.Minute)
				s.gate.Traffic.Advance(r.now)
			}
		})
	}
}
