package storetest

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

var claimChecks = []check{
	{
		name: "claim/oldest-first",
		rule: "Claim returns deliveries oldest first, of all sinks asked for, whatever the order of their records and IDs.",
		test: func(f *fixture) {
			// Created and Due agree here: the older one was also due earlier.
			for i, age := range []int{2, 5, 1, 4, 3} {
				d := f.due(f.key(fmt.Sprintf("p%d", i)), []string{"a", "b"}[i%2], fmt.Sprintf("%d-seconds-old", age))
				d.Created = f.now.Add(-time.Duration(age) * time.Second)
				d.Due = d.Created
				f.write(d.Key, "x", d)
			}
			f.expectIDs(f.claim(), "5-seconds-old", "4-seconds-old", "3-seconds-old", "2-seconds-old", "1-seconds-old")
		},
	},
	{
		name: "claim/due",
		rule: "Claim returns what is due at Claim.Now, that instant included, and nothing that is due later.",
		test: func(f *fixture) {
			for id, due := range map[string]time.Time{"p1": f.now, "p2": f.now.Add(time.Second), "p3": f.now.Add(time.Hour)} {
				d := f.due(f.key(id), "a", id+"-a-1")
				d.Due = due
				f.write(d.Key, "x", d)
			}
			f.claimOne("p1-a-1")
			f.now = f.now.Add(time.Second)
			f.claimOne("p2-a-1")
			f.expectIDs(f.claim())
		},
	},
	{
		name: "claim/max",
		rule: "Claim returns at most Max deliveries, and leases no others.",
		test: func(f *fixture) {
			for i := range 5 {
				d := f.due(f.key(fmt.Sprintf("p%d", i)), "a", fmt.Sprintf("p%d-a-1", i))
				d.Created = f.now.Add(time.Duration(i-10) * time.Second)
				d.Due = d.Created
				f.write(d.Key, "x", d)
			}
			f.expectIDs(f.claimFrom(f.scope, longLease, 2, "a"), "p0-a-1", "p1-a-1")
			f.expectIDs(f.claimFrom(f.scope, longLease, 2, "a"), "p2-a-1", "p3-a-1")
			f.expectIDs(f.claimFrom(f.scope, longLease, 2, "a"), "p4-a-1")
		},
	},
	{
		name: "claim/scope",
		rule: "Claim returns deliveries of its own scope: namespace, service and environment are all the same.",
		test: func(f *fixture) {
			scopes := []correlate.Scope{f.scope, f.scope, f.scope, f.scope}
			scopes[1].Namespace, scopes[2].Service, scopes[3].Environment = "other", "other", "other"
			for i, scope := range scopes {
				key := correlate.Key{Scope: scope, Kind: correlate.KindProblem, ID: "p1"}
				f.write(key, "x", f.due(key, "a", fmt.Sprintf("scope-%d", i)))
			}
			for i, scope := range scopes {
				f.expectIDs(f.claimFrom(scope, longLease, 100, "a"), fmt.Sprintf("scope-%d", i))
			}
			f.expectIDs(f.claimFrom(correlate.Scope{}, longLease, 100, "a"))
		},
	},
	{
		name: "claim/sinks",
		rule: "Claim returns deliveries for the sinks that the caller has, and no others; without sinks it returns none.",
		test: func(f *fixture) {
			key := f.key("p1")
			f.write(key, "x", f.due(key, "a", "p1-a-1"), f.due(key, "b", "p1-b-1"), f.due(key, "c", "p1-c-1"))
			f.expectIDs(f.claimFrom(f.scope, longLease, 100))
			f.expectIDs(f.claimFrom(f.scope, longLease, 100, "b", "b"), "p1-b-1")
			f.expectIDs(f.claimFrom(f.scope, longLease, 100, "d"))
			got := ids(f.claimFrom(f.scope, longLease, 100, "a", "c"))
			if slices.Sort(got); !slices.Equal(got, []string{"p1-a-1", "p1-c-1"}) {
				f.fatalf("Claim returned %q; want those of sinks a and c", got)
			}
		},
	},
	{
		name: "claim/operations",
		rule: "Claim returns deliveries with the operations asked for, however many others are before them; without operations it returns all. A line whose oldest delivery has another operation is passed over, and what stands behind that one stays back.",
		test: func(f *fixture) {
			queue := func(record, sink, id string, op correlate.Operation) {
				d := f.due(f.key(record), sink, id)
				d.Operation = op
				f.write(d.Key, "x", d)
			}
			only := func(limit int, ops ...correlate.Operation) []correlate.Delivery {
				return f.claims(correlate.Claim{Scope: f.scope, Sinks: []string{"a", "b"}, Lease: longLease, Max: limit, Operations: ops})
			}
			for i := range 600 { // more than any store looks at in one go
				queue(fmt.Sprintf("note%d", i), "a", fmt.Sprintf("note%d", i), correlate.OpUpdate)
			}
			queue("p1", "a", "p1-open", correlate.OpOpen)
			queue("p1", "a", "p1-resolve", correlate.OpResolve)
			queue("p2", "b", "p2-update", correlate.OpUpdate)
			queue("p2", "b", "p2-reopen", correlate.OpReopen)
			queue("p3", "b", "p3-reopen", correlate.OpReopen)
			f.expectIDs(only(1, correlate.OpOpen, correlate.OpReopen), "p1-open")
			got := only(100, correlate.OpReopen, correlate.OpOpen)
			f.expectIDs(got, "p3-reopen")
			f.expectIDs(only(100, correlate.OpOpen, correlate.OpReopen))
			f.expectIDs(only(100, correlate.OpResolve))
			if got := only(1000, correlate.OpUpdate); len(got) != 601 {
				f.fatalf("Claim of updates returned %d; want 601", len(got))
			} else {
				f.done(got[600])
			}
			f.expectIDs(only(100, correlate.OpUpdate, correlate.OpReopen), "p2-reopen")
			f.settle(got[0], correlate.Outcome{Due: f.now.Add(time.Minute)}, nil)
			f.expectIDs(only(100, correlate.OpReopen))
			f.now = f.now.Add(time.Minute)
			f.expectIDs(only(100, correlate.OpUpdate))
			f.expectIDs(f.claim(), "p3-reopen")
		},
	},
	{
		name: "claim/one-at-a-time",
		rule: "Of one record and sink Claim returns one delivery at a time: while it is leased, to whomever, later ones stay back. Other sinks of the record, and other records, go on.",
		test: func(f *fixture) {
			f.queue(f.key("p1"), "p1-a-1", "p1-a-2", "p1-a-3")
			first := f.claimOne("p1-a-1")
			f.expectIDs(f.claim())
			f.queue(f.key("p1"), "p1-a-4")
			f.expectIDs(f.claim())

			f.queue(f.key("p2"), "p2-a-1")
			f.claimOne("p2-a-1")
			f.write(f.key("p1"), "x", f.due(f.key("p1"), "b", "p1-b-1"))
			f.claimOne("p1-b-1")

			f.done(first)
			for _, id := range []string{"p1-a-2", "p1-a-3", "p1-a-4"} {
				f.done(f.claimOne(id))
			}
			f.expectIDs(f.claim())
		},
	},
	{
		name: "claim/in-order",
		rule: "Deliveries of one record and sink are claimed in the order in which the updates that queued them took effect, whatever their IDs and the clocks of those who made them: a resolution must not overtake the opening.",
		test: func(f *fixture) {
			key := f.key("p1")
			z, y, x := f.due(key, "a", "z"), f.due(key, "a", "y"), f.due(key, "a", "x")
			early := f.due(key, "a", "a-clock-behind")
			early.Created = f.now.Add(-time.Hour)
			early.Due = early.Created
			f.write(key, "x", z, y)
			f.write(key, "x", x)
			f.write(key, "x", early)
			for _, id := range []string{"z", "y", "x", "a-clock-behind"} {
				f.done(f.claimOne(id))
			}
		},
	},
	{
		name: "claim/waits-for-retry",
		rule: "While the first delivery of a record and sink waits for its time, later ones stay back though they are due. Other records go on.",
		test: func(f *fixture) {
			f.queue(f.key("p1"), "p1-a-1", "p1-a-2")
			f.settle(f.claimOne("p1-a-1"), correlate.Outcome{Due: f.now.Add(time.Minute)}, nil)
			f.queue(f.key("p2"), "p2-a-1")
			f.claimOne("p2-a-1")
			f.expectIDs(f.claim())
			f.now = f.now.Add(time.Minute)
			f.done(f.claimOne("p1-a-1"))
			f.done(f.claimOne("p1-a-2"))

			later := f.due(f.key("p3"), "a", "p3-a-1")
			later.Due = f.now.Add(time.Minute)
			f.write(later.Key, "x", later)
			f.queue(later.Key, "p3-a-2")
			f.expectIDs(f.claim())
		},
	},
	{
		name: "claim/lease-ends",
		rule: "When a lease has run out the delivery can be claimed again, as it was, under another lease; what stands behind it stays back.",
		test: func(f *fixture) {
			f.queue(f.key("p1"), "p1-a-1", "p1-a-2")
			got := f.claimFrom(f.scope, shortLease, 100, "a")
			f.expectIDs(got, "p1-a-1")
			f.pass(lapse)
			again := f.claimOne("p1-a-1")
			if again.Lease == got[0].Lease {
				f.fatalf("claimed twice under the same lease %q: the first claim could settle the second", again.Lease)
			}
			if !sameDelivery(again, got[0]) {
				f.fatalf("claimed again as %+v; want it unchanged: %+v", again, got[0])
			}
			f.expectIDs(f.claim())
		},
	},
	{
		name: "claim/concurrent",
		rule: "However many claim at once, a delivery goes to one of them, and those of one record and sink arrive in order.",
		test: func(f *fixture) {
			const workers, records, each = 8, 10, 10
			for r := range records {
				for i := range each {
					f.queue(f.key(fmt.Sprintf("p%d", r)), fmt.Sprintf("p%d-a-%d", r, i))
				}
			}
			var (
				wg   sync.WaitGroup
				mu   sync.Mutex
				seen = make(map[string][]string) // by record, in order
				left = records * each
				errs []error
			)
			more := func() bool {
				mu.Lock()
				defer mu.Unlock()
				return left > 0 && len(errs) == 0
			}
			c := correlate.Claim{Scope: f.scope, Sinks: []string{"a"}, Now: f.now, Lease: longLease, Max: 3}
			for range workers {
				wg.Go(func() {
					// A store that loses a delivery would keep this going for ever.
					for tries := 0; more() && tries < 100*records*each; tries++ {
						got, err := f.store.Claim(context.Background(), c)
						runtime.Gosched() // let another claim while this one is busy
						mu.Lock()
						left -= len(got)
						for _, d := range got {
							seen[d.Key.ID] = append(seen[d.Key.ID], d.ID)
						}
						mu.Unlock()
						for _, d := range got {
							if err == nil {
								err = f.store.Settle(context.Background(), d, correlate.Outcome{Done: true}, nil)
							}
						}
						if err != nil {
							mu.Lock()
							errs = append(errs, err)
							mu.Unlock()
						}
					}
				})
			}
			wg.Wait()
			for _, err := range errs {
				f.fatalf("Claim or Settle = %v", err)
			}
			for r := range records {
				var want []string
				for i := range each {
					want = append(want, fmt.Sprintf("p%d-a-%d", r, i))
				}
				if id := fmt.Sprintf("p%d", r); !slices.Equal(seen[id], want) {
					f.fatalf("deliveries of record %s were claimed as %q; want %q", id, seen[id], want)
				}
			}
		},
	},
}
