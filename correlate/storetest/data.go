package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spanticket/spanticket/correlate"
)

var dataChecks = []check{
	{
		name: "context",
		rule: "Every method returns the error of a context that has ended, and has changed nothing.",
		test: func(f *fixture) {
			key := f.key("p1")
			f.queue(key, "p1-a-1", "p1-a-2")
			d := f.claimOne("p1-a-1")
			f.queue(f.key("p2"), "p2-a-1")

			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			claim := correlate.Claim{Scope: f.scope, Sinks: []string{"a"}, Now: f.now, Lease: longLease, Max: 10}
			_, claimErr := f.store.Claim(ctx, claim)
			_, listErr := f.store.List(ctx, correlate.Page{Kind: correlate.KindProblem, Max: 10})
			for method, err := range map[string]error{
				"Update": f.store.Update(ctx, key, setData("y", f.due(key, "b", "p1-b-1"))),
				"Claim":  claimErr,
				"Settle": f.store.Settle(ctx, d, correlate.Outcome{Done: true}, setData("y", f.due(key, "b", "p1-b-1"))),
				"List":   listErr,
			} {
				if !errors.Is(err, context.Canceled) {
					f.fatalf("%s with a cancelled context = %v; want context.Canceled", method, err)
				}
			}
			f.expectData(key, "x")
			f.claimOne("p2-a-1")
			f.done(d)
			f.claimOne("p1-a-2")
		},
	},
	{
		name: "data/large",
		rule: "A record may be large: 1 MiB comes back as it went in.",
		test: func(f *fixture) {
			data := strings.Repeat("0123456789abcdef", 1<<16)
			key := f.key("p1")
			f.write(key, data, f.due(key, "a", "p1-a-1"))
			f.expectData(key, data)
			f.settle(f.claimOne("p1-a-1"), correlate.Outcome{Done: true}, func(cur correlate.Record, _ bool) (correlate.Record, []correlate.Delivery, error) {
				return correlate.Record{Version: 1, Data: append(slices.Clip(cur.Data), '!')}, nil, nil
			})
			f.expectData(key, data+"!")
			if got := f.list(correlate.Page{Kind: correlate.KindProblem, Max: 1}); len(got) != 1 || string(got[0].Data) != data+"!" {
				f.fatalf("List does not return the large record as it is")
			}
		},
	},
	{
		name: "data/binary",
		rule: "Data is bytes: every value comes back as it went in, also what is no UTF-8.",
		test: func(f *fixture) {
			data := make([]byte, 256)
			for i := range data {
				data[i] = byte(i)
			}
			key := f.key("p1")
			f.write(key, string(data))
			f.expectData(key, string(data))
			if got := f.list(correlate.Page{Kind: correlate.KindProblem, Max: 1}); len(got) != 1 || !bytes.Equal(got[0].Data, data) {
				f.fatalf("List does not return binary data as it is: %+v", got)
			}
		},
	},
	{
		name: "data/keys",
		rule: "Keys, sinks and delivery IDs are strings of any bytes, and none stands for another: parts may be empty, and hold separators, spaces, NUL and what is no UTF-8.",
		test: func(f *fixture) {
			keys := oddKeys()
			for i, key := range keys {
				f.write(key, fmt.Sprint(i), f.due(key, "a", fmt.Sprintf("delivery/%d\x00:\xff", i)))
			}
			kinds := make(map[correlate.Kind][]correlate.Key)
			scopes := make(map[correlate.Scope][]string)
			for i, key := range keys {
				f.expectData(key, fmt.Sprint(i))
				kinds[key.Kind] = append(kinds[key.Kind], key)
				scopes[key.Scope] = append(scopes[key.Scope], fmt.Sprintf("delivery/%d\x00:\xff", i))
			}
			for kind, want := range kinds {
				slices.SortFunc(want, compareKeys)
				f.expectList(correlate.Page{Kind: kind, Max: 2}, want)
			}
			for scope, want := range scopes {
				got := f.claimFrom(scope, longLease, 100, "a")
				for _, d := range got {
					f.done(d)
				}
				found := ids(got)
				slices.Sort(found)
				slices.Sort(want)
				if !slices.Equal(found, want) {
					f.fatalf("Claim of scope %+v returned %q; want %q", scope, found, want)
				}
			}
			for i, sink := range []string{"", "a/b", "a\x00b", "a b", "é", "\xff", "a:b"} {
				key := f.key("sinks")
				f.write(key, "x", f.due(key, sink, fmt.Sprintf("to-sink-%d", i)))
				got := f.claimFrom(f.scope, longLease, 100, sink)
				f.expectIDs(got, fmt.Sprintf("to-sink-%d", i))
				if got[0].Sink != sink {
					f.fatalf("Claim returned a delivery for sink %q; want %q", got[0].Sink, sink)
				}
			}
		},
	},
}

// oddKeys returns keys that a careless encoding takes for one another.
func oddKeys() []correlate.Key {
	var keys []correlate.Key
	for _, parts := range [][5]string{ // namespace, service, environment, kind, ID
		{"", "s", "", "problem", "p"},
		{"", "s", "", "problem", ""},
		{"s", "", "", "problem", "p"},
		{"", "", "s", "problem", "p"},
		{"", "", "", "problem", "p"},
		{"", "s", "", "deployment", "p"},
		{"a/b", "c", "", "problem", "p"},
		{"a", "b/c", "", "problem", "p"},
		{"a", "b", "", "problem", "c/p"},
		{"a", "b@c", "", "problem", "p"},
		{"a", "b", "c", "problem", "p"},
		{"a", "b\x00c", "", "problem", "p"},
		{"a\x00b", "c", "", "problem", "p"},
		{"a", "b:c", "", "problem", "p"},
		{"a", "b", "", "problem", "c:p"},
		{"a", "b", "", "problem", "P"},
		{"a", "b", "", "problem", "p "},
		{"a", "b", "", "problem", "p"},
		{"a", "b", "", "problem:p", "p"},
		{"a", "b", "", "problem", "é"},
		{"a", "b", "", "problem", "e\u0301"},
		{"a", "b", "", "problem", "世界"},
		{"a", "b", "", "problem", "\xff\xfe"},
		{"a", "b", "", "problem", "\ufffd"},
		{"a", "b", "", "problem", "{p}%2F*?[a]\\'\""},
		{"a", "b", "", "problem", strings.Repeat("long", 64)},
	} {
		keys = append(keys, correlate.Key{
			Scope: correlate.Scope{Namespace: parts[0], Service: parts[1], Environment: parts[2]},
			Kind:  correlate.Kind(parts[3]),
			ID:    parts[4],
		})
	}
	return keys
}
