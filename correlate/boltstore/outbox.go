package boltstore

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/internal/keypart"
)

// Deliveries of one record and sink stand in a line, and only the first can be
// claimed. The first ones of a scope and sink stand in a queue, by when they are
// free, so that a claim looks at nothing but what it returns.

// waiting reports whether a record has deliveries.
func (t *txn) waiting(k []byte) bool {
	line, _ := t.lines.Cursor().Seek(k)
	return line != nil && bytes.HasPrefix(line, k)
}

// delivery returns a delivery that is there.
func (t *txn) delivery(id string) (d delivery, size int64, found bool) {
	k := deliveryKey(id)
	v := t.deliveries.Get(k)
	if v == nil {
		return delivery{}, 0, false
	}
	fields, err := unseal(deliveryBucket, k, v)
	must(err)
	d, err = parseDelivery(k, fields)
	must(err)
	return d, deliverySize(d, v), true
}

// putDelivery writes a delivery and returns its size.
func (t *txn) putDelivery(d delivery) int64 {
	k := deliveryKey(d.ID)
	v := seal(deliveryBucket, k, d.append(newEntry(256)))
	must(t.deliveries.Put(k, v))
	return deliverySize(d, v)
}

// queue adds a delivery of a record, unless its ID is there.
func (t *txn) queue(key correlate.Key, k []byte, add correlate.Delivery) {
	id := deliveryKey(add.ID)
	if t.deliveries.Get(id) != nil {
		return
	}
	t.state.number++
	d := delivery{Delivery: add, number: t.state.number, free: add.Due}
	d.Key, d.Lease = key, ""

	line := lineKey(k, d.Sink)
	head, _ := t.lines.Cursor().Seek(line)
	first := head == nil || !bytes.HasPrefix(head, line)
	place := appendNumber(line, uint64(d.number))
	must(t.lines.Put(place, seal(lineBucket, place, append(newEntry(len(d.ID)), d.ID...))))
	t.state.bytes += t.putDelivery(d)
	t.state.deliveries++
	if first {
		t.enqueue(d)
		t.state.lines++
	}
}

// placeInQueue is the key of the first of a line in its queue.
func placeInQueue(d delivery) []byte {
	return appendNumber(appendTime(queueKey(d.Key.Scope, d.Sink), d.free), uint64(d.number))
}

func (t *txn) enqueue(d delivery) {
	k := placeInQueue(d)
	must(t.queues.Put(k, seal(queueBucket, k, append(newEntry(len(d.ID)), d.ID...))))
}

func (t *txn) dequeue(d delivery) { must(t.queues.Delete(placeInQueue(d))) }

// claim leases what is due.
func (t *txn) claim(c correlate.Claim) []correlate.Delivery {
	if c.Now.After(t.state.now) {
		t.state.now = c.Now
	}
	t.forgetExpired()

	type candidate struct {
		order []byte // when it is free, and its number
		id    string
	}
	var due []candidate
	limit := appendTime(nil, c.Now)
	sinks := slices.Compact(slices.Sorted(slices.Values(c.Sinks)))
	for _, sink := range sinks {
		prefix := queueKey(c.Scope, sink)
		cur := t.queues.Cursor()
		found := 0
		for k, v := cur.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix) && found < c.Max; k, v = cur.Next() {
			order := k[len(prefix):]
			if len(order) != timeSize+8 {
				must(keypart.ErrForm)
			}
			if bytes.Compare(order[:timeSize], limit) > 0 {
				break
			}
			id, err := unseal(queueBucket, k, v)
			must(err)
			if len(c.Operations) > 0 {
				if d, _, there := t.delivery(string(id)); there && !c.Wants(d.Operation) {
					continue
				}
			}
			due = append(due, candidate{bytes.Clone(order), string(id)})
			found++
		}
	}
	slices.SortFunc(due, func(a, b candidate) int {
		return cmp.Or(bytes.Compare(a.order, b.order), cmp.Compare(a.id, b.id))
	})
	if c.Max < len(due) {
		due = due[:max(c.Max, 0)]
	}
	var out []correlate.Delivery
	for _, at := range due {
		d, size, found := t.delivery(at.id)
		if !found {
			must(errIndex)
		}
		t.dirty = true
		t.dequeue(d)
		d.Lease, d.free = t.lease(), c.Now.Add(c.Lease)
		t.enqueue(d)
		t.state.bytes += t.putDelivery(d) - size
		out = append(out, d.Delivery)
	}
	return out
}

// leased returns a claimed delivery, if the claim is still in force.
func (t *txn) leased(d correlate.Delivery) (delivery, bool) {
	e, _, found := t.delivery(d.ID)
	return e, found && e.Lease != "" && e.Lease == d.Lease
}

// settle ends the claim of a delivery. What is claimed is the first of its line.
func (t *txn) settle(id string, attempts int, o correlate.Outcome) {
	e, size, found := t.delivery(id)
	if !found {
		must(errIndex)
	}
	t.dequeue(e)
	if !o.Done {
		e.Lease, e.Attempts, e.Due, e.free = "", attempts, o.Due, o.Due
		t.enqueue(e)
		t.state.bytes += t.putDelivery(e) - size
		return
	}
	line := lineKey(recordKey(e.Key), e.Sink)
	must(t.lines.Delete(appendNumber(bytes.Clone(line), uint64(e.number))))
	must(t.deliveries.Delete(deliveryKey(id)))
	t.state.bytes -= size
	t.state.deliveries--

	next, v := t.lines.Cursor().Seek(line)
	if next == nil || !bytes.HasPrefix(next, line) {
		t.state.lines--
		return
	}
	nextID, err := unseal(lineBucket, next, v)
	must(err)
	follower, size, found := t.delivery(string(nextID))
	if !found {
		must(errIndex)
	}
	if !follower.free.Equal(follower.Due) {
		follower.free = follower.Due
		t.state.bytes += t.putDelivery(follower) - size
	}
	t.enqueue(follower)
}
