package capture

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanticket/spanticket/correlate"
)

const (
	// maxOperations bounds the operations whose requests are counted.
	maxOperations = 10_000
	recentSlots   = 1 << 10

	trafficShards = 4
	// trafficMinutes is over how long a share is told.
	trafficMinutes = 5
)

// Traffic counts how many spans of each operation end, and how many of them
// failed, so that a ticket can say which share that is. Count may be called from
// any goroutine and allocates nothing for an operation that it knows; the other
// methods belong to one goroutine. Its zero value is not ready; see NewTraffic.
type Traffic struct {
	seed   maphash.Seed
	recent [recentSlots]atomic.Pointer[flow] // by the hash of their names

	mu    sync.RWMutex
	flows map[flowKey]*flow
	known map[operationKey]*operation

	minute time.Time // that began last
}

// flowKey is an operation as a span names it.
type flowKey struct {
	resource attribute.Distinct
	name     string
}

// flow leads from the spans of a resource with a name to their operation.
type flow struct {
	flowKey
	operation *operation
}

type operationKey struct{ service, name string }

// operation is counted in several places, so that the application's processors
// do not contend for one.
type operation struct {
	shards [trafficShards]struct {
		requests, failed atomic.Int64
		_                [48]byte // of a cache line
	}
	past [trafficMinutes]correlate.Share // what it was up to a minute that ended, by the minute
}

// NewTraffic returns an empty count.
func NewTraffic() *Traffic {
	return &Traffic{seed: maphash.MakeSeed(), flows: map[flowKey]*flow{}, known: map[operationKey]*operation{}}
}

// Count counts a span that has ended. shard spreads the load.
func (t *Traffic) Count(sp sdktrace.ReadOnlySpan, shard byte, failed bool) {
	if len(sp.Name()) > maxName {
		return
	}
	key := flowKey{resource: sp.Resource().Equivalent(), name: sp.Name()}
	slot := &t.recent[maphash.String(t.seed, key.name)%recentSlots]
	f := slot.Load()
	if f == nil || f.flowKey != key {
		if f = t.find(key, sp); f == nil {
			return
		}
		slot.Store(f)
	}
	s := &f.operation.shards[shard%trafficShards]
	s.requests.Add(1)
	if failed {
		s.failed.Add(1)
	}
}

// find returns the flow of a key, or nil if there are too many already.
func (t *Traffic) find(key flowKey, sp sdktrace.ReadOnlySpan) *flow {
	t.mu.RLock()
	f, full := t.flows[key], len(t.flows) >= maxOperations
	t.mu.RUnlock()
	if f != nil || full {
		return f
	}
	service := ""
	if v, ok := sp.Resource().Set().Value("service.name"); ok {
		service = v.AsString()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if f = t.flows[key]; f != nil {
		return f
	}
	of := operationKey{service, clip(key.name, maxName)} // as it stands in occurrences
	if t.known[of] == nil {
		t.known[of] = new(operation)
	}
	f = &flow{key, t.known[of]}
	t.flows[key] = f
	return f
}

// Advance tells the time, by which what is long past is left out.
func (t *Traffic) Advance(now time.Time) {
	minute := now.Truncate(time.Minute)
	if !minute.After(t.minute) {
		return
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	steps := 1
	if !t.minute.IsZero() {
		steps = int(min(trafficMinutes, minute.Sub(t.minute)/time.Minute))
	}
	t.minute = minute
	for _, o := range t.known {
		total := o.total()
		for range steps {
			copy(o.past[1:], o.past[:])
			o.past[0] = total
		}
	}
}

func (o *operation) total() (s correlate.Share) {
	for i := range o.shards {
		s.Requests += o.shards[i].requests.Load()
		s.Failed += o.shards[i].failed.Load()
	}
	return s
}

// Share returns how many requests of an operation ended within the last five
// minutes or so, and how many of them failed. It is zero if that is not known.
func (t *Traffic) Share(service, name string) correlate.Share {
	t.mu.RLock()
	o := t.known[operationKey{service, name}]
	t.mu.RUnlock()
	if o == nil {
		return correlate.Share{}
	}
	s, before := o.total(), o.past[trafficMinutes-1]
	return correlate.Share{Failed: s.Failed - before.Failed, Requests: s.Requests - before.Requests}
}
