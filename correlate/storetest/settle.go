package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

var settleChecks = []check{
	{
		name: "settle/done",
		rule: "A delivery that is done is gone: nobody claims it again, and the next one of its record and sink follows. Without fn the record stays as it is.",
		test: func(f *fixture) {
			f.queue(f.key("p1"), "p1-a-1", "p1-a-2")
			f.done(f.claimOne("p1-a-1"))
			f.done(f.claimOne("p1-a-2"))
			f.now = f.now.Add(time.Hour)
			f.expectIDs(f.claim())
			f.expectData(f.key("p1"), "x")
		},
	},
	{
		name: "settle/again",
		rule: "A delivery that is not done waits until the outcome's Due, with the Attempts that were given, and is otherwise as it was. Without fn the record stays as it is.",
		test: func(f *fixture) {
			key := f.key("p1")
			f.queue(key, "p1-a-1")
			want := f.claimOne("p1-a-1")
			for attempt := 1; attempt <= 3; attempt++ {
				d := want
				d.Attempts, want.Attempts = attempt, attempt
				want.Due = f.now.Add(time.Minute)
				f.settle(d, correlate.Outcome{Due: want.Due}, nil)
				f.now = want.Due.Add(-time.Second)
				f.expectIDs(f.claim())
				f.now = want.Due
				got := f.claimOne("p1-a-1")
				if !sameDelivery(got, want) {
					f.fatalf("claimed again as %+v; want %+v", got, want)
				}
				want.Lease = got.Lease
			}
			f.expectData(key, "x")
		},
	},
	{
		name: "settle/record",
		rule: "Settle's fn is given the record as it is now and changes it, and queues deliveries, in the same step: a receipt is stored with the delivery it ends.",
		test: func(f *fixture) {
			key := f.key("p1")
			f.queue(key, "p1-a-1", "p1-a-2")
			d := f.claimOne("p1-a-1")
			f.write(key, "counted meanwhile")
			f.settle(d, correlate.Outcome{Done: true}, func(cur correlate.Record, found bool) (correlate.Record, []correlate.Delivery, error) {
				next := correlate.Record{Version: 2, Data: fmt.Appendf(nil, "%s, %v, and filed", cur.Data, found)}
				return next, []correlate.Delivery{f.due(key, "a", "p1-a-3"), f.due(key, "b", "p1-b-1")}, nil
			})
			f.expectData(key, "counted meanwhile, true, and filed")
			f.expectIDs(f.claimFrom(f.scope, longLease, 100, "b"), "p1-b-1")
			d = f.claimOne("p1-a-2")
			f.settle(d, correlate.Outcome{Due: f.now}, setData("failed"))
			f.expectData(key, "failed")
			f.done(f.claimOne("p1-a-2"))
			f.done(f.claimOne("p1-a-3"))

			f.update(key, func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
				return correlate.Record{}, []correlate.Delivery{f.due(key, "a", "p1-a-4")}, nil
			})
			var cur correlate.Record
			var found bool
			f.settle(f.claimOne("p1-a-4"), correlate.Outcome{Done: true}, func(rec correlate.Record, ok bool) (correlate.Record, []correlate.Delivery, error) {
				cur, found = rec, ok
				return correlate.Record{Version: 1, Data: []byte("anew")}, nil, nil
			})
			if found || cur.Data != nil {
				f.fatalf("fn was given %+v, %v after the record was deleted; want the zero Record, false", cur, found)
			}
			f.expectData(key, "anew")

			f.queue(key, "p1-a-5")
			f.settle(f.claimOne("p1-a-5"), correlate.Outcome{Done: true}, func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
				return correlate.Record{}, nil, nil
			})
			f.expectNone(key)
		},
	},
	{
		name: "settle/error",
		rule: "When fn returns an error, Settle returns it and changes nothing: the delivery is still leased to the caller, who may settle it again.",
		test: func(f *fixture) {
			key, failed := f.key("p1"), errors.New("storetest: fn failed")
			f.queue(key, "p1-a-1")
			d := f.claimOne("p1-a-1")
			for _, o := range []correlate.Outcome{{Done: true}, {Due: f.now}} {
				err := f.store.Settle(context.Background(), d, o, func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
					return correlate.Record{Version: 1, Data: []byte("y")}, []correlate.Delivery{f.due(key, "b", "p1-b-1")}, failed
				})
				if !errors.Is(err, failed) {
					f.fatalf("Settle = %v; want fn's error", err)
				}
			}
			f.expectData(key, "x")
			f.expectIDs(f.claim())
			f.settle(d, correlate.Outcome{Done: true}, setData("z"))
			f.expectData(key, "z")
			f.expectIDs(f.claim())
		},
	},
	{
		name: "settle/late",
		rule: "A lease that has run out still counts while nobody else has claimed the delivery: what was sent must not be sent again because the answer was slow.",
		test: func(f *fixture) {
			f.queue(f.key("p1"), "p1-a-1")
			got := f.claimFrom(f.scope, shortLease, 100, "a")
			f.expectIDs(got, "p1-a-1")
			f.pass(lapse)
			f.settle(got[0], correlate.Outcome{Done: true}, setData("filed"))
			f.expectData(f.key("p1"), "filed")
			f.expectIDs(f.claim())
		},
	},
	{
		name: "settle/lost",
		rule: "When a lease has run out and another has claimed the delivery, Settle of the first returns ErrLeaseLost and changes nothing; the second goes on.",
		test: func(f *fixture) {
			f.queue(f.key("p1"), "p1-a-1")
			got := f.claimFrom(f.scope, shortLease, 100, "a")
			f.expectIDs(got, "p1-a-1")
			f.pass(lapse)
			second := f.claimOne("p1-a-1")
			f.expectLost(got[0])
			f.expectIDs(f.claim())
			f.done(second)
			f.expectLost(got[0])
			f.expectIDs(f.claim())
		},
	},
	{
		name: "settle/twice",
		rule: "A claim is settled once: after that, Settle returns ErrLeaseLost and changes nothing, whether the delivery is gone, waits or is claimed again.",
		test: func(f *fixture) {
			f.queue(f.key("p1"), "p1-a-1")
			first := f.claimOne("p1-a-1")
			f.settle(first, correlate.Outcome{Due: f.now}, nil)
			f.expectLost(first)
			second := f.claimOne("p1-a-1")
			f.expectLost(first)
			f.done(second)
			f.expectLost(second)
			f.expectIDs(f.claim())
		},
	},
	{
		name: "settle/forged",
		rule: "Only Claim gives a lease: Settle of what was never claimed, or with another lease, returns ErrLeaseLost and changes nothing.",
		test: func(f *fixture) {
			key := f.key("p1")
			d := f.due(key, "a", "p1-a-1")
			d.Lease = "forged"
			f.write(key, "x", d)
			f.expectLost(d)
			d.Lease = ""
			f.expectLost(d)
			f.expectLost(f.due(key, "a", "p1-a-2"))
			claimed := f.claimOne("p1-a-1")
			d.Lease = claimed.Lease + "x"
			f.expectLost(d)
			f.done(claimed)
			f.expectIDs(f.claim())
		},
	},
}
