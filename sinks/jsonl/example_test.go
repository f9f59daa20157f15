package jsonl_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spanticket/spanticket/sinks"
	"github.com/spanticket/spanticket/sinks/jsonl"
)

func Example() {
	dir, err := os.MkdirTemp("", "tickets")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "tickets.jsonl")

	sink, err := jsonl.New(jsonl.Config{Path: path})
	if err != nil {
		panic(err)
	}
	defer sink.Close()

	ctx := context.Background()
	ticket := sinks.Ticket{Key: "spt:5f0c2a", Event: sinks.EventOpened, Title: "charge-card fails"}
	receipt, err := sink.File(ctx, ticket)
	if err != nil {
		panic(err)
	}
	ticket.Event = sinks.EventResolved
	if _, err := sink.Update(ctx, receipt, ticket); err != nil {
		panic(err)
	}

	data, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	for text := range strings.Lines(string(data)) {
		var line struct{ Ticket sinks.Ticket }
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			continue // cut short by a crash
		}
		fmt.Println(line.Ticket.Key, line.Ticket.Event, line.Ticket.Title)
	}
	// Output:
	// spt:5f0c2a opened charge-card fails
	// spt:5f0c2a resolved charge-card fails
}
