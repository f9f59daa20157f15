package pgstore_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/pgstore"
	"github.com/spanticket/spanticket/internal/fleettest"
	"github.com/spanticket/spanticket/internal/realserver"
)

func at(u *url.URL, addr string) string {
	other := *u
	other.Host = addr
	return other.String()
}

func testLostAnswers(t *testing.T, server string, u *url.URL) {
	s, err := pgstore.New(connect(t, u.String()), pgstore.Config{})
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context()))
	fleettest.LostAnswers(t, server, func(t *testing.T, addr string) correlate.Store {
		s, err := pgstore.New(connect(t, at(u, addr)), pgstore.Config{})
		require.NoError(t, err)
		return s
	})
}

func TestOutOfReach(t *testing.T) {
	fleettest.OutOfReach(t, func(t *testing.T, addr string, timeout time.Duration) correlate.Store {
		s, err := pgstore.New(connect(t, "postgres://u:p@"+addr+"/d?sslmode=disable"), pgstore.Config{Timeout: timeout})
		require.NoError(t, err)
		return s
	})
}

// What Update returned for is there after a SIGKILL of the server.
func TestServerKilled(t *testing.T) {
	server, u := realserver.Postgres(t)
	s, err := pgstore.New(connect(t, u.String()), pgstore.Config{})
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context()))
	d := correlate.Delivery{ID: "d", Sink: "a", Operation: correlate.OpOpen, Due: time.Unix(1, 0), Created: time.Unix(1, 0)}
	require.NoError(t, s.Update(t.Context(), problem("p"), write("kept", d)))

	server.Kill()
	require.Error(t, s.Update(t.Context(), problem("p"), write("not there")))
	server.Start()

	require.Equal(t, "kept", data(t, s, "p"))
	require.Len(t, claim(t, s, "a"), 1)
}

// A database that may only be read refuses with an answer: nothing is in doubt.
func testServerRefuses(t *testing.T, u *url.URL) {
	db := connect(t, u.String())
	s, err := pgstore.New(db, pgstore.Config{})
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context()))
	require.NoError(t, s.Update(t.Context(), problem("p"), write("before")))

	reading := *u
	reading.RawQuery += "&default_transaction_read_only=on"
	r, err := pgstore.New(connect(t, reading.String()), pgstore.Config{})
	require.NoError(t, err)
	err = r.Update(t.Context(), problem("p"), write("after"))
	require.ErrorContains(t, err, "read-only")
	require.NotContains(t, err.Error(), "not known")
	require.Equal(t, "before", data(t, s, "p"))
}

// Whatever is wrong with a connection string, no error shows its password.
func TestNoPasswordInErrors(t *testing.T) {
	nobody := realserver.Nobody(t)
	for rule, u := range map[string]string{
		"nobody listens":       "postgres://u:s3cret@" + nobody + "/d?sslmode=disable",
		"a slash":              "postgres://u:s3cret/s3cret@" + nobody + "/d",
		"an unknown parameter": "postgres://u:s3cret@" + nobody + "/d?sslmode=what",
		"words":                "host=127.0.0.1 port=1 user=u password=s3cret sslmode=disable",
		"bad words":            "host=127.0.0.1 password='s3cret sslmode",
	} {
		t.Run(rule, func(t *testing.T) {
			s, err := pgstore.New(connect(t, u), pgstore.Config{})
			require.NoError(t, err)
			for _, err := range []error{s.Update(t.Context(), problem("p"), write("x")), s.Migrate(t.Context())} {
				require.Error(t, err)
				require.NotContains(t, err.Error(), "s3cret")
			}
		})
	}
}
