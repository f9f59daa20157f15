package capture

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/internal/assemble"
)

func TestNodeKnowsForWhomAndWhy(t *testing.T) {
	c := Converter{UserKey: []byte("key")}
	node := func(change func(*tracetest.SpanStub)) *assemble.Node {
		return c.Node(item(span("POST /pay", 7, codes.Error, change)))
	}
	user := func(key, id string) uint64 {
		return node(func(s *tracetest.SpanStub) { s.Attributes = []attribute.KeyValue{attribute.String(key, id)} }).User
	}
	require.NotZero(t, user("user.id", "ada"))
	require.Equal(t, user("user.id", "ada"), user("enduser.id", "ada"), "under whichever name")
	require.NotEqual(t, user("user.id", "ada"), user("user.id", "grace"))
	require.Zero(t, user("session.id", "ada"))
	before := user("user.id", "ada")
	c.UserKey = []byte("another")
	require.NotEqual(t, before, user("user.id", "ada"), "nobody without the key can tell who it is")

	require.True(t, node(func(s *tracetest.SpanStub) { s.Status.Description = "context canceled" }).Canceled)
	require.True(t, node(func(s *tracetest.SpanStub) { s.Status.Description = "context deadline exceeded" }).TimedOut)

	producer := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{15: 9}, SpanID: trace.SpanID{7: 9}})
	linked := func(kind trace.SpanKind, parent bool) []assemble.Link {
		return node(func(s *tracetest.SpanStub) {
			s.SpanKind = kind
			s.Links = []sdktrace.Link{{SpanContext: producer}, {}}
			if parent {
				s.Parent = trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{15: 7}, SpanID: trace.SpanID{7: 1}})
			}
		}).Links
	}
	want := []assemble.Link{{Trace: producer.TraceID(), Span: producer.SpanID()}}
	require.Equal(t, want, linked(trace.SpanKindConsumer, true))
	require.Equal(t, want, linked(trace.SpanKindInternal, false), "what begins here continues what it links to")
	require.Empty(t, linked(trace.SpanKindInternal, true))
}
