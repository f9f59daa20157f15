package storetest

import (
	"maps"
	"slices"

	"github.com/spanticket/spanticket/correlate"
)

// model is what a store is expected to hold, kept in the plainest way. Each
// delivery waits, is leased, or is gone.
type model struct {
	records map[correlate.Key]correlate.Record
	lines   map[line][]*entry // none is empty
}

// line is one record and sink, whose deliveries keep their order.
type line struct {
	key  correlate.Key
	sink string
}

type entry struct {
	correlate.Delivery      // Lease is empty while it waits
	lapsed             bool // the lease has run out, and nobody has claimed it since
}

func newModel() *model {
	return &model{records: make(map[correlate.Key]correlate.Record), lines: make(map[line][]*entry)}
}

func (m *model) write(key correlate.Key, next correlate.Record, add []correlate.Delivery) {
	next.Key = key
	if next.Data == nil {
		delete(m.records, key)
	} else {
		m.records[key] = next
	}
	for _, d := range add {
		if m.find(d) == nil {
			at := line{key, d.Sink}
			m.lines[at] = append(m.lines[at], &entry{Delivery: d})
		}
	}
}

// find returns the entry of a delivery that is not gone, or nil.
func (m *model) find(d correlate.Delivery) *entry {
	for _, e := range m.lines[line{d.Key, d.Sink}] {
		if e.ID == d.ID {
			return e
		}
	}
	return nil
}

// owner returns the entry that the lease of d is good for, or nil.
func (m *model) owner(d correlate.Delivery) *entry {
	if e := m.find(d); e != nil && e.Lease != "" && e.Lease == d.Lease {
		return e
	}
	return nil
}

// claimable returns what a claim may return: the first of each line, if it is
// due, nobody has it, and its operation may go.
func (m *model) claimable(c correlate.Claim) map[string]*entry {
	out := make(map[string]*entry)
	for at, entries := range m.lines {
		first := entries[0]
		free := first.Lease == "" || first.lapsed
		if at.key.Scope == c.Scope && slices.Contains(c.Sinks, at.sink) && c.Wants(first.Operation) && free && !first.Due.After(c.Now) {
			out[first.ID] = first
		}
	}
	return out
}

func (m *model) settle(e *entry, attempts int, o correlate.Outcome) {
	e.Lease, e.lapsed = "", false
	if !o.Done {
		e.Attempts, e.Due = attempts, o.Due
		return
	}
	at := line{e.Key, e.Sink}
	if m.lines[at] = m.lines[at][1:]; len(m.lines[at]) == 0 {
		delete(m.lines, at)
	}
}

// keys returns the keys of the records, in the order of List.
func (m *model) keys() []correlate.Key {
	return slices.SortedFunc(maps.Keys(m.records), compareKeys)
}
