package main

import (
	"bytes"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate/deployment"
	"github.com/spanticket/spanticket/internal/world"
)

// The seeds that are asserted. What is tuned is tuned on others.
const (
	firstSeed = 1
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

// unraced leaves out what the race detector makes minutes of, and what it has said all of
// in TestFleetsAreSimulatedAtOnce.
func unraced(t *testing.T) {
	info, _ := debug.ReadBuildInfo()
	if slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Skip("it is asserted without the race detector")
	}
}

func TestFleetsAreSimulatedAtOnce(t *testing.T) {
	s := simulateAll(t, firstSeed, 2)
	require.Positive(t, s.count(world.Bad...).faults)
}

func TestTheRightDeploymentIsNamed(t *testing.T) {
	unraced(t)
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

func call(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(args, &out, &errs)
	return code, out.String(), errs.String()
}

func TestTheSameSeedSaysTheSame(t *testing.T) {
	unraced(t)
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

func TestCall(t *testing.T) {
	for _, row := range []struct {
		rule string
		args []string
		code int
	}{
		{"help is no mistake", []string{"-h"}, 0},
		{"an argument is", []string{"seven"}, 2},
		{"and so is no fleet", []string{"-seeds", "0"}, 2},
		{"and what is no flag", []string{"-tickets"}, 2},
	} {
		t.Run(row.rule, func(t *testing.T) {
			code, out, errs := call(row.args...)
			require.Equal(t, row.code, code)
			require.Empty(t, out)
			require.Contains(t, errs, "usage: deployments")
		})
	}
}
