package prometheus

import (
	"container/list"
	"sync"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/deployment"
)

const (
	// settled is how long it takes until all of a moment is there, and how long after
	// its end a window is complete: what is scraped or pushed each minute has come.
	settled = 2 * time.Minute
	// An answer that may change is fetched again after this.
	soon = 30 * time.Second
)

// key is a query, to the millisecond, as Prometheus has it.
type key struct {
	scope              correlate.Scope
	operation, version string
	from, to           int64
}

func keyOf(q deployment.Query) key {
	return key{q.Scope, q.Operation, q.Version, q.From.UnixMilli(), q.To.UnixMilli()}
}

// answer is what is known of a query.
type answer struct {
	count deployment.Count
	known bool
	at    time.Time // when it was fetched
	final bool      // it will not change
}

// cache keeps answers: the latest, for some time. It may be used concurrently.
type cache struct {
	size   int
	maxAge time.Duration

	mu      sync.Mutex
	entries map[key]*list.Element
	order   list.List // of entry, the oldest answer first
}

type entry struct {
	key
	answer
}

func newCache(size int, maxAge time.Duration) *cache {
	return &cache{size: size, maxAge: maxAge, entries: map[key]*list.Element{}}
}

// get returns an answer that is not too old.
func (c *cache) get(k key, now time.Time) (answer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[k]
	if !ok {
		return answer{}, false
	}
	a := e.Value.(entry).answer
	return a, now.Sub(a.at) < c.maxAge
}

// fresh reports whether there is an answer that need not be fetched again.
func (c *cache) fresh(k key, now time.Time) bool {
	a, ok := c.get(k, now)
	return ok && (a.final || now.Sub(a.at) < soon)
}

// put keeps an answer, and drops what is too old or too much.
func (c *cache) put(k key, a answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.entries[k]; ok {
		c.order.Remove(e)
	}
	c.entries[k] = c.order.PushBack(entry{k, a})
	for oldest := c.order.Front(); oldest != nil; oldest = c.order.Front() {
		old := oldest.Value.(entry)
		if len(c.entries) <= c.size && a.at.Sub(old.at) < c.maxAge {
			break
		}
		c.order.Remove(oldest)
		delete(c.entries, old.key)
	}
}

// len returns how many answers there are.
func (c *cache) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.entries)
}
