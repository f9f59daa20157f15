package capture

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/celrule"
)

// Panic takes the panic of a goroutine that works under a context. It is as if it
// had been logged there, and is kept at once: the process may be about to end, and
// the span of the context with it. r is what the process is, if no span says so.
func (g *Gate) Panic(ctx context.Context, x correlate.Exception, r *resource.Resource) {
	if g.closed.Load() || isOwn(ctx) {
		return
	}
	sc := trace.SpanContextFromContext(ctx)
	rec := &record{
		time: time.Now(), failed: true, event: "panic", body: "panic: " + clip(x.Message, maxValue), message: clip(x.Message, maxValue),
		resource: r, span: sc,
		attrs: []attribute.KeyValue{
			typeKey.String(clip(x.Type, maxName)), messageKey.String(clip(x.Message, maxValue)), stackKey.String(clip(x.Stacktrace, maxStack)),
		},
	}
	rec.size = int64(512 + len(rec.body) + len(rec.message) + sizeOf(rec.attrs))
	rec.look(ctx)
	if sp, ok := trace.SpanFromContext(ctx).(sdktrace.ReadOnlySpan); ok && sp.Resource() != nil {
		rec.resource = sp.Resource()
	}
	if rec.resource == nil {
		rec.resource = resource.Empty()
	}
	g.Counters.Records.Add(1)
	if rec.open {
		g.keepOpen(rec)
		if g.hold(rec) {
			return
		}
	}
	g.admit(rec, g.put)
}

// keepOpen keeps a record whose span is still to end.
func (g *Gate) keepOpen(r *record) {
	if g.Firsts == nil {
		return
	}
	sp, set := logged{record: r}, g.Rules.Load()
	m := set.MatchPlain(sp) // which counts nothing: the span is matched when it ends
	it := Item{Span: sp, Record: true, Counts: true, Set: set, Rule: m.Rule, More: m.More}
	it.Matched = m.Verdict == celrule.Matched
	r.kept = g.Firsts.note(it, g.Whole)
}
