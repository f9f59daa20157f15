package autoticket_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

// Replicas that open different problems at the same time file what one of them may,
// and list the rest on one ticket; so do those that are started in their place.
func TestReplicasHaveOneBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const replicas, each, budget = 4, 12, 20
		var sink shelf
		store := new(correlate.Memory)
		var engines [replicas]*autoticket.Engine
		var tracers [replicas]trace.Tracer
		for run := range 3 {
			for i := range replicas {
				engines[i], tracers[i] = start(t, autoticket.Config{Store: store, Sinks: map[string]sinks.Sink{"shelf": &sink}})
			}
			for n := range each {
				for i := range replicas {
					fail(tracers[i], "GET /"+words((run*each+n)*replicas+i), "boom")
				}
			}
			for _, e := range engines {
				require.NoError(t, e.Flush(t.Context()))
			}
			time.Sleep(10 * time.Second)
			for _, e := range engines {
				require.NoError(t, e.Shutdown(t.Context()))
			}
		}
		var own, lists, listed int
		for _, p := range stored(t, store) {
			switch {
			case p.Report != "":
				lists++
				listed = int(p.Total)
			case p.Hold == "":
				own++
			}
		}
		require.Equal(t, budget, own)
		require.Equal(t, 1, lists)
		require.Equal(t, 3*replicas*each-budget, listed)
		require.Len(t, sink.tickets(), budget+1)
	})
}
