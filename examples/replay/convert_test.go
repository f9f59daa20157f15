package main

import (
	"testing"

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
