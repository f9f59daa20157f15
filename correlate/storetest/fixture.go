package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

const (
	// A lease that does not end while a check runs, however slow the computer.
	longLease = 24 * time.Hour
	// A lease that a check lets run out, by passing lapse. Nothing is expected
	// of it before.
	shortLease = 200 * time.Millisecond
	lapse      = shortLease + 100*time.Millisecond
)

// errKeep is what a function returns that only looks at a record.
var errKeep = errors.New("storetest: look, but change nothing")

// fixture is one store under one check. Its methods fail the check when the
// store returns an error.
type fixture struct {
	reporter
	store correlate.Store
	rule  string
	where func() string // says more about a failure; may be nil
	now   time.Time
	scope correlate.Scope
}

func newFixture(t reporter, s correlate.Store, rule string) *fixture {
	return &fixture{
		reporter: t,
		store:    s,
		rule:     rule,
		now:      time.Now().UTC().Truncate(time.Second),
		scope:    correlate.Scope{Namespace: "shop", Service: "checkout", Environment: "production"},
	}
}

func (f *fixture) fatalf(format string, args ...any) {
	f.Helper()
	where := ""
	if f.where != nil {
		where = "\n" + f.where()
	}
	f.Fatalf("%s\nThe rule: %s%s", fmt.Sprintf(format, args...), f.rule, where)
}

// pass lets time go by, for Claim.Now as for a clock of the store's own.
func (f *fixture) pass(d time.Duration) {
	f.Helper()
	f.now = f.now.Add(d)
	if a, ok := f.store.(Advancer); ok {
		a.Advance(d)
	}
	// A store without a clock learns of it by a claim.
	f.claimFrom(correlate.Scope{Service: "nobody"}, longLease, 1, "none")
}

func (f *fixture) key(id string) correlate.Key {
	return correlate.Key{Scope: f.scope, Kind: correlate.KindProblem, ID: id}
}

// due makes a delivery that can be claimed now.
func (f *fixture) due(key correlate.Key, sink, id string) correlate.Delivery {
	return correlate.Delivery{ID: id, Key: key, Sink: sink, Operation: correlate.OpUpdate, Due: f.now, Created: f.now}
}

func (f *fixture) update(key correlate.Key, fn correlate.UpdateFunc) {
	f.Helper()
	if err := f.store.Update(context.Background(), key, fn); err != nil {
		f.fatalf("Update(%+v) = %v", key, err)
	}
}

// write puts data into a record that does not expire, and queues deliveries.
func (f *fixture) write(key correlate.Key, data string, add ...correlate.Delivery) {
	f.Helper()
	f.update(key, setData(data, add...))
}

// queue puts deliveries of sink "a" in line for a record.
func (f *fixture) queue(key correlate.Key, ids ...string) {
	f.Helper()
	for _, id := range ids {
		f.write(key, "x", f.due(key, "a", id))
	}
}

// read looks at a record through an Update that changes nothing.
func (f *fixture) read(key correlate.Key) (rec correlate.Record, found bool) {
	f.Helper()
	err := f.store.Update(context.Background(), key, func(cur correlate.Record, ok bool) (correlate.Record, []correlate.Delivery, error) {
		rec, found = cur, ok
		return correlate.Record{}, nil, errKeep
	})
	if !errors.Is(err, errKeep) {
		f.fatalf("Update(%+v) with a function that returned an error = %v; want that error", key, err)
	}
	return rec, found
}

// expectData fails unless the record is there and holds data.
func (f *fixture) expectData(key correlate.Key, data string) {
	f.Helper()
	rec, found := f.read(key)
	if !found || string(rec.Data) != data {
		f.fatalf("record %+v: found %v with data %.60q; want data %.60q", key, found, rec.Data, data)
	}
}

func (f *fixture) expectNone(key correlate.Key) {
	f.Helper()
	if rec, found := f.read(key); found || rec.Data != nil {
		f.fatalf("record %+v: found %v with data %.60q; want no record and the zero Record", key, found, rec.Data)
	}
}

func (f *fixture) claimFrom(scope correlate.Scope, lease time.Duration, limit int, sinks ...string) []correlate.Delivery {
	f.Helper()
	return f.claims(correlate.Claim{Scope: scope, Sinks: sinks, Lease: lease, Max: limit})
}

// claims makes the claim now.
func (f *fixture) claims(c correlate.Claim) []correlate.Delivery {
	f.Helper()
	c.Now = f.now
	got, err := f.store.Claim(context.Background(), c)
	if err != nil {
		f.fatalf("Claim = %v", err)
	}
	for _, d := range got {
		if d.Lease == "" {
			f.fatalf("Claim returned delivery %q without a lease", d.ID)
		}
	}
	return got
}

// claim claims what it can for sinks "a" and "b".
func (f *fixture) claim() []correlate.Delivery {
	f.Helper()
	return f.claimFrom(f.scope, longLease, 100, "a", "b")
}

// claimOne is a claim that must return just the delivery with this ID.
func (f *fixture) claimOne(id string) correlate.Delivery {
	f.Helper()
	got := f.claim()
	f.expectIDs(got, id)
	return got[0]
}

// expectIDs fails unless got is these deliveries, in this order.
func (f *fixture) expectIDs(got []correlate.Delivery, want ...string) {
	f.Helper()
	same := len(got) == len(want)
	for i := range got {
		same = same && got[i].ID == want[i]
	}
	if !same {
		f.fatalf("Claim returned %q; want %q", ids(got), want)
	}
}

func ids(ds []correlate.Delivery) []string {
	out := make([]string, len(ds))
	for i, d := range ds {
		out[i] = d.ID
	}
	return out
}

func (f *fixture) settle(d correlate.Delivery, o correlate.Outcome, fn correlate.UpdateFunc) {
	f.Helper()
	if err := f.store.Settle(context.Background(), d, o, fn); err != nil {
		f.fatalf("Settle(%q) = %v", d.ID, err)
	}
}

func (f *fixture) done(d correlate.Delivery) {
	f.Helper()
	f.settle(d, correlate.Outcome{Done: true}, nil)
}

// expectLost fails unless the claim of d is over, and settling it, in either
// way, changes nothing.
func (f *fixture) expectLost(d correlate.Delivery) {
	f.Helper()
	before, found := f.read(d.Key)
	for _, o := range []correlate.Outcome{{Done: true}, {Due: f.now.Add(time.Hour)}} {
		err := f.store.Settle(context.Background(), d, o, setData("written without a lease", f.due(d.Key, d.Sink, "queued without a lease")))
		if !errors.Is(err, correlate.ErrLeaseLost) {
			f.fatalf("Settle(%q) with lease %q and outcome %+v = %v; want ErrLeaseLost", d.ID, d.Lease, o, err)
		}
	}
	if after, ok := f.read(d.Key); ok != found || string(after.Data) != string(before.Data) {
		f.fatalf("Settle(%q) returned ErrLeaseLost and changed the record from %q to %q", d.ID, before.Data, after.Data)
	}
}

// setData is an UpdateFunc that writes data and queues deliveries.
func setData(data string, add ...correlate.Delivery) correlate.UpdateFunc {
	return func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
		return correlate.Record{Version: 1, Data: []byte(data)}, add, nil
	}
}
