package celrule

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanticket/spanticket/correlate"
)

// exceptionKeys are the attributes that rules can see of an exception.
var exceptionKeys = []string{"exception.type", "error.type", "exception.message", "exception.stacktrace", "exception.escaped"}

// ExceptionOf returns what a span recorded of an error: its last exception
// event or, without one, its own attributes. It is what rules see as exception.
func ExceptionOf(sp sdktrace.ReadOnlySpan) correlate.Exception {
	attrs := exceptionAttributes(sp)
	return correlate.Exception{
		Type:       typeOfException(attrs),
		Message:    stringOf(attrs, "exception.message"),
		Stacktrace: stringOf(attrs, "exception.stacktrace"),
	}
}

// exceptionAttributes returns the attributes that describe the exception.
func exceptionAttributes(sp sdktrace.ReadOnlySpan) []attribute.KeyValue {
	events := sp.Events()
	for i := len(events) - 1; i >= 0; i-- {
		// Conventions after 1.40 name the operation first: http.client.request.exception.
		if name := events[i].Name; name == "exception" || strings.HasSuffix(name, ".exception") {
			return events[i].Attributes
		}
	}
	return sp.Attributes()
}

func typeOfException(attrs []attribute.KeyValue) string {
	errorType := ""
	for i := range attrs {
		switch attrs[i].Key {
		case "exception.type":
			if s := attrs[i].Value.AsString(); s != "" {
				return s
			}
		case "error.type":
			errorType = attrs[i].Value.AsString()
		}
	}
	return errorType
}

func escaped(attrs []attribute.KeyValue) bool {
	v, ok := find(attrs, "exception.escaped")
	return ok && (v.Type() == attribute.BOOL && v.AsBool() || v.Type() == attribute.STRING && v.AsString() == "true")
}

// find returns the value of the first attribute with the key.
func find(attrs []attribute.KeyValue, key string) (attribute.Value, bool) {
	for i := range attrs {
		if string(attrs[i].Key) == key {
			return attrs[i].Value, true
		}
	}
	return attribute.Value{}, false
}

func stringOf(attrs []attribute.KeyValue, key string) string {
	if v, ok := find(attrs, key); ok && v.Type() == attribute.STRING {
		return v.AsString()
	}
	return ""
}
