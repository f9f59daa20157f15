package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

var (
	historySinks      = []string{"a", "b", "c"}
	historyOperations = []correlate.Operation{correlate.OpOpen, correlate.OpUpdate, correlate.OpResolve}
)

// errHistory is what some functions of a history return.
var errHistory = errors.New("storetest: fn of the history failed")

// history is a random run of a store beside its model.
type history struct {
	*fixture
	random  *rand.Rand
	model   *model
	claimed []correlate.Delivery // every claim ever made, in force or not
	made    int                  // numbers deliveries and data
	lapses  int                  // how often a lease may still run out
	log     []string
}

func runHistory(t reporter, s correlate.Store, seed uint64, steps int) {
	t.Helper()
	h := &history{
		fixture: newFixture(t, s, "After any history of updates, claims and settlements a store holds what they say, and every delivery waits, is leased or is gone."),
		random:  rand.New(rand.NewPCG(seed, uint64(steps))),
		model:   newModel(),
		lapses:  steps,
	}
	if _, ok := s.(Advancer); ok {
		h.lapses = 1 // it may have to wait
	}
	step := 0
	h.where = func() string {
		return fmt.Sprintf("Seed %d, step %d of %d, after:\n\t%s", seed, step, steps, strings.Join(h.log, "\n\t"))
	}
	for ; step < steps; step++ {
		switch n := h.random.IntN(100); {
		case n < 35:
			h.stepUpdate()
		case n < 65:
			h.stepClaim()
		case n < 90:
			h.stepSettle()
		default:
			h.note("time passes")
			h.now = h.now.Add(time.Duration(1+h.random.IntN(3)) * time.Second)
		}
		h.compare()
	}
	h.note("what is left is claimed and settled")
	h.drain()
}

// note keeps the last steps, for the report of a failure.
func (h *history) note(format string, args ...any) {
	h.log = append(h.log, fmt.Sprintf(format, args...))
	h.log = h.log[max(0, len(h.log)-30):]
}

func (h *history) anyKey() correlate.Key {
	key := h.key(fmt.Sprintf("p%d", h.random.IntN(4)))
	if h.random.IntN(2) == 0 {
		key.Scope.Environment = "staging"
	}
	return key
}

// change is what a function of the history does.
type change struct {
	next correlate.Record
	add  []correlate.Delivery
	err  error
}

func (h *history) anyChange(key correlate.Key) change {
	var c change
	h.made++
	switch n := h.random.IntN(10); {
	case n < 6:
		c.next = correlate.Record{Version: 1 + n, Data: fmt.Appendf(nil, "data %d", h.made)}
	case n < 8:
		c.err = errHistory
	}
	for range h.random.IntN(4) {
		h.made++
		sink := historySinks[h.random.IntN(len(historySinks))]
		d := h.due(key, sink, fmt.Sprintf("%d", h.made))
		d.Due = h.now.Add(time.Duration(h.random.IntN(5)-2) * time.Second)
		d.Operation = historyOperations[h.random.IntN(len(historyOperations))]
		if line := h.model.lines[line{key, sink}]; len(line) > 0 && h.random.IntN(4) == 0 {
			d.ID = line[h.random.IntN(len(line))].ID
		}
		c.add = append(c.add, d)
	}
	return c
}

func (c change) String() string {
	if c.err != nil {
		return "error"
	}
	return fmt.Sprintf("data %.20q, add %q", c.next.Data, ids(c.add))
}

// fn is an UpdateFunc that makes the change, and keeps what it was given.
func (c change) fn(given *correlate.Record) correlate.UpdateFunc {
	return func(cur correlate.Record, found bool) (correlate.Record, []correlate.Delivery, error) {
		*given = cur
		return c.next, slices.Clone(c.add), c.err
	}
}

func (h *history) stepUpdate() {
	h.Helper()
	key := h.anyKey()
	c := h.anyChange(key)
	h.note("update %s@%s: %v", key.ID, key.Scope.Environment, c)
	var given correlate.Record
	err := h.store.Update(context.Background(), key, c.fn(&given))
	if !errors.Is(err, c.err) {
		h.fatalf("Update(%+v) = %v; want %v", key, err, c.err)
	}
	h.expectGiven(given, key)
	if c.err == nil {
		h.model.write(key, c.next, c.add)
	}
}

func (h *history) expectGiven(given correlate.Record, key correlate.Key) {
	h.Helper()
	if want := h.model.records[key]; !bytes.Equal(given.Data, want.Data) || given.Version != want.Version {
		h.fatalf("fn was given %+v; want %+v", given, want)
	}
}

func (h *history) stepClaim() {
	h.Helper()
	sinks := slices.Clone(historySinks)
	h.random.Shuffle(len(sinks), func(i, j int) { sinks[i], sinks[j] = sinks[j], sinks[i] })
	sinks = sinks[:1+h.random.IntN(len(sinks))]
	scope, limit := h.anyKey().Scope, 1+h.random.IntN(5)
	lets := h.lapses > 0 && h.random.IntN(5) == 0

	lease := longLease
	if lets {
		lease = shortLease
		h.lapses--
	}
	var operations []correlate.Operation
	if n := h.random.IntN(2 * len(historyOperations)); n < len(historyOperations) {
		operations = historyOperations[:n:n]
	}
	h.note("claim @%s %q %q, %d at most, lease runs out: %v", scope.Environment, sinks, operations, limit, lets)
	got := h.expectClaim(correlate.Claim{Scope: scope, Lease: lease, Max: limit, Sinks: sinks, Operations: operations})
	if !lets {
		return
	}
	h.pass(lapse)
	for _, d := range got {
		h.model.find(d).lapsed = true
	}
}

// expectClaim claims, and fails unless it gets what the model would give.
func (h *history) expectClaim(c correlate.Claim) []correlate.Delivery {
	h.Helper()
	c.Now = h.now
	want := h.model.claimable(c)
	got := h.claims(c)
	if len(got) != min(c.Max, len(want)) {
		h.fatalf("Claim of at most %d returned %q; want of %q", c.Max, ids(got), slices.Sorted(maps.Keys(want)))
	}
	for _, d := range got {
		e := want[d.ID]
		if e == nil || !sameDelivery(d, e.Delivery) || d.Lease == e.Lease {
			h.fatalf("Claim returned %+v; want one of %q, as it was queued or settled, under a new lease", d, slices.Sorted(maps.Keys(want)))
		}
		delete(want, d.ID) // not twice
		e.Lease, e.lapsed = d.Lease, false
	}
	h.claimed = append(h.claimed, got...)
	return got
}

func (h *history) stepSettle() {
	h.Helper()
	if len(h.claimed) == 0 {
		return
	}
	// Mostly a recent claim, which may be in force.
	d := h.claimed[max(0, len(h.claimed)-1-h.random.IntN(8))]
	if h.random.IntN(5) == 0 {
		d = h.claimed[h.random.IntN(len(h.claimed))]
	}
	d.Attempts++
	o := correlate.Outcome{Done: h.random.IntN(3) > 0}
	if !o.Done {
		o.Due = h.now.Add(time.Duration(h.random.IntN(4)) * time.Second)
	}
	e := h.model.owner(d)
	if e != nil && h.random.IntN(4) == 0 {
		h.note("settle %s without fn, done %v", d.ID, o.Done)
		h.settle(d, o, nil)
		h.model.settle(e, d.Attempts, o)
		return
	}
	c := h.anyChange(d.Key)
	// Whether a delivery may be queued anew in the step that ends it is not said.
	c.add = slices.DeleteFunc(c.add, func(add correlate.Delivery) bool { return add.ID == d.ID })
	h.note("settle %s, done %v, in force %v: %v", d.ID, o.Done, e != nil, c)
	var given correlate.Record
	err := h.store.Settle(context.Background(), d, o, c.fn(&given))
	if e == nil {
		if !errors.Is(err, correlate.ErrLeaseLost) {
			h.fatalf("Settle(%q) with lease %q, which is not in force, = %v; want ErrLeaseLost", d.ID, d.Lease, err)
		}
		return
	}
	if !errors.Is(err, c.err) {
		h.fatalf("Settle(%q) = %v; want %v", d.ID, err, c.err)
	}
	h.expectGiven(given, d.Key)
	if c.err == nil {
		h.model.write(d.Key, c.next, c.add)
		h.model.settle(e, d.Attempts, o)
	}
}

// compare fails unless the store has the records of the model.
func (h *history) compare() {
	h.Helper()
	want := h.model.keys()
	got := h.list(correlate.Page{Kind: correlate.KindProblem, Max: len(want) + 1})
	if len(got) != len(want) {
		h.fatalf("List returned %d records; want %+v", len(got), want)
	}
	for i, rec := range got {
		if m := h.model.records[want[i]]; rec.Key != want[i] || rec.Version != m.Version || !bytes.Equal(rec.Data, m.Data) {
			h.fatalf("List returned %+v; want %+v", rec, m)
		}
	}
}

// drain settles what is left, and fails unless all of it comes, in order.
func (h *history) drain() {
	h.Helper()
	for _, d := range h.claimed {
		if e := h.model.owner(d); e != nil {
			h.done(d)
			h.model.settle(e, d.Attempts, correlate.Outcome{Done: true})
		}
	}
	h.now = h.now.Add(time.Hour)
	for len(h.model.lines) > 0 {
		for _, environment := range []string{"production", "staging"} {
			scope := h.scope
			scope.Environment = environment
			for _, d := range h.expectClaim(correlate.Claim{Scope: scope, Lease: longLease, Max: 1000, Sinks: historySinks}) {
				h.done(d)
				h.model.settle(h.model.find(d), d.Attempts, correlate.Outcome{Done: true})
			}
		}
	}
	for _, environment := range []string{"production", "staging"} {
		scope := h.scope
		scope.Environment = environment
		h.expectClaim(correlate.Claim{Scope: scope, Lease: longLease, Max: 1000, Sinks: historySinks})
	}
	for _, d := range h.claimed {
		if err := h.store.Settle(context.Background(), d, correlate.Outcome{Done: true}, nil); !errors.Is(err, correlate.ErrLeaseLost) {
			h.fatalf("Settle(%q) after it was settled = %v; want ErrLeaseLost", d.ID, err)
		}
	}
	h.compare()
}
