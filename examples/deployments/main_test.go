package main

import (
	"bytes"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate/deployment"
	"github.com/spanticket/spanticket/internal/world"
)

// The seeds that are asserted. What is tuned is tuned on others.
const (
	firstSeed = 3001
	seeds     = 20
)

// simulateAll runs many fleets, as many at once as there are processors.
func simulateAll(t *testing.T, first uint64, n int) score {
	t.Helper()
	scores, errs := make([]score, n), make([]error, n)
	var wg sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i := range n {
		wg.Go(func() {
			slots <- struct{}{}
			scores[i], errs[i] = simulate(t.Context(), first+uint64(i))
			<-slots
		})
	}
	wg.Wait()
	var all score
	for i := range n {
		require.NoError(t, errs[i])
		all.add(scores[i])
	}
	return all
}

func TestTheRightDeploymentIsNamed(t *testing.T) {
	s := simulateAll(t, firstSeed, seeds)
	var b bytes.Buffer
	require.NoError(t, s.print(&b))
	table, _, _ := strings.Cut(b.String(), "The first of each kind")
	t.Log(table)

	require.LessOrEqual(t, s.unfiled, seeds/2, "nearly every fault has a ticket")
	bad, others := s.count(world.Bad...), s.count(world.Others...)
	require.InDelta(t, 60*seeds, bad.faults, seeds/2)
	require.InDelta(t, 40*seeds, others.faults, seeds/2)
	require.GreaterOrEqual(t, bad.rate(bad.first), 0.90, "top-1")
	require.GreaterOrEqual(t, bad.rate(bad.three), 0.97, "top-3")
	require.LessOrEqual(t, others.rate(others.other), 0.05, "false blame")
	for c, least := range map[deployment.Class]float64{deployment.Confirmed: 0.98, deployment.Strong: 0.95, deployment.Likely: 0.85, deployment.Possible: 0.70} {
		right, named := s.class(c, false)
		require.GreaterOrEqual(t, share(right, named), least, c)
	}
	undone, confirmed, vain, blamed := s.undone()
	require.GreaterOrEqual(t, share(confirmed, undone), 0.75, "rollbacks that helped")
	require.LessOrEqual(t, share(blamed, vain), 0.15, "rollbacks in vain")
}
