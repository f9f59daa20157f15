package redisstore_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/internal/realserver"
	"github.com/spanticket/spanticket/correlate/redisstore"
	"github.com/spanticket/spanticket/correlate/storetest"
)

// timed is a store whose clock is that of its server.
type timed struct{ *redisstore.Store }

func (timed) Advance(d time.Duration) { time.Sleep(d) }

func connect(t testing.TB, addr string) *redis.Client {
	client := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestStore(t *testing.T) {
	client := connect(t, realserver.Redis(t).Addr)
	storetest.Run(t, func(t *testing.T) correlate.Store {
		s, err := redisstore.New(client, redisstore.Config{Prefix: t.Name()})
		require.NoError(t, err)
		return timed{s}
	})
}
