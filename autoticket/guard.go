package autoticket

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"github.com/spanticket/spanticket/internal/render"
	"github.com/spanticket/spanticket/redact"
)

// guarded is a [slog.Handler] that redacts whatever is logged. All that the
// library logs goes through one, so that no call can forget it: errors quote
// URLs with tokens, what a store was asked, and what a sink was answered.
//
// Numbers and times stay what they are. Everything else becomes text: a handler
// that took an error apart would find what was redacted.
//
// A record from which something was withheld says of which kinds, and how much.
type guarded struct {
	slog.Handler
	r     *redact.Redactor
	count func(kind string) // of values that were withheld
}

func (g guarded) Handle(ctx context.Context, rec slog.Record) (err error) {
	defer func() {
		if recover() != nil { // the host's own code, perhaps while it tells of a panic
			err = errHandler
		}
	}()
	var found tally
	r := g.r.Reporting(found.add(g.count))
	out := slog.NewRecord(rec.Time, rec.Level, safeText(r, rec.Message), rec.PC)
	rec.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(safeAttr(r, a))
		return true
	})
	if len(found.counts) > 0 {
		var kinds []slog.Attr
		for _, kind := range slices.Sorted(maps.Keys(found.counts)) {
			kinds = append(kinds, slog.Int64(kind, found.counts[kind]))
		}
		out.AddAttrs(slog.GroupAttrs("withheld", kinds...))
	}
	return g.Handler.Handle(ctx, out)
}

// errHandler says that the host's handler panicked. What it said may be a secret.
var errHandler = errors.New("spanticket: the log's handler panicked")

func (g guarded) WithAttrs(attrs []slog.Attr) slog.Handler {
	return guarded{g.Handler.WithAttrs(safeAttrs(g.r, attrs)), g.r, g.count}
}

func (g guarded) WithGroup(name string) slog.Handler {
	return guarded{g.Handler.WithGroup(name), g.r, g.count}
}

func safeAttrs(r *redact.Redactor, attrs []slog.Attr) []slog.Attr {
	out := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		out[i] = safeAttr(r, a)
	}
	return out
}

// safeAttr redacts one attribute. Its key is the library's own.
func safeAttr(r *redact.Redactor, a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString:
		v = slog.StringValue(safeText(r, v.String()))
	case slog.KindGroup:
		v = slog.GroupValue(safeAttrs(r, v.Group())...)
	case slog.KindAny:
		switch x := v.Any().(type) {
		case nil:
		case []string:
			texts := slices.Clone(x) // none stays none
			for i, s := range x {
				texts[i] = safeText(r, s)
			}
			v = slog.AnyValue(texts)
		default:
			// Sprintf, because a method of it may panic.
			v = slog.StringValue(safeText(r, fmt.Sprintf("%v", x)))
		}
	}
	return slog.Attr{Key: a.Key, Value: v}
}

// safeText returns s redacted, and without what cannot be seen, which would hide
// a secret and would act on the terminal of who reads a log.
func safeText(r *redact.Redactor, s string) string { return render.Safe(r, s) }

// safeError returns err with its text redacted: hosts log what they are given.
// It wraps err, so that errors.Is and errors.As answer as before.
func safeError(r *redact.Redactor, err error) error {
	if err == nil {
		return nil
	}
	if text := fmt.Sprintf("%v", err); safeText(r, text) != text {
		return &redactedError{text: safeText(r, text), err: err}
	}
	return err
}

type redactedError struct {
	text string
	err  error
}

func (e *redactedError) Error() string { return e.text }
func (e *redactedError) Unwrap() error { return e.err }

// GoString keeps %#v from printing what is wrapped.
func (e *redactedError) GoString() string { return fmt.Sprintf("%q", e.text) }
