package flood

import "container/heap"

// Heavy finds the signatures that come most often among any number of them, in
// the room of a few. It is the Space-Saving algorithm of Metwally, Agrawal and El
// Abbadi, "Efficient computation of frequent and top-k elements in data streams"
// (2005): a signature without a counter takes over the smallest one, with its
// count. With m counters and n additions no count is too high by more than n/m,
// and each signature that came more often than that has a counter.
type Heavy struct {
	most     int
	counters heavyHeap // the smallest on top
	places   map[uint64]*counter
}

// counter counts one signature.
type counter struct {
	id    uint64
	count int64
	over  int64 // by how much count may be too high
	place int32
}

// NewHeavy returns one with so many counters.
func NewHeavy(counters int) *Heavy {
	return &Heavy{most: counters, places: map[uint64]*counter{}}
}

// Add counts a signature, and returns how often it came at least since it has a
// counter. fresh says that it had none.
func (h *Heavy) Add(id uint64) (least int64, fresh bool) {
	c := h.places[id]
	switch {
	case c != nil:
	case len(h.counters) < h.most:
		c, fresh = &counter{id: id}, true
		heap.Push(&h.counters, c)
	default:
		c, fresh = h.counters[0], true
		delete(h.places, c.id)
		c.id, c.over = id, c.count
	}
	if fresh {
		h.places[id] = c
	}
	c.count++
	heap.Fix(&h.counters, int(c.place))
	return c.count - c.over, fresh
}

// Remove takes the counter of a signature away.
func (h *Heavy) Remove(id uint64) {
	if c := h.places[id]; c != nil {
		heap.Remove(&h.counters, int(c.place))
		delete(h.places, id)
	}
}

// Count returns how often a signature came at most, and by how much that may be too
// high. Both are zero for one without a counter.
func (h *Heavy) Count(id uint64) (count, over int64) {
	if c := h.places[id]; c != nil {
		return c.count, c.over
	}
	return 0, 0
}

// Len returns how many counters are in use.
func (h *Heavy) Len() int { return len(h.counters) }

// heavyHeap is for package heap.
type heavyHeap []*counter

func (h heavyHeap) Len() int           { return len(h) }
func (h heavyHeap) Less(i, j int) bool { return h[i].count < h[j].count }

func (h heavyHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = int32(i), int32(j)
}

func (h *heavyHeap) Push(x any) {
	c := x.(*counter)
	c.place = int32(len(*h))
	*h = append(*h, c)
}

func (h *heavyHeap) Pop() any {
	old := *h
	c := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return c
}
