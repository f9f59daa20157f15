package capture

import (
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanticket/spanticket/correlate"
)

const (
	// maxOperations bounds the operations whose requests are counted one by one.
	maxOperations = 10_000
	recentSlots   = 1 << 10

	trafficShards = 4
	// trafficMinutes is over how long a share is told.
	trafficMinutes = 5
)

// Traffic counts how many spans of each operation end, and how many of them
// failed, apart for each version of a service, so that a ticket can say which share
// that is, and whether a version fails more often than another. What there is no room for
// is counted under one name for each version. Count may be called from
// any goroutine and allocates nothing for an operation that it knows; so may Open. The other
// methods belong to one goroutine. Its zero value is not ready; see NewTraffic.
type Traffic struct {
	last   atomic.Pointer[origin]                 // of the span before, in most processes that of all
	recent [recentSlots]atomic.Pointer[operation] // by the hashes of their names

	mu       sync.RWMutex
	releases releases
	known    map[operationKey][]*operation // of all versions
	total    int                           // operations that have a name

	// Tell is told what was counted in a minute that has ended, by Advance and Cut.
	// It must be set before they are called, must not call Open, and may be nil.
	Tell func([]Minute)

	cut    sync.Mutex // guards told of operations, and minute; held while Tell is called
	minute time.Time  // that began last
}

// Minute is what was counted of an operation within a minute.
type Minute struct {
	Resource  *resource.Resource // of one process of its release; nil if there are too many releases
	Operation string             // as it stands in occurrences; empty for all that there was no room for
	Start     time.Time          // of the minute
	Share     correlate.Share
}

type operationKey struct{ service, name string }

// operation is counted in several places, so that the application's processors
// do not contend for one. Without a name it is all of a release that there was no room
// for.
type operation struct {
	shards [trafficShards]struct {
		requests, failed atomic.Int64
		_                [48]byte // of a cache line
	}
	name    string // as spans have it
	release *release
	past    [trafficMinutes]correlate.Share // what it was up to a minute that ended, by the minute
	told    correlate.Share                 // what Tell has had
}

// NewTraffic returns an empty count.
func NewTraffic() *Traffic {
	return &Traffic{releases: newReleases(), known: map[operationKey][]*operation{}}
}

// Count counts a span that has ended. shard spreads the load.
func (t *Traffic) Count(sp sdktrace.ReadOnlySpan, shard byte, failed bool) {
	name, r := sp.Name(), sp.Resource()
	from := t.last.Load()
	if from == nil || from.resource != r {
		if other := t.from(r); other != from {
			from = other
			t.last.Store(from)
		}
	}
	slot := &t.recent[nameHash(name)%recentSlots]
	o := slot.Load()
	if o == nil || o.release != from.release || o.name != name {
		if o = t.find(name, from.release); o.name == name {
			slot.Store(o)
		}
	}
	s := &o.shards[shard%trafficShards]
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

// find returns the operation of a release's spans with a name, or that of all for which
// there is no room.
func (t *Traffic) find(name string, rel *release) *operation {
	if len(name) > maxName { // it would stay in memory, and is cut where it is told
		return rel.rest
	}
	t.mu.RLock()
	o, full := rel.operations[name], t.total >= maxOperations
	t.mu.RUnlock()
	switch {
	case o != nil:
		return o
	case full || name == "":
		return rel.rest
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if o = rel.operations[name]; o != nil {
		return o
	}
	if t.total >= maxOperations {
		return rel.rest
	}
	o = &operation{name: name, release: rel}
	rel.operations[name] = o
	key := operationKey{rel.service, clip(name, maxName)} // as it stands in occurrences
	t.known[key] = append(t.known[key], o)
	t.total++
	return o
}

// Advance tells the time, by which what is long past is left out. It is to be called
// when a minute begins: what was counted since it was called last counts as the minute of then.
func (t *Traffic) Advance(now time.Time) {
	minute := now.Truncate(time.Minute)
	if !minute.After(t.minute) {
		return
	}
	ended, steps := t.minute, 1
	if !ended.IsZero() {
		steps = int(min(trafficMinutes, minute.Sub(ended)/time.Minute))
	}
	t.tell(ended, minute, func(o *operation, total correlate.Share) {
		for range steps {
			copy(o.past[1:], o.past[:])
			o.past[0] = total
		}
	})
}

// Cut tells what was counted in the minute that goes on, as if it had ended.
func (t *Traffic) Cut(now time.Time) {
	t.Advance(now)
	t.tell(t.minute, t.minute, func(*operation, correlate.Share) {})
}

// tell tells what was counted since it was called last, and begins a minute.
func (t *Traffic) tell(ended, begins time.Time, each func(*operation, correlate.Share)) {
	if ended.IsZero() {
		ended = begins
	}
	t.cut.Lock()
	defer t.cut.Unlock()
	t.minute = begins
	news := t.untold(ended, func(o *operation, total, untold correlate.Share) {
		o.told.Failed += untold.Failed
		o.told.Requests += untold.Requests
		each(o, total)
	})
	if t.Tell != nil && len(news) > 0 {
		t.Tell(news)
	}
}

// Open returns what was counted in the minute that goes on, and not told.
func (t *Traffic) Open() []Minute {
	t.cut.Lock()
	defer t.cut.Unlock()
	return t.untold(t.minute, func(*operation, correlate.Share, correlate.Share) {})
}

// untold returns what Tell has not had.
func (t *Traffic) untold(minute time.Time, each func(o *operation, total, untold correlate.Share)) (out []Minute) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for o := range t.all {
		total := o.total()
		s := o.untold(total)
		if s.Requests > 0 {
			out = append(out, Minute{o.release.resource, clip(o.name, maxName), minute, s})
		}
		each(o, total, s)
	}
	return out
}

// all are all operations. It is to be called with mu held.
func (t *Traffic) all(yield func(*operation) bool) {
	for _, rel := range t.releases.known {
		if !yield(rel.rest) {
			return
		}
		for _, o := range rel.operations {
			if !yield(o) {
				return
			}
		}
	}
}

// total returns the failures first: a span that is counted meanwhile must not have
// failed before it was a request.
func (o *operation) total() (s correlate.Share) {
	for i := range o.shards {
		s.Failed += o.shards[i].failed.Load()
		s.Requests += o.shards[i].requests.Load()
	}
	return s
}

// untold returns what Tell has not had. A failure that was not counted when its request
// was comes with the next one.
func (o *operation) untold(total correlate.Share) correlate.Share {
	requests := total.Requests - o.told.Requests
	return correlate.Share{Failed: min(total.Failed-o.told.Failed, requests), Requests: requests}
}

// Share returns how many requests of an operation ended within the last five
// minutes or so, and how many of them failed, in all versions. It is zero if that is not known.
func (t *Traffic) Share(service, name string) (s correlate.Share) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, o := range t.known[operationKey{service, name}] {
		now, before := o.total(), o.past[trafficMinutes-1]
		s.Failed += now.Failed - before.Failed
		s.Requests += now.Requests - before.Requests
	}
	return s
}
