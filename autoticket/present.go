package autoticket

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
)

const (
	// maxPresent bounds the processes that are told of: this one has one, or a few, and a
	// Collector those of many services.
	maxPresent = 256
	// stillPresent is how long after its last span another process counts as running.
	stillPresent = 2 * time.Minute
)

// present is which processes are running, by their resources: those of providers that
// were not shut down, and those whose spans came lately. Its zero value knows of none. It
// is safe for concurrent use.
type present struct {
	mu   sync.Mutex
	of   map[attribute.Distinct]*running
	last int // number of the last that was added
	seen int // the last that was told
}

type running struct {
	r       *resource.Resource
	number  int
	holders int       // providers that have it
	seen    time.Time // when a span of it came last, where that is noted
}

func (p *present) get(r *resource.Resource) *running {
	id := r.Equivalent()
	is := p.of[id]
	if is == nil && len(p.of) < maxPresent {
		if p.of == nil {
			p.of = map[attribute.Distinct]*running{}
		}
		p.last++
		is = &running{r: r, number: p.last}
		p.of[id] = is
	}
	return is
}

// arrive notes that a provider has a resource. It reports whether that is news.
func (p *present) arrive(r *resource.Resource) (news bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	is := p.get(r)
	if is == nil {
		return false
	}
	is.holders++
	return is.holders == 1
}

// leave notes that a provider that has had a resource is gone, or has another one.
func (p *present) leave(r *resource.Resource, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	is := p.of[r.Equivalent()]
	if is == nil {
		return
	}
	if is.holders = max(0, is.holders-1); is.holders == 0 && now.Sub(is.seen) > stillPresent {
		delete(p.of, r.Equivalent())
	}
}

// touch notes that a span of a resource came. It reports whether that is news.
func (p *present) touch(r *resource.Resource, now time.Time) (news bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	is := p.get(r)
	if is == nil {
		return false
	}
	news = is.seen.IsZero()
	is.seen = later(is.seen, now)
	return news
}

// changed reports whether one has come since it was asked last.
func (p *present) changed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	news := p.last != p.seen
	p.seen = p.last
	return news
}

// all returns those that are running, in the order in which they came.
func (p *present) all(now time.Time) (out []*resource.Resource) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []*running
	for id, is := range p.of {
		if is.holders == 0 && now.Sub(is.seen) > stillPresent {
			delete(p.of, id)
			continue
		}
		all = append(all, is)
	}
	slices.SortFunc(all, func(a, b *running) int { return cmp.Compare(a.number, b.number) })
	for _, is := range all {
		out = append(out, is.r)
	}
	return out
}
