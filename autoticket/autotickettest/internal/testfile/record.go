package testfile

import (
	"encoding/binary"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// Recorded returns the spans of a test as an SDK would have recorded them. Each
// root is a trace of its own, and so is each time that it comes. The same test
// has the same IDs every time.
func (t *Test) Recorded() []sdktrace.ReadOnlySpan {
	r := recorder{resources: map[attribute.Distinct]*resource.Resource{}}
	for i := range t.Count {
		r.at = t.At.Add(time.Duration(i) * t.Every)
		for j, root := range t.Spans {
			r.trace = trace.TraceID{0x7e, 0x57}
			binary.BigEndian.PutUint32(r.trace[8:], uint32(i+1))
			binary.BigEndian.PutUint32(r.trace[12:], uint32(j+1))
			r.last = 0
			r.record(root, trace.SpanContext{}, root.Service)
		}
	}
	return r.spans
}

// recorder makes spans of one trace after another.
type recorder struct {
	at        time.Time
	trace     trace.TraceID
	last      uint64 // number of the last span of the trace
	spans     []sdktrace.ReadOnlySpan
	resources map[attribute.Distinct]*resource.Resource
}

// record makes a span and those below it. caller is the service of its parent.
func (r *recorder) record(s *Span, parent trace.SpanContext, caller string) {
	r.last++
	var id trace.SpanID
	binary.BigEndian.PutUint64(id[:], r.last)
	sc := trace.NewSpanContext(trace.SpanContextConfig{TraceID: r.trace, SpanID: id, TraceFlags: trace.FlagsSampled})
	start := r.at.Add(s.Start)
	stub := tracetest.SpanStub{
		Name:                 s.Name,
		SpanContext:          sc,
		SpanKind:             kinds[s.Kind],
		StartTime:            start,
		EndTime:              start.Add(s.Duration),
		Attributes:           s.Attributes,
		Status:               sdktrace.Status{Code: statuses[s.Status], Description: s.Message},
		Resource:             r.resource(s),
		InstrumentationScope: instrumentation.Scope{Name: s.Scope},
	}
	if parent.IsValid() {
		stub.Parent = parent.WithRemote(caller != s.Service)
	}
	for _, e := range s.Events {
		stub.Events = append(stub.Events, sdktrace.Event{Name: e.Name, Time: start.Add(e.After), Attributes: e.Attributes})
	}
	if e := s.Exception; e != nil {
		stub.Events = append(stub.Events, sdktrace.Event{Name: "exception", Time: stub.EndTime, Attributes: e.attributes()})
	}
	r.spans = append(r.spans, stub.Snapshot())
	for _, child := range s.Children {
		r.record(child, sc, s.Service)
	}
}

// resource returns the one resource of these attributes.
func (r *recorder) resource(s *Span) *resource.Resource {
	out := resource.NewSchemaless(append(slices.Clone(s.Resource), attribute.String("service.name", s.Service))...)
	if known := r.resources[out.Equivalent()]; known != nil {
		return known
	}
	r.resources[out.Equivalent()] = out
	return out
}

func (e *Exception) attributes() []attribute.KeyValue {
	var out []attribute.KeyValue
	for _, kv := range []attribute.KeyValue{
		attribute.String("exception.type", e.Type), attribute.String("exception.message", e.Message), attribute.String("exception.stacktrace", e.Stacktrace),
	} {
		if kv.Value.AsString() != "" {
			out = append(out, kv)
		}
	}
	if e.Escaped {
		out = append(out, attribute.Bool("exception.escaped", true))
	}
	return out
}

var kinds = map[string]trace.SpanKind{
	"SERVER": trace.SpanKindServer, "CLIENT": trace.SpanKindClient, "PRODUCER": trace.SpanKindProducer,
	"CONSUMER": trace.SpanKindConsumer, "INTERNAL": trace.SpanKindInternal,
}

var statuses = map[string]codes.Code{"ERROR": codes.Error, "OK": codes.Ok, "UNSET": codes.Unset}
