package observe

import (
	"maps"
	"sync"
)

const (
	// maxParkedSinks bounds the sinks that are counted apart, with those that are not
	// configured any more; what is of any other counts as "other".
	maxParkedSinks = 64
	otherSinks     = "other"
)

// Parked counts the deliveries that are parked, by sink: as they were listed last,
// and with what this process did since. It is safe for concurrent use.
type Parked struct {
	mu      sync.Mutex
	changes int64            // by this process
	own     map[string]int64 // of the scopes that the engine acts for
	others  map[string]int64 // of all others, in an engine that sweeps
}

// Listing is called before the deliveries of the engine's own scopes are listed, or
// those of all others, and what it returns with what was found. If the numbers changed
// meanwhile that says nothing of them.
func (p *Parked) Listing(own bool) (listed func(counts map[string]int64)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	changes := p.changes
	return func(counts map[string]int64) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.changes == changes {
			p.set(own, counts)
		}
	}
}

func (p *Parked) set(own bool, counts map[string]int64) {
	part := p.part(own)
	for name := range part {
		part[name] = 0 // a sink that had some shows that it has none
	}
	for name, n := range counts {
		add(part, name, n)
	}
}

// Add counts n more, or fewer.
func (p *Parked) Add(own bool, sink string, n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changes++
	add(p.part(own), sink, n)
}

func (p *Parked) part(own bool) map[string]int64 {
	if p.own == nil {
		p.own, p.others = map[string]int64{}, map[string]int64{}
	}
	if own {
		return p.own
	}
	return p.others
}

func add(part map[string]int64, sink string, n int64) {
	if _, ok := part[sink]; !ok && len(part) >= maxParkedSinks {
		sink = otherSinks
	}
	part[sink] = max(0, part[sink]+n) // what another process did is seen when it is listed
}

// Counts returns a copy of the numbers.
func (p *Parked) Counts() map[string]int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := maps.Clone(p.part(true))
	for name, n := range p.others {
		all[name] += n
	}
	return all
}
