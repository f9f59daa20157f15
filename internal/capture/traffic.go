package capture

import (
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
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
	recent [recentSlots]atomic.Pointer[flow] // by the hashes of their names

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
	name      string
	resource  *resource.Resource
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
	return &Traffic{flows: map[flowKey]*flow{}, known: map[operationKey]*operation{}}
}

// Count counts a span that has ended. shard spreads the load.
func (t *Traffic) Count(sp sdktrace.ReadOnlySpan, shard byte, failed bool) {
	name, r := sp.Name(), sp.Resource()
	slot := &t.recent[nameHash(name)%recentSlots]
	f := slot.Load()
	if f == nil || f.resource != r || f.name != name {
		if f = t.find(name, r); f == nil {
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

// nameHash tells names apart by their ends, which is enough to find most of them
// at the first look.
func nameHash(name string) uint64 {
	n := len(name)
	if n < 8 {
		h := uint64(n)
		for i := range n {
			h = h<<8 | uint64(name[i])
		}
		return h * 0x9E3779B97F4A7C15 >> 32
	}
	return (load(name)*0x9E3779B97F4A7C15 ^ load(name[n-8:])*0xC2B2AE3D27D4EB4F ^ uint64(n)) >> 32
}

func load(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// find returns the flow of the spans of a resource with a name, or nil if there
// are too many already.
func (t *Traffic) find(name string, r *resource.Resource) *flow {
	if len(name) > maxName {
		return nil
	}
	key := flowKey{r.Equivalent(), name}
	t.mu.RLock()
	f, full := t.flows[key], len(t.flows) >= maxOperations
	t.mu.RUnlock()
	if f != nil || full {
		return f
	}
	service := ""
	if v, ok := r.Set().Value("service.name"); ok {
		service = v.AsString()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if f = t.flows[key]; f != nil {
		return f
	}
	of := operationKey{service, clip(name, maxName)} // as it stands in occurrences
	if t.known[of] == nil {
		t.known[of] = new(operation)
	}
	f = &flow{name, r, t.known[of]}
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
