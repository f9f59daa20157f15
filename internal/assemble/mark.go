package assemble

import (
	"encoding/binary"
	"sync/atomic"

	"go.opentelemetry.io/otel/trace"
)

// markSlots is a power of two. With the few thousand traces that a table
// holds, one healthy span in thirty meets a slot that is in use by another
// trace, and is looked up in vain by the engine.
const markSlots = 1 << 17

// Mark remembers, by a counter per hash of the trace ID, which traces have
// something that failed. It may say yes for a trace that has not; it never says
// no for one that has. It is safe for concurrent use, and its zero value is
// empty.
type Mark struct {
	used  atomic.Int64
	slots [markSlots]atomic.Int32
}

func slot(t trace.TraceID) uint64 {
	// The last bytes are the random ones in every version of the W3C format.
	return (binary.BigEndian.Uint64(t[8:]) * 0x9E3779B97F4A7C15) >> (64 - 17)
}

// Has reports whether something in the trace may have failed.
func (m *Mark) Has(t trace.TraceID) bool {
	return m.used.Load() != 0 && m.slots[slot(t)].Load() != 0
}

// Add counts a failing span of the trace.
func (m *Mark) Add(t trace.TraceID) {
	m.used.Add(1)
	m.slots[slot(t)].Add(1)
}

// Remove takes back n calls of Add.
func (m *Mark) Remove(t trace.TraceID, n int) {
	m.slots[slot(t)].Add(-int32(n))
	m.used.Add(-int64(n))
}
