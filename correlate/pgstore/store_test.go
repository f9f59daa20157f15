package pgstore_test

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/internal/realserver"
	"github.com/spanticket/spanticket/correlate/pgstore"
	"github.com/spanticket/spanticket/correlate/storetest"
)

// timed is a store whose clock is that of its server.
type timed struct{ *pgstore.Store }

func (timed) Advance(d time.Duration) { time.Sleep(d) }

func connect(t testing.TB, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// schemas returns a function that makes stores, each in a schema of its own.
func schemas(t testing.TB, db *sql.DB) func() correlate.Store {
	n := 0
	return func() correlate.Store {
		t.Helper()
		n++
		s, err := pgstore.New(db, pgstore.Config{Schema: fmt.Sprintf(`Schema %d; "quoted"--`, n)})
		require.NoError(t, err)
		require.NoError(t, s.Migrate(t.Context()))
		return timed{s}
	}
}

func TestStore(t *testing.T) {
	_, url := realserver.Postgres(t)
	open := schemas(t, connect(t, url.String()))
	storetest.Run(t, func(*testing.T) correlate.Store { return open() })
}
