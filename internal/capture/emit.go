package capture

import (
	"context"
	"strings"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/celrule"
)

// module is the path that the names of the library's own loggers begin with.
const module = "github.com/spanticket/spanticket"

// Emit takes a log record. One that tells of no error, or that the library
// itself has logged, is none of its business. What is told of a span that is still
// recording waits for its end; everything else is an item of its own.
func (g *Gate) Emit(ctx context.Context, r *sdklog.Record) {
	counted := false
	defer func() {
		// The record's own values, or a defect here: the host must not feel it.
		if recover() != nil && counted {
			g.Counters.Seen(0, true)
			g.Counters.Add(correlate.Panicked, 1)
		}
	}()
	if !matters(r) || isOwn(ctx) || strings.HasPrefix(r.InstrumentationScope().Name, module) {
		return
	}
	g.Counters.Records.Add(1)
	counted = true
	rec := newRecord(ctx, r)
	if rec.open && g.hold(rec) {
		return
	}
	counted = false // admit does it
	g.admit(rec, g.put)
}

// hold keeps a record until its span ends, if there is room.
func (g *Gate) hold(r *record) bool {
	ok, first := g.held.put(r, time.Now())
	if first {
		select {
		case g.holds <- struct{}{}:
		default:
		}
	}
	return ok
}

// Holds tells when log records begin to wait for the ends of their spans.
func (g *Gate) Holds() <-chan struct{} { return g.holds }

// Holding reports whether any do.
func (g *Gate) Holding() bool { return g.held.count.Load() != 0 }

// Held returns how many do.
func (g *Gate) Held() int {
	g.held.mu.Lock()
	defer g.held.mu.Unlock()
	return g.held.records
}

// Overdue calls fn with the log records that have waited too long for the ends
// of their spans. It is for the engine's goroutine, which they do not queue for.
func (g *Gate) Overdue(now time.Time, fn func(Item)) {
	for _, s := range g.held.due(now) {
		g.admitAll(s, fn)
	}
}

// Release calls fn with all log records that wait.
func (g *Gate) Release(fn func(Item)) {
	for _, s := range g.held.takeWhile(func(*heldSpan) bool { return true }) {
		g.admitAll(s, fn)
	}
}

func (g *Gate) admitAll(s *heldSpan, fn func(Item)) {
	s.records[0].kept = append(s.records[0].kept, s.dropped...)
	for _, r := range s.records {
		g.admit(r, fn)
	}
}

// admit counts a log record, and calls fn with it if the engine needs to see it.
func (g *Gate) admit(r *record, fn func(Item)) {
	var it Item
	examined := false
	defer func() {
		switch {
		case recover() == nil:
		case examined:
			g.Drop(it, correlate.Panicked)
		default:
			g.Counters.Seen(0, true)
			g.Counters.Add(correlate.Panicked, 1)
		}
	}()
	wanted := g.examineRecord(r, &it)
	examined = true
	if wanted {
		fn(it)
	}
}

// examineRecord is [Gate.Examine] for a log record.
func (g *Gate) examineRecord(r *record, it *Item) bool {
	id := r.span.SpanID()
	if r.approved {
		g.Counters.Seen(id[7], false)
		if r.kept != nil {
			g.Firsts.Release(r.kept...)
		}
		return false
	}
	sp, status := logged{record: r}, codes.Unset
	if r.failed {
		status = codes.Error
	}
	set := g.Rules.Load()
	m := set.MatchStatus(sp, status)
	counts := m.Verdict == celrule.Matched || r.failed
	passed := !counts && m.Verdict != celrule.NoRule
	g.Counters.Seen(id[7], counts || passed)
	if passed {
		g.pass(sp, set, m)
	}
	return g.fill(it, Item{Span: sp, Record: true, Plain: r.plain, Counts: counts, Kept: r.kept}, set, m)
}
