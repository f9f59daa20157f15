package celrule

import (
	"sync"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/interpreter"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanticket/spanticket/correlate"
)

// view is what expressions see: a live span, or an occurrence and perhaps its
// problem. It is a CEL activation that reads only what is asked for.
type view struct {
	live    sdktrace.ReadOnlySpan // nil if it is of an occurrence
	occ     *correlate.Occurrence // nil if it is of a live span
	problem *correlate.Problem
	watch   stopwatch // of the evaluation that runs

	spanAttrs, resourceAttrs                                          attributes
	spanObject, resourceObject, scopeObject, excObject, problemObject object
}

var views = sync.Pool{New: func() any { return new(view) }}

func viewSpan(sp sdktrace.ReadOnlySpan) *view {
	v := views.Get().(*view)
	v.live = sp
	v.spanAttrs.live = sp.Attributes()
	return v
}

func viewOccurrence(o *correlate.Occurrence, p *correlate.Problem) *view {
	v := views.Get().(*view)
	v.occ, v.problem = o, p
	v.spanAttrs.kept = o.Attributes
	v.resourceAttrs.kept = o.Resource
	return v
}

// release gives the view back. No value that was read from it may be used after that.
func (v *view) release() {
	*v = view{}
	views.Put(v)
}

// Parent implements interpreter.Activation.
func (v *view) Parent() interpreter.Activation { return nil }

// ResolveName implements interpreter.Activation.
func (v *view) ResolveName(name string) (any, bool) {
	switch name {
	case "span":
		return v.object(&v.spanObject, spanClass), true
	case "resource":
		return v.object(&v.resourceObject, resourceClass), true
	case "scope":
		return v.object(&v.scopeObject, scopeClass), true
	case "exception":
		return v.object(&v.excObject, exceptionClass), true
	case "problem":
		return v.object(&v.problemObject, problemClass), v.problem != nil
	case suspectsName:
		if v.problem == nil {
			return nil, false
		}
		return v.suspects(), true
	case watchName:
		return v, true
	}
	return nil, false
}

func (v *view) object(o *object, c *class) *object {
	o.class, o.view = c, v
	return o
}

var attributesType = types.NewMapType(types.StringType, types.DynType)

// The variables. Every name that an expression can use stands here.
var (
	spanClass = newClass("span", map[string]field{
		"name":           {types.StringType, "what the operation is called", func(o *object) any { return o.view.name() }},
		"kind":           {types.StringType, "`SERVER`, `CLIENT`, `PRODUCER`, `CONSUMER` or `INTERNAL`", func(o *object) any { return o.view.kind() }},
		"status":         {types.StringType, "`ERROR`, `OK` or `UNSET`", func(o *object) any { return o.view.status() }},
		"status_message": {types.StringType, `what the status says; "" unless it is ERROR`, func(o *object) any { return o.view.statusMessage() }},
		"duration":       {types.DurationType, "from start to end: `span.duration > duration(\"2s\")`, `span.duration.getMilliseconds()`", func(o *object) any { return o.view.end().Sub(o.view.start()) }},
		"start":          {types.TimestampType, "when it began", func(o *object) any { return o.view.start() }},
		"end":            {types.TimestampType, "when it ended", func(o *object) any { return o.view.end() }},
		"trace_id":       {types.StringType, "32 hexadecimal digits", func(o *object) any { return o.view.traceID() }},
		"span_id":        {types.StringType, "16 hexadecimal digits", func(o *object) any { return o.view.spanID() }},
		"attributes":     {attributesType, "by key: `span.attributes[\"http.route\"]`. Well-known ones have the type of their convention, see below", func(o *object) any { return &o.view.spanAttrs }},
		"events":         {types.NewListType(eventClass.Type), "in the order in which they were recorded", func(o *object) any { return o.view.events() }},
	})
	eventClass = newClass("event", map[string]field{
		"name": {types.StringType, "as it was recorded", func(o *object) any { return o.view.live.Events()[o.index].Name }},
		"time": {types.TimestampType, "when it was recorded", func(o *object) any { return o.view.live.Events()[o.index].Time }},
		"attributes": {attributesType, "as of the span", func(o *object) any {
			return &attributes{live: o.view.live.Events()[o.index].Attributes}
		}},
	})
	resourceClass = newClass("resource", map[string]field{
		"attributes": {attributesType, "of what produced the span: `resource.attributes[\"service.name\"]`", func(o *object) any { return o.view.resource() }},
	})
	scopeClass = newClass("scope", map[string]field{
		"name":    {types.StringType, "the instrumentation library", func(o *object) any { return o.view.scopeName() }},
		"version": {types.StringType, `its version; may be ""`, func(o *object) any { return o.view.live.InstrumentationScope().Version }},
	})
	exceptionClass = newClass("exception", map[string]field{
		"type":       {types.StringType, "of the exception, see below; else `error.type`; \"\" if there is none", func(o *object) any { return o.view.exception().Type }},
		"message":    {types.StringType, `of the same event or span; "" if there is none`, func(o *object) any { return o.view.exception().Message }},
		"stacktrace": {types.StringType, `of the same event or span; "" if there is none`, func(o *object) any { return o.view.exception().Stacktrace }},
		"escaped":    {types.BoolType, "whether it left the span: a panic that ended it, or what older instrumentations say", func(o *object) any { return recordOf(o.view.live, o.view.spanAttrs.live).escaped() }},
	})
	problemClass = newClass("problem", map[string]field{
		"id":          {types.StringType, "of the problem; its tickets have it too", func(o *object) any { return o.view.problem.ID }},
		"count":       {types.IntType, "occurrences, ever", func(o *object) any { return o.view.problem.Count }},
		"rate":        {types.DoubleType, "occurrences a minute, over the threshold's window or the problem's age, but at least ten seconds", func(o *object) any { return o.view.problem.Rate() }},
		"first_seen":  {types.TimestampType, "when the first occurrence ended", func(o *object) any { return o.view.problem.FirstSeen }},
		"last_seen":   {types.TimestampType, "when the newest one ended", func(o *object) any { return o.view.problem.LastSeen }},
		"service":     {types.StringType, "the service that it is of", func(o *object) any { return o.view.problem.Scope.Service }},
		"environment": {types.StringType, `the environment that it is of; may be ""`, func(o *object) any { return o.view.problem.Scope.Environment }},
		"operation":   {types.StringType, "the name of the span of its newest occurrence", func(o *object) any { return o.view.occ.Operation }},
		"episode":     {types.IntType, "how often it was opened: 1, and one more each time that it comes back", func(o *object) any { return o.view.problem.Episode }},
	})
)

func (v *view) name() string {
	if v.occ != nil {
		return v.occ.Operation
	}
	return v.live.Name()
}

func (v *view) kind() string {
	if v.occ != nil {
		return v.occ.Kind
	}
	return KindName(v.live.SpanKind())
}

func (v *view) status() string {
	if v.occ != nil {
		return v.occ.Status
	}
	return StatusName(v.live.Status().Code)
}

func (v *view) statusMessage() string {
	if v.occ != nil {
		return v.occ.Message
	}
	return v.live.Status().Description
}

func (v *view) start() time.Time {
	if v.occ != nil {
		return v.occ.Start
	}
	return v.live.StartTime()
}

func (v *view) end() time.Time {
	if v.occ != nil {
		return v.occ.End
	}
	return v.live.EndTime()
}

func (v *view) traceID() string {
	if v.occ != nil {
		return v.occ.TraceID
	}
	return v.live.SpanContext().TraceID().String()
}

func (v *view) spanID() string {
	if v.occ != nil {
		return v.occ.SpanID
	}
	return v.live.SpanContext().SpanID().String()
}

func (v *view) resource() *attributes {
	if v.occ == nil && v.resourceAttrs.live == nil {
		v.resourceAttrs.live = resourceOf(v.live)
	}
	return &v.resourceAttrs
}

func resourceOf(sp sdktrace.ReadOnlySpan) []attribute.KeyValue {
	return sp.Resource().Attributes()
}

func (v *view) scopeName() string {
	if v.occ != nil {
		return v.occ.Library
	}
	return v.live.InstrumentationScope().Name
}

func (v *view) exception() correlate.Exception {
	if v.occ != nil {
		return v.occ.Exception
	}
	return ExceptionOf(v.live)
}

func (v *view) events() any {
	events := make([]any, len(v.live.Events()))
	for i := range events {
		events[i] = &object{class: eventClass, view: v, index: i}
	}
	return events
}
