package boltstore

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/internal/keypart"
)

// txn is one transaction, in which many callers may take part, one after the
// other. It is used by one goroutine.
type txn struct {
	tx    *bolt.Tx
	state state
	limit int64
	lease func() string // makes leases
	dirty bool

	records, idle, deliveries, lines, queues *bolt.Bucket
}

func newTxn(tx *bolt.Tx, s state, limit int64, lease func() string) *txn {
	return &txn{
		tx: tx, state: s, limit: limit, lease: lease,
		records:    tx.Bucket(recordBucket.name()),
		idle:       tx.Bucket(idleBucket.name()),
		deliveries: tx.Bucket(deliveryBucket.name()),
		lines:      tx.Bucket(lineBucket.name()),
		queues:     tx.Bucket(queueBucket.name()),
	}
}

// damage is thrown by what finds that the file is not what it was when it was
// opened; the committer catches it.
type damage struct{ error }

// must throws err, if there is one. What is written is checked before: an error
// of a bucket says that the file is damaged.
func must(err error) {
	if err != nil {
		panic(damage{err})
	}
}

// maxKey is the longest key of the underlying file.
const maxKey = bolt.MaxKeySize

// writable returns an error if a record or its deliveries have keys that are
// too long: that will not pass.
func writable(k []byte, key correlate.Key, add []correlate.Delivery) error {
	longest := len(k) + timeSize
	for _, d := range add {
		longest = max(longest, len(lineKey(k, d.Sink))+timeSize+8, len(d.ID)+1)
	}
	if longest > maxKey {
		return &correlate.FormatError{Key: key, Err: fmt.Errorf("boltstore: a key of %d bytes, of at most %d", longest, maxKey)}
	}
	return nil
}

// find returns a record that is there, expired or not.
func (t *txn) find(k []byte) (r record, size int64, found bool) {
	v := t.records.Get(k)
	if v == nil {
		return record{}, 0, false
	}
	fields, err := unseal(recordBucket, k, v)
	must(err)
	r, err = parseRecord(fields)
	must(err)
	return r, recordSize(k, v), true
}

// recordSize is about what a record takes, with its place in pages that are
// partly filled.
func recordSize(k, v []byte) int64 { return int64(len(k)+len(v)) + 128 }

// deliverySize is about what a delivery takes, which stands in three buckets.
func deliverySize(d delivery, v []byte) int64 {
	return int64(len(v)) + 2*int64(len(d.Key.ID)+len(d.Sink)) + 3*int64(len(d.ID)) + 384
}

func (t *txn) expired(r record) bool {
	return !r.expires.IsZero() && !r.expires.After(t.state.now)
}

// current returns what an UpdateFunc is given: a copy, since what the file
// shows changes under it.
func (t *txn) current(key correlate.Key, k []byte) (correlate.Record, bool) {
	r, _, found := t.find(k)
	if !found || t.expired(r) {
		return correlate.Record{}, false
	}
	return correlate.Record{Key: key, Version: int(r.version), Data: bytes.Clone(r.data), Expires: r.expires}, true
}

// commit writes what an UpdateFunc has returned. settle, if there is one,
// belongs to the same step.
func (t *txn) commit(key correlate.Key, k []byte, next correlate.Record, add []correlate.Delivery, settle func()) error {
	old, size, found := t.find(k)
	if settle == nil && next.Data != nil && !found && !t.fits(int64(len(k)+len(next.Data))+160) {
		return correlate.ErrStoreFull
	}
	t.dirty = true
	before := t.idleKey(k, old, found)
	if before != nil {
		t.lift(before, size)
	}
	var r record
	var newSize int64
	switch {
	case next.Data != nil:
		r = record{version: int64(next.Version), data: next.Data, expires: next.Expires, revision: t.state.revision + 1}
		if found && !t.expired(old) {
			r.unknown = old.unknown
		}
		newSize = t.put(k, r)
		t.state.bytes += newSize - size
		if !found {
			t.state.records++
		}
	case found:
		must(t.records.Delete(k))
		t.state.bytes -= size
		t.state.records--
	}
	for _, d := range add {
		t.queue(key, k, d)
	}
	if settle != nil {
		settle()
	}
	// r is not at rest yet: it does not make room for itself.
	t.makeRoom()
	if after := t.idleKey(k, r, next.Data != nil); after != nil {
		t.rest(after, newSize)
	}
	return nil
}

// put writes a record and returns its size.
func (t *txn) put(k []byte, r record) int64 {
	v := seal(recordBucket, k, r.append(newEntry(len(r.data)+64)))
	must(t.records.Put(k, v))
	return recordSize(k, v)
}

// idleKey returns the key of a record among those that may be given up: it has
// an expiry, and no delivery waits. It is nil if the record may not be.
func (t *txn) idleKey(k []byte, r record, found bool) []byte {
	if !found || r.expires.IsZero() || t.waiting(k) {
		return nil
	}
	return append(appendTime(nil, r.expires), k...)
}

func (t *txn) rest(idle []byte, size int64) {
	must(t.idle.Put(idle, seal(idleBucket, idle, newEntry(0))))
	t.state.idle++
	t.state.idleBytes += size
}

func (t *txn) lift(idle []byte, size int64) {
	must(t.idle.Delete(idle))
	t.state.idle--
	t.state.idleBytes -= size
}

// fits reports whether there is room for a new record of a size, or can be.
func (t *txn) fits(size int64) bool {
	return t.state.bytes-t.state.idleBytes+size <= t.limit
}

// makeRoom forgets what may be given up, the soonest expiry first, until the
// store is within its limit.
func (t *txn) makeRoom() {
	for t.state.bytes > t.limit {
		idle, _ := t.idle.Cursor().First()
		if idle == nil {
			return
		}
		t.forget(bytes.Clone(idle))
	}
}

// forgetAtOnce is how many expired records a claim forgets.
const forgetAtOnce = 1000

// forgetExpired forgets records that have expired.
func (t *txn) forgetExpired() {
	limit := appendTime(nil, t.state.now)
	var expired [][]byte
	c := t.idle.Cursor()
	for k, _ := c.First(); k != nil && len(expired) < forgetAtOnce; k, _ = c.Next() {
		if len(k) < timeSize || bytes.Compare(k[:timeSize], limit) > 0 {
			break
		}
		expired = append(expired, bytes.Clone(k))
	}
	for _, k := range expired {
		t.forget(k)
	}
}

var errIndex = errors.New("an index leads to nothing")

// forget deletes a record that may be given up.
func (t *txn) forget(idle []byte) {
	if len(idle) < timeSize {
		must(keypart.ErrForm)
	}
	k := idle[timeSize:]
	_, size, found := t.find(k)
	if !found {
		must(errIndex)
	}
	t.dirty = true
	t.lift(idle, size)
	must(t.records.Delete(k))
	t.state.bytes -= size
	t.state.records--
}

// list returns the records of a page.
func (t *txn) list(p correlate.Page) []correlate.Record {
	prefix := keypart.AppendKind(nil, p.Kind, p.Scope)
	from, after := prefix, []byte(nil)
	if p.After != (correlate.Key{}) {
		after = recordKey(correlate.Key{Kind: p.Kind, Scope: p.After.Scope, ID: p.After.ID})
		if bytes.Compare(after, from) > 0 {
			from = after
		}
	}
	var out []correlate.Record
	c := t.records.Cursor()
	for k, v := c.Seek(from); k != nil && bytes.HasPrefix(k, prefix) && len(out) < p.Max; k, v = c.Next() {
		fields, err := unseal(recordBucket, k, v)
		must(err)
		r, err := parseRecord(fields)
		must(err)
		if t.expired(r) || slices.Equal(k, after) {
			continue
		}
		key, err := keypart.ParseKey(k)
		must(err)
		out = append(out, correlate.Record{Key: key, Version: int(r.version), Data: bytes.Clone(r.data), Expires: r.expires})
	}
	return out
}

// finish writes the state, if anything has changed.
func (t *txn) finish() {
	t.state.revision++
	must(t.tx.Bucket(headerBucket.name()).Put(stateKey, seal(headerBucket, stateKey, t.state.append(newEntry(128)))))
}
