package testfile

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.yaml.in/yaml/v3"

	"github.com/spanticket/spanticket/internal/rulefile"
)

// Span is a span of a test in its short form, with the spans below it.
type Span struct {
	Service    string
	Name       string
	Kind       string
	Status     string
	Message    string
	Start      time.Duration // from the beginning of the test
	Duration   time.Duration
	Attributes []attribute.KeyValue
	Resource   []attribute.KeyValue // without the service's name
	Scope      string
	Exception  *Exception
	Events     []Event
	Children   []*Span

	after time.Duration // from the start of the parent, or -1
	lasts time.Duration // as written, or -1
}

// Exception is the exception event of a span.
type Exception struct {
	Type, Message, Stacktrace string
	Escaped                   bool
}

// Event is any other event of a span.
type Event struct {
	Name       string
	After      time.Duration // from the start of the span
	Attributes []attribute.KeyValue
}

const (
	leaf = 10 * time.Millisecond // how long a span takes that does not say it, and has none below it
	step = time.Millisecond      // between a span's beginning and that of the first below it, and at the end
)

// roots reads the spans of a test.
func (d *decoder) roots(n *yaml.Node, path string) {
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		d.report(n, Error{Field: path, Message: "it must be a list of spans, and is an empty list"})
		return
	}
	d.list(n, path, func(n *yaml.Node, path string) {
		d.test.Spans = append(d.test.Spans, d.span(n, path, nil))
	})
}

// span reads a span and those below it. A child has its parent's service and
// resource, unless it says otherwise.
func (d *decoder) span(n *yaml.Node, path string, parent *Span) *Span {
	d.count++
	s := &Span{Kind: "INTERNAL", Status: "UNSET", after: -1, lasts: -1}
	if parent != nil {
		s.Service, s.Resource = parent.Service, slices.Clone(parent.Resource)
	}
	before := len(d.errs)
	var message, children, childrenPath = (*yaml.Node)(nil), (*yaml.Node)(nil), ""
	if !d.mapping(n, path, keys{
		{"service", d.File.name(&s.Service)},
		{"name", d.File.name(&s.Name)},
		{"kind", d.choice(&s.Kind, "kind", "SERVER", "CLIENT", "PRODUCER", "CONSUMER", "INTERNAL")},
		{"status", d.choice(&s.Status, "status", "ERROR", "OK", "UNSET")},
		{"message", func(n *yaml.Node, path string) {
			message = n
			d.text(&s.Message)(n, path)
		}},
		{"after", d.duration(&s.after, 0)},
		{"duration", d.duration(&s.lasts, 0)},
		{"attributes", d.attributes(&s.Attributes)},
		{"resource", d.attributes(&s.Resource)},
		{"scope", d.File.name(&s.Scope)},
		{"exception", d.exception(s)},
		{"events", d.events(s)},
		{"children", func(n *yaml.Node, path string) { children, childrenPath = n, path }},
	}) {
		return s
	}
	if children != nil { // now that the parent is known
		d.list(children, childrenPath, func(n *yaml.Node, path string) { s.Children = append(s.Children, d.span(n, path, s)) })
	}
	switch {
	case len(d.errs) > before:
	case s.Name == "":
		d.report(n, Error{Field: path, Message: "the span has no name"})
	case s.Service == "":
		d.report(n, Error{Field: path, Message: "the span has no service", Hint: "those below it have the same, unless they say otherwise"})
	case message != nil && s.Status != "ERROR":
		d.report(message, Error{Field: path + ".message", Message: "only a span with status ERROR has one"})
	case slices.ContainsFunc(s.Resource, func(kv attribute.KeyValue) bool { return kv.Key == "service.name" }):
		d.report(n, Error{Field: path + ".resource", Message: "the name of the service stands under service"})
	}
	return s
}

// lay places spans in time, and returns when the last one has ended; ok is
// false if that is beyond maxSpan. Siblings follow one another, unless they say
// after which time they begin.
func lay(spans []*Span, start time.Duration) (end time.Duration, ok bool) {
	next := start
	for _, s := range spans {
		s.Start = next
		if s.after >= 0 {
			s.Start = start + s.after
		}
		var below time.Duration
		if below, ok = lay(s.Children, s.Start+step); !ok {
			return 0, false
		}
		switch {
		case s.lasts >= 0:
			s.Duration = s.lasts
		case len(s.Children) > 0:
			s.Duration = below + step - s.Start
		default:
			s.Duration = leaf
		}
		next = s.Start + s.Duration
		if end = max(end, next, below); end > maxSpan {
			return 0, false
		}
	}
	return max(end, start), true
}

func (d *decoder) exception(s *Span) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		e := new(Exception)
		s.Exception = e
		before := len(d.errs)
		if d.mapping(n, path, keys{
			{"type", d.text(&e.Type)},
			{"message", d.text(&e.Message)},
			{"stacktrace", d.text(&e.Stacktrace)},
			{"escaped", d.truth(&e.Escaped)},
		}) && len(d.errs) == before && e.Type == "" && e.Message == "" {
			d.report(n, Error{Field: path, Message: "it has neither a type nor a message"})
		}
	}
}

func (d *decoder) events(s *Span) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		d.list(n, path, func(n *yaml.Node, path string) {
			var e Event
			before := len(d.errs)
			if d.mapping(n, path, keys{
				{"name", d.File.name(&e.Name)},
				{"after", d.duration(&e.After, 0)},
				{"attributes", d.attributes(&e.Attributes)},
			}) && len(d.errs) == before && e.Name == "" {
				d.report(n, Error{Field: path, Message: "the event has no name"})
			}
			s.Events = append(s.Events, e)
		})
	}
}

// attributes reads attributes over those that are there.
func (d *decoder) attributes(to *[]attribute.KeyValue) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		if n.Kind != yaml.MappingNode {
			d.report(n, Error{Field: path, Message: "it must be a mapping of keys to values, and is " + rulefile.Describe(n)})
			return
		}
		d.each(n, path, func(key, value *yaml.Node) {
			kv := attribute.KeyValue{Key: attribute.Key(key.Value), Value: d.value(value, fmt.Sprintf("%s[%q]", path, key.Value))}
			*to = append(slices.DeleteFunc(*to, func(old attribute.KeyValue) bool { return old.Key == kv.Key }), kv)
		})
	}
}

// value reads the value of an attribute: one, or a list of one type.
func (d *decoder) value(n *yaml.Node, path string) attribute.Value {
	if n.Kind != yaml.SequenceNode {
		return d.single(n, path)
	}
	var values []attribute.Value
	for i, e := range n.Content {
		v := d.single(e, fmt.Sprintf("%s[%d]", path, i))
		if i > 0 && v.Type() != values[0].Type() {
			d.report(e, Error{Field: path, Message: "a list has values of one type"})
			return attribute.Value{}
		}
		values = append(values, v)
	}
	if len(values) == 0 {
		return attribute.StringSliceValue(nil)
	}
	switch values[0].Type() {
	case attribute.BOOL:
		return attribute.BoolSliceValue(all(values, attribute.Value.AsBool))
	case attribute.INT64:
		return attribute.Int64SliceValue(all(values, attribute.Value.AsInt64))
	case attribute.FLOAT64:
		return attribute.Float64SliceValue(all(values, attribute.Value.AsFloat64))
	default:
		return attribute.StringSliceValue(all(values, attribute.Value.AsString))
	}
}

func all[T any](values []attribute.Value, as func(attribute.Value) T) []T {
	out := make([]T, len(values))
	for i, v := range values {
		out[i] = as(v)
	}
	return out
}

func (d *decoder) single(n *yaml.Node, path string) attribute.Value {
	var i int64
	var x float64
	var b bool
	switch {
	case n.Kind != yaml.ScalarNode || n.Tag == "!!null":
		d.report(n, Error{Field: path, Message: "it must be a text, a number, a truth value or a list of these, and is " + rulefile.Describe(n)})
	case n.Tag == "!!bool" && n.Decode(&b) == nil:
		return attribute.BoolValue(b)
	case n.Tag == "!!int" && n.Decode(&i) == nil:
		return attribute.Int64Value(i)
	case n.Tag == "!!float" && strings.Trim(n.Value, "+-0123456789_") == "":
		d.report(n, Error{Field: path, Message: "it is too large for a whole number", Hint: fmt.Sprintf("did you mean %q?", n.Value)})
	case n.Tag == "!!float" && n.Decode(&x) == nil && !math.IsNaN(x) && !math.IsInf(x, 0):
		return attribute.Float64Value(x)
	case n.Tag == "!!str":
		return attribute.StringValue(n.Value)
	default:
		d.report(n, Error{Field: path, Message: rulefile.Describe(n) + " cannot be a value", Hint: fmt.Sprintf("did you mean %q?", n.Value)})
	}
	return attribute.Value{}
}
