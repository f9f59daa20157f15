package otlpfile

import (
	"slices"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// recording collects spans of OTLP as spans of the SDK.
type recording struct {
	stubs     []tracetest.SpanStub
	flags     []uint32 // of each
	services  map[spanID]string
	resources map[attribute.Distinct]*resource.Resource
	invalid   int // spans without IDs
}

type spanID struct {
	trace trace.TraceID
	span  trace.SpanID
}

// Flags of an OTLP span, beyond those of the W3C in the lowest byte. See
// opentelemetry/proto/trace/v1/trace.proto, SpanFlags.
const (
	hasIsRemote = 0x100
	isRemote    = 0x200
)

func (r *recording) add(traces ptrace.Traces) {
	if r.services == nil {
		r.services, r.resources = map[spanID]string{}, map[attribute.Distinct]*resource.Resource{}
	}
	for _, rs := range traces.ResourceSpans().All() {
		res := r.resource(rs.Resource())
		service := serviceOf(res)
		for _, ss := range rs.ScopeSpans().All() {
			scope := instrumentation.Scope{Name: ss.Scope().Name(), Version: ss.Scope().Version()}
			for _, sp := range ss.Spans().All() {
				if sp.TraceID().IsEmpty() || sp.SpanID().IsEmpty() {
					r.invalid++
					continue
				}
				r.services[spanID{trace.TraceID(sp.TraceID()), trace.SpanID(sp.SpanID())}] = service
				r.stubs = append(r.stubs, stub(sp, res, scope))
				r.flags = append(r.flags, sp.Flags())
			}
		}
	}
}

// resource returns the one resource of these attributes.
func (r *recording) resource(res pcommon.Resource) *resource.Resource {
	out := resource.NewSchemaless(attributes(res.Attributes())...)
	if known := r.resources[out.Equivalent()]; known != nil {
		return known
	}
	r.resources[out.Equivalent()] = out
	return out
}

// spans returns what was collected. A span whose parent is of another service
// was called from another process, unless the recording says better.
func (r *recording) spans() []sdktrace.ReadOnlySpan {
	out := make([]sdktrace.ReadOnlySpan, 0, len(r.stubs))
	for i := range r.stubs {
		s := &r.stubs[i]
		if s.Parent.SpanID().IsValid() {
			remote := r.flags[i]&isRemote != 0
			if r.flags[i]&hasIsRemote == 0 {
				parent, known := r.services[spanID{s.Parent.TraceID(), s.Parent.SpanID()}]
				remote = known && parent != serviceOf(s.Resource)
			}
			s.Parent = s.Parent.WithRemote(remote)
		}
		out = append(out, s.Snapshot())
	}
	r.stubs, r.services = nil, nil
	return out
}

func stub(sp ptrace.Span, res *resource.Resource, scope instrumentation.Scope) tracetest.SpanStub {
	flags := trace.TraceFlags(sp.Flags())
	if sp.Flags() == 0 {
		flags = trace.FlagsSampled // not recorded; the span was, so it had been sampled
	}
	id := trace.SpanContextConfig{TraceID: trace.TraceID(sp.TraceID()), SpanID: trace.SpanID(sp.SpanID()), TraceFlags: flags}
	s := tracetest.SpanStub{
		Name:                 sp.Name(),
		SpanContext:          trace.NewSpanContext(id),
		SpanKind:             kind(sp.Kind()),
		StartTime:            sp.StartTimestamp().AsTime(),
		EndTime:              sp.EndTimestamp().AsTime(),
		Attributes:           attributes(sp.Attributes()),
		Status:               status(sp.Status()),
		DroppedAttributes:    int(sp.DroppedAttributesCount()),
		DroppedEvents:        int(sp.DroppedEventsCount()),
		DroppedLinks:         int(sp.DroppedLinksCount()),
		Resource:             res,
		InstrumentationScope: scope,
	}
	if !sp.ParentSpanID().IsEmpty() {
		id.SpanID = trace.SpanID(sp.ParentSpanID())
		s.Parent = trace.NewSpanContext(id)
	}
	for _, e := range sp.Events().All() {
		s.Events = append(s.Events, sdktrace.Event{
			Name: e.Name(), Time: e.Timestamp().AsTime(), Attributes: attributes(e.Attributes()), DroppedAttributeCount: int(e.DroppedAttributesCount()),
		})
	}
	for _, l := range sp.Links().All() {
		s.Links = append(s.Links, sdktrace.Link{
			SpanContext:           trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID(l.TraceID()), SpanID: trace.SpanID(l.SpanID())}),
			Attributes:            attributes(l.Attributes()),
			DroppedAttributeCount: int(l.DroppedAttributesCount()),
		})
	}
	return s
}

func kind(k ptrace.SpanKind) trace.SpanKind {
	switch k {
	case ptrace.SpanKindServer:
		return trace.SpanKindServer
	case ptrace.SpanKindClient:
		return trace.SpanKindClient
	case ptrace.SpanKindProducer:
		return trace.SpanKindProducer
	case ptrace.SpanKindConsumer:
		return trace.SpanKindConsumer
	default:
		return trace.SpanKindInternal
	}
}

func status(s ptrace.Status) sdktrace.Status {
	switch s.Code() {
	case ptrace.StatusCodeError:
		return sdktrace.Status{Code: codes.Error, Description: s.Message()}
	case ptrace.StatusCodeOk:
		return sdktrace.Status{Code: codes.Ok}
	default:
		return sdktrace.Status{}
	}
}

func attributes(m pcommon.Map) []attribute.KeyValue {
	out := make([]attribute.KeyValue, 0, m.Len())
	for k, v := range m.All() {
		out = append(out, attribute.KeyValue{Key: attribute.Key(k), Value: value(v)})
	}
	return out
}

func value(v pcommon.Value) attribute.Value {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return attribute.StringValue(v.Str())
	case pcommon.ValueTypeBool:
		return attribute.BoolValue(v.Bool())
	case pcommon.ValueTypeInt:
		return attribute.Int64Value(v.Int())
	case pcommon.ValueTypeDouble:
		return attribute.Float64Value(v.Double())
	case pcommon.ValueTypeBytes:
		return attribute.ByteSliceValue(v.Bytes().AsRaw())
	case pcommon.ValueTypeMap:
		return attribute.MapValue(attributes(v.Map())...)
	case pcommon.ValueTypeSlice:
		return list(v.Slice())
	default:
		return attribute.Value{}
	}
}

// list returns a slice of one type as such, and any other as a slice of values.
func list(s pcommon.Slice) attribute.Value {
	var values []attribute.Value
	for _, v := range s.All() {
		values = append(values, value(v))
	}
	all := func(t attribute.Type) bool {
		return len(values) > 0 && !slices.ContainsFunc(values, func(v attribute.Value) bool { return v.Type() != t })
	}
	switch {
	case all(attribute.STRING):
		return attribute.StringSliceValue(each(values, attribute.Value.AsString))
	case all(attribute.BOOL):
		return attribute.BoolSliceValue(each(values, attribute.Value.AsBool))
	case all(attribute.INT64):
		return attribute.Int64SliceValue(each(values, attribute.Value.AsInt64))
	case all(attribute.FLOAT64):
		return attribute.Float64SliceValue(each(values, attribute.Value.AsFloat64))
	default:
		return attribute.SliceValue(values...)
	}
}

func each[T any](values []attribute.Value, as func(attribute.Value) T) []T {
	out := make([]T, 0, len(values))
	for _, v := range values {
		out = append(out, as(v))
	}
	return out
}

// serviceOf returns the namespace and name of the service of a resource.
func serviceOf(res *resource.Resource) string {
	namespace, _ := res.Set().Value("service.namespace")
	name, _ := res.Set().Value("service.name")
	return namespace.String() + "/" + name.String()
}

// ByService parts spans by their service, in the order of the services'
// namespaces and names, as separate processes see them.
func ByService(spans []sdktrace.ReadOnlySpan) [][]sdktrace.ReadOnlySpan {
	parts := map[string][]sdktrace.ReadOnlySpan{}
	var names []string
	for _, sp := range spans {
		name := serviceOf(sp.Resource())
		if parts[name] == nil {
			names = append(names, name)
		}
		parts[name] = append(parts[name], sp)
	}
	slices.SortFunc(names, strings.Compare)
	var out [][]sdktrace.ReadOnlySpan
	for _, name := range names {
		out = append(out, parts[name])
	}
	return out
}
