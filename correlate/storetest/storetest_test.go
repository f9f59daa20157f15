package storetest

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
)

func TestNaive(t *testing.T) {
	Run(t, func(*testing.T) correlate.Store { return newNaive("") })
}

func TestStoreWithItsOwnClock(t *testing.T) {
	Run(t, func(*testing.T) correlate.Store { return newClocked() })
}

// A store with a bug fails the check of the rule that it breaks, and each check
// is failed by some store.
func TestSuiteFails(t *testing.T) {
	caught := make(map[string]bool)
	for _, test := range []struct {
		bug   bug
		check string // the one that must fail; others may, too
	}{
		{"loses the version", "update/writes"},
		{"loses the expiry", "update/writes"},
		{"drops deliveries", "update/queues"},
		{"forgets when it was created", "update/queues"},
		{"hides fn's error", "update/error"},
		{"keeps the record of a failed fn", "update/error"},
		{"keeps the deliveries of a failed fn", "update/error"},
		{"stays locked after a panic", "update/panic"},
		{"empty data is none", "update/deletes"},
		{"deliveries go with their record", "update/deletes"},
		{"queues the same ID again", "update/same-id"},
		{"updates overlap", "update/concurrent"},
		{"newest first", "claim/oldest-first"},
		{"ignores Due", "claim/due"},
		{"ignores Max", "claim/max"},
		{"leases more than it returns", "claim/max"},
		{"scopes collide", "claim/scope"},
		{"ignores sinks", "claim/sinks"},
		{"ignores operations", "claim/operations"},
		{"overtakes what is passed over", "claim/operations"},
		{"gives out a whole line", "claim/one-at-a-time"},
		{"ignores leases", "claim/one-at-a-time"},
		{"orders by ID", "claim/in-order"},
		{"orders by Created", "claim/in-order"},
		{"overtakes what waits", "claim/waits-for-retry"},
		{"a retry goes to the end", "claim/waits-for-retry"},
		{"leases never end", "claim/lease-ends"},
		{"reuses leases", "claim/lease-ends"},
		{"claims race", "claim/concurrent"},
		{"keeps what is done", "settle/done"},
		{"deletes the record without fn", "settle/done"},
		{"keeps the old attempts", "settle/again"},
		{"tries again at once", "settle/again"},
		{"ignores Settle's fn", "settle/record"},
		{"settles though fn failed", "settle/error"},
		{"refuses late settlements", "settle/late"},
		{"settles without a lease", "settle/lost"},
		{"writes without a lease", "settle/lost"},
		{"reuses leases", "settle/lost"},
		{"a settled lease stays", "settle/twice"},
		{"settles what is gone", "settle/twice"},
		{"takes a lease from fn", "settle/forged"},
		{"lists more than a page", "list/pages"},
		{"lists by ID", "list/pages"},
		{"lists all kinds", "list/pages"},
		{"lists all scopes", "list/scope"},
		{"starts again after a deleted key", "list/after"},
		{"lists what has expired", "list/expired"},
		{"never expires", "list/expired"},
		{"never expires", "list/expired-deliveries"},
		{"lists old data", "list/current"},
		{"ignores the context", "context"},
		{"large data is cut", "data/large"},
		{"data is text", "data/binary"},
		{"keys collide", "data/keys"},
		{"kinds collide", "data/keys"},
	} {
		t.Run(fmt.Sprintf("%s/%s", test.bug, test.check), func(t *testing.T) {
			t.Parallel() // one has to wait for a store that hangs
			c := findCheck(t, test.check)
			var r *watcher
			for range 50 { // one that races may win
				if r = watch(func(r reporter) { c.run(r, newNaive(test.bug)) }); r.failure != "" {
					break
				}
			}
			require.Contains(t, r.failure, c.rule, "the suite passes a store that is wrong")
		})
		caught[test.check] = true
	}
	for _, c := range checks {
		require.True(t, caught[c.name], "no store fails %s: does it check anything?", c.name)
	}
}

// A random history finds bugs that are in the way of no single rule, and says
// how to see them again.
func TestRandomFails(t *testing.T) {
	for _, b := range []bug{
		"queues the same ID again", "keeps the deliveries of a failed fn", "gives out a whole line", "overtakes what waits",
		"a retry goes to the end", "leases never end", "keeps the old attempts", "a settled lease stays", "refuses late settlements",
	} {
		t.Run(string(b), func(t *testing.T) {
			failures := 0
			for seed := range uint64(8) {
				r := watch(func(r reporter) { runHistory(r, newNaive(b), seed, 200) })
				if r.failure != "" {
					failures++
					require.Contains(t, r.failure, fmt.Sprintf("Seed %d, step ", seed))
					again := watch(func(r reporter) { runHistory(r, newNaive(b), seed, 200) })
					_, first, _ := strings.Cut(r.failure, "Seed")
					_, second, _ := strings.Cut(again.failure, "Seed")
					require.Equal(t, first, second, "the same seed, the same history")
				}
			}
			require.NotZero(t, failures, "no history finds it")
		})
	}
}

func findCheck(t *testing.T, name string) check {
	for _, c := range checks {
		if c.name == name {
			return c
		}
	}
	require.FailNow(t, "no such check", name)
	return check{}
}

// watcher keeps the failure of a check.
type watcher struct{ failure string }

func (*watcher) Helper() {}

func (w *watcher) Fatalf(format string, args ...any) {
	w.failure = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// watch runs a check and returns how it failed.
func watch(run func(reporter)) *watcher {
	w := new(watcher)
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(w)
	}()
	<-done
	return w
}
