package main

import (
	"cmp"
	"context"

	"github.com/spanticket/spanticket/sinks"
)

// shelf is a sink that keeps the newest state of the ticket of each problem. A
// replay calls it from one goroutine.
type shelf struct {
	tickets map[string]sinks.Ticket // by signature
}

func (s *shelf) File(_ context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	if s.tickets == nil {
		s.tickets = map[string]sinks.Ticket{}
	}
	s.tickets[t.Signature] = t
	return sinks.Receipt{ID: t.Key}, nil
}

func (s *shelf) Update(ctx context.Context, _ sinks.Receipt, t sinks.Ticket) (sinks.Receipt, error) {
	return s.File(ctx, t)
}

// compareTickets orders tickets by their first occurrence.
func compareTickets(a, b sinks.Ticket) int {
	return cmp.Or(a.FirstSeen.Compare(b.FirstSeen), cmp.Compare(a.Key, b.Key))
}
