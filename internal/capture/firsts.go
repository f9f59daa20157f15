package capture

import (
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"slices"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/celrule"
	"github.com/spanticket/spanticket/internal/journal"
	"github.com/spanticket/spanticket/internal/observe"
)

const (
	// firstsPerSecond bounds what a storm of new failures costs the application.
	firstsPerSecond = 100
	// firstFor is how long a failure is known for one that was kept. It may be over
	// and come back meanwhile.
	firstFor = 10 * time.Minute
	// knownSlots and lineageSlots are powers of two. Where two failures meet in a
	// slot of the known, one is kept again; where two traces meet in one of the
	// lineages, a symptom may be kept for a failure of its own.
	knownSlots   = 1 << 13
	lineageSlots = 1 << 10
	// maxOrigin bounds the span that a lineage holds, in bytes.
	maxOrigin = 16 << 10
)

// Firsts finds, on the goroutines that end spans, the first occurrence per rule,
// operation and type of error, which is to be kept before the span's OnEnd
// returns. It is safe for concurrent use.
//
// It decides with what is known when a span ends, and so nearly as the assembly
// of the trace will: what fails above a failure is a symptom of it, and the rule
// that takes it may be that of an operation above. It does not know what will be
// tried again with success.
type Firsts struct {
	// Keep keeps an occurrence of some rules, the first of which takes it. It
	// returns false if it cannot. It must not block.
	Keep func(origin Item, set *celrule.Set, rules []int) (journal.Entry, bool)
	// Release lets go of what was kept and will not be decided.
	Release func(...journal.Entry)

	counters *observe.Journal
	seed     maphash.Seed
	known    [knownSlots]atomic.Uint64
	rate     atomic.Uint64 // the second, and how many were kept in it
	lineages [lineageSlots]atomic.Pointer[lineage]
}

// NewFirsts returns one that has seen nothing. It counts those that it does not
// keep because there are too many.
func NewFirsts(counters *observe.Journal, keep func(Item, *celrule.Set, []int) (journal.Entry, bool), release func(...journal.Entry)) *Firsts {
	return &Firsts{counters: counters, Keep: keep, Release: release, seed: maphash.MakeSeed()}
}

// lineage is a failure that waits for the spans above it to end.
type lineage struct {
	span     spanKey // that is the next to end
	taken    bool    // a rule takes the failure: what is above it is a symptom
	canceled bool    // it counts only if the operation above gave up
	origin   Item    // of one that no rule has taken so far
}

func lineageSlot(id trace.SpanID) uint64 {
	return (binary.BigEndian.Uint64(id[:]) * 0x9E3779B97F4A7C15) >> (64 - 10)
}

// take returns what failed below a span, or nil.
func (f *Firsts) take(key spanKey) *lineage {
	slot := &f.lineages[lineageSlot(key.span)]
	l := slot.Load()
	if l == nil || l.span != key || !slot.CompareAndSwap(l, nil) {
		return nil
	}
	return l
}

// note looks at an item on its way to the queue, keeps it if it is a first, and
// returns what the journal has of it. Items are passed by value, so that they stay
// on the stack of the application's goroutine.
func (f *Firsts) note(it Item, whole bool) (kept []journal.Entry) {
	defer func() {
		if recover() != nil { // the span must not be lost with it
			kept = it.Kept
		}
	}()
	sc := it.Span.SpanContext()
	key := spanKey{sc.TraceID(), sc.SpanID()}
	above := key // a log record is below its span
	if !it.Record {
		parent := it.Span.Parent()
		above.span = parent.SpanID()
		if parent.IsRemote() && !whole {
			above.span = trace.SpanID{}
		}
	}
	below := f.take(key)
	if !it.Counts {
		if below != nil && above.span.IsValid() {
			f.leave(*below, above)
		}
		return it.Kept
	}
	now, kept := f.judge(it, below)
	if above.span.IsValid() {
		f.leave(now, above)
	}
	return kept
}

// leave leaves a lineage for a span to find.
func (f *Firsts) leave(l lineage, above spanKey) {
	l.span = above
	f.lineages[lineageSlot(above.span)].Store(&l)
}

// judge decides about a span that counts, and about what failed below it. It
// returns what the spans above are to know, and what the journal has of the item.
func (f *Firsts) judge(it Item, below *lineage) (lineage, []journal.Entry) {
	switch {
	case below != nil && below.taken:
		return lineage{taken: true}, it.Kept
	case below != nil && !below.canceled:
		if !it.Matched {
			return lineage{origin: below.origin}, it.Kept
		}
		return f.first(it, below.origin, it.Rule, it.More)
	case it.Matched && f.isKnown(f.key(it.Span, it.Set, it.Rule)):
		return lineage{taken: true}, it.Kept
	}
	canceled, timedOut := gaveUp(it.Span)
	if canceled && !(it.Matched && it.Set.Minds(it.Rule)) {
		return lineage{canceled: true, origin: small(it)}, it.Kept
	}
	origin := it
	if timedOut && below != nil && below.origin.Span != nil && below.origin.Set == it.Set {
		origin = below.origin
	}
	switch {
	case origin.Matched:
		return f.first(it, origin, origin.Rule, origin.More)
	case it.Matched:
		return f.first(it, origin, it.Rule, it.More)
	}
	return lineage{origin: small(origin)}, it.Kept
}

// small returns an item for a lineage. Without a span it says nothing.
func small(it Item) Item {
	if size(it.Span) > maxOrigin {
		it.Span = nil
	}
	return it
}

// first keeps an occurrence that a rule takes, and more after it, unless one like it
// was kept.
func (f *Firsts) first(it, origin Item, rule int, more []int) (lineage, []journal.Entry) {
	taken := lineage{taken: true}
	if origin.Span == nil {
		return taken, it.Kept
	}
	key := f.key(origin.Span, it.Set, rule)
	slot := &f.known[key%knownSlots]
	before := slot.Load()
	if before == key {
		return taken, it.Kept
	}
	if !f.allow() {
		f.counters.RateLimited.Add(1)
		return taken, it.Kept
	}
	if !slot.CompareAndSwap(before, key) {
		return taken, it.Kept
	}
	e, ok := f.Keep(origin, it.Set, append([]int{rule}, more...))
	if !ok {
		slot.CompareAndSwap(key, before) // the next one is tried
	}
	if e == 0 {
		return taken, it.Kept
	}
	return taken, append(it.Kept, e)
}

func (f *Firsts) isKnown(key uint64) bool { return f.known[key%knownSlots].Load() == key }

// key hashes what makes an occurrence a first.
func (f *Firsts) key(sp sdktrace.ReadOnlySpan, set *celrule.Set, rule int) uint64 {
	return cmp.Or(maphash.Comparable(f.seed, struct {
		set            *celrule.Set
		rule           int
		operation, typ string
		since          int64
	}{set, rule, sp.Name(), errorType(sp), sp.EndTime().Unix() / int64(firstFor/time.Second)}), 1)
}

// allow reports whether one more may be kept now.
func (f *Firsts) allow() bool {
	now := uint64(time.Now().Unix()) << 8
	for {
		was := f.rate.Load()
		next := now | 1
		if was&^0xff == now {
			if was&0xff >= firstsPerSecond {
				return false
			}
			next = was + 1
		}
		if f.rate.CompareAndSwap(was, next) {
			return true
		}
	}
}

// errorType returns the type of the newest exception of a span, or its own
// error.type.
func errorType(sp sdktrace.ReadOnlySpan) string {
	events := sp.Events()
	for i := len(events) - 1; i >= 0; i-- {
		if t := textAt(events[i].Attributes, typeKey); t != "" {
			return t
		}
	}
	attrs := sp.Attributes()
	return cmp.Or(textAt(attrs, typeKey), textAt(attrs, "error.type"))
}

func textAt(attrs []attribute.KeyValue, key attribute.Key) string {
	for i := range attrs {
		if attrs[i].Key == key && attrs[i].Value.Type() == attribute.STRING {
			return attrs[i].Value.AsString()
		}
	}
	return ""
}

// statuses are the attributes by which an operation says that it was given up.
var statuses = []attribute.Key{"http.response.status_code", "http.status_code", "rpc.response.status_code", "rpc.grpc.status_code"}

// gaveUp reports whether a span failed because its caller gave up, or because it
// did itself.
func gaveUp(sp sdktrace.ReadOnlySpan) (canceled, timedOut bool) {
	o := correlate.Occurrence{Message: clip(sp.Status().Description, maxValue), Exception: celrule.ExceptionOf(sp)}
	o.Exception.Message = clip(o.Exception.Message, maxValue)
	for _, kv := range sp.Attributes() {
		if slices.Contains(statuses, kv.Key) {
			o.Attributes = append(o.Attributes, correlate.Attribute{Key: string(kv.Key), Value: value(kv.Value, maxRest)})
		}
	}
	if sp.Status().Code != codes.Error && o.Exception == (correlate.Exception{}) {
		return false, false // it is slow
	}
	return celrule.Canceled(&o), celrule.TimedOut(&o)
}
