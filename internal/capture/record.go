package capture

import (
	"cmp"
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/internal/journal"
)

// record is what is kept of a log record that tells of an error, cut to size.
type record struct {
	time     time.Time
	failed   bool // its severity is ERROR or above
	plain    bool // it has no exception; its message stands for one
	event    string
	body     string
	message  string // of the exception
	attrs    []attribute.KeyValue
	scope    instrumentation.Scope
	resource *resource.Resource
	size     int64
	kept     []journal.Entry // of a panic

	span     trace.SpanContext // that it was emitted in; may be invalid
	open     bool              // which is recording
	name     string            // of the span; "" if it is not known
	kind     trace.SpanKind
	parent   trace.SpanContext // of the span, if it is known
	approved bool              // the span ended with status Ok
}

const (
	typeKey    attribute.Key = "exception.type"
	messageKey attribute.Key = "exception.message"
	stackKey   attribute.Key = "exception.stacktrace"
)

// errorKeys are what the text of an error is logged under where it is not
// logged as one.
var errorKeys = []attribute.Key{"error.message", "error", "err"}

// matters reports whether a log record tells of an error.
func matters(r *sdklog.Record) bool { return r.Severity() >= log.SeverityError || hasException(r) }

// hasException reports whether a log record carries an exception, whatever its
// event is called. An error that was set on it has become attributes by now.
func hasException(r *sdklog.Record) (has bool) {
	r.WalkAttributes(func(kv attribute.KeyValue) bool {
		has = kv.Key == typeKey || kv.Key == messageKey
		return !has
	})
	return has
}

// newRecord copies a log record that was emitted under a context.
func newRecord(ctx context.Context, r *sdklog.Record) *record {
	out := &record{
		time:     r.Timestamp(),
		failed:   r.Severity() >= log.SeverityError,
		plain:    !hasException(r),
		event:    clip(r.EventName(), maxName),
		body:     textOf(r.Body()),
		scope:    r.InstrumentationScope(),
		resource: r.Resource(),
		span:     trace.NewSpanContext(trace.SpanContextConfig{TraceID: r.TraceID(), SpanID: r.SpanID(), TraceFlags: r.TraceFlags()}),
	}
	if out.time.IsZero() {
		out.time = r.ObservedTimestamp()
	}
	out.copyAttributes(r)
	out.message = cmp.Or(out.text(messageKey), out.body)
	if out.plain {
		out.message = cmp.Or(out.text(errorKeys...), out.body)
	}
	out.size = int64(512 + len(out.body) + len(out.message) + sizeOf(out.attrs))
	out.look(ctx)
	return out
}

// textOf returns what a body says, unless it is a structure too large to be
// written out.
func textOf(v attribute.Value) string {
	if v.Type() != attribute.STRING && valueSize(v) > maxValues {
		return ""
	}
	return clip(v.String(), maxValue)
}

// copyAttributes takes over as many attributes as there is room for.
func (r *record) copyAttributes(from *sdklog.Record) {
	r.attrs = make([]attribute.KeyValue, 0, min(from.AttributesLen(), maxAttributes)+1)
	room := maxValues
	from.WalkAttributes(func(kv attribute.KeyValue) bool {
		most := min(maxValue, room)
		if kv.Key == stackKey {
			most = maxStack
		}
		switch size := valueSize(kv.Value); {
		case size <= most:
		case kv.Value.Type() == attribute.STRING && most >= maxRest:
			kv.Value = attribute.StringValue(clip(kv.Value.AsString(), most))
		default:
			return true
		}
		room -= valueSize(kv.Value)
		r.attrs = append(r.attrs, kv)
		return len(r.attrs) < maxAttributes
	})
}

// text returns the first of some attributes that is a text.
func (r *record) text(keys ...attribute.Key) string {
	for _, key := range keys {
		for i := range r.attrs {
			if a := &r.attrs[i]; a.Key == key && a.Value.Type() == attribute.STRING && a.Value.AsString() != "" {
				return a.Value.AsString()
			}
		}
	}
	return ""
}

// look asks the span in the context what it knows, if the record is of it.
func (r *record) look(ctx context.Context) {
	sp := trace.SpanFromContext(ctx)
	if sc := sp.SpanContext(); !sc.IsValid() || sc.TraceID() != r.span.TraceID() || sc.SpanID() != r.span.SpanID() {
		return
	}
	r.open = sp.IsRecording()
	known, ok := sp.(sdktrace.ReadOnlySpan)
	if !ok {
		return
	}
	r.name, r.kind, r.parent = known.Name(), known.SpanKind(), known.Parent()
	r.approved = !r.open && known.Status().Code == codes.Ok
}

// exceptionEvent returns the record as a span event.
func (r *record) exceptionEvent() sdktrace.Event {
	attrs := r.attrs
	if r.message != "" && r.text(messageKey) == "" {
		attrs = append(attrs[:len(attrs):len(attrs)], messageKey.String(r.message))
	}
	return sdktrace.Event{Name: cmp.Or(r.event, "exception"), Time: r.time, Attributes: attrs}
}

// logged is a log record in the place of a span, where no span can be told of
// it. It begins and ends with the record.
type logged struct {
	// ReadOnlySpan is nil. It is there for a method that the SDK keeps to itself.
	sdktrace.ReadOnlySpan
	record *record
}

func (l logged) Name() string {
	return cmp.Or(l.record.name, l.record.event, l.record.scope.Name)
}
func (l logged) SpanContext() trace.SpanContext { return l.record.span }
func (l logged) Parent() trace.SpanContext      { return l.record.parent }
func (l logged) SpanKind() trace.SpanKind {
	return trace.ValidateSpanKind(l.record.kind)
}
func (l logged) StartTime() time.Time                        { return l.record.time }
func (l logged) EndTime() time.Time                          { return l.record.time }
func (l logged) Attributes() []attribute.KeyValue            { return l.record.attrs }
func (l logged) Links() []sdktrace.Link                      { return nil }
func (l logged) Events() []sdktrace.Event                    { return []sdktrace.Event{l.record.exceptionEvent()} }
func (l logged) InstrumentationScope() instrumentation.Scope { return l.record.scope }
func (l logged) Resource() *resource.Resource                { return l.record.resource }
func (l logged) DroppedAttributes() int                      { return 0 }
func (l logged) DroppedLinks() int                           { return 0 }
func (l logged) DroppedEvents() int                          { return 0 }
func (l logged) ChildSpanCount() int                         { return 0 }
func (l logged) Status() sdktrace.Status {
	if l.record.failed {
		return sdktrace.Status{Code: codes.Error, Description: l.record.body}
	}
	return sdktrace.Status{}
}
