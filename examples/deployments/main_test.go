package main

import (
	"bytes"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

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

func TestFleetsAreSimulatedAtOnce(t *testing.T) {
	s := simulateAll(t, firstSeed, 2)
	require.Positive(t, s.count(world.Bad...).faults)
}

func call(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(args, &out, &errs)
	return code, out.String(), errs.String()
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
