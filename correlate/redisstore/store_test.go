package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/redisstore"
	"github.com/spanticket/spanticket/correlate/storetest"
	"github.com/spanticket/spanticket/internal/realserver"
)

// timed is a store whose clock is that of its server.
type timed struct{ *redisstore.Store }

func (timed) Advance(d time.Duration) { time.Sleep(d) }

func connect(t testing.TB, addr string) *redis.Client {
	client := redis.NewClient(&redis.Options{Addr: addr, DialerRetries: 1, MaxRetries: 1})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func open(t testing.TB, client redis.UniversalClient, c redisstore.Config) correlate.Store {
	t.Helper()
	s, err := redisstore.New(client, c)
	require.NoError(t, err)
	return timed{s}
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
	ds, err := s.Claim(t.Context(), correlate.Claim{Scope: problem("").Scope, Sinks: []string{sink}, Now: time.Now(), Lease: time.Hour, Max: 10})
	require.NoError(t, err)
	return ds
}

func TestStore(t *testing.T) {
	client := connect(t, realserver.Redis(t).Addr)
	storetest.Run(t, func(t *testing.T) correlate.Store {
		return open(t, client, redisstore.Config{Prefix: t.Name()})
	})
}

// cluster starts a Redis Cluster of three nodes, without redis-cli.
func cluster(t *testing.T) *redis.ClusterClient {
	var addrs []string
	for i := range 3 {
		bus := port(t, realserver.Nobody(t))
		addr := realserver.Redis(t, "--cluster-enabled", "yes", "--cluster-port", bus, "--cluster-node-timeout", "2000").Addr
		addrs = append(addrs, addr)
		node := connect(t, addr)
		require.NoError(t, node.ClusterAddSlotsRange(t.Context(), i*16384/3, (i+1)*16384/3-1).Err())
		require.NoError(t, node.Do(t.Context(), "cluster", "set-config-epoch", i+1).Err())
		if i > 0 {
			require.NoError(t, connect(t, addrs[0]).Do(t.Context(), "cluster", "meet", "127.0.0.1", port(t, addr), bus).Err())
		}
	}
	for _, addr := range addrs {
		node := connect(t, addr)
		require.Eventually(t, func() bool {
			info, err := node.ClusterInfo(t.Context()).Result()
			require.NoError(t, err)
			var nodes int
			for line := range strings.Lines(info) {
				_, _ = fmt.Sscanf(line, "cluster_known_nodes:%d", &nodes)
			}
			return nodes == 3 && strings.Contains(info, "cluster_state:ok")
		}, 20*time.Second, 50*time.Millisecond, "the cluster does not get ready")
	}
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func port(t *testing.T, addr string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	return port
}

func TestCluster(t *testing.T) {
	client := cluster(t)
	storetest.Run(t, func(t *testing.T) correlate.Store {
		return open(t, client, redisstore.Config{Prefix: t.Name()})
	})
	// Scopes are spread over the nodes.
	s := open(t, client, redisstore.Config{Prefix: "spread"})
	for i := range 200 {
		key := problem("p")
		key.Scope.Service = fmt.Sprint("service ", i)
		require.NoError(t, s.Update(t.Context(), key, write("x")))
	}
	records, err := s.List(t.Context(), correlate.Page{Kind: correlate.KindProblem, Max: 1000})
	require.NoError(t, err)
	require.Len(t, records, 200)
	require.NoError(t, client.ForEachMaster(t.Context(), func(ctx context.Context, node *redis.Client) error {
		n, err := node.DBSize(ctx).Result()
		require.Greater(t, n, int64(50), "a node without keys")
		return err
	}))
}

// What a newer version of the library adds to a record or a delivery stays when
// this one updates it.
func TestUnknownFieldsSurvive(t *testing.T) {
	client := connect(t, realserver.Redis(t).Addr)
	s := open(t, client, redisstore.Config{})
	d := correlate.Delivery{ID: "d", Sink: "a", Operation: correlate.OpOpen, Due: time.Unix(1, 0), Created: time.Unix(1, 0)}
	require.NoError(t, s.Update(t.Context(), problem("p"), write("1", d)))

	record := one(t, client, "*:record:*")
	require.NoError(t, client.HSet(t.Context(), record, "new", "field").Err())
	intents := one(t, client, "*:intents:*")
	intent := client.HGet(t.Context(), intents, "d").Val() + "more\x00\x01"
	require.NoError(t, client.HSet(t.Context(), intents, "d", intent).Err())

	require.NoError(t, s.Update(t.Context(), problem("p"), write("2")))
	got := claim(t, s, "a")
	require.Len(t, got, 1)
	require.NoError(t, s.Settle(t.Context(), got[0], correlate.Outcome{Due: time.Unix(2, 0)}, write("3")))

	require.Equal(t, "field", client.HGet(t.Context(), record, "new").Val())
	require.Equal(t, intent, client.HGet(t.Context(), intents, "d").Val())
	require.Equal(t, "3", data(t, s, "p"))
}

func one(t *testing.T, client *redis.Client, pattern string) string {
	t.Helper()
	keys := client.Keys(t.Context(), pattern).Val()
	require.Len(t, keys, 1, pattern)
	return keys[0]
}

// What has expired leaves nothing behind, though nobody lists it.
func TestExpiryLeavesNothing(t *testing.T) {
	client := connect(t, realserver.Redis(t).Addr)
	s := open(t, client, redisstore.Config{})
	expiring := func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
		return correlate.Record{Version: 1, Data: []byte("x"), Expires: time.Now().Add(-time.Minute)}, nil, nil
	}
	for i := range 20 {
		require.NoError(t, s.Update(t.Context(), problem(fmt.Sprint(i)), expiring))
	}
	for range 3 {
		require.NoError(t, s.Update(t.Context(), problem("p"), write(fmt.Sprint(time.Now().UnixNano()))))
	}
	require.Equal(t, int64(1), client.ZCard(t.Context(), one(t, client, "*:index")).Val())
	require.Empty(t, client.Keys(t.Context(), "*:expiry").Val())
	require.Len(t, client.Keys(t.Context(), "*:record:*").Val(), 1)
}

// An engine that has nothing to do leaves the server alone.
func TestIdleClaims(t *testing.T) {
	client := connect(t, realserver.Redis(t).Addr)
	s := open(t, client, redisstore.Config{})
	asked := func() (n int64) {
		info := client.Info(t.Context(), "commandstats").Val()
		for line := range strings.Lines(info) {
			_, _ = fmt.Sscanf(line, "cmdstat_evalsha:calls=%d,", &n)
		}
		return n
	}
	require.Empty(t, claim(t, s, "a"))
	before := asked()
	for range 100 {
		require.Empty(t, claim(t, s, "a"))
	}
	require.LessOrEqual(t, asked()-before, int64(1), "on a slow machine the pause may be over once")

	d := correlate.Delivery{ID: "d", Sink: "a", Operation: correlate.OpOpen, Due: time.Unix(1, 0), Created: time.Unix(1, 0)}
	require.NoError(t, s.Update(t.Context(), problem("p"), write("x", d)))
	require.Len(t, claim(t, s, "a"), 1, "what this process queues it claims at once")
}

func TestNew(t *testing.T) {
	_, err := redisstore.New(nil, redisstore.Config{})
	require.ErrorContains(t, err, "no client")
	_, err = redisstore.New(redis.NewClient(&redis.Options{}), redisstore.Config{Prefix: "a{b}"})
	require.ErrorContains(t, err, "brace")
}

func BenchmarkStore(b *testing.B) {
	client := connect(b, realserver.Redis(b, "--appendonly", "yes", "--appendfsync", "everysec").Addr)
	n := 0
	storetest.Benchmark(b, func() correlate.Store {
		n++
		return open(b, client, redisstore.Config{Prefix: fmt.Sprint(n)})
	})
}
