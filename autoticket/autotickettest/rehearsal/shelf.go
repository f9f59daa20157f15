package rehearsal

import (
	"cmp"
	"context"
	"slices"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

// Ticket is a ticket as it stood at the end of a recording.
type Ticket struct {
	sinks.Ticket
	Sinks []string // that have it, in the order of their names
}

// compare orders tickets by their first occurrence.
func (t Ticket) compare(other Ticket) int {
	return cmp.Or(t.FirstSeen.Compare(other.FirstSeen), cmp.Compare(t.Key, other.Key))
}

// shelf keeps the newest state of every ticket that was filed. A replay calls
// it from one goroutine.
type shelf struct {
	tickets []Ticket
	newest  map[string]int // ticket of each signature, the newest if there are several
}

// sinks returns a slot of the shelf for each of the names. A ticket that goes
// to several of them stands on it once.
func (s *shelf) sinks(names []string) map[string]sinks.Sink {
	out := make(map[string]sinks.Sink, len(names))
	for _, name := range names {
		out[name] = slot{shelf: s, name: name}
	}
	return out
}

// slot is the shelf as one sink.
type slot struct {
	shelf *shelf
	name  string
}

func (s slot) File(_ context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	s.shelf.put(t, s.name)
	return sinks.Receipt{ID: t.Key}, nil
}

func (s slot) Update(ctx context.Context, _ sinks.Receipt, t sinks.Ticket) (sinks.Receipt, error) {
	return s.File(ctx, t)
}

func (s *shelf) put(t sinks.Ticket, sink string) {
	i, ok := s.find(t.Signature)
	// What was seen after the last of a ticket is not about the same problem:
	// that one was forgotten by then, and this is another ticket.
	if !ok || t.FirstSeen.After(s.tickets[i].LastSeen) {
		if s.newest == nil {
			s.newest = map[string]int{}
		}
		i = len(s.tickets)
		s.newest[t.Signature] = i
		s.tickets = append(s.tickets, Ticket{})
	}
	at := &s.tickets[i]
	at.Ticket = t
	if n, ok := slices.BinarySearch(at.Sinks, sink); !ok {
		at.Sinks = slices.Insert(at.Sinks, n, sink)
	}
}

func (s *shelf) find(signature string) (int, bool) {
	i, ok := s.newest[signature]
	return i, ok
}

// count brings the ticket of a problem up to date. A live ticket is told of its
// count now and then; at the end of a recording what counts is what happened.
func (s *shelf) count(p correlate.Problem) {
	if i, ok := s.find(p.ID); ok && !p.FirstSeen.After(s.tickets[i].LastSeen) {
		s.tickets[i].Count, s.tickets[i].LastSeen = p.Count, p.LastSeen.UTC()
	}
}

// books is the store of a rehearsal. A store forgets problems in time, and a
// recording may be of months: it notes what is counted when it is counted.
type books struct {
	correlate.Memory
	shelf    *shelf
	problems int // that were new
}

func (b *books) Update(ctx context.Context, key correlate.Key, fn correlate.UpdateFunc) error {
	var next correlate.Record
	var known bool
	err := b.Memory.Update(ctx, key, func(cur correlate.Record, found bool) (correlate.Record, []correlate.Delivery, error) {
		rec, add, err := fn(cur, found)
		next, known = rec, found
		return rec, add, err
	})
	if err != nil || key.Kind != correlate.KindProblem || next.Data == nil {
		return err
	}
	if !known {
		b.problems++
	}
	p, err := correlate.DecodeProblem(next)
	if err != nil {
		return err
	}
	b.shelf.count(p)
	return nil
}
