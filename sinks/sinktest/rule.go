package sinktest

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/spanticket/spanticket/sinks"
)

// A rule is one thing that every sink must do.
type rule struct {
	name  string
	why   string
	check func(*check)
}

var rules = []rule{
	{"minimal", "File takes a ticket that has its required fields only: most rules set no team, runbook or labels, " +
		"and an enricher that failed leaves its part empty", minimalTicket},
	{"full", "File takes a ticket that has every field", fullTicket},
	{"hostile", "File and Update take any text: what a span says is the doing of whoever sent the request, " +
		"and a sink encodes it for its system; a ticket that is refused for its text is a failure that nobody hears of", hostileText},
	{"cancelled", "File, Update and Find return with an error soon after their context has ended, also when it ended before the call; " +
		"the error must not be Rejected or Unauthorized, because that says nothing about the ticket or the credential " +
		"and would park the delivery at every shutdown", cancelled},
	{"again", "File takes a key that it has filed before: the engine files again when it does not know how the first call ended; " +
		"where Find is implemented, it then finds the ticket", again},
	{"concurrent", "File may be called concurrently with itself and with the optional methods, and two keys are two tickets", concurrent},
	{"unmodified", "slices and maps of the ticket belong to the engine, with the room behind them: " +
		"other sinks get the same ticket", unmodified},
	{"retained", "a sink keeps no slice or map of a ticket once it has returned: the engine uses them again", retained},
	{"updater", "Update takes every change of a ticket that File has accepted, more than once, " +
		"and returns a receipt that the next Update takes", updater},
	{"finder", "Find returns the receipt of a ticket that was filed; for a key that was not, it returns false and no error: " +
		"the engine files on false, and waits on an error", finder},
	{"deduper", "Dedupe leaves the ticket that was filed first, and returns its receipt; for a key that was not filed, " +
		"it returns false and no error: the engine goes on with the ticket that is returned", deduper},
	{"account", "Account returns the same value always, with an ID that can be stored and shown: printable ASCII without a space, " +
		"128 bytes at most, and positive rates; sinks are told apart by it when the engine is made", account},
	{"keyed", "a sink that is Keyed leaves one ticket for a key, also when it is filed several times at once, takes a key " +
		"again whose ticket is resolved, and goes by the key in Update: engines file in it that know of each other only by the key", keyed},
	{"limits", "Limits are not negative, and stay the same: 0 means no bound", limits},
}

func minimalTicket(c *check) { c.accept("a minimal ticket", minimal(newKey())) }

func fullTicket(c *check) { c.accept("a full ticket", fit(full(newKey()), c.sink)) }

func hostileText(c *check) {
	u, isUpdater := sinks.As[sinks.Updater](c.sink)
	for _, a := range attacks {
		text := strings.Join(a.texts, "\n")
		t := full(newKey())
		saturate(&t, text, false)
		t = fit(t, c.sink)
		if r, ok := c.accept("a ticket with "+a.name, t); ok && isUpdater {
			t.Event = sinks.EventUpdated
			c.update(u, "a ticket with "+a.name, r, t)
		}
	}
	c.accept("a ticket with a message of 1 MB", fit(huge(newKey()), c.sink))
}

func cancelled(c *check) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	expect := func(what string, err error) {
		if err == nil {
			c.failf("%s returned no error although its context had ended", what)
		} else if reason, _ := sinks.ReasonOf(err); reason == sinks.Rejected || reason == sinks.Unauthorized {
			c.failf("%s returned %s although only its context had ended: %v", what, reason, err)
		}
	}
	t := minimal(newKey())
	var err error
	if c.call(ctx, "File", func(ctx context.Context) { _, err = c.sink.File(ctx, t) }) {
		expect("File", err)
	}
	if u, ok := sinks.As[sinks.Updater](c.sink); ok {
		var err error
		if c.call(ctx, "Update", func(ctx context.Context) { _, err = u.Update(ctx, sinks.Receipt{ID: t.Key}, t) }) {
			expect("Update", err)
		}
	}
	if f, ok := sinks.As[sinks.Finder](c.sink); ok {
		var err error
		if c.call(ctx, "Find", func(ctx context.Context) { _, _, err = f.Find(ctx, t.Key) }) {
			expect("Find", err)
		}
	}
}

func again(c *check) {
	t := minimal(newKey())
	r1, ok := c.accept("a ticket", t)
	if !ok {
		return
	}
	t.Count, t.LastSeen = 2, t.LastSeen.Add(1)
	r2, ok := c.accept("the same key", t)
	if !ok {
		return
	}
	if r1.ID != r2.ID {
		c.notef("the same key gave the receipts %s and %s: the documentation of the sink should say that it files twice", r1.ID, r2.ID)
	}
	if f, ok := sinks.As[sinks.Finder](c.sink); ok {
		if r, found, ok := c.find("Find", f.Find, t.Key); ok && (!found || r.ID != r1.ID && r.ID != r2.ID) {
			c.failf("Find of a key that was filed as %s and %s returned %q, %t", r1.ID, r2.ID, r.ID, found)
		}
	}
}

func concurrent(c *check) {
	u, isUpdater := sinks.As[sinks.Updater](c.sink)
	f, isFinder := sinks.As[sinks.Finder](c.sink)
	var mu sync.Mutex
	keys := map[string]string{} // by receipt ID
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			t := fit(full(newKey()), c.sink)
			r, ok := c.accept("a ticket", t)
			if !ok {
				return
			}
			mu.Lock()
			if other, taken := keys[r.ID]; taken {
				c.failf("the keys %s and %s gave the same receipt %s", other, t.Key, r.ID)
			}
			keys[r.ID] = t.Key
			mu.Unlock()
			if isUpdater {
				t.Event, t.Count = sinks.EventUpdated, t.Count+1
				c.update(u, "a ticket", r, t)
			}
			if isFinder {
				c.find("Find", f.Find, t.Key)
			}
		})
	}
	wg.Wait()
}

func unmodified(c *check) {
	key := newKey()
	t, want := fit(full(key), c.sink), fit(full(key), c.sink)
	compare := func(method string) {
		got, want := reflect.ValueOf(t), reflect.ValueOf(want)
		for i := range got.NumField() {
			g, w := got.Field(i), want.Field(i)
			if g.Kind() == reflect.Slice {
				g, w = g.Slice(0, g.Cap()), w.Slice(0, w.Cap())
			}
			if !reflect.DeepEqual(g.Interface(), w.Interface()) {
				c.failf("%s wrote to the memory of Ticket.%s", method, got.Type().Field(i).Name)
			}
		}
	}
	r, ok := c.accept("a full ticket", t)
	compare("File")
	if u, isUpdater := sinks.As[sinks.Updater](c.sink); ok && isUpdater {
		t.Event, want.Event = sinks.EventUpdated, sinks.EventUpdated
		c.update(u, "a full ticket", r, t)
		compare("Update")
	}
}

func updater(c *check) {
	u, ok := sinks.As[sinks.Updater](c.sink)
	if !ok {
		c.notef("%T is not an Updater: later changes are kept but not sent, and a return files a new ticket", c.sink)
		return
	}
	t := fit(full(newKey()), c.sink)
	r, ok := c.accept("a full ticket", t)
	for i, e := range []sinks.Event{
		sinks.EventUpdated, sinks.EventResolved, sinks.EventResolved, sinks.EventReopened, sinks.EventUpdated,
	} {
		if !ok {
			return
		}
		t.Event, t.State, t.Count = e, sinks.Open, t.Count+int64(i)
		if e == sinks.EventResolved {
			t.State = sinks.Resolved
		}
		r, ok = c.update(u, fmt.Sprintf("a full ticket, change %d", i+1), r, t)
	}
}

func finder(c *check) {
	f, ok := sinks.As[sinks.Finder](c.sink)
	if !ok {
		c.notef("%T is not a Finder: after an unknown outcome the delivery is parked or sent again, as configured", c.sink)
		return
	}
	t := minimal(newKey())
	if r, found, ok := c.find("Find", f.Find, t.Key); ok && (found || r != sinks.Receipt{}) {
		c.failf("Find of a key that was never filed returned %+v, %t", r, found)
	}
	filed, ok := c.accept("a ticket", t)
	if !ok {
		return
	}
	if r, found, ok := c.find("Find", f.Find, t.Key); ok && (!found || r.ID != filed.ID) {
		c.failf("Find of the ticket filed as %s returned %q, %t", filed.ID, r.ID, found)
	}
	if r, found, ok := c.find("Find", f.Find, newKey()); ok && (found || r != sinks.Receipt{}) {
		c.failf("Find of a key that was never filed returned %+v, %t, after another was", r, found)
	}
}

func deduper(c *check) {
	d, ok := sinks.As[sinks.Deduper](c.sink)
	if !ok {
		c.notef("%T is not a Deduper: two engines that file at the same time leave two tickets, unless its system knows the key", c.sink)
		return
	}
	t := minimal(newKey())
	if r, found, ok := c.find("Dedupe", d.Dedupe, t.Key); ok && (found || r != sinks.Receipt{}) {
		c.failf("Dedupe of a key that was never filed returned %+v, %t", r, found)
	}
	filed, ok := c.accept("a ticket", t)
	if !ok {
		return
	}
	if _, ok := c.accept("the same ticket", t); !ok {
		return
	}
	for _, what := range []string{"Dedupe", "Dedupe again"} {
		if r, found, ok := c.find(what, d.Dedupe, t.Key); ok && (!found || r.ID != filed.ID) {
			c.failf("%s of the ticket filed first as %s returned %q, %t", what, filed.ID, r.ID, found)
		}
	}
}

func keyed(c *check) {
	if _, ok := sinks.As[sinks.Keyed](c.sink); !ok {
		c.notef("%T is not Keyed: while the store is out of reach nothing is filed", c.sink)
		return
	}
	u, ok := sinks.As[sinks.Updater](c.sink)
	if !ok {
		c.notef("%T is Keyed and no Updater: while the store is out of reach nothing is filed", c.sink)
	}
	t := minimal(newKey())
	var receipts [4]sinks.Receipt
	var wg sync.WaitGroup
	for i := range receipts {
		wg.Go(func() { receipts[i], _ = c.accept("one key, by several at once", t) })
	}
	wg.Wait()
	first := receipts[0]
	for _, r := range receipts {
		if r.ID != first.ID {
			c.failf("one key, filed by several at once, gave the receipts %s and %s", first.ID, r.ID)
		}
	}
	if u == nil || first.ID == "" {
		return
	}
	done, again := t, t
	done.Event, done.State = sinks.EventResolved, sinks.Resolved
	again.Event = sinks.EventReopened
	c.update(u, "a ticket", first, done)
	c.update(u, "a ticket that is resolved", first, done)
	if _, ok := c.accept("the key of a ticket that is resolved", t); ok {
		c.update(u, "a ticket that was filed again, by the receipt of the one before", first, again)
	}
}

func limits(c *check) {
	l, ok := sinks.As[sinks.Limited](c.sink)
	if !ok {
		c.notef("%T is not Limited: its tickets are cut by nobody", c.sink)
		return
	}
	got := l.Limits()
	if got.Title < 0 || got.Body < 0 {
		c.failf("Limits returned %+v", got)
	}
	if next := l.Limits(); next != got {
		c.failf("Limits returned %+v, then %+v", got, next)
	}
}

func account(c *check) {
	a, ok := sinks.As[sinks.Accounted](c.sink)
	if !ok {
		c.notef("%T is not Accounted: each sink of each process has limits of its own", c.sink)
		return
	}
	got := a.Account()
	if got.ID == "" || len(got.ID) > 128 || strings.ContainsFunc(got.ID, func(r rune) bool { return r <= ' ' || r > '~' }) {
		c.failf("Account returned the ID %q", got.ID)
	}
	for _, r := range got.Rates {
		if r.Calls <= 0 || r.Per <= 0 {
			c.failf("Account returned a rate of %d calls in %v", r.Calls, r.Per)
		}
	}
	c.accept("a ticket", minimal(newKey()))
	if next := a.Account(); !reflect.DeepEqual(next, got) {
		c.failf("Account returned %+v, then %+v", got, next)
	}
}
