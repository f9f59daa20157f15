package replicas

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/deployment"
)

// What many processes count of two versions at the same time adds up in a store that they share,
// and each of them knows all of it.
func TestCountsOfManyProcesses(t *testing.T) {
	const processes, minutes, calls = 12, 5, 100
	shared(t, func(t *testing.T, store correlate.Store) {
		scope := correlate.Scope{Service: "payment", Environment: "production"}
		start := time.Now().Truncate(time.Minute).Add(-time.Hour)
		at := func(minute int) time.Time { return start.Add(time.Duration(minute) * time.Minute) }
		var all [processes]*deployment.Counts
		var running sync.WaitGroup
		for i := range all {
			all[i] = deployment.NewCounts(deployment.CountsConfig{Store: store})
			running.Go(func() {
				for m := range minutes {
					all[i].Add(deployment.Traffic{
						Scope: scope, Version: []string{"1", "2"}[i%2], Operation: "POST /pay", From: at(m), To: at(m + 1),
						Count: deployment.Count{Total: calls, Failed: int64(i % 2)},
					})
					if err := all[i].Flush(t.Context(), at(m+1)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		running.Wait()
		for _, c := range all {
			require.NoError(t, c.Refresh(t.Context(), at(minutes).Add(time.Hour), scope))
			for version, want := range map[string]deployment.Count{
				"":  {Total: processes * minutes * calls, Failed: processes / 2 * minutes},
				"1": {Total: processes / 2 * minutes * calls},
				"2": {Total: processes / 2 * minutes * calls, Failed: processes / 2 * minutes},
			} {
				n, known := c.At(at(minutes)).Count(deployment.Query{Scope: scope, Operation: "POST /pay", Version: version, From: at(0), To: at(minutes)})
				require.True(t, known)
				require.Equal(t, want, n, "version %q", version)
			}
		}
	})
}
