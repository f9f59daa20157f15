package pgstore_test

import (
	"database/sql"
	"fmt"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/pgstore"
)

// A service uses a small pool. The tables are made once, by whoever may, with
// Store.Migrate.
func ExampleNew() {
	db, err := sql.Open("pgx", "postgres://spanticket@db.example.com/tickets")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	db.SetMaxOpenConns(3)
	db.SetConnMaxIdleTime(time.Minute)

	store, err := pgstore.New(db, pgstore.Config{Schema: "shop_tickets"}) // dials nothing
	var _ correlate.Store = store                                         // for autoticket.Config.Store
	fmt.Println(err)
	// Output: <nil>
}
