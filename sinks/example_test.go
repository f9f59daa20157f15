package sinks_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spanticket/spanticket/sinks"
)

// folder is a sink of one's own: it writes each ticket to a file of a
// directory. The file is named after the key, so that a ticket that is filed
// again overwrites itself.
type folder string

func (dir folder) File(ctx context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return sinks.Receipt{}, err
	}
	name := strings.ReplaceAll(t.Key, ":", "-") + ".txt"
	if err := os.WriteFile(filepath.Join(string(dir), name), []byte(t.Title+"\n\n"+t.Text()), 0o600); err != nil {
		return sinks.Receipt{}, &sinks.Error{Reason: sinks.Transient, Err: err}
	}
	return sinks.Receipt{ID: t.Key}, nil
}

// A sink is one method.
func Example() {
	dir, err := os.MkdirTemp("", "tickets")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)

	receipt, err := folder(dir).File(context.Background(), sinks.Ticket{Key: "spt:5f0c2a", Title: "POST /pay fails"})
	fmt.Println(receipt.ID, err)
	files, _ := os.ReadDir(dir)
	fmt.Println(files[0].Name())
	// Output:
	// spt:5f0c2a <nil>
	// spt-5f0c2a.txt
}

func ExampleTicket_Text() {
	first := time.Date(2026, 3, 1, 2, 47, 11, 0, time.UTC)
	fmt.Print(sinks.Ticket{
		Key: "spt:5f0c2a", Rule: "checkout-errors", State: sinks.Open, Severity: "error",
		Service: "checkout", Environment: "production", Operation: "POST /pay",
		Count: 42, FirstSeen: first, LastSeen: first.Add(14 * time.Minute),
		Origin: sinks.Origin{Service: "payments", Operation: "charge-card"},
		Path: []sinks.Step{
			{Service: "payments", Operation: "charge-card"},
			{Service: "checkout", Operation: "POST /pay"},
		},
		Exception: sinks.Exception{Type: "*pq.Error", Message: "sorry, too many clients already"},
		Facts:     []sinks.Fact{{Name: "version", Value: "2.14.0"}},
	}.Text())
	// Output:
	// Fails:     payments charge-card
	// Error:     *pq.Error: sorry, too many clients already
	// Service:   checkout, production
	// Operation: POST /pay
	// State:     open
	// Since:     2026-03-01T02:47:11Z
	// Last seen: 2026-03-01T03:01:11Z, 14m later
	// Count:     42, about 3 a minute
	// Severity:  error
	//
	// Facts
	//   version: 2.14.0
	//
	// Path, from the root to the origin
	//   checkout POST /pay
	//   -> payments charge-card  <- fails here
	//
	// Rule:      checkout-errors
	// Key:       spt:5f0c2a
}

func ExampleReasonOf() {
	err := fmt.Errorf("file spt:5f0c2a: %w", &sinks.Error{Reason: sinks.RateLimited, RetryAfter: time.Minute})
	fmt.Println(sinks.ReasonOf(err))
	// Output: rate_limited 1m0s
}
