package correlate

// A problem that is written stands in the first tier, as it is. Those that were
// written long ago make room there: compressed, and then without their evidence.
const (
	// maxPlain and maxPlainBytes bound the problems that are kept as they are.
	maxPlain      = 256
	maxPlainBytes = 4 << 20
	// maxDetailed and maxDetailedBytes bound those that are compressed, with their
	// evidence. A sixteenth of them is kept as it is, or more.
	maxDetailed      = 5000 - maxPlain
	maxDetailedBytes = 16 << 20
)

// tier says in what form a record is kept.
type tier uint8

const (
	tierNone     tier = iota // as it is, and for ever: it is no problem
	tierPlain                // as it is
	tierDetailed             // compressed
	tierLean                 // compressed, without the evidence
)

// memoryTiers keeps problems in little room, those longest unwritten in the
// least.
type memoryTiers struct {
	plain, detailed memoryAges
	packer          memoryPacker
}

// record returns a record as it was written, or without its evidence.
func (t *memoryTiers) record(r *memoryRecord) Record {
	rec := r.Record
	if r.tier >= tierDetailed {
		rec.Data = t.packer.unpack(rec.Data)
	}
	return rec
}

// leave takes a record out of its tier, because it is deleted or written.
func (t *memoryTiers) leave(r *memoryRecord) {
	switch r.tier {
	case tierPlain:
		t.plain.remove(r)
	case tierDetailed:
		t.detailed.remove(r)
	}
	r.tier = tierNone
}

// age puts a record that was written into the first tier, and moves on what has
// no room there any more.
func (m *Memory) age(r *memoryRecord) {
	t := &m.tiers
	if r.Key.Kind != KindProblem {
		return
	}
	r.tier = tierPlain
	t.plain.push(r)
	for t.plain.len > maxPlain || t.plain.bytes > maxPlainBytes && t.plain.len > 1 {
		old := t.plain.remove(t.plain.oldest)
		m.pack(old, old.Data, tierDetailed)
		t.detailed.push(old)
	}
	for t.detailed.len > maxDetailed || t.detailed.bytes > maxDetailedBytes {
		old := t.detailed.remove(t.detailed.oldest)
		rec := t.record(old)
		if lean, ok := leanRecord(rec); ok {
			m.pack(old, lean, tierLean)
		}
		old.tier = tierLean
	}
}

// pack keeps data, compressed, as that of a record.
func (m *Memory) pack(r *memoryRecord, data []byte, to tier) {
	rec, before := r.Record, memorySize(r.Record)
	rec.Data = m.tiers.packer.pack(data)
	m.records.replace(r, rec)
	if r.place >= 0 {
		m.idle.bytes += memorySize(rec) - before
	}
	r.tier = to
}

// leanRecord returns the data of a problem without its evidence. It reports false
// if there is none, or the record holds no problem.
func leanRecord(r Record) (data []byte, ok bool) {
	p, err := DecodeProblem(r)
	if err != nil {
		return nil, false
	}
	p, less := p.WithoutEvidence()
	if !less {
		return nil, false
	}
	next, err := EncodeProblem(p, r)
	return next.Data, err == nil
}

// memoryAges is a list of records in the order in which they came.
type memoryAges struct {
	oldest, newest *memoryRecord
	len, bytes     int
}

func (l *memoryAges) push(r *memoryRecord) {
	r.older, r.newer = l.newest, nil
	if l.newest != nil {
		l.newest.newer = r
	} else {
		l.oldest = r
	}
	l.newest = r
	l.len++
	l.bytes += len(r.Data)
}

// remove takes a record out, whose data is still what it came with.
func (l *memoryAges) remove(r *memoryRecord) *memoryRecord {
	if r.older != nil {
		r.older.newer = r.newer
	} else {
		l.oldest = r.newer
	}
	if r.newer != nil {
		r.newer.older = r.older
	} else {
		l.newest = r.older
	}
	r.older, r.newer = nil, nil
	l.len--
	l.bytes -= len(r.Data)
	return r
}
