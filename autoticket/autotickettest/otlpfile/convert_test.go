package otlpfile

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func TestAttributes(t *testing.T) {
	for _, row := range []struct {
		rule string
		in   any
		want attribute.Value
	}{
		{"text", "x", attribute.StringValue("x")},
		{"truth", true, attribute.BoolValue(true)},
		{"whole number", int64(7), attribute.Int64Value(7)},
		{"fraction", 0.5, attribute.Float64Value(0.5)},
		{"bytes", []byte{1, 2}, attribute.ByteSliceValue([]byte{1, 2})},
		{"nothing", nil, attribute.Value{}},
		{"texts", []any{"a", "b"}, attribute.StringSliceValue([]string{"a", "b"})},
		{"truths", []any{true}, attribute.BoolSliceValue([]bool{true})},
		{"whole numbers", []any{int64(1), int64(2)}, attribute.Int64SliceValue([]int64{1, 2})},
		{"fractions", []any{0.5}, attribute.Float64SliceValue([]float64{0.5})},
		{"a mixed list", []any{"a", int64(1)}, attribute.SliceValue(attribute.StringValue("a"), attribute.Int64Value(1))},
		{"an empty list", []any{}, attribute.SliceValue()},
		{"a map", map[string]any{"k": int64(1)}, attribute.MapValue(attribute.Int64("k", 1))},
		{"a map in a map", map[string]any{"k": map[string]any{"l": true}}, attribute.MapValue(attribute.KeyValue{Key: "k", Value: attribute.MapValue(attribute.Bool("l", true))})},
		{"an empty map", map[string]any{}, attribute.MapValue()},
		{"a list in a list", []any{[]any{"a"}}, attribute.SliceValue(attribute.StringSliceValue([]string{"a"}))},
		{"a list of nothing", []any{nil}, attribute.SliceValue(attribute.Value{})},
		{"a map in a list", []any{map[string]any{"k": "v"}}, attribute.SliceValue(attribute.MapValue(attribute.String("k", "v")))},
	} {
		v := pcommon.NewValueEmpty()
		require.NoError(t, v.FromRaw(row.in), row.rule)
		require.Equal(t, row.want, value(v), row.rule)
	}
}

// two returns a span, and one below it in another service or in the same.
func two(otherService bool, flags uint32) (parent, child sdktrace.ReadOnlySpan) {
	in := ptrace.NewTraces()
	add := func(service string) ptrace.Span {
		rs := in.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr("service.name", service)
		sp := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		sp.SetTraceID(pcommon.TraceID{1})
		return sp
	}
	a := add("a")
	a.SetSpanID(pcommon.SpanID{1})
	b := add(map[bool]string{true: "b", false: "a"}[otherService])
	b.SetSpanID(pcommon.SpanID{2})
	b.SetParentSpanID(pcommon.SpanID{1})
	b.SetFlags(flags)
	b.SetKind(ptrace.SpanKindConsumer)
	b.Status().SetCode(ptrace.StatusCodeError)
	b.Status().SetMessage("why")
	b.Events().AppendEmpty().SetName("e")
	b.Links().AppendEmpty().SetTraceID(pcommon.TraceID{9})
	b.SetDroppedEventsCount(3)
	var rec recording
	rec.add(in)
	spans := rec.spans()
	return spans[0], spans[1]
}

func TestParents(t *testing.T) {
	for _, row := range []struct {
		rule         string
		otherService bool
		flags        uint32
		remote       bool
		sampled      bool
	}{
		{"in the same service it is local", false, 0, false, true},
		{"in another service it is remote", true, 0, true, true},
		{"what the recording says counts: remote", false, hasIsRemote | isRemote | 1, true, true},
		{"what the recording says counts: local, and not sampled", true, hasIsRemote, false, false},
	} {
		parent, child := two(row.otherService, row.flags)
		require.Equal(t, row.remote, child.Parent().IsRemote(), row.rule)
		require.Equal(t, row.sampled, child.SpanContext().IsSampled(), row.rule)
		require.Equal(t, parent.SpanContext().SpanID(), child.Parent().SpanID(), row.rule)
		require.False(t, parent.Parent().IsValid(), row.rule)
	}
}

func TestSpans(t *testing.T) {
	parent, child := two(false, 0)
	require.Same(t, parent.Resource(), child.Resource(), "one resource, however often it stands there")
	require.Equal(t, trace.SpanKindConsumer, child.SpanKind())
	require.Equal(t, sdktrace.Status{Code: codes.Error, Description: "why"}, child.Status())
	require.Equal(t, "e", child.Events()[0].Name)
	require.Equal(t, trace.TraceID{9}, child.Links()[0].SpanContext.TraceID())
	require.Equal(t, 3, child.DroppedEvents())
}

// one returns what becomes of one span of service a.
func one(set func(ptrace.Span)) sdktrace.ReadOnlySpan {
	in := ptrace.NewTraces()
	rs := in.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "a")
	sp := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	sp.SetTraceID(pcommon.TraceID{1})
	sp.SetSpanID(pcommon.SpanID{2})
	set(sp)
	var rec recording
	rec.add(in)
	return rec.spans()[0]
}

func TestUnknownParentsAreNotRemote(t *testing.T) {
	for flags, remote := range map[uint32]bool{0: false, 1: false, hasIsRemote: false, hasIsRemote | isRemote: true} {
		got := one(func(sp ptrace.Span) {
			sp.SetParentSpanID(pcommon.SpanID{9})
			sp.SetFlags(flags)
		})
		require.Equal(t, remote, got.Parent().IsRemote(), "flags %#x", flags)
		require.Equal(t, trace.TraceID{1}, got.Parent().TraceID())
	}
}

func TestKinds(t *testing.T) {
	for in, want := range map[ptrace.SpanKind]trace.SpanKind{
		ptrace.SpanKindUnspecified: trace.SpanKindInternal,
		ptrace.SpanKindInternal:    trace.SpanKindInternal,
		ptrace.SpanKindServer:      trace.SpanKindServer,
		ptrace.SpanKindClient:      trace.SpanKindClient,
		ptrace.SpanKindProducer:    trace.SpanKindProducer,
		ptrace.SpanKindConsumer:    trace.SpanKindConsumer,
		ptrace.SpanKind(77):        trace.SpanKindInternal,
	} {
		require.Equal(t, want, kind(in), in.String())
	}
}

func TestStatus(t *testing.T) {
	for in, want := range map[ptrace.StatusCode]sdktrace.Status{
		ptrace.StatusCodeUnset: {},
		ptrace.StatusCodeOk:    {Code: codes.Ok}, // has no description, by the specification
		ptrace.StatusCodeError: {Code: codes.Error, Description: "why"},
		ptrace.StatusCode(77):  {},
	} {
		got := one(func(sp ptrace.Span) {
			sp.Status().SetCode(in)
			sp.Status().SetMessage("why")
		})
		require.Equal(t, want, got.Status(), in.String())
	}
}

func TestParts(t *testing.T) {
	at := time.Date(2024, 5, 6, 7, 0, 0, 1, time.UTC)
	got := one(func(sp ptrace.Span) {
		sp.SetName("x")
		sp.SetStartTimestamp(pcommon.NewTimestampFromTime(at))
		sp.SetEndTimestamp(pcommon.NewTimestampFromTime(at.Add(time.Second)))
		sp.Attributes().PutStr("k", "v")
		sp.SetDroppedAttributesCount(1)
		sp.SetDroppedEventsCount(2)
		sp.SetDroppedLinksCount(3)
		e := sp.Events().AppendEmpty()
		e.SetName("e")
		e.SetTimestamp(pcommon.NewTimestampFromTime(at))
		e.Attributes().PutInt("n", 1)
		e.SetDroppedAttributesCount(4)
		l := sp.Links().AppendEmpty()
		l.SetTraceID(pcommon.TraceID{8})
		l.SetSpanID(pcommon.SpanID{9})
		l.Attributes().PutBool("b", true)
		l.SetDroppedAttributesCount(5)
	})
	require.Equal(t, "x", got.Name())
	require.Equal(t, at, got.StartTime())
	require.Equal(t, at.Add(time.Second), got.EndTime())
	require.Equal(t, []attribute.KeyValue{attribute.String("k", "v")}, got.Attributes())
	require.Equal(t, []int{1, 2, 3}, []int{got.DroppedAttributes(), got.DroppedEvents(), got.DroppedLinks()})
	require.Equal(t, []sdktrace.Event{{
		Name: "e", Time: at, Attributes: []attribute.KeyValue{attribute.Int("n", 1)}, DroppedAttributeCount: 4,
	}}, got.Events())
	require.Equal(t, []sdktrace.Link{{
		SpanContext:           trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{8}, SpanID: trace.SpanID{9}}),
		Attributes:            []attribute.KeyValue{attribute.Bool("b", true)},
		DroppedAttributeCount: 5,
	}}, got.Links())
}

func TestResourcesAreShared(t *testing.T) {
	var rec recording
	for _, keys := range [][]string{{"service.name", "k"}, {"k", "service.name"}, {"service.name"}} {
		in := ptrace.NewTraces()
		rs := in.ResourceSpans().AppendEmpty()
		for _, key := range keys {
			rs.Resource().Attributes().PutStr(key, "v")
		}
		sp := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		sp.SetTraceID(pcommon.TraceID{1})
		sp.SetSpanID(pcommon.SpanID{byte(len(rec.stubs) + 1)})
		rec.add(in)
	}
	spans := rec.spans()
	require.Same(t, spans[0].Resource(), spans[1].Resource(), "across documents, in any order of attributes")
	require.NotSame(t, spans[0].Resource(), spans[2].Resource())
	require.Len(t, rec.resources, 2)
}

func TestSpansWithoutIDsAreCounted(t *testing.T) {
	in := ptrace.NewTraces()
	spans := in.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	spans.AppendEmpty()
	spans.AppendEmpty().SetTraceID(pcommon.TraceID{1})
	spans.AppendEmpty().SetSpanID(pcommon.SpanID{1})
	whole := spans.AppendEmpty()
	whole.SetTraceID(pcommon.TraceID{1})
	whole.SetSpanID(pcommon.SpanID{1})
	var rec recording
	rec.add(in)
	require.Equal(t, 3, rec.invalid)
	require.Len(t, rec.spans(), 1)
}
