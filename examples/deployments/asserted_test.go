//go:build !race

// The race detector makes minutes of these, and TestFleetsAreSimulatedAtOnce has all that
// it looks for.

package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate/deployment"
	"github.com/spanticket/spanticket/internal/world"
)

func TestTheRightDeploymentIsNamed(t *testing.T) {
	s := simulateAll(t, firstSeed, seeds)
	var b bytes.Buffer
	s.faults(&b)
	s.classes(&b)
	t.Log(b.String())

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
		if right, named = s.class(c, true); c != deployment.Possible { // which needs some minutes
			require.GreaterOrEqual(t, share(right, named), least, "%s when the ticket is filed", c)
		}
	}
	undone, confirmed, vain, blamed := s.undone()
	require.GreaterOrEqual(t, share(confirmed, undone), 0.75, "rollbacks that helped")
	require.LessOrEqual(t, share(blamed, vain), 0.15, "rollbacks in vain")
}

func TestTheSameSeedSaysTheSame(t *testing.T) {
	code, first, errs := call("-seed", "7")
	require.Zero(t, code, errs)
	_, second, _ := call("-seed", "7")
	require.Equal(t, first, second)
	for _, k := range [][]world.Share{world.Bad, world.Hard, world.Others} {
		for _, kind := range k {
			require.Contains(t, first, "\n"+string(kind.Kind)+": ", "one verdict of each kind is in words")
		}
	}
	require.Contains(t, first, "seed 7, each of 12 services and 200 deployments")
	require.Contains(t, first, "\ntop-1 ")
}
