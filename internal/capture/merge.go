package capture

import (
	"slices"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/celrule"
)

// merged is a span with what was logged in it as events of its own, so that
// whoever looks at it sees one thing.
type merged struct {
	sdktrace.ReadOnlySpan
	events []sdktrace.Event
	lost   int
}

func (m *merged) Events() []sdktrace.Event { return m.events }
func (m *merged) DroppedEvents() int       { return m.ReadOnlySpan.DroppedEvents() + m.lost }

// merge adds the log records of a span to it. An exception that the span has
// recorded too, or that was logged twice, is there once, with what each of them
// knows. A record that has none, and says in words that something went wrong,
// is an exception only if the span has nothing to say of its own; plain says so.
func merge(sp sdktrace.ReadOnlySpan, s *heldSpan) (_ sdktrace.ReadOnlySpan, plain bool) {
	m := &merged{ReadOnlySpan: sp, events: slices.Clone(sp.Events()), lost: s.lost}
	own := exceptionIn(sp.Attributes())
	var words *record // the first: what comes later mostly says what follows from it
	for _, r := range s.records {
		switch {
		case !r.plain:
			m.add(r.exceptionEvent(), own)
		case words == nil:
			words = r
		}
	}
	if plain = words != nil && m.saysNothing(); plain {
		m.insert(words.exceptionEvent())
	}
	return m, plain
}

func (m *merged) saysNothing() bool {
	x := celrule.ExceptionOf(m)
	return x.Message == "" && correlate.SaysNothing(x.Type) && m.Status().Description == ""
}

// add adds an exception, unless the span has it.
func (m *merged) add(e sdktrace.Event, own correlate.Exception) {
	x := exceptionIn(e.Attributes)
	for i := range m.events {
		if !celrule.IsException(&m.events[i]) {
			continue
		}
		if full, same := exceptionIn(m.events[i].Attributes).Complete(x); same {
			m.events[i].Attributes = withException(m.events[i].Attributes, full)
			return
		}
	}
	if full, same := x.Complete(own); same {
		e.Attributes = withException(e.Attributes, full)
	}
	m.insert(e)
}

// insert adds an event where it belongs in time. It came before the end: what is
// younger is the event of a panic.
func (m *merged) insert(e sdktrace.Event) {
	if end := m.EndTime(); e.Time.After(end) {
		e.Time = end
	}
	i := len(m.events)
	for i > 0 && m.events[i-1].Time.After(e.Time) {
		i--
	}
	m.events = slices.Insert(m.events, i, e)
}

// exceptionIn returns the exception that attributes tell of.
func exceptionIn(attrs []attribute.KeyValue) (x correlate.Exception) {
	for i := range attrs {
		switch a := &attrs[i]; a.Key {
		case typeKey:
			x.Type = a.Value.AsString()
		case messageKey:
			x.Message = a.Value.AsString()
		case stackKey:
			x.Stacktrace = a.Value.AsString()
		}
	}
	return x
}

// withException returns the attributes of an event with those of an exception.
// It does not change what it is given, which others share.
func withException(attrs []attribute.KeyValue, x correlate.Exception) []attribute.KeyValue {
	if exceptionIn(attrs) == x {
		return attrs
	}
	out := slices.DeleteFunc(slices.Clone(attrs), func(kv attribute.KeyValue) bool {
		return kv.Key == typeKey || kv.Key == messageKey || kv.Key == stackKey
	})
	for _, kv := range []attribute.KeyValue{typeKey.String(x.Type), messageKey.String(x.Message), stackKey.String(x.Stacktrace)} {
		if kv.Value.AsString() != "" {
			out = append(out, kv)
		}
	}
	return out
}
