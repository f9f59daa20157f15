package observe

import (
	"maps"
	"sync"
)

// maxKinds bounds the kinds that are counted apart; what is of any other counts as
// "other". There are some hundreds.
const maxKinds = 1024

// Kinds counts by kind. It is safe for concurrent use.
type Kinds struct {
	mu     sync.Mutex
	counts map[string]int64
}

// Add counts one of a kind.
func (k *Kinds) Add(kind string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.counts == nil {
		k.counts = map[string]int64{}
	}
	if _, ok := k.counts[kind]; !ok && len(k.counts) >= maxKinds {
		kind = "other"
	}
	k.counts[kind]++
}

// Counts returns a copy of the numbers.
func (k *Kinds) Counts() map[string]int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return maps.Clone(k.counts)
}
