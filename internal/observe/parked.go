package observe

import "sync"

const (
	// maxParkedSinks bounds the sinks that are counted apart, with those that are not
	// configured any more; what is of any other counts as "other".
	maxParkedSinks = 64
	otherSinks     = "other"
)

// Parked counts the deliveries that are parked, by sink: as they were listed last,
// and with what this process did since. What it did while they were listed may
// count twice until the next time, rather than not at all. It is safe for concurrent
// use.
type Parked struct {
	mu    sync.Mutex
	parts [2]parkedPart
}

// parkedPart is of the scopes that the engine acts for or, in an engine that sweeps,
// of all others.
type parkedPart struct {
	counts map[string]int64
	since  map[string]int64 // what was added since a listing began
}

// Listing says that the deliveries of the engine's own scopes, or of all others, are
// being listed.
func (p *Parked) Listing(own bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.part(own).since = map[string]int64{}
}

// Listed sets the numbers of the engine's own scopes, or those of all others.
func (p *Parked) Listed(own bool, counts map[string]int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	part := p.part(own)
	for name := range part.counts {
		part.counts[name] = 0 // a sink that had some shows that it has none
	}
	for name, n := range counts {
		add(part.counts, name, n+max(0, part.since[name]))
		delete(part.since, name)
	}
	for name, n := range part.since {
		add(part.counts, name, max(0, n))
	}
	part.since = nil
}

// Add counts n more, or fewer.
func (p *Parked) Add(own bool, sink string, n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	part := p.part(own)
	add(part.counts, sink, n)
	if part.since != nil && (len(part.since) < maxParkedSinks || part.since[sink] != 0) {
		part.since[sink] += n
	}
}

func (p *Parked) part(own bool) *parkedPart {
	part := &p.parts[0]
	if !own {
		part = &p.parts[1]
	}
	if part.counts == nil {
		part.counts = map[string]int64{}
	}
	return part
}

func add(counts map[string]int64, sink string, n int64) {
	if _, ok := counts[sink]; !ok && len(counts) >= maxParkedSinks {
		sink = otherSinks
	}
	counts[sink] = max(0, counts[sink]+n) // what another process did is seen when it is listed
}

// Counts returns a copy of the numbers.
func (p *Parked) Counts() map[string]int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := map[string]int64{}
	for _, part := range p.parts {
		for name, n := range part.counts {
			all[name] += n
		}
	}
	return all
}
