package capture

import (
	"container/list"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/internal/journal"
)

// What is held of log records, until the spans that they belong to end.
const (
	maxHeldRecords = 8 << 10
	maxHeldBytes   = 16 << 20
	maxOfSpan      = 16 // of one span: the first, and the newest
	holdFor        = 10 * time.Second

	heldSlots = 1 << 14
)

// held keeps log records by the span that they belong to. A span that has none
// pays a load to know it, or two while others have some.
type held struct {
	count atomic.Int64            // of spans
	slots [heldSlots]atomic.Int32 // how many spans there are, by the hash of their ID

	mu      sync.Mutex
	closed  bool
	spans   map[spanKey]*list.Element
	order   list.List // of *heldSpan, the one that has waited longest first
	records int
	bytes   int64
}

type spanKey struct {
	trace trace.TraceID
	span  trace.SpanID
}

type heldSpan struct {
	key     spanKey
	records []*record // in the order in which they came
	lost    int       // that there was no room for
	since   time.Time
	dropped []journal.Entry // of records that there was no room for
}

// kept returns what the journal has of the records.
func (s *heldSpan) kept() []journal.Entry {
	kept := s.dropped
	for _, r := range s.records {
		kept = append(kept, r.kept...)
	}
	return kept
}

func (h *held) slot(id trace.SpanID) *atomic.Int32 {
	return &h.slots[(binary.BigEndian.Uint64(id[:])*0x9E3779B97F4A7C15)>>(64-14)]
}

// has reports whether something may be held of a span.
func (h *held) has(id trace.SpanID) bool { return h.count.Load() != 0 && h.slot(id).Load() != 0 }

// put holds a record, and reports whether there is room for it. first says that
// nothing was held before.
func (h *held) put(r *record, now time.Time) (ok, first bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || h.records >= maxHeldRecords || h.bytes+r.size > maxHeldBytes {
		return false, false
	}
	key := spanKey{r.span.TraceID(), r.span.SpanID()}
	el := h.spans[key]
	if el == nil {
		if h.spans == nil {
			h.spans = map[spanKey]*list.Element{}
		}
		el = h.order.PushBack(&heldSpan{key: key, since: now})
		h.spans[key] = el
		h.slot(key.span).Add(1)
		first = h.count.Add(1) == 1
	}
	s := el.Value.(*heldSpan)
	if len(s.records) == maxOfSpan {
		s.dropped = append(s.dropped, s.records[1].kept...)
		h.bytes -= s.records[1].size
		h.records--
		s.lost++
		copy(s.records[1:], s.records[2:])
		s.records = s.records[:maxOfSpan-1]
	}
	s.records = append(s.records, r)
	h.records++
	h.bytes += r.size
	return true, first
}

// take gives out what is held of a span, or nil.
func (h *held) take(key spanKey) *heldSpan {
	h.mu.Lock()
	defer h.mu.Unlock()
	el := h.spans[key]
	if el == nil {
		return nil
	}
	return h.remove(el)
}

func (h *held) remove(el *list.Element) *heldSpan {
	s := h.order.Remove(el).(*heldSpan)
	delete(h.spans, s.key)
	h.slot(s.key.span).Add(-1)
	h.count.Add(-1)
	h.records -= len(s.records)
	for _, r := range s.records {
		h.bytes -= r.size
	}
	return s
}

// due gives out the records of spans that have not ended for too long.
func (h *held) due(now time.Time) []*heldSpan {
	return h.takeWhile(func(s *heldSpan) bool { return now.Sub(s.since) >= holdFor })
}

// takeWhile gives out spans, those that have waited longest first.
func (h *held) takeWhile(want func(*heldSpan) bool) (out []*heldSpan) {
	if h.count.Load() == 0 {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for el := h.order.Front(); el != nil && want(el.Value.(*heldSpan)); el = h.order.Front() {
		out = append(out, h.remove(el))
	}
	return out
}

// close makes it take no more.
func (h *held) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
}
