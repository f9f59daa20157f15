package boltstore

import (
	"bytes"
	"cmp"
	"io"
	"maps"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// salvage copies to an empty database what can be read of a damaged file.
type salvage struct {
	db   *bolt.DB
	tx   *bolt.Tx
	size int // of the transaction
	err  error

	found      census
	deliveries map[string]delivery
	waiting    map[string]bool // records that have deliveries
	state      state
}

// salvageBytes is how much is copied in one transaction.
const salvageBytes = 4 << 20

// copyAll copies what can be read. It returns the state of the copy, and what
// the damaged file says it held, if that can be compared.
//
// Where the list of free pages is lost, records are taken from pages that may
// be free too, of each the newest: one that was forgotten may come back.
func copyAll(db *bolt.DB, r io.ReaderAt, size int64) (kept state, held *state, err error) {
	v := &salvage{db: db, deliveries: map[string]delivery{}, waiting: map[string]bool{}}

	first := newSurvey(r, size)
	v.found.delivery = func(d delivery, loose bool) {
		// One from long ago would be done again.
		if _, ok := v.deliveries[d.ID]; !ok && (!loose || first.listed) {
			v.deliveries[d.ID] = d
		}
	}
	first.walk(v.found.visit)
	for _, d := range v.deliveries {
		v.waiting[string(recordKey(d.Key))] = true
	}

	guessed := false
	second := census{unknown: v.unknown, record: func(k []byte, r record, loose bool) {
		guessed = guessed || loose && !first.listed
		v.record(k, r)
	}}
	newSurvey(r, size).walk(second.visit)
	v.outbox()
	v.header()
	if err := v.end(); err != nil {
		return state{}, nil, err
	}
	if v.found.stated && !guessed && (first.listed || !v.found.stray) {
		held = &v.found.state
	}
	return v.state, held, nil
}

// begin returns a bucket of a transaction that has room, or nil if one has
// failed before.
func (v *salvage) begin(name []byte, size int) *bolt.Bucket {
	if v.size += size; v.size > salvageBytes {
		_ = v.end()
		v.size = size
	}
	if v.err != nil {
		return nil
	}
	if v.tx == nil {
		v.tx, v.err = v.db.Begin(true)
	}
	var b *bolt.Bucket
	if v.err == nil {
		b, v.err = v.tx.CreateBucketIfNotExists(name)
	}
	return b
}

// end commits the transaction.
func (v *salvage) end() error {
	if v.tx == nil {
		return v.err
	}
	if v.err == nil {
		v.err = v.tx.Commit()
	}
	_ = v.tx.Rollback()
	v.tx = nil
	return v.err
}

func (v *salvage) put(name, k, value []byte) {
	if b := v.begin(name, len(k)+len(value)); b != nil {
		v.err = b.Put(k, value)
	}
}

// record copies a record, of several copies the newest.
func (v *salvage) record(k []byte, r record) {
	b := v.begin(recordBucket.name(), 0)
	if b == nil {
		return
	}
	if have := b.Get(k); have != nil {
		fields, err := unseal(recordBucket, k, have)
		if old, parseErr := parseRecord(fields); err == nil && parseErr == nil && old.revision >= r.revision {
			return
		}
		v.count(k, have, -1)
	}
	value := seal(recordBucket, k, r.append(newEntry(len(r.data)+64)))
	v.put(recordBucket.name(), k, value)
	v.count(k, value, 1)
	v.state.revision = max(v.state.revision, r.revision)
}

// count counts a record, and notes whether it may be given up.
func (v *salvage) count(k, value []byte, n int64) {
	size := recordSize(k, value)
	v.state.records += n
	v.state.bytes += n * size
	fields, err := unseal(recordBucket, k, value)
	r, parseErr := parseRecord(fields)
	if err != nil || parseErr != nil || r.expires.IsZero() || v.waiting[string(k)] {
		return
	}
	v.state.idle += n
	v.state.idleBytes += n * size
	idle := append(appendTime(nil, r.expires), k...)
	if n > 0 {
		v.put(idleBucket.name(), idle, seal(idleBucket, idle, newEntry(0)))
	} else if b := v.begin(idleBucket.name(), 0); b != nil {
		v.err = b.Delete(idle)
	}
}

// unknown copies what a newer program has in buckets of its own.
func (v *salvage) unknown(e entry) {
	if len(e.key) > 0 && !bytes.ContainsRune([]byte(e.bucket), '/') {
		v.put([]byte(e.bucket), e.key, e.value)
	}
}

// outbox writes the deliveries, in the order in which they were queued.
func (v *salvage) outbox() {
	all := slices.SortedFunc(maps.Values(v.deliveries), func(a, b delivery) int {
		return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.ID, b.ID))
	})
	first := map[string]bool{}
	for _, d := range all {
		k := deliveryKey(d.ID)
		value := seal(deliveryBucket, k, d.append(newEntry(256)))
		v.put(deliveryBucket.name(), k, value)
		v.state.bytes += deliverySize(d, value)
		v.state.deliveries++
		v.state.number = max(v.state.number, d.number)

		line := lineKey(recordKey(d.Key), d.Sink)
		head := !first[string(line)]
		first[string(line)] = true
		place := appendNumber(bytes.Clone(line), uint64(d.number))
		v.put(lineBucket.name(), place, seal(lineBucket, place, append(newEntry(len(d.ID)), d.ID...)))
		if head {
			place := placeInQueue(d)
			v.put(queueBucket.name(), place, seal(queueBucket, place, append(newEntry(len(d.ID)), d.ID...)))
			v.state.lines++
		}
	}
}

// header writes what the copy is.
func (v *salvage) header() {
	l := layout{format: format, oldest: oldest}
	if v.found.laidOut {
		l = v.found.layout
	}
	if v.found.stated {
		v.state.number = max(v.state.number, v.found.state.number)
		v.state.revision = max(v.state.revision, v.found.state.revision)
		v.state.now, v.state.unknown = v.found.state.now, v.found.state.unknown
	}
	for _, b := range buckets {
		v.begin(b.name(), 0)
	}
	v.put(headerBucket.name(), formatKey, seal(headerBucket, formatKey, l.append(newEntry(16))))
	v.put(headerBucket.name(), stateKey, seal(headerBucket, stateKey, v.state.append(newEntry(128))))
}
