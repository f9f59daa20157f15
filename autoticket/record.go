package autoticket

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/render"
)

const (
	maxCalls    = 256      // of the caller's stack that are looked at
	maxStack    = 32       // frames that are recorded
	maxTrace    = 8 << 10  // bytes of all of them
	maxText     = 4 << 10  // bytes of the message: as much as an engine reads
	maxLinkText = 256      // bytes of the message of each error in a chain
	maxTexts    = 64 << 10 // bytes of the messages that errors in a chain are asked for
)

// RecordError records on a span that its operation failed, with what Go's errors
// know and [trace.Span.RecordError] loses: the type that says most below wrappers,
// the types and messages of all errors that it wraps, and the stack of the
// caller. It sets the span's status to Error. A nil error records nothing.
//
// It adds an event named exception with exception.type, exception.message and
// exception.stacktrace, and the attribute error.type, as the semantic conventions
// have them; spanticket.error.chain on the event lists what is wrapped, at most 32
// errors, the outermost first. Messages are cut at 4 KiB, those in the list at 256
// bytes, and the stack at 32 calls, where a recursion counts once.
//
// Like a span it may be called concurrently. It does not panic, whatever the
// error's methods do.
func RecordError(span trace.Span, err error) {
	defer func() { _ = recover() }() // what a span of another SDK does
	if err == nil || span == nil || !span.IsRecording() {
		return
	}
	typ, message := correlate.ErrorType(err), clip(errorText(err), maxText)
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

// chainOf returns the types and messages of an error and what it wraps. Each
// message holds those after it, so that long ones are not asked for 32 times.
func chainOf(err error) []string {
	var out []string
	room := maxTexts
	for _, e := range correlate.ErrorChain(err) {
		link := fmt.Sprintf("%T", e)
		if room > 0 {
			text := errorText(e)
			room -= len(text)
			link += ": " + clip(text, maxLinkText)
		}
		out = append(out, link)
	}
	return out
}

// errorText returns the message of an error, whose method may panic.
func errorText(err error) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("%T, whose Error method panics", err)
		}
	}()
	return err.Error()
}

// clip returns some of a text, in valid UTF-8: without that no exporter sends a
// span. It cuts between words if it can: half a token looks like no secret to a
// redactor.
func clip(s string, most int) string {
	if len(s) > most {
		if i := strings.LastIndexAny(s[:most], " \t\n"); i > most/2 {
			s, most = s[:i]+" …", most+len(" …")
		}
	}
	return strings.ToValidUTF8(render.Clip(s, most), "\uFFFD")
}

// callers returns the stack of whoever called RecordError, as Go writes it.
func callers() string {
	var pcs [maxCalls]uintptr
	n := 0
	for _, pc := range pcs[:runtime.Callers(3, pcs[:])] {
		if !slices.Contains(pcs[:n], pc) { // or a recursion would hide who began it
			pcs[n] = pc
			n++
		}
	}
	frames := runtime.CallersFrames(pcs[:n])
	b := make([]byte, 0, 2<<10)
	b = append(b, "goroutine 1 [running]:\n"...)
	for range maxStack {
		f, more := frames.Next()
		if f.Function == "" || len(b)+len(f.Function)+len(f.File) > maxTrace {
			break
		}
		b = append(append(b, f.Function...), "(...)\n\t"...)
		b = append(append(b, f.File...), ':')
		b = append(strconv.AppendInt(b, int64(f.Line), 10), '\n')
		if !more {
			break
		}
	}
	return string(b)
}
