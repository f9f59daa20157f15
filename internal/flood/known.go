package flood

import "sync"

// maxKnown bounds the signatures that are remembered: a third more than there may
// be live problems.
const maxKnown = 1 << 17

// known is the set of signatures that have problems of their own. It is bounded,
// and forgets those first that were not heard of for longest. It may be used
// concurrently: the engine's store tells of problems from before.
type known struct {
	most int

	mu     sync.Mutex
	places map[uint64]int32
	slots  []slot
	oldest int32
	newest int32
}

// slot is one of the known, in the order in which they were heard of.
type slot struct {
	id           uint64
	earlier      string
	older, newer int32 // none is -1
}

// touch reports whether a signature is known, and the ID that it had by the version
// before. One that is was heard of now.
func (k *known) touch(id uint64) (earlier string, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	i, ok := k.places[id]
	if !ok {
		return "", false
	}
	k.unlink(i)
	k.link(i)
	return k.slots[i].earlier, true
}

// add makes a signature known.
func (k *known) add(id uint64, earlier string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if i, ok := k.places[id]; ok {
		k.slots[i].earlier = earlier
		k.unlink(i)
		k.link(i)
		return
	}
	if k.places == nil {
		k.places, k.oldest, k.newest = map[uint64]int32{}, -1, -1
	}
	i := int32(len(k.slots))
	if len(k.slots) < k.most {
		k.slots = append(k.slots, slot{})
	} else {
		i = k.oldest
		k.unlink(i)
		delete(k.places, k.slots[i].id)
	}
	k.slots[i] = slot{id: id, earlier: earlier}
	k.places[id] = i
	k.link(i)
}

// learn makes a signature known, if it is not and there is room: it is the first to
// be forgotten. It reports whether it did.
func (k *known) learn(id uint64, earlier string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.places[id]; ok || len(k.slots) >= k.most {
		return false
	}
	if k.places == nil {
		k.places, k.oldest, k.newest = map[uint64]int32{}, -1, -1
	}
	i := int32(len(k.slots))
	k.slots = append(k.slots, slot{id: id, earlier: earlier, older: -1, newer: k.oldest})
	if k.oldest >= 0 {
		k.slots[k.oldest].older = i
	} else {
		k.newest = i
	}
	k.oldest = i
	k.places[id] = i
	return true
}

func (k *known) len() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.places)
}

func (k *known) link(i int32) {
	s := &k.slots[i]
	s.older, s.newer = k.newest, -1
	if k.newest >= 0 {
		k.slots[k.newest].newer = i
	} else {
		k.oldest = i
	}
	k.newest = i
}

func (k *known) unlink(i int32) {
	s := &k.slots[i]
	if s.older >= 0 {
		k.slots[s.older].newer = s.newer
	} else {
		k.oldest = s.newer
	}
	if s.newer >= 0 {
		k.slots[s.newer].older = s.older
	} else {
		k.newest = s.older
	}
}
