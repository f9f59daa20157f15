package autoticket

import (
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/deployment"
)

// maxPaths bounds the calls whose caller has not ended.
const maxPaths = 16_384

// paths learns from whole traces which services call which: the side that is called ends first,
// and names the span of its caller. Its zero value is ready.
type paths struct {
	called, before map[callSpan]correlate.Scope // by the caller's span; before is older
}

type callSpan struct {
	trace trace.TraceID
	span  trace.SpanID
}

// see takes a span that has ended.
func (p *paths) see(g *deployment.Graph, sp sdktrace.ReadOnlySpan, scope correlate.Scope, now time.Time) {
	sc := sp.SpanContext()
	id := callSpan{sc.TraceID(), sc.SpanID()}
	for _, m := range []map[callSpan]correlate.Scope{p.called, p.before} {
		if callee, ok := m[id]; ok {
			delete(m, id)
			g.See(scope, deployment.Peer{Scope: callee}, now)
			break
		}
	}
	if sp.SpanKind() != trace.SpanKindServer || !sp.Parent().SpanID().IsValid() {
		return
	}
	if p.called == nil || len(p.called) >= maxPaths/2 {
		p.called, p.before = map[callSpan]correlate.Scope{}, p.called
	}
	p.called[callSpan{sc.TraceID(), sp.Parent().SpanID()}] = scope
}
