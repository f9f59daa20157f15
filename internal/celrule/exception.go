package celrule

import (
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanticket/spanticket/correlate"
)

// exceptionKeys are the attributes that rules can see of an exception.
var exceptionKeys = []string{"exception.type", "error.type", "exception.message", "exception.stacktrace", "exception.escaped"}

// ExceptionOf returns what a span recorded of an error: the exception event that
// says what its status says, or else the newest, or without one its own
// attributes. It is what rules see as exception.
func ExceptionOf(sp sdktrace.ReadOnlySpan) correlate.Exception {
	r := recordOf(sp, sp.Attributes())
	return correlate.Exception{
		Type:       r.typ().String(),
		Message:    r.text("exception.message").String(),
		Stacktrace: r.text("exception.stacktrace").String(),
	}
}

// exceptionRecord is where a span tells of an exception.
type exceptionRecord struct {
	attrs    []attribute.KeyValue // of an event or, without one, of the span
	span     []attribute.KeyValue // which may have the type where the event has none
	panicked bool                 // it is of the panic that ended the span
}

// recordOf finds it in a span, which has the attributes.
func recordOf(sp sdktrace.ReadOnlySpan, attrs []attribute.KeyValue) exceptionRecord {
	r := exceptionRecord{attrs: attrs, span: attrs}
	events := sp.Events()
	newest := lastException(events)
	if newest < 0 {
		return r
	}
	r.attrs = events[newest].Attributes
	if r.panicked = panicked(sp, events); r.panicked {
		return r
	}
	older := lastException(events[:newest])
	if older < 0 {
		return r
	}
	// Of several, some may be of what was tried before, or was handled. The SDK
	// keeps the newest events, so that the one that the status is about may be lost.
	says := sp.Status().Description
	if says == "" || len(says) > maxMessage {
		return r
	}
	best := repeats(says, r.text("exception.message"))
	for i := older; i >= 0 && best != same; i = lastException(events[:i]) {
		other := exceptionRecord{attrs: events[i].Attributes, span: attrs}
		if n := repeats(says, other.text("exception.message")); n > best {
			r, best = other, n
		}
	}
	return r
}

// same is what repeats returns for a status description that is the message.
const same = 2

// repeats rates how well a status description repeats a message.
func repeats(description string, message value) int {
	switch text := message.String(); {
	case text == "":
		return 0
	case text == description:
		return same
	case strings.Contains(description, text):
		return 1
	}
	return 0
}

// lastException returns where the newest exception is among events, or -1.
func lastException(events []sdktrace.Event) int {
	for i := len(events) - 1; i >= 0; i-- {
		if IsException(&events[i]) {
			return i
		}
	}
	return -1
}

// IsException reports whether an event is of an exception: by its name, or by
// what it carries, since an exception that was logged has the name of its record.
func IsException(e *sdktrace.Event) bool {
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

// Panicked reports whether a panic ended the span, which its status does not
// tell, and that is a failure: one with status Ok is none, and neither is a
// handler that net/http is told to abort because its client has gone.
func Panicked(sp sdktrace.ReadOnlySpan, status codes.Code) bool {
	if status == codes.Ok {
		return false
	}
	events := sp.Events()
	return len(events) > 0 && panicked(sp, events)
}

// maxUnwinding is the longest time between the end of a span and the event of
// its panic: the SDK takes the one and makes the other in the same call.
const maxUnwinding = time.Second

// panicked reports whether the SDK found a panic on its way through the End of
// the span. It says so by one more exception event, which is younger than the
// end.
func panicked(sp sdktrace.ReadOnlySpan, events []sdktrace.Event) bool {
	e := &events[len(events)-1]
	if e.Name != "exception" {
		return false
	}
	if after := e.Time.Sub(sp.EndTime()); after <= 0 || after > maxUnwinding {
		return false
	}
	typed := false
	for i := range e.Attributes {
		switch a := &e.Attributes[i]; a.Key {
		case "exception.type":
			typed = true
		case "exception.message":
			if a.Value.AsString() == "net/http: abort Handler" {
				return false
			}
		case "exception.stacktrace":
		default:
			return false
		}
	}
	return typed
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
	return r.panicked || valueOf(r.attrs, "exception.escaped", boolType) == truthValue(true)
}

func (r exceptionRecord) timedOut() bool {
	return timedOut(r.typ().text, r.text("exception.message").text)
}
