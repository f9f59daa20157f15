package correlate

import (
	"container/heap"
	"strconv"
	"time"
)

// memoryOutbox holds the deliveries of [Memory]. Those of one record and sink
// stand in a line and only the first can be claimed; the lines of one scope and
// sink whose first have one operation are a heap, so that a claim looks at nothing
// but what it returns.
type memoryOutbox struct {
	entries map[string]*memoryEntry // by delivery ID
	lines   map[memoryLineKey]*memoryLine
	queues  map[memoryQueueKey]map[Operation]*memoryQueue
	waiting map[Key]int // how many deliveries a record has
	bytes   int
	added   uint64 // numbers entries
	claims  uint64 // numbers leases
}

type memoryLineKey struct {
	Key  Key
	Sink string
}

type memoryQueueKey struct {
	Scope Scope
	Sink  string
}

// memoryEntry is a delivery, and its place among those that came before it.
type memoryEntry struct {
	Delivery
	number uint64
}

// memoryLine is the deliveries of one record and sink, in order. It is never
// empty.
type memoryLine struct {
	entries []*memoryEntry
	free    time.Time // when the first can be claimed: it is due, and not leased
	place   int       // in its queue
}

// memoryQueue is a heap of lines; the one that is free first is on top.
type memoryQueue []*memoryLine

// size is about what a delivery takes, with its share of the maps.
func (e *memoryEntry) size() int {
	return memoryTextSize(e.Key) + len(e.ID) + len(e.Sink) + 600
}

// add queues a delivery of a record, unless its ID is there.
func (o *memoryOutbox) add(key Key, d Delivery) {
	if o.entries[d.ID] != nil {
		return
	}
	if o.entries == nil {
		o.entries = make(map[string]*memoryEntry)
		o.lines = make(map[memoryLineKey]*memoryLine)
		o.queues = make(map[memoryQueueKey]map[Operation]*memoryQueue)
		o.waiting = make(map[Key]int)
	}
	d.Key, d.Lease = key, ""
	o.added++
	e := &memoryEntry{Delivery: d, number: o.added}
	o.entries[d.ID] = e
	o.waiting[key]++
	o.bytes += e.size()

	if line := o.lines[memoryLineKey{key, d.Sink}]; line != nil {
		line.entries = append(line.entries, e)
		return
	}
	line := &memoryLine{entries: []*memoryEntry{e}, free: d.Due}
	o.lines[memoryLineKey{key, d.Sink}] = line
	o.push(line)
}

// push puts a line into the queue of its first delivery.
func (o *memoryOutbox) push(line *memoryLine) {
	first := line.entries[0]
	k := memoryQueueKey{first.Key.Scope, first.Sink}
	if o.queues[k] == nil {
		o.queues[k] = make(map[Operation]*memoryQueue)
	}
	q := o.queues[k][first.Operation]
	if q == nil {
		q = new(memoryQueue)
		o.queues[k][first.Operation] = q
	}
	heap.Push(q, line)
}

// pull takes a line out of the queue in which its first delivery, which may be
// gone, has put it.
func (o *memoryOutbox) pull(line *memoryLine, first *memoryEntry) {
	k := memoryQueueKey{first.Key.Scope, first.Sink}
	q := o.queues[k][first.Operation]
	heap.Remove(q, line.place)
	if q.Len() == 0 {
		delete(o.queues[k], first.Operation)
	}
	if len(o.queues[k]) == 0 {
		delete(o.queues, k)
	}
}

// claim leases what is due.
func (o *memoryOutbox) claim(c Claim) []Delivery {
	var queues []*memoryQueue
	for _, sink := range c.Sinks {
		for op, q := range o.queues[memoryQueueKey{c.Scope, sink}] {
			if c.Wants(op) {
				queues = append(queues, q)
			}
		}
	}
	var out []Delivery
	type taken struct {
		from *memoryQueue
		line *memoryLine
	}
	var claimed []taken
	for len(out) < c.Max {
		var next *memoryQueue
		for _, q := range queues {
			if q.Len() > 0 && (next == nil || (*q)[0].before((*next)[0])) {
				next = q
			}
		}
		if next == nil || (*next)[0].free.After(c.Now) {
			break
		}
		// It goes back when all are chosen, or a lease of no length would be
		// given out again at once.
		line := heap.Pop(next).(*memoryLine)
		claimed = append(claimed, taken{next, line})
		o.claims++
		first := line.entries[0]
		first.Lease = strconv.FormatUint(o.claims, 10)
		line.free = c.Now.Add(c.Lease)
		out = append(out, first.Delivery)
	}
	for _, t := range claimed {
		heap.Push(t.from, t.line)
	}
	return out
}

// leased returns the entry of a claimed delivery, or nil when the claim is not
// in force any more.
func (o *memoryOutbox) leased(d Delivery) *memoryEntry {
	e := o.entries[d.ID]
	if e == nil || e.Lease == "" || e.Lease != d.Lease {
		return nil
	}
	return e
}

// settle ends the claim of an entry. What is claimed is the first of its line.
func (o *memoryOutbox) settle(e *memoryEntry, attempts int, out Outcome) {
	lineKey := memoryLineKey{e.Key, e.Sink}
	line := o.lines[lineKey]
	o.pull(line, e)
	if !out.Done {
		e.Lease, e.Attempts, e.Due = "", attempts, out.Due
		line.free = out.Due
		o.push(line)
		return
	}
	delete(o.entries, e.ID)
	o.bytes -= e.size()
	if o.waiting[e.Key]--; o.waiting[e.Key] == 0 {
		delete(o.waiting, e.Key)
	}
	line.entries[0] = nil
	line.entries = line.entries[1:]
	if len(line.entries) == 0 {
		delete(o.lines, lineKey)
		return
	}
	line.free = line.entries[0].Due
	o.push(line)
}

// before orders lines: the one that is free first, then the one queued first.
func (l *memoryLine) before(m *memoryLine) bool {
	if c := l.free.Compare(m.free); c != 0 {
		return c < 0
	}
	return l.entries[0].number < m.entries[0].number
}

// What follows is for package heap.

func (q memoryQueue) Len() int           { return len(q) }
func (q memoryQueue) Less(i, j int) bool { return q[i].before(q[j]) }

func (q memoryQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

func (q *memoryQueue) Push(x any) {
	line := x.(*memoryLine)
	line.place = len(*q)
	*q = append(*q, line)
}

func (q *memoryQueue) Pop() any {
	last := len(*q) - 1
	line := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return line
}
