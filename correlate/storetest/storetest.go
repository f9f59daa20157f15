// Package storetest holds implementations of [correlate.Store] to its rules.
//
// Call [Run] from a test of the store's own package:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) correlate.Store {
//			s := openStore(t.TempDir())
//			t.Cleanup(func() { s.Close() })
//			return s
//		})
//	}
//
// Run it with the race detector as well.
//
// The suite does not sleep: it says what time it is through Claim.Now, which
// starts at the time of the computer. A store that judges leases and expiry by
// another clock is given to the suite as an [Advancer].
package storetest

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// Advancer is implemented by what Run's newStore returns when the store judges
// leases or the expiry of records by its own clock instead of Claim.Now. Such a
// clock must start near the time of the computer.
type Advancer interface {
	// Advance moves the clock forward by d, or returns when so much time has
	// passed. The suite asks for less than half a second, some fifteen times.
	Advance(d time.Duration)
}

// Run checks a store against every rule of [correlate.Store], each in a subtest
// of its own whose failure says which rule is broken. newStore returns an empty
// store that nothing else uses, with room for 16 MiB of data; it is called once
// a subtest, and cleans up through t.
//
// The last subtests run random histories, one of them from a seed that is new
// every time. A failure prints its seed, for [Random].
func Run(t *testing.T, newStore func(t *testing.T) correlate.Store) {
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			c.run(t, newStore(t))
		})
	}
	t.Run("random", func(t *testing.T) {
		for _, seed := range []uint64{1, 2, 3, 4, 5, 6, 7, rand.Uint64()} {
			t.Run("", func(t *testing.T) { Random(t, newStore, seed, 200) })
		}
	})
}

// Random runs one random history of so many steps, made from seed, and compares
// what the store does with a model of it after each step. The same seed, steps
// and behaviour give the same history.
func Random(t *testing.T, newStore func(t *testing.T) correlate.Store, seed uint64, steps int) {
	t.Helper()
	runHistory(t, newStore(t), seed, steps)
}

// check is one rule, and the code that finds out whether a store keeps it.
type check struct {
	name string
	rule string // printed when it is broken
	test func(*fixture)
}

var checks = slices.Concat(updateChecks, claimChecks, settleChecks, listChecks, dataChecks)

func (c check) run(t reporter, s correlate.Store) {
	t.Helper()
	c.test(newFixture(t, s, c.rule))
}

// reporter is what the suite needs of [testing.T], so that its own tests can
// watch it fail.
type reporter interface {
	Helper()
	// Fatalf does not return.
	Fatalf(format string, args ...any)
}
