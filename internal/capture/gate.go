// Package capture takes finished spans from the application's goroutines: it
// matches them against the rules, and hands those that matter to the engine
// through a bounded queue. What it does on the caller's goroutine neither
// blocks nor panics, and of a healthy span of a healthy trace it keeps nothing.
package capture

import (
	"context"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/assemble"
	"github.com/spanticket/spanticket/internal/celrule"
	"github.com/spanticket/spanticket/internal/journal"
	"github.com/spanticket/spanticket/internal/observe"
)

// Item is one span, or a log record that could not wait for its span, on its way
// to the engine.
type Item struct {
	// Span is the SDK's snapshot, which nothing changes any more, with what was
	// logged in it; or a log record in the place of a span. It is kept only while it
	// is in the queue.
	Span sdktrace.ReadOnlySpan
	Set  *celrule.Set // that the span was matched against
	Rule int          // that matched, or whose unless held; -1 if there is none
	More []int        // that matched too
	// Excluded says that Rule's unless kept it from matching.
	Excluded bool
	// Matched says that Rule matched.
	Matched bool
	Record  bool // it is a log record
	Plain   bool // its exception is but the message of a log record
	// Panicked says that a panic ended the span.
	Panicked bool
	// Counts says that the span failed or was matched, so that it will be
	// decided; any other is kept for the path of its trace only.
	Counts bool
	// Kept are its records in the journal, which are to be released once it is
	// decided that it is no occurrence, or the store has it.
	Kept []journal.Entry
	// Stand is for which others it stands in a storm.
	Stand Stand

	trace trace.TraceID
	size  int64
}

// Gate is where spans enter. Its methods may be called from any goroutine.
type Gate struct {
	Rules    atomic.Pointer[celrule.Set]
	Mark     *assemble.Mark
	Counters *observe.Counters
	Traffic  *Traffic
	Thin     *Thin
	// Whole says that healthy spans of healthy traces are wanted too.
	Whole bool
	// Decided is told of what is decided here. It must be set before spans come,
	// and not block.
	Decided func(r correlate.Reason, describe func() correlate.Decision)
	// Firsts keeps first occurrences in the journal, if there is one. It must be set
	// before spans come.
	Firsts *Firsts
	// Noticed is given spans that may announce a deployment, and a few of all others. It
	// must be set before spans come, and not block. nil wants none.
	Noticed func(sp sdktrace.ReadOnlySpan, few bool)

	queue    chan Item
	bytes    atomic.Int64
	maxBytes int64
	closed   atomic.Bool
	own      ownSpans
	held     held
	holds    chan struct{} // told when something is held
}

// NewGate returns a gate with a queue of so many spans, and of so many bytes of
// their attributes and events.
func NewGate(rules *celrule.Set, mark *assemble.Mark, c *observe.Counters, spans int, bytes int64) *Gate {
	g := &Gate{Mark: mark, Counters: c, Traffic: NewTraffic(), Thin: NewThin(), Decided: func(correlate.Reason, func() correlate.Decision) {}, queue: make(chan Item, spans), maxBytes: bytes, holds: make(chan struct{}, 1)}
	g.Rules.Store(rules)
	return g
}

// Queue is where the engine takes items. It must call [Gate.Taken] for each.
func (g *Gate) Queue() <-chan Item { return g.queue }

// Taken frees the room of an item.
func (g *Gate) Taken(it Item) { g.bytes.Add(-it.size) }

// Backlog returns how many spans are in the queue.
func (g *Gate) Backlog() int { return len(g.queue) }

// Close makes the gate drop, and count, what ends from now on. Log records that
// wait for the ends of their spans are there for [Gate.Release].
func (g *Gate) Close() {
	g.closed.Store(true)
	g.held.close()
}

// Start notes a span that the library's own deliveries have started.
func (g *Gate) Start(ctx context.Context, sp sdktrace.ReadWriteSpan) {
	if inFlight.Load() != 0 {
		g.own.start(ctx, sp.SpanContext().SpanID())
	}
}

// End takes a span that has ended.
func (g *Gate) End(sp sdktrace.ReadOnlySpan) {
	var it Item
	examined := false
	defer func() {
		if recover() == nil {
			return
		}
		// The span's own code, or a defect here: the host must not feel it.
		if !examined {
			g.Counters.Seen(0, true)
			g.Counters.Add(correlate.Panicked, 1)
			return
		}
		g.Drop(it, correlate.Panicked)
	}()
	wanted := g.Examine(sp, &it)
	examined = true
	if wanted {
		g.put(it)
	}
}

// Examine decides whether the engine needs to see a span, and counts it. If so it
// fills in the item; one that counts has been announced to Mark.
func (g *Gate) Examine(sp sdktrace.ReadOnlySpan, it *Item) bool {
	sc := sp.SpanContext()
	id := sc.SpanID()
	if g.own.marked.Load() != 0 && g.own.end(id) {
		return false
	}
	set := g.Rules.Load()
	plain := false
	var kept []journal.Entry
	if g.held.has(id) {
		if s := g.held.take(spanKey{sc.TraceID(), id}); s != nil {
			g.Counters.Merged.Add(int64(len(s.records) + s.lost))
			sp, plain = merge(sp, s)
			kept = s.kept()
		}
	}
	status := sp.Status().Code
	m := set.MatchStatus(sp, status)
	// A span that failed is needed whoever matches it: it may be the origin of
	// what a rule matches further up.
	events := len(sp.Events()) > 0
	panicked := events && celrule.Panicked(sp, status)
	if few := id[7] == noticed; few || events || sp.Name() == announcement {
		g.notice(sp, few)
	}
	failed := status == codes.Error || panicked
	counts := m.Verdict == celrule.Matched || failed
	passed := !counts && m.Verdict != celrule.NoRule
	g.Counters.Seen(id[7], counts || passed)
	g.Traffic.Count(sp, id[7], failed)
	if passed {
		g.pass(sp, set, m)
	}
	if !counts && !g.Whole && !g.Mark.Has(sc.TraceID()) {
		if kept != nil {
			g.Firsts.Release(kept...)
		}
		return false // before anything is moved: most spans leave here
	}
	return g.fill(it, Item{Span: sp, Plain: plain, Panicked: panicked, Counts: counts, Kept: kept}, set, m)
}

// announcement is the name of spans that announce a deployment.
const announcement = "deployment"

// noticed is what the IDs of those few spans end with that are given to Noticed
// whatever they are: one in 256.
const noticed = 0x5a

func (g *Gate) notice(sp sdktrace.ReadOnlySpan, few bool) {
	if g.Noticed != nil {
		g.Noticed(sp, few)
	}
}

// fill completes an item with what was matched, if the engine needs to see it,
// and announces one that counts.
func (g *Gate) fill(it *Item, with Item, set *celrule.Set, m celrule.Match) bool {
	with.trace = with.Span.SpanContext().TraceID()
	if with.Matched = m.Verdict == celrule.Matched; with.Matched {
		g.Counters.Matches.Add(1)
	}
	if with.Counts {
		if !g.Whole && !with.Record && with.Kept == nil {
			var f Fate
			if with.Stand, f = g.Thin.Admit(with.Span, set, m.Rule, g.Mark.Has(with.trace)); f != Taken {
				g.thinned(with.Span, f)
				return false
			}
		}
		g.Mark.Add(with.trace)
	} else {
		if with.Kept != nil { // what was logged in it is information
			g.Firsts.Release(with.Kept...)
			with.Kept = nil
		}
		if !g.Whole && !g.Mark.Has(with.trace) {
			return false
		}
	}
	with.Set, with.Rule, with.More = set, m.Rule, m.More
	with.Excluded = m.Verdict == celrule.Excluded
	*it = with
	return true
}

// thinned decides about a failing span that is not taken in a storm.
func (g *Gate) thinned(sp sdktrace.ReadOnlySpan, f Fate) {
	r := correlate.Thinned
	if f == Lost {
		r = correlate.QueueFull
	}
	g.Counters.Add(r, 1)
	g.Decided(r, func() correlate.Decision { return decisionOf(sp, correlate.StageCapture, r) })
}

// pass decides about a span that did not fail and that no rule takes, though
// one might have.
func (g *Gate) pass(sp sdktrace.ReadOnlySpan, set *celrule.Set, m celrule.Match) {
	r := correlate.NoRule
	if m.Verdict == celrule.Excluded {
		r = correlate.Excluded
	}
	g.Counters.Add(r, 1)
	g.Decided(r, func() correlate.Decision {
		d := decisionOf(sp, correlate.StageMatch, r)
		d.Rule = set.Rule(m.Rule).Name
		return d
	})
}

func decisionOf(sp sdktrace.ReadOnlySpan, stage correlate.Stage, r correlate.Reason) correlate.Decision {
	sc := sp.SpanContext()
	return correlate.Decision{
		Time: sp.EndTime(), Stage: stage, Reason: r, Count: 1,
		TraceID: sc.TraceID().String(), SpanID: sc.SpanID().String(), Operation: clip(sp.Name(), maxName),
	}
}

// put queues an item, or counts why not.
func (g *Gate) put(it Item) {
	if g.closed.Load() {
		g.Drop(it, correlate.AfterShutdown)
		return
	}
	if !it.Counts && len(g.queue) > cap(g.queue)/2 {
		g.Drop(it, correlate.QueueFull)
		return
	}
	it.size = size(it.Span)
	if g.Firsts != nil {
		it.Kept = g.Firsts.note(it, g.Whole)
	}
	if g.bytes.Add(it.size) > g.maxBytes {
		g.bytes.Add(-it.size)
		g.Drop(it, correlate.QueueFull)
		return
	}
	select {
	case g.queue <- it:
	default:
		g.bytes.Add(-it.size)
		g.Drop(it, correlate.QueueFull)
	}
}

// Drop counts an item as lost.
func (g *Gate) Drop(it Item, r correlate.Reason) {
	if it.Kept != nil && r != correlate.AfterShutdown { // the next process has time for it
		g.Firsts.Release(it.Kept...)
	}
	if it.Counts {
		g.Thin.giveBack(it.Stand)
		g.Mark.Remove(it.trace, 1)
		g.Counters.Add(r, 1)
		g.Decided(r, func() correlate.Decision { return decisionOf(it.Span, correlate.StageCapture, r) })
	} else {
		g.Counters.Partial.Add(1)
	}
}

// size is about how much memory a span holds through what the application
// gave it.
func size(sp sdktrace.ReadOnlySpan) int64 {
	const each = 64
	n := 512 + len(sp.Name()) + len(sp.Status().Description) + sizeOf(sp.Attributes())
	for _, e := range sp.Events() {
		n += each + len(e.Name) + sizeOf(e.Attributes)
	}
	for _, l := range sp.Links() {
		n += each + sizeOf(l.Attributes)
	}
	return int64(n)
}

func sizeOf(kvs []attribute.KeyValue) (n int) {
	const each = 64
	for _, kv := range kvs {
		n += each + len(kv.Key) + valueSize(kv.Value)
	}
	return n
}
