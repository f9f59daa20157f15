package pgstore_test

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/pgstore"
	"github.com/spanticket/spanticket/correlate/storetest"
	"github.com/spanticket/spanticket/internal/realserver"
)

// timed is a store whose clock is that of its server.
type timed struct{ *pgstore.Store }

func (timed) Advance(d time.Duration) { time.Sleep(d) }

func connect(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// TestOneServer runs what needs a server, and not to stop it: each test has a
// database of its own.
func TestOneServer(t *testing.T) {
	server, u := realserver.Postgres(t)
	for _, test := range []struct {
		name string
		run  func(t *testing.T, u *url.URL)
	}{
		{"Store", testStore},
		{"FewConnections", testFewConnections},
		{"Migrate", testMigrate},
		{"ManyWaiting", testManyWaiting},
		{"UnknownColumnsSurvive", testUnknownColumnsSurvive},
		{"LostAnswers", func(t *testing.T, u *url.URL) { testLostAnswers(t, server.Addr, u) }},
		{"ServerRefuses", testServerRefuses},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := connect(t, u.String()).ExecContext(t.Context(), fmt.Sprintf("CREATE DATABASE %q", test.name))
			require.NoError(t, err)
			own := *u
			own.Path = "/" + test.name
			test.run(t, &own)
		})
	}
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

func problem(id string) correlate.Key {
	return correlate.Key{Scope: correlate.Scope{Service: "checkout"}, Kind: correlate.KindProblem, ID: id}
}

func write(data string, add ...correlate.Delivery) correlate.UpdateFunc {
	return func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
		return correlate.Record{Version: 1, Data: []byte(data)}, add, nil
	}
}

func data(t *testing.T, s correlate.Store, id string) (data string) {
	t.Helper()
	looked := errors.New("looked")
	require.ErrorIs(t, s.Update(t.Context(), problem(id), func(cur correlate.Record, _ bool) (correlate.Record, []correlate.Delivery, error) {
		data = string(cur.Data)
		return correlate.Record{}, nil, looked
	}), looked)
	return data
}

func claim(t *testing.T, s correlate.Store, sink string) []correlate.Delivery {
	t.Helper()
	ds, err := s.Claim(t.Context(), correlate.Claim{Scope: problem("").Scope, Sinks: []string{sink}, Now: time.Now().Add(time.Minute), Lease: time.Hour, Max: 10})
	require.NoError(t, err)
	return ds
}

func testStore(t *testing.T, u *url.URL) {
	db := connect(t, u.String())
	open := schemas(t, db)
	storetest.Run(t, func(*testing.T) correlate.Store { return open() })
}

// Two connections are enough for everything at once.
func testFewConnections(t *testing.T, u *url.URL) {
	db := connect(t, u.String())
	db.SetMaxOpenConns(2)
	s := schemas(t, db)()
	var wg sync.WaitGroup
	errs := make(chan error, 32)
	for i := range 32 {
		wg.Go(func() { errs <- s.Update(t.Context(), problem(fmt.Sprint(i%4)), write(fmt.Sprint(i))) })
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	require.LessOrEqual(t, db.Stats().OpenConnections, 2)
}

// A tracker that was away for long leaves much to claim, before PostgreSQL has
// gathered statistics about it: no plan may look at each line for each line.
func testManyWaiting(t *testing.T, u *url.URL) {
	db := connect(t, u.String())
	s, err := pgstore.New(db, pgstore.Config{})
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context()))
	_, err = db.ExecContext(t.Context(), `
INSERT INTO spanticket.deliveries (id, kind, namespace, service, environment, record, sink, operation, due, attempts, created)
SELECT convert_to('d' || i, 'UTF8'), 'problem', '', 'checkout', '', convert_to(md5(i::text), 'UTF8'), 'a', 'open', now(), 0, now()
FROM generate_series(1, 20000) i`)
	require.NoError(t, err)
	for range 3 {
		require.Len(t, claim(t, s, "a"), 10)
	}
}

// Nothing but Migrate makes tables, and a service that finds none says what to do.
func testMigrate(t *testing.T, u *url.URL) {
	db := connect(t, u.String())
	s, err := pgstore.New(db, pgstore.Config{})
	require.NoError(t, err)
	_, listErr := s.List(t.Context(), correlate.Page{Kind: correlate.KindProblem, Max: 1})
	for _, err := range []error{listErr, s.Update(t.Context(), problem("p"), write("x"))} {
		require.ErrorContains(t, err, `there are no tables in schema "spanticket": run Migrate`)
	}

	var wg sync.WaitGroup // every process that is told to
	errs := make(chan error, 4)
	for range 4 {
		wg.Go(func() { errs <- s.Migrate(t.Context()) })
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	require.NoError(t, s.Update(t.Context(), problem("p"), write("x")))

	// A newer version was here.
	_, err = db.ExecContext(t.Context(), `INSERT INTO spanticket.migrations VALUES (9999, '9999_newer.sql')`)
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context()))
	require.Equal(t, "x", data(t, s, "p"))
}

// What a newer version of the library adds to the tables stays when this one
// updates a row.
func testUnknownColumnsSurvive(t *testing.T, u *url.URL) {
	db := connect(t, u.String())
	s, err := pgstore.New(db, pgstore.Config{})
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context()))
	for _, table := range []string{"records", "deliveries"} {
		_, err := db.ExecContext(t.Context(), `ALTER TABLE spanticket.`+table+` ADD COLUMN new text NOT NULL DEFAULT 'old'`)
		require.NoError(t, err)
	}
	d := correlate.Delivery{ID: "d", Sink: "a", Operation: correlate.OpOpen, Due: time.Unix(1, 0), Created: time.Unix(1, 0)}
	require.NoError(t, s.Update(t.Context(), problem("p"), write("1", d)))
	for _, table := range []string{"records", "deliveries"} {
		_, err := db.ExecContext(t.Context(), `UPDATE spanticket.`+table+` SET new = 'field'`)
		require.NoError(t, err)
	}
	got := claim(t, s, "a")
	require.Len(t, got, 1)
	require.NoError(t, s.Settle(t.Context(), got[0], correlate.Outcome{Due: time.Unix(2, 0)}, write("2")))
	require.NoError(t, s.Update(t.Context(), problem("p"), write("3")))

	var record, delivery string
	require.NoError(t, db.QueryRowContext(t.Context(), `SELECT r.new, d.new FROM spanticket.records r, spanticket.deliveries d`).Scan(&record, &delivery))
	require.Equal(t, []string{"field", "field"}, []string{record, delivery})
	require.Equal(t, "3", data(t, s, "p"))
}

func TestNew(t *testing.T) {
	_, err := pgstore.New(nil, pgstore.Config{})
	require.ErrorContains(t, err, "no database")
	for _, schema := range []string{"nul\x00", "a name of more than sixty-three bytes, which PostgreSQL would cut"} {
		_, err = pgstore.New(new(sql.DB), pgstore.Config{Schema: schema})
		require.ErrorContains(t, err, "no name of a schema")
	}
}

func BenchmarkStore(b *testing.B) {
	_, u := realserver.Postgres(b)
	db := connect(b, u.String())
	db.SetMaxIdleConns(8)
	storetest.Benchmark(b, schemas(b, db))
}
