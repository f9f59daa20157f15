package boltstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/boltstore"
)

// A store is given to the engine as autoticket.Config.Store. What was stored is
// there when the process comes back; meanwhile nobody else has the file.
func ExampleOpen() {
	folder, err := os.MkdirTemp("", "boltstore")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "tickets.db")

	key := correlate.Key{Scope: correlate.Scope{Service: "checkout"}, Kind: correlate.KindProblem, ID: "v2abc"}
	count := func(cur correlate.Record, _ bool) (correlate.Record, []correlate.Delivery, error) {
		return correlate.Record{Version: 1, Data: append(cur.Data, '|')}, nil, nil
	}
	for range 3 {
		store, err := boltstore.Open(boltstore.Config{Path: path})
		if err != nil {
			fmt.Println(err)
			return
		}
		if err := store.Update(context.Background(), key, count); err != nil {
			fmt.Println(err)
		}
		_, err = boltstore.Open(boltstore.Config{Path: path, LockTimeout: -1})
		fmt.Println("a second time:", errors.Is(err, boltstore.ErrLocked))
		records, err := store.List(context.Background(), correlate.Page{Kind: correlate.KindProblem, Max: 10})
		fmt.Println(len(records), strings.Count(string(records[0].Data), "|"), err)
		if err := store.Close(); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// a second time: true
	// 1 1 <nil>
	// a second time: true
	// 1 2 <nil>
	// a second time: true
	// 1 3 <nil>
}
