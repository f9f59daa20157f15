package outage

import (
	"container/list"
	"sync"

	"github.com/spanticket/spanticket/correlate"
)

// maxKnown bounds the bytes of the problems that are remembered.
const maxKnown = 8 << 20

// known remembers the problems that were written last. A nil one remembers nothing.
// It may be used concurrently.
type known struct {
	mu      sync.Mutex
	most    int
	bytes   int
	order   *list.List // of records, the newest at the back
	records map[correlate.Key]*list.Element
}

func newKnown(most int) *known {
	return &known{most: most, order: list.New(), records: map[correlate.Key]*list.Element{}}
}

// cost is about what it takes to remember a record.
func cost(r correlate.Record) int { return 256 + len(r.Data) }

// note remembers a record, or that it is deleted.
func (k *known) note(key correlate.Key, r correlate.Record) {
	if k == nil || key.Kind != correlate.KindProblem {
		return
	}
	r.Key = key
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forget(k.records[key])
	if r.Data == nil {
		return
	}
	k.records[key] = k.order.PushBack(r)
	for k.bytes += cost(r); k.bytes > k.most; {
		k.forget(k.order.Front())
	}
}

func (k *known) forget(e *list.Element) {
	if e == nil {
		return
	}
	r := k.order.Remove(e).(correlate.Record)
	delete(k.records, r.Key)
	k.bytes -= cost(r)
}

func (k *known) all() []correlate.Record {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	out := make([]correlate.Record, 0, k.order.Len())
	for e := k.order.Front(); e != nil; e = e.Next() {
		out = append(out, e.Value.(correlate.Record))
	}
	return out
}
