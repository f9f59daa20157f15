package redisstore_test

import (
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/redisstore"
)

// One address is a server, several are a Cluster, and with a MasterName they are
// Sentinels; the store works with each.
func ExampleNew() {
	client := redis.NewUniversalClient(&redis.UniversalOptions{
		Addrs:                 []string{"redis-a.example.com:6379", "redis-b.example.com:6379"},
		ContextTimeoutEnabled: true,
	})
	defer client.Close()

	store, err := redisstore.New(client, redisstore.Config{Prefix: "shop"}) // dials nothing
	var _ correlate.Store = store                                           // for autoticket.Config.Store
	fmt.Println(err)
	// Output: <nil>
}
