package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

var updateChecks = []check{
	{
		name: "update/writes",
		rule: "Update stores what fn returns; the next fn is given it, with its key, version, data and expiry, and found. Before, there is no record: fn is given the zero Record.",
		test: func(f *fixture) {
			key, expires := f.key("p1"), f.now.Add(time.Hour)
			f.expectNone(key)
			f.update(key, func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
				return correlate.Record{Version: 7, Data: []byte("one"), Expires: expires}, nil, nil
			})
			rec, found := f.read(key)
			if !found || rec.Key != key || rec.Version != 7 || string(rec.Data) != "one" || !rec.Expires.Equal(expires) {
				f.fatalf("fn was given %+v, %v; want what the update before wrote", rec, found)
			}
			f.write(key, "two")
			f.expectData(key, "two")
			if rec, _ := f.read(key); rec.Version != 1 || !rec.Expires.IsZero() {
				f.fatalf("the second write left version %d and expiry %v of the first; want 1 and none", rec.Version, rec.Expires)
			}
			f.expectNone(f.key("p2"))
		},
	},
	{
		name: "update/queues",
		rule: "Update stores a record and queues its deliveries in one step. A delivery is claimed as it was queued, of the record that was updated.",
		test: func(f *fixture) {
			key := f.key("p1")
			want := correlate.Delivery{
				ID: "p1-a-1", Key: key, Sink: "a", Operation: correlate.OpReopen,
				Due: f.now.Add(-time.Second), Attempts: 3, Created: f.now.Add(-time.Minute),
			}
			f.write(key, "x", want, f.due(key, "b", "p1-b-1"))
			f.expectData(key, "x")
			got := f.claimFrom(f.scope, longLease, 100, "a")
			f.expectIDs(got, "p1-a-1")
			if !sameDelivery(got[0], want) {
				f.fatalf("Claim returned %+v; want what was queued: %+v", got[0], want)
			}
			f.expectIDs(f.claimFrom(f.scope, longLease, 100, "b"), "p1-b-1")
		},
	},
	{
		name: "update/error",
		rule: "When fn returns an error, Update returns it and changes nothing: neither the record nor the outbox.",
		test: func(f *fixture) {
			key, failed := f.key("p1"), errors.New("storetest: fn failed")
			fail := func(data []byte) correlate.UpdateFunc {
				return func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
					return correlate.Record{Version: 1, Data: data}, []correlate.Delivery{f.due(key, "a", "p1-a-1")}, failed
				}
			}
			for _, data := range [][]byte{[]byte("y"), nil} {
				if err := f.store.Update(context.Background(), key, fail(data)); !errors.Is(err, failed) {
					f.fatalf("Update = %v; want fn's error", err)
				}
			}
			f.expectNone(key)
			f.write(key, "x")
			for _, data := range [][]byte{[]byte("y"), nil} {
				if err := f.store.Update(context.Background(), key, fail(data)); !errors.Is(err, failed) {
					f.fatalf("Update = %v; want fn's error", err)
				}
			}
			f.expectData(key, "x")
			f.expectIDs(f.claim())
		},
	},
	{
		name: "update/panic",
		rule: "A panic in fn changes nothing, and the store goes on: no lock and no transaction stays open.",
		test: func(f *fixture) {
			key := f.key("p1")
			f.write(key, "x")
			func() {
				defer func() { _ = recover() }()
				_ = f.store.Update(context.Background(), key, func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
					panic("storetest: fn panics")
				})
			}()
			next := make(chan error, 1)
			go func() { next <- f.store.Update(context.Background(), key, addOne) }()
			select {
			case err := <-next:
				if err != nil && !errors.Is(err, errNotANumber) {
					f.fatalf("Update after a panic in fn = %v", err)
				}
			case <-time.After(5 * time.Second):
				f.fatalf("Update after a panic in fn hangs")
			}
			f.expectData(key, "x")
		},
	},
	{
		name: "update/deletes",
		rule: "A returned Record whose Data is nil deletes the record, but not what is in the outbox: a delivery goes when it is settled. Data that is empty and not nil is kept.",
		test: func(f *fixture) {
			key := f.key("p1")
			f.write(key, "x", f.due(key, "a", "p1-a-1"))
			remove := func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
				return correlate.Record{Version: 1, Expires: f.now.Add(time.Hour)}, nil, nil
			}
			f.update(key, remove)
			f.expectNone(key)
			f.update(key, remove) // what is not there
			f.expectNone(key)
			f.claimOne("p1-a-1")

			f.write(key, "")
			if rec, found := f.read(key); !found || rec.Data == nil {
				f.fatalf("a record with empty data: found %v, data nil %v; want it found, not nil", found, rec.Data == nil)
			}
		},
	},
	{
		name: "update/same-id",
		rule: "Adding a delivery whose ID is already in the store changes nothing, so that a commit may be repeated. The rest of the update takes effect.",
		test: func(f *fixture) {
			key := f.key("p1")
			f.write(key, "1", f.due(key, "a", "p1-a-1"), f.due(key, "a", "p1-a-1"))
			again := f.due(key, "a", "p1-a-1")
			again.Operation, again.Attempts, again.Due = correlate.OpResolve, 9, f.now.Add(time.Hour)
			f.write(key, "2", again, f.due(key, "a", "p1-a-2"))
			f.expectData(key, "2")

			first := f.claimOne("p1-a-1")
			if first.Operation != correlate.OpUpdate || first.Attempts != 0 {
				f.fatalf("adding %q again changed it to %+v", first.ID, first)
			}
			f.write(key, "3", again) // while it is leased
			f.expectIDs(f.claim())
			f.done(first)
			f.done(f.claimOne("p1-a-2"))
			f.expectIDs(f.claim())
		},
	},
	{
		name: "update/concurrent",
		rule: "Updates of one key never overlap in effect: each sees what the one before it wrote, and none is lost, nor any of its deliveries.",
		test: func(f *fixture) {
			const workers, each = 8, 25
			key := f.key("p1")
			f.write(key, "0")
			var wg sync.WaitGroup
			errs := make(chan error, workers*each)
			for w := range workers {
				wg.Go(func() {
					for i := range each {
						add := f.due(key, fmt.Sprintf("s%d", w), fmt.Sprintf("p1-s%d-%02d", w, i))
						errs <- f.store.Update(context.Background(), key, func(cur correlate.Record, found bool) (correlate.Record, []correlate.Delivery, error) {
							next, _, err := addOne(cur, found)
							return next, []correlate.Delivery{add}, err
						})
					}
				})
			}
			wg.Wait()
			close(errs)
			for err := range errs {
				if err != nil {
					f.fatalf("Update = %v", err)
				}
			}
			f.expectData(key, strconv.Itoa(workers*each))
			for w := range workers {
				for i := range each {
					got := f.claimFrom(f.scope, longLease, 100, fmt.Sprintf("s%d", w))
					f.expectIDs(got, fmt.Sprintf("p1-s%d-%02d", w, i))
					f.done(got[0])
				}
			}
		},
	},
}

var errNotANumber = errors.New("storetest: the record is no number")

// addOne counts in a record.
func addOne(cur correlate.Record, _ bool) (correlate.Record, []correlate.Delivery, error) {
	n, err := strconv.Atoi(string(cur.Data))
	if err != nil {
		return correlate.Record{}, nil, errNotANumber
	}
	return correlate.Record{Version: 1, Data: strconv.AppendInt(nil, int64(n)+1, 10)}, nil, nil
}

// sameDelivery reports whether two deliveries are the same but for their lease.
func sameDelivery(a, b correlate.Delivery) bool {
	return a.ID == b.ID && a.Key == b.Key && a.Sink == b.Sink && a.Operation == b.Operation &&
		a.Due.Equal(b.Due) && a.Attempts == b.Attempts && a.Created.Equal(b.Created)
}
