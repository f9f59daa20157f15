package console_test

import (
	"context"
	"os"
	"time"

	"github.com/spanticket/spanticket/sinks"
	"github.com/spanticket/spanticket/sinks/console"
)

func Example() {
	sink := console.New(console.Config{Writer: os.Stdout, Color: console.Never})

	first := time.Date(2026, 3, 1, 2, 47, 11, 0, time.UTC)
	ticket := sinks.Ticket{
		Key: "spt:5f0c2a", Event: sinks.EventOpened, State: sinks.Open, Severity: "error", Title: "charge-card fails",
		Rule: "checkout-errors", Service: "payments", Operation: "charge-card",
		Count: 5, FirstSeen: first, LastSeen: first,
		Origin: sinks.Origin{Service: "payments", Operation: "charge-card"},
	}
	receipt, err := sink.File(context.Background(), ticket)
	if err != nil {
		panic(err)
	}

	ticket.Event, ticket.State, ticket.ResolvedAt = sinks.EventResolved, sinks.Resolved, first.Add(time.Hour)
	if _, err := sink.Update(context.Background(), receipt, ticket); err != nil {
		panic(err)
	}
	// Output:
	// [error] open: charge-card fails
	//   Fails:     payments charge-card
	//   Service:   payments
	//   State:     open
	//   Since:     2026-03-01T02:47:11Z
	//   Count:     5
	//   Severity:  error
	//
	//   Rule:      checkout-errors
	//   Key:       spt:5f0c2a
	//
	// [error] RESOLVED: charge-card fails
	//   5 since 2026-03-01T02:47:11Z, resolved at 2026-03-01T03:47:11Z, key spt:5f0c2a
}
