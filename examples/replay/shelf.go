package main

import (
	"cmp"
	"context"
	"regexp"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/rulefile"
	"github.com/spanticket/spanticket/sinks"
)

// shelf is a sink that keeps the newest state of every ticket that was filed. A
// replay calls it from one goroutine.
type shelf struct {
	tickets []sinks.Ticket
	newest  map[string]int // ticket of each signature, the newest if there are several
}

// sinks returns the shelf under each of the names. A ticket that goes to
// several of them stands on it once.
func (s *shelf) sinks(names []string) map[string]sinks.Sink {
	out := make(map[string]sinks.Sink, len(names))
	for _, name := range names {
		out[name] = s
	}
	return out
}

func (s *shelf) File(_ context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	i, ok := s.find(t.Signature)
	// What was seen after the last of a ticket is not about the same problem:
	// that one was forgotten by then, and this is another ticket.
	if ok && !t.FirstSeen.After(s.tickets[i].LastSeen) {
		s.tickets[i] = t
		return sinks.Receipt{ID: t.Key}, nil
	}
	if s.newest == nil {
		s.newest = map[string]int{}
	}
	s.newest[t.Signature] = len(s.tickets)
	s.tickets = append(s.tickets, t)
	return sinks.Receipt{ID: t.Key}, nil
}

func (s *shelf) Update(ctx context.Context, _ sinks.Receipt, t sinks.Ticket) (sinks.Receipt, error) {
	return s.File(ctx, t)
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

// compareTickets orders tickets by their first occurrence.
func compareTickets(a, b sinks.Ticket) int {
	return cmp.Or(a.FirstSeen.Compare(b.FirstSeen), cmp.Compare(a.Key, b.Key))
}

// books is the store of a replay. A store forgets problems in time, and a
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

var plainName = regexp.MustCompile(`^[\w.-]+$`)

// sinkNames returns the sinks that rules name, or otherwise if they name none.
// The rules are those of a service that has these sinks; a replay has none of
// them, and takes them as they come.
func sinkNames(pattern string, otherwise []string) []string {
	files, err := rulefile.Read(nil, pattern)
	if err != nil {
		return otherwise // whoever compiles the rules says it
	}
	var names []string
	for _, f := range files {
		for _, r := range f.Rules {
			for _, name := range r.Sinks {
				if plainName.MatchString(name) {
					names = append(names, name)
				}
			}
		}
	}
	if names == nil {
		return otherwise
	}
	return names
}
