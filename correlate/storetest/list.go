package storetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

var listChecks = []check{
	{
		name: "list/pages",
		rule: "List returns the records of one kind, whole, ordered by scope and ID, at most Max of those after a key: following After from the zero Key shows each once.",
		test: func(f *fixture) {
			want := f.fill()
			for _, size := range []int{1, 4, len(want), len(want) + 1} {
				f.expectList(correlate.Page{Kind: correlate.KindProblem, Max: size}, want)
			}
			f.expectList(correlate.Page{Kind: "unknown", Max: 10}, nil)
		},
	},
	{
		name: "list/scope",
		rule: "With Page.Scope, List returns the records of that scope alone.",
		test: func(f *fixture) {
			all := f.fill()
			for _, scope := range []correlate.Scope{all[0].Scope, all[len(all)/2].Scope, all[len(all)-1].Scope, {Service: "nobody"}} {
				var want []correlate.Key
				for _, key := range all {
					if key.Scope == scope {
						want = append(want, key)
					}
				}
				for _, size := range []int{1, 3, 100} {
					f.expectList(correlate.Page{Kind: correlate.KindProblem, Scope: &scope, Max: size}, want)
				}
			}
		},
	},
	{
		name: "list/after",
		rule: "List goes on after a key though the record with that key is gone.",
		test: func(f *fixture) {
			all := f.fill()
			for _, at := range []int{0, len(all) / 2, len(all) - 1} {
				f.update(all[at], func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
					return correlate.Record{}, nil, nil
				})
				f.expectList(correlate.Page{Kind: correlate.KindProblem, After: all[at], Max: 2}, all[at+1:])
				f.write(all[at], "back")
			}
		},
	},
	{
		name: "list/current",
		rule: "List returns records as they are now: the newest version and data, and nothing that was deleted.",
		test: func(f *fixture) {
			f.write(f.key("p1"), "old")
			f.write(f.key("p1"), "new")
			f.write(f.key("p2"), "x")
			f.update(f.key("p2"), func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
				return correlate.Record{}, nil, nil
			})
			f.expectList(correlate.Page{Kind: correlate.KindProblem, Max: 10}, []correlate.Key{f.key("p1")})
			if rec := f.list(correlate.Page{Kind: correlate.KindProblem, Max: 10})[0]; rec.Version != 1 || string(rec.Data) != "new" {
				f.fatalf("List returned version %d, data %q; want 1, %q", rec.Version, rec.Data, "new")
			}
		},
	},
	{
		name: "list/expired",
		rule: "A record that has expired is neither found nor listed, by the clock that judges leases, and its key can be used anew. One whose expiry is ahead, or that has none, is there.",
		test: func(f *fixture) {
			writeUntil := func(id string, expires time.Time) {
				f.update(f.key(id), func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
					return correlate.Record{Version: 1, Data: []byte("x"), Expires: expires}, nil, nil
				})
			}
			writeUntil("long past", f.now.Add(-time.Hour))
			writeUntil("soon past", f.now.Add(shortLease))
			writeUntil("ahead", f.now.Add(24*time.Hour))
			writeUntil("never", time.Time{})
			f.pass(lapse)
			f.expectNone(f.key("long past"))
			f.expectNone(f.key("soon past"))
			f.expectData(f.key("ahead"), "x")
			f.expectData(f.key("never"), "x")
			page := correlate.Page{Kind: correlate.KindProblem, Max: 1}
			f.expectList(page, []correlate.Key{f.key("ahead"), f.key("never")})
			f.write(f.key("soon past"), "anew")
			f.expectData(f.key("soon past"), "anew")
			f.expectList(page, []correlate.Key{f.key("ahead"), f.key("never"), f.key("soon past")})
		},
	},
	{
		name: "list/expired-deliveries",
		rule: "The deliveries of a record that has expired stay in the outbox, and settling them sees that it is gone.",
		test: func(f *fixture) {
			key := f.key("p1")
			f.update(key, func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
				return correlate.Record{Version: 1, Data: []byte("x"), Expires: f.now.Add(shortLease)}, []correlate.Delivery{f.due(key, "a", "p1-a-1")}, nil
			})
			f.pass(lapse)
			f.expectNone(key)
			var cur correlate.Record
			var found bool
			f.settle(f.claimOne("p1-a-1"), correlate.Outcome{Done: true}, func(rec correlate.Record, ok bool) (correlate.Record, []correlate.Delivery, error) {
				cur, found = rec, ok
				return rec, nil, nil
			})
			if found || cur.Data != nil {
				f.fatalf("Settle gave fn %+v, %v after the record expired; want the zero Record, false", cur, found)
			}
			f.expectIDs(f.claim())
			f.expectNone(key)
		},
	},
}

// fill writes 24 records of two kinds in four scopes, in no order, and returns
// the keys of those that are problems in the order of List.
func (f *fixture) fill() []correlate.Key {
	f.Helper()
	var problems []correlate.Key
	for i := range 24 {
		scope := []correlate.Scope{
			{Service: "b"}, {Service: "a", Environment: "x"}, {Namespace: "n", Service: "a"}, {Service: "a"},
		}[i*5%4]
		key := correlate.Key{Scope: scope, Kind: correlate.KindProblem, ID: fmt.Sprintf("p%02d", i*7%24)}
		if i%6 == 5 {
			key.Kind = "deployment"
		} else {
			problems = append(problems, key)
		}
		f.write(key, key.ID)
	}
	slices.SortFunc(problems, compareKeys)
	return problems
}

// compareKeys orders keys of one kind as List does.
func compareKeys(a, b correlate.Key) int {
	return cmp.Or(a.Scope.Compare(b.Scope), cmp.Compare(a.ID, b.ID))
}

func (f *fixture) list(p correlate.Page) []correlate.Record {
	f.Helper()
	got, err := f.store.List(context.Background(), p)
	if err != nil {
		f.fatalf("List(%+v) = %v", p, err)
	}
	return got
}

// expectList fails unless the pages from p on show these keys, in this order.
func (f *fixture) expectList(p correlate.Page, want []correlate.Key) {
	f.Helper()
	var got []correlate.Key
	for {
		page := f.list(p)
		if len(page) > p.Max {
			f.fatalf("List returned %d records; want at most %d", len(page), p.Max)
		}
		for _, rec := range page {
			got = append(got, rec.Key)
		}
		if len(page) == 0 || len(got) > len(want) {
			break
		}
		p.After = got[len(got)-1]
	}
	if !slices.Equal(got, want) {
		f.fatalf("List in pages of %d returned\n\t%+v; want\n\t%+v", p.Max, got, want)
	}
}
