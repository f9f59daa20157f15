package redisstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/redisstore"
	"github.com/spanticket/spanticket/internal/fleettest"
	"github.com/spanticket/spanticket/internal/realserver"
)

// Whether the client repeats what it had no answer for, or leaves it to the
// store, nothing is counted twice.
func TestLostAnswers(t *testing.T) {
	addr := realserver.Redis(t).Addr
	for rule, retries := range map[string]int{"the client tries again": 3, "the store tries again": -1} {
		t.Run(rule, func(t *testing.T) {
			fleettest.LostAnswers(t, addr, func(t *testing.T, addr string) correlate.Store {
				client := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: retries})
				t.Cleanup(func() { _ = client.Close() })
				return open(t, client, redisstore.Config{Prefix: rule})
			})
		})
	}
}

func TestOutOfReach(t *testing.T) {
	fleettest.OutOfReach(t, func(t *testing.T, addr string, timeout time.Duration) correlate.Store {
		return open(t, connect(t, addr), redisstore.Config{Timeout: timeout})
	})
}

// With appendfsync always, what Update returned for is there after a SIGKILL.
func TestServerKilled(t *testing.T) {
	server := realserver.Redis(t, "--appendonly", "yes", "--appendfsync", "always")
	client := connect(t, server.Addr)
	s := open(t, client, redisstore.Config{})
	d := correlate.Delivery{ID: "d", Sink: "a", Operation: correlate.OpOpen, Due: time.Unix(1, 0), Created: time.Unix(1, 0)}
	require.NoError(t, s.Update(t.Context(), problem("p"), write("kept", d)))

	server.Kill()
	require.Error(t, s.Update(t.Context(), problem("p"), write("not there")))
	server.Start()

	require.Equal(t, "kept", data(t, s, "p"))
	require.Len(t, claim(t, s, "a"), 1)
}

// A server that is full or has become a replica refuses with an answer: nothing
// is in doubt, and nothing is written by halves.
func TestServerRefuses(t *testing.T) {
	client := connect(t, realserver.Redis(t).Addr)
	s := open(t, client, redisstore.Config{})
	require.NoError(t, s.Update(t.Context(), problem("p"), write("before")))
	d := correlate.Delivery{ID: "d", Sink: "a", Operation: correlate.OpOpen, Due: time.Unix(1, 0), Created: time.Unix(1, 0)}

	require.NoError(t, client.ConfigSet(t.Context(), "maxmemory", "1").Err())
	err := s.Update(t.Context(), problem("p"), write("after", d))
	require.ErrorContains(t, err, "OOM")
	require.NotContains(t, err.Error(), "not known")
	require.NoError(t, client.ConfigSet(t.Context(), "maxmemory", "0").Err())

	require.NoError(t, client.ReplicaOf(t.Context(), "127.0.0.1", "1").Err())
	require.ErrorContains(t, s.Update(t.Context(), problem("p"), write("after", d)), "READONLY")
	require.NoError(t, client.ReplicaOf(t.Context(), "NO", "ONE").Err())

	require.Equal(t, "before", data(t, s, "p"))
	require.Empty(t, claim(t, s, "a"))
}

// A wrong password is told, and not shown.
func TestNoPasswordInErrors(t *testing.T) {
	server := realserver.Redis(t, "--requirepass", "right")
	client := redis.NewClient(&redis.Options{Addr: server.Addr, Password: "s3cret-wrong"})
	t.Cleanup(func() { _ = client.Close() })
	err := open(t, client, redisstore.Config{}).Update(context.Background(), problem("p"), write("x"))
	require.ErrorContains(t, err, "WRONGPASS")
	require.NotContains(t, err.Error(), "s3cret")
}
