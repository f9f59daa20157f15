package correlate

import (
	"context"
	"sync"
	"time"
)

// Memory is a [Store] in the memory of one process: nothing of it is there
// after a restart. Its zero value is an empty store, ready to use. It may be
// used concurrently and by several engines, and must not be copied.
//
// It has no clock of its own. Leases are judged by [Claim].Now, and the expiry
// of records by the newest Claim.Now it has seen, so that recorded traffic may
// be replayed in its own time.
//
// It is bounded. When it is full, room for a new record is made by forgetting
// those that have an expiry and no delivery waiting, the soonest expiry first,
// whether or not it has passed. A record that never expires, or that has work
// waiting, is never given up: when only such are left, [Memory.Update] returns
// [ErrStoreFull]. Only a new record is ever refused. One that is there may
// still grow, and deliveries are always taken, past MaxBytes if need be.
//
// The Data of a record is kept and handed out without a copy. An UpdateFunc
// runs under the store's lock and must not call the store. When it panics,
// nothing has changed and the store goes on.
type Memory struct {
	// MaxRecords is how many records are kept. Defaults to 120,000.
	MaxRecords int
	// MaxBytes is about how many bytes of memory records and waiting
	// deliveries may take, keys and bookkeeping included. Defaults to 96 MiB.
	MaxBytes int

	mu      sync.Mutex
	now     time.Time // the newest Claim.Now
	records memoryIndex
	idle    memoryIdle // those of records that may be given up
	tiers   memoryTiers
	outbox  memoryOutbox
}

// Update implements [Store].
func (m *Memory) Update(ctx context.Context, key Key, fn UpdateFunc) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()

	next, add, err := fn(m.current(key))
	if err != nil {
		return err
	}
	if next.Data != nil && m.records.find(key) == nil && !m.fits(key, next) {
		return ErrStoreFull
	}
	m.commit(key, next, add, nil)
	return nil
}

// Claim implements [Store]. Deliveries come in the order in which they became
// due or, where a lease ran out, free again.
func (m *Memory) Claim(ctx context.Context, c Claim) ([]Delivery, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()

	if c.Now.After(m.now) {
		m.now = c.Now
	}
	for r := m.idle.first(); r != nil && m.expired(r); r = m.idle.first() {
		m.remove(r)
	}
	return m.outbox.claim(c), nil
}

// Settle implements [Store]. A lease that has run out still counts while
// nobody else has claimed the delivery. It is never refused for want of room:
// a receipt that is not stored would be a second ticket.
func (m *Memory) Settle(ctx context.Context, d Delivery, o Outcome, fn UpdateFunc) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()

	e := m.outbox.leased(d)
	if e == nil {
		return ErrLeaseLost
	}
	if fn == nil {
		fn = func(cur Record, found bool) (Record, []Delivery, error) { return cur, nil, nil }
	}
	next, add, err := fn(m.current(e.Key))
	if err != nil {
		return err
	}
	m.commit(e.Key, next, add, func() { m.outbox.settle(e, d.Attempts, o) })
	return nil
}

// List implements [Store].
func (m *Memory) List(ctx context.Context, p Page) ([]Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()

	from := Key{Kind: p.Kind, Scope: p.After.Scope, ID: p.After.ID}
	skip := p.After != Key{} // from is the last one of the page before
	if p.Scope != nil && from.Scope.Compare(*p.Scope) < 0 {
		from, skip = Key{Kind: p.Kind, Scope: *p.Scope}, false
	}
	var out []Record
	for r := range m.records.from(from) {
		if len(out) >= p.Max || r.Key.Kind != p.Kind || p.Scope != nil && r.Key.Scope != *p.Scope {
			break
		}
		if m.expired(r) || skip && r.Key == from {
			continue
		}
		out = append(out, m.tiers.record(r))
	}
	return out, nil
}

// current returns what an UpdateFunc is given.
func (m *Memory) current(key Key) (Record, bool) {
	r := m.records.find(key)
	if r == nil || m.expired(r) {
		return Record{}, false
	}
	return m.tiers.record(r), true
}

// commit writes what an UpdateFunc has returned. settle, if there is one,
// belongs to the same step.
func (m *Memory) commit(key Key, next Record, add []Delivery, settle func()) {
	r := m.records.find(key)
	m.lift(r)
	next.Key = key
	if r != nil {
		m.tiers.leave(r)
	}
	switch {
	case next.Data == nil && r != nil:
		m.records.delete(r)
		r = nil
	case next.Data != nil && r != nil:
		m.records.replace(r, next)
	case next.Data != nil:
		r = m.records.insert(next)
	}
	if r != nil {
		m.age(r)
	}
	for _, d := range add {
		m.outbox.add(key, d)
	}
	if settle != nil {
		settle()
	}
	// r is not at rest yet: it does not make room for itself.
	for m.over(0, 0) && m.idle.first() != nil {
		m.remove(m.idle.first())
	}
	m.rest(r)
}

// lift takes a record out of those that may be given up, while it or its
// deliveries change. r may be nil.
func (m *Memory) lift(r *memoryRecord) {
	if r != nil {
		m.idle.remove(r)
	}
}

// rest undoes lift, if the record may be given up. r may be nil.
func (m *Memory) rest(r *memoryRecord) {
	if r != nil && !r.Expires.IsZero() && m.outbox.waiting[r.Key] == 0 {
		m.idle.add(r)
	}
}

func (m *Memory) remove(r *memoryRecord) {
	m.idle.remove(r)
	m.tiers.leave(r)
	m.records.delete(r)
}

func (m *Memory) expired(r *memoryRecord) bool {
	return !r.Expires.IsZero() && !r.Expires.After(m.now)
}

// fits reports whether there is room for a new record, or can be.
func (m *Memory) fits(key Key, next Record) bool {
	next.Key = key
	return !m.over(1-len(m.idle.records), memorySize(next)-m.idle.bytes)
}

// over reports whether so many more records and bytes are too many.
func (m *Memory) over(records, bytes int) bool {
	maxRecords, maxBytes := m.MaxRecords, m.MaxBytes
	if maxRecords <= 0 {
		maxRecords = 120_000
	}
	if maxBytes <= 0 {
		maxBytes = 96 << 20
	}
	return m.records.len+records > maxRecords || m.records.bytes+m.outbox.bytes+bytes > maxBytes
}
