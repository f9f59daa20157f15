package redact

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
)

// memo remembers what keys say: a program writes the same few over and over. It
// forgets at will. It may be used concurrently.
type memo struct {
	slots  [1 << 9]atomic.Pointer[meaning]
	misses atomic.Uint32
}

type meaning struct{ key, kind string }

const (
	// maxMemo is the length of the longest key that is remembered, in bytes.
	maxMemo = 64
	// forgetEvery is how many misses there are for each that takes the slot of
	// another key, so that keys that are all different cost no allocations.
	forgetEvery = 256
)

var memoSeed = maphash.MakeSeed()

// kind returns what find says of a key, which is always the same.
func (m *memo) kind(key string, find func(string) string) string {
	if len(key) > maxMemo {
		return find(key)
	}
	slot := &m.slots[maphash.String(memoSeed, key)%uint64(len(m.slots))]
	old := slot.Load()
	if old != nil && old.key == key {
		return old.kind
	}
	kind := find(key)
	if old == nil || m.misses.Add(1)%forgetEvery == 0 {
		slot.Store(&meaning{strings.Clone(key), kind})
	}
	return kind
}
