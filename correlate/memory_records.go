package correlate

import (
	"cmp"
	"container/heap"
	"iter"
	"slices"
	"sort"
)

// memoryRecord is a record of [Memory].
type memoryRecord struct {
	Record
	place        int32 // in memoryIdle, or -1
	tier         tier
	older, newer *memoryRecord // in its tier
}

// memorySize is about what a record takes: text, data, and what is around them
// (a memoryRecord, its pointers, and the rounding of the allocator).
func memorySize(r Record) int {
	return len(r.Data) + memoryTextSize(r.Key) + 192
}

func memoryTextSize(k Key) int {
	return len(k.Scope.Namespace) + len(k.Scope.Service) + len(k.Scope.Environment) + len(k.Kind) + len(k.ID)
}

// memoryIndex holds records in the order of List. They lie in short sorted
// pieces, so that neither a look-up nor an insertion touches all of them.
type memoryIndex struct {
	pieces [][]*memoryRecord // none is empty
	len    int
	bytes  int
}

// A piece that has grown to this length is halved.
const memoryPiece = 256

func compareKeys(a, b Key) int {
	if c := cmp.Compare(a.Kind, b.Kind); c != 0 {
		return c
	}
	if c := a.Scope.Compare(b.Scope); c != 0 {
		return c
	}
	return cmp.Compare(a.ID, b.ID)
}

// search returns where key is, or where it belongs.
func (x *memoryIndex) search(key Key) (piece, at int, found bool) {
	if len(x.pieces) == 0 {
		return 0, 0, false
	}
	piece = sort.Search(len(x.pieces), func(i int) bool { return compareKeys(x.pieces[i][0].Key, key) > 0 })
	piece = max(piece-1, 0)
	at, found = slices.BinarySearchFunc(x.pieces[piece], key, func(r *memoryRecord, key Key) int {
		return compareKeys(r.Key, key)
	})
	return piece, at, found
}

// find returns the record with the key, or nil.
func (x *memoryIndex) find(key Key) *memoryRecord {
	piece, at, found := x.search(key)
	if !found {
		return nil
	}
	return x.pieces[piece][at]
}

// insert adds a record whose key is not there.
func (x *memoryIndex) insert(rec Record) *memoryRecord {
	r := &memoryRecord{Record: rec, place: -1}
	x.len++
	x.bytes += memorySize(rec)
	if len(x.pieces) == 0 {
		x.pieces = [][]*memoryRecord{{r}}
		return r
	}
	i, at, _ := x.search(rec.Key)
	piece := slices.Insert(x.pieces[i], at, r)
	x.pieces[i] = piece
	if len(piece) >= memoryPiece {
		half := slices.Clone(piece[memoryPiece/2:])
		x.pieces[i] = slices.Delete(piece, memoryPiece/2, len(piece))
		x.pieces = slices.Insert(x.pieces, i+1, half)
	}
	return r
}

// replace gives a record of the index other contents under the same key.
func (x *memoryIndex) replace(r *memoryRecord, rec Record) {
	x.bytes += memorySize(rec) - memorySize(r.Record)
	r.Record = rec
}

// delete removes a record of the index.
func (x *memoryIndex) delete(r *memoryRecord) {
	i, at, _ := x.search(r.Key)
	x.len--
	x.bytes -= memorySize(r.Record)
	x.pieces[i] = slices.Delete(x.pieces[i], at, at+1)
	if len(x.pieces[i]) == 0 {
		x.pieces = slices.Delete(x.pieces, i, i+1)
	}
}

// from yields the records at and after key, in order.
func (x *memoryIndex) from(key Key) iter.Seq[*memoryRecord] {
	return func(yield func(*memoryRecord) bool) {
		i, at, _ := x.search(key)
		for ; i < len(x.pieces); i, at = i+1, 0 {
			for _, r := range x.pieces[i][at:] {
				if !yield(r) {
					return
				}
			}
		}
	}
}

// memoryIdle is a heap of the records that may be given up: they have an
// expiry, and no delivery waits. The soonest expiry is on top.
type memoryIdle struct {
	records []*memoryRecord
	bytes   int
}

// first returns the record to give up first, or nil.
func (h *memoryIdle) first() *memoryRecord {
	if len(h.records) == 0 {
		return nil
	}
	return h.records[0]
}

func (h *memoryIdle) add(r *memoryRecord) {
	h.bytes += memorySize(r.Record)
	heap.Push(h, r)
}

// remove takes a record out, if it is there.
func (h *memoryIdle) remove(r *memoryRecord) {
	if r.place >= 0 {
		h.bytes -= memorySize(r.Record)
		heap.Remove(h, int(r.place))
	}
}

// What follows is for package heap.

func (h *memoryIdle) Len() int           { return len(h.records) }
func (h *memoryIdle) Less(i, j int) bool { return h.records[i].Expires.Before(h.records[j].Expires) }

func (h *memoryIdle) Swap(i, j int) {
	h.records[i], h.records[j] = h.records[j], h.records[i]
	h.records[i].place, h.records[j].place = int32(i), int32(j)
}

func (h *memoryIdle) Push(x any) {
	r := x.(*memoryRecord)
	r.place = int32(len(h.records))
	h.records = append(h.records, r)
}

func (h *memoryIdle) Pop() any {
	last := len(h.records) - 1
	r := h.records[last]
	h.records[last] = nil
	h.records = h.records[:last]
	r.place = -1
	return r
}
