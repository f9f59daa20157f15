package capture

import (
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/internal/assemble"
)

// maxLinks bounds the links that are kept of a span.
const maxLinks = 4

// links returns what a span continues, if it is the first of its trace here or
// takes messages.
func links(sp sdktrace.ReadOnlySpan) (out []assemble.Link) {
	if sp.Parent().IsValid() && !sp.Parent().IsRemote() && sp.SpanKind() != trace.SpanKindConsumer {
		return nil
	}
	for _, l := range sp.Links() {
		if l.SpanContext.IsValid() && len(out) < maxLinks {
			out = append(out, assemble.Link{Trace: l.SpanContext.TraceID(), Span: l.SpanContext.SpanID()})
		}
	}
	return out
}
