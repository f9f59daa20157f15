package celrule

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanticket/spanticket/correlate"
)

// exceptionKeys are the attributes that rules can see of an exception.
var exceptionKeys = []string{"exception.type", "error.type", "exception.message", "exception.stacktrace", "exception.escaped"}

// ExceptionOf returns what a span recorded of an error: its newest exception
// event or, without one, its own attributes. It is what rules see as exception.
func ExceptionOf(sp sdktrace.ReadOnlySpan) correlate.Exception {
	r := recordOf(sp.Attributes(), sp.Events())
	return correlate.Exception{
		Type:       r.typ().String(),
		Message:    r.text("exception.message").String(),
		Stacktrace: r.text("exception.stacktrace").String(),
	}
}

// exceptionRecord is where a span tells of an exception.
type exceptionRecord struct {
	attrs []attribute.KeyValue // of an event or, without one, of the span
	span  []attribute.KeyValue // which may have the type where the event has none
}

// recordOf finds it among the attributes and the events of a span.
func recordOf(attrs []attribute.KeyValue, events []sdktrace.Event) exceptionRecord {
	for i := len(events) - 1; i >= 0; i-- {
		if isException(&events[i]) {
			return exceptionRecord{attrs: events[i].Attributes, span: attrs}
		}
	}
	return exceptionRecord{attrs: attrs, span: attrs}
}

// isException reports whether an event is of an exception: by its name, or by
// what it carries, since an exception that was logged has the name of its record.
func isException(e *sdktrace.Event) bool {
	// Conventions after 1.40 name the operation first: http.client.request.exception.
	if e.Name == "exception" || strings.HasSuffix(e.Name, ".exception") {
		return true
	}
	for i := range e.Attributes {
		if key := e.Attributes[i].Key; key == "exception.type" || key == "exception.message" {
			return true
		}
	}
	return false
}

// typ returns the type of the exception, or else that of the error.
func (r exceptionRecord) typ() value {
	if t := r.text("exception.type"); t != textValue("") {
		return t
	}
	if t := r.text("error.type"); t != textValue("") {
		return t
	}
	return exceptionRecord{attrs: r.span}.text("error.type")
}

// text returns the text that an attribute is, or an empty one.
func (r exceptionRecord) text(key string) value {
	v := valueOf(r.attrs, key, textType)
	if v.kind != kindText && v.kind != kindDigits {
		return textValue("")
	}
	return v
}

func (r exceptionRecord) escaped() bool {
	return valueOf(r.attrs, "exception.escaped", boolType) == truthValue(true)
}

func (r exceptionRecord) timedOut() bool {
	return timedOut(r.typ().text, r.text("exception.message").text)
}
