package autoticket

import (
	"fmt"
	"runtime"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/correlate"
)

const (
	maxStack    = 32  // frames
	maxLinkText = 256 // bytes of the message of each error in a chain
)

// RecordError records on a span that its operation failed, with what Go's errors
// know and [trace.Span.RecordError] loses: the type that says most below wrappers,
// the types and messages of all errors that it wraps, and the stack of the
// caller. It sets the span's status to Error. A nil error records nothing.
//
// It adds an event named exception with exception.type, exception.message and
// exception.stacktrace, and the attribute error.type, as the semantic conventions
// have them; spanticket.error.chain on the event lists what is wrapped, at most 32
// errors, the outermost first.
func RecordError(span trace.Span, err error) {
	if err == nil || !span.IsRecording() {
		return
	}
	defer func() { _ = recover() }()                          // an Unwrap of the host's own, on its way to tell what went wrong
	typ, message := correlate.ErrorType(err), fmt.Sprint(err) // which survives an Error that panics
	span.SetStatus(codes.Error, message)
	span.SetAttributes(attribute.String("error.type", typ))
	attrs := []attribute.KeyValue{
		attribute.String("exception.type", typ),
		attribute.String("exception.message", message),
		attribute.String("exception.stacktrace", callers()),
	}
	if chain := chainOf(err); len(chain) > 1 {
		attrs = append(attrs, attribute.StringSlice("spanticket.error.chain", chain))
	}
	span.AddEvent("exception", trace.WithAttributes(attrs...))
}

func chainOf(err error) []string {
	var out []string
	for _, e := range correlate.ErrorChain(err) {
		text := fmt.Sprint(e)
		if len(text) > maxLinkText {
			text = strings.ToValidUTF8(text[:maxLinkText], "") + "…"
		}
		out = append(out, fmt.Sprintf("%T: %s", e, text))
	}
	return out
}

// callers returns the stack of whoever called RecordError, as Go writes it.
func callers() string {
	var pcs [maxStack]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	var b strings.Builder
	b.WriteString("goroutine 1 [running]:\n")
	for {
		f, more := frames.Next()
		if f.Function == "" {
			break
		}
		fmt.Fprintf(&b, "%s(...)\n\t%s:%d\n", f.Function, f.File, f.Line)
		if !more {
			break
		}
	}
	return b.String()
}
