package pgstore

import (
	"database/sql"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/realserver"
)

// What has expired is deleted now and then, and what says who deleted a record;
// nothing else is.
func TestTidy(t *testing.T) {
	_, url := realserver.Postgres(t)
	db, err := sql.Open("pgx", url.String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	s, err := New(db, Config{})
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context()))
	put := func(id string, expires time.Time) {
		key := correlate.Key{Scope: correlate.Scope{Service: "checkout"}, Kind: correlate.KindProblem, ID: id}
		require.NoError(t, s.Update(t.Context(), key, func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
			return correlate.Record{Version: 1, Data: []byte("x"), Expires: expires}, nil, nil
		}))
	}
	put("past", time.Now().Add(-time.Minute))
	put("ahead", time.Now().Add(time.Hour))
	put("never", time.Time{})
	count := func() (n int) {
		require.NoError(t, db.QueryRowContext(t.Context(), `SELECT count(*) FROM spanticket.records`).Scan(&n))
		return n
	}
	s.tidy(t.Context())
	require.Equal(t, 3, count(), "it is not time yet")
	s.clean = time.Now()
	s.tidy(t.Context())
	require.Equal(t, 2, count())
	require.Greater(t, time.Until(s.clean), cleanEvery/4)
}
