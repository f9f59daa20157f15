package correlate_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
)

// fullProblem has an object wherever a problem can have one.
func fullProblem() correlate.Problem {
	p := codecProblem()
	occurrence := correlate.Occurrence{TraceID: "4bf92f", Path: p.Samples[0].Path, User: 7}
	p.Impact.Add(&occurrence)
	p.Impact.Operations[0].Share = correlate.Share{Failed: 1, Requests: 9}
	p.Upstream = correlate.Upstream{Scope: correlate.Scope{Service: "stock"}, ID: "v1b", Operation: "GET /stock", At: policyStart}
	p.Suspects.Ranked = []correlate.Suspect{{Scope: p.Scope, Version: "2", Time: policyStart}, {Scope: p.Scope, Version: "1", Time: policyStart}}
	p.Samples[0].Links = []correlate.Link{{TraceID: "5", SpanID: "6"}}
	p.Filings[0].Previous = correlate.Receipt{ID: "3", URL: "https://jira/3"}
	p.Members = []correlate.Member{{ID: "v1c", Title: "another", Count: 3, First: policyStart, Last: policyStart}, {ID: "v1d", Count: 1}}
	p.Total, p.Usual, p.Updates = 2, 1.5, 1
	p.Flood = new(correlate.Flood)
	p.Flood.Add(correlate.Signer{}, &correlate.Occurrence{Operation: "GET /"}, correlate.Spec{})
	return p.Counting(correlate.Batch{Writer: "w", Number: 3}, correlate.ChangeOpened)
}

// objects calls visit with every object of a document, and with what tells it from
// others: its place, where elements of lists go by their identity.
func objects(v any, place string, visit func(place string, o map[string]any)) {
	o, ok := v.(map[string]any)
	if !ok {
		return
	}
	visit(place, o)
	for name, value := range o {
		switch value := value.(type) {
		case map[string]any:
			if at := objectPlace(name, value); at != "" {
				objects(value, place+"."+at, visit)
			}
		case []any:
			for _, elem := range value {
				if elem, ok := elem.(map[string]any); ok {
					objects(elem, place+"."+elemPlace(name, elem), visit)
				}
			}
		}
	}
}

func objectPlace(name string, o map[string]any) string {
	switch name {
	case "attributes", "resource":
		return "" // their members are data
	case "receipt", "previous":
		return fmt.Sprint("receipt ", o["id"])
	case "parked":
		return fmt.Sprint("parked ", o["operation"], o["at"])
	case "upstream":
		return fmt.Sprint("upstream ", o["scope"].(map[string]any)["service"], o["id"])
	}
	return name
}

func elemPlace(name string, o map[string]any) string {
	id := map[string][]string{
		"filings": {"sink"}, "samples": {"time", "trace_id", "span_id"}, "recent": {"start"}, "operations": {"service", "operation"},
		"members": {"id"}, "writers": {"id"}, "history": {"time", "what"}, "components": {"name", "value", "used", "why"},
		"path": {"service", "operation", "kind", "failed"}, "links": {"trace_id", "span_id"}, "fields": {"component"},
		"ranked": {"version"},
	}[name]
	for _, member := range id {
		name += fmt.Sprint(" ", o[member])
	}
	return name
}

func document(t require.TestingT, data []byte) (doc map[string]any) {
	require.NoError(t, json.Unmarshal(data, &doc))
	return doc
}

// newer adds to every object of a record what this program does not know.
func newer(t require.TestingT, rec correlate.Record) correlate.Record {
	doc := document(t, rec.Data)
	objects(doc, "", func(place string, o map[string]any) { o["x_new"] = []string{place} })
	data, err := json.Marshal(doc)
	require.NoError(t, err)
	rec.Data = data
	return rec
}

// requireKept fails if an object that is there yet has lost what a newer program
// wrote into it, or has got another one's.
func requireKept(t require.TestingT, before, after correlate.Record) {
	had := map[string]any{}
	objects(document(t, before.Data), "", func(place string, o map[string]any) { had[place] = o["x_new"] })
	objects(document(t, after.Data), "", func(place string, o map[string]any) { require.Equal(t, had[place], o["x_new"], place) })
}

// policy is what may happen to a problem, at a time.
var policy = []struct {
	name string
	do   func(p correlate.Problem, now time.Time) correlate.Problem
}{
	{"Observe", func(p correlate.Problem, now time.Time) correlate.Problem { return observed(p, correlate.Batch{}, now) }},
	{"Observe a symptom", func(p correlate.Problem, now time.Time) correlate.Problem {
		up := correlate.Upstream{Scope: correlate.Scope{Service: "stock"}, ID: now.Format(time.TimeOnly), At: now}
		return observed(p, correlate.Batch{Admission: correlate.Admission{Upstream: up}}, now)
	}},
	{"Observe in shadow", func(p correlate.Problem, now time.Time) correlate.Problem {
		return observed(p, correlate.Batch{Admission: correlate.Admission{Shadow: true}}, now)
	}},
	{"Counting", func(p correlate.Problem, now time.Time) correlate.Problem {
		return p.Counting(correlate.Batch{Writer: now.Format("4"), Number: now.Unix()}, correlate.ChangeCounted)
	}},
	{"Quieten", func(p correlate.Problem, now time.Time) correlate.Problem {
		p, _ = p.Quieten(now.Add(time.Hour))
		return p
	}},
	{"Affect", func(p correlate.Problem, now time.Time) correlate.Problem {
		i := correlate.Impact{Operations: []correlate.Affected{{Service: "shop", Operation: now.Format(time.TimeOnly), Count: 100}}}
		p, _ = p.Affect(i, now)
		return p
	}},
	{"Approve", func(p correlate.Problem, now time.Time) correlate.Problem {
		p, _ = p.Approve("ann", now)
		return p
	}},
	{"List", func(p correlate.Problem, now time.Time) correlate.Problem {
		m := []correlate.Member{{ID: "v1c", Count: 5, First: now}, {ID: now.Format(time.TimeOnly), First: policyStart}}
		p, _ = p.List(p.Scope, correlate.ReportBudget, correlate.News{Members: m, Added: 1, Count: 1}, correlate.Answers{Title: "many", Quiet: time.Hour}, now)
		return p
	}},
	{"Unlist", func(p correlate.Problem, _ time.Time) correlate.Problem { return p.Unlist("v1c") }},
	{"Queue", func(p correlate.Problem, now time.Time) correlate.Problem {
		p, _ = p.Queue(correlate.OpReopen, []string{"slack", "email"}, now)
		return p
	}},
	{"Trying", func(p correlate.Problem, _ time.Time) correlate.Problem {
		p.Episode++
		return p.Trying("jira")
	}},
	{"Accepted", func(p correlate.Problem, now time.Time) correlate.Problem {
		d := correlate.Delivery{ID: "d", Sink: "slack", Operation: correlate.OpOpen}
		return p.Accepted(d, correlate.Receipt{ID: now.Format(time.TimeOnly)}, 3, now)
	}},
	{"Looked", func(p correlate.Problem, now time.Time) correlate.Problem {
		p, _ = p.Look("jira", now)
		p, _ = p.Looked(correlate.Delivery{Sink: "jira", Operation: correlate.OpLook}, correlate.Receipt{ID: "2"}, now)
		return p
	}},
	{"CatchUp", func(p correlate.Problem, now time.Time) correlate.Problem {
		p, _ = p.CatchUp("jira", now)
		return p
	}},
	{"Skipped", func(p correlate.Problem, _ time.Time) correlate.Problem {
		return p.Skipped(correlate.Delivery{Sink: "jira"})
	}},
	{"Refused", func(p correlate.Problem, _ time.Time) correlate.Problem {
		return p.Refused(correlate.Delivery{Sink: "slack"}, true)
	}},
	{"GivenUp", func(p correlate.Problem, now time.Time) correlate.Problem {
		return p.GivenUp(correlate.Delivery{Sink: "jira", Operation: correlate.OpUpdate}, "refused", now)
	}},
}

func observed(p correlate.Problem, b correlate.Batch, now time.Time) correlate.Problem {
	batch := policyBatch(now, 5)
	batch.Scope, batch.Signature, batch.Admission = p.Scope, p.Signature, b.Admission
	p, _ = p.Observe(batch, now)
	return p
}

// change updates a record by one of the policy's functions, as a store does.
func change(t require.TestingT, cur correlate.Record, do func(correlate.Problem, time.Time) correlate.Problem, now time.Time) correlate.Record {
	next, _, err := correlate.UpdateProblem(func(p correlate.Problem) (correlate.Problem, []correlate.Delivery, error) {
		return do(p, now), nil, nil
	})(cur, true)
	require.NoError(t, err)
	return next
}

// structs notes the types of the objects in what is stored.
func structs(v reflect.Value, there map[reflect.Type]bool) {
	switch {
	case v.Kind() == reflect.Pointer && !v.IsNil():
		structs(v.Elem(), there)
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			structs(v.Index(i), there)
		}
	case v.Kind() == reflect.Struct && !opaque(v.Type()):
		there[v.Type()] = true
		for i := range v.NumField() {
			structs(v.Field(i), there)
		}
	}
}

func opaque(t reflect.Type) bool {
	return t == reflect.TypeFor[time.Time]() || t == reflect.TypeFor[correlate.Sketch]()
}

func TestWhatANewerProgramWroteIsKept(t *testing.T) {
	rec, err := correlate.EncodeProblem(fullProblem(), correlate.Record{})
	require.NoError(t, err)
	rec = newer(t, rec)
	same, err := correlate.EncodeProblem(fullProblem(), rec)
	require.NoError(t, err)
	require.JSONEq(t, string(rec.Data), string(same.Data))
	there := map[reflect.Type]bool{}
	structs(reflect.ValueOf(fullProblem()), there)
	for of := range there {
		for i := range of.NumField() {
			elem := of.Field(i).Type
			if elem.Kind() == reflect.Slice || elem.Kind() == reflect.Pointer {
				elem = elem.Elem()
			}
			require.True(t, elem.Kind() != reflect.Struct || opaque(elem) || there[elem], "the test lacks %s of %s", of.Field(i).Name, of)
		}
	}
	for _, op := range policy {
		t.Run(op.name, func(t *testing.T) {
			now := policyStart.Add(2 * time.Minute)
			next := change(t, rec, op.do, now)
			requireKept(t, rec, next)
			p, err := correlate.DecodeProblem(next)
			require.NoError(t, err)
			require.Equal(t, op.do(fullProblem(), now), p, "what is known is as if nothing else were there")
		})
	}
}

func TestWhatANewerProgramWroteIsKeptForLong(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rec, err := correlate.EncodeProblem(fullProblem(), correlate.Record{})
		require.NoError(t, err)
		rec = newer(t, rec)
		now := policyStart
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(1, 100).Draw(t, "seconds")) * time.Second)
			op := rapid.SampledFrom(policy).Draw(t, "op")
			next := change(t, rec, op.do, now)
			requireKept(t, rec, next)
			if rec = next; rapid.IntRange(0, 3).Draw(t, "newer") == 0 {
				rec = newer(t, rec)
			}
		}
	})
}

func TestWhereUnknownMembersGo(t *testing.T) {
	for _, test := range []struct {
		rule      string
		cur, next string // of a problem, without its ID
		want      []string
		not       []string
	}{
		{"a filing that is moved takes it along", `"filings":[{"sink":"a","n":"of a"},{"sink":"b","n":"of b"}]`, `"filings":[{"sink":"b"},{"sink":"a"}]`,
			[]string{`"sink":"b"`, `"n":"of b"`, `"sink":"a"`, `"n":"of a"`}, nil},
		{"one that is gone leaves nothing", `"filings":[{"sink":"a","n":1}]`, `"filings":[{"sink":"b"}]`, nil, []string{`"n"`}},
		{"a receipt that becomes the previous one", `"filings":[{"sink":"a","receipt":{"id":"1","n":1},"previous":{"id":"","n":2}}]`, `"filings":[{"sink":"a","previous":{"id":"1"}}]`,
			[]string{`"receipt":{"id":"","url":"","n":2}`, `"previous":{"id":"1","url":"","n":1}`}, nil},
		{"a receipt that is another one", `"filings":[{"sink":"a","receipt":{"id":"1","n":1}}]`, `"filings":[{"sink":"a","receipt":{"id":"2"}}]`, nil, []string{`"n"`}},
		{"what is parked no more", `"filings":[{"sink":"a","parked":{"n":1}}]`, `"filings":[{"sink":"a"}]`, []string{`"parked":null`}, []string{`"n"`}},
		{"what is parked anew", `"filings":[{"sink":"a","parked":{"attempts":1,"n":1}}]`, `"filings":[{"sink":"a","parked":{"operation":"open"}}]`, nil, []string{`"n"`}},
		{"what has no identity keeps it while it is as it was", `"history":[{"what":"a","n":1},{"what":"b","n":2}]`, `"history":[{"what":"b"},{"what":"c"}]`,
			[]string{`"what":"b","n":2`}, []string{`"n":1`}},
		{"twins keep their order", `"history":[{"what":"a","n":1},{"what":"a"},{"what":"a","n":3}]`, `"history":[{"what":"a"},{"what":"a"},{"what":"a"}]`,
			[]string{`"what":"a","n":1}`, `"what":"a"},{`, `"what":"a","n":3}`}, nil},
		{"what decoding takes for a known member is not kept", `"Count":3,"filings":[{"sink":"a","SINK":"a"}]`, `"filings":[{"sink":"a"}]`, nil, []string{"Count", "SINK"}},
		{"a name that needs escapes", `"a\"\u0062":1`, `"count":1`, []string{`"a\"b":1`}, nil},
		{"attributes are data", `"samples":[{"attributes":{"a":"1"}}]`, `"samples":[{"attributes":{"b":"1"}}]`, []string{`{"b":"1"}`}, []string{`"a":"1"`}},
		{"nothing where there was something", `"impact":{"operations":[{"n":1}],"m":[]}`, `"count":1`, []string{`"m":[]`}, []string{`"n"`}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			p, err := correlate.DecodeProblem(correlate.Record{Data: []byte(`{"id":"a",` + test.next + `}`)})
			require.NoError(t, err)
			rec, err := correlate.EncodeProblem(p, correlate.Record{Data: []byte(`{"id":"a",` + test.cur + `}`)})
			require.NoError(t, err)
			require.True(t, json.Valid(rec.Data), string(rec.Data))
			rest := string(rec.Data)
			for _, want := range test.want {
				_, after, ok := strings.Cut(rest, want)
				require.True(t, ok, "%s in %s", want, rest)
				rest = after
			}
			for _, not := range test.not {
				require.NotContains(t, string(rec.Data), not)
			}
			got, err := correlate.DecodeProblem(rec)
			require.NoError(t, err)
			plain, err := correlate.EncodeProblem(p, correlate.Record{})
			require.NoError(t, err)
			again, err := correlate.EncodeProblem(got, correlate.Record{})
			require.NoError(t, err)
			require.Equal(t, string(plain.Data), string(again.Data))
		})
	}
}

// The records that are no problems keep what a newer program wrote, too.
func TestSmallRecordsKeepUnknownMembers(t *testing.T) {
	ctx, store := t.Context(), new(correlate.Memory)
	key := correlate.Key{Scope: correlate.Scope{Service: "checkout"}, Kind: correlate.KindProblem, ID: "v2a"}
	put := func(kind correlate.Kind, id, data string) {
		require.NoError(t, store.Update(ctx, correlate.Key{Scope: key.Scope, Kind: kind, ID: id}, func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
			return correlate.Record{Version: 1, Data: []byte(data)}, nil, nil
		}))
	}
	got := func(kind correlate.Kind) string {
		recs, err := store.List(ctx, correlate.Page{Kind: kind, Max: 10})
		require.NoError(t, err)
		i := slices.IndexFunc(recs, func(r correlate.Record) bool { return r.Key.ID != "v1a" })
		return string(recs[i].Data)
	}
	put(correlate.KindAlias, key.ID, `{"problem":"v1a","written":"2026-03-01T12:00:00Z","x_new":{"a":1}}`)
	_, err := correlate.WriteAlias(ctx, store, key, "v1a", time.Hour, policyStart.Add(time.Hour))
	require.NoError(t, err)
	require.JSONEq(t, `{"problem":"v1a","written":"2026-03-01T13:00:00Z","x_new":{"a":1}}`, got(correlate.KindAlias))

	put(correlate.KindProblem, "v1a", `{"id":"v1a"}`)
	put(correlate.KindUpgrade, "upgrade", `{"version":2,"from":1,"since":"2026-03-01T12:00:00Z","x_new":[1]}`)
	_, err = correlate.Upgraded(ctx, store, key.Scope, 3, policyStart)
	require.NoError(t, err)
	require.JSONEq(t, `{"version":3,"from":2,"since":"2026-03-01T12:00:00Z","x_new":[1]}`, got(correlate.KindUpgrade))

	const adoption = `{"began":"2026-03-01T12:00:00Z","x_new":1}`
	put(correlate.KindAdoption, "adoption", adoption)
	_, err = correlate.Adopt(ctx, store, key.Scope, policyStart.Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, adoption, got(correlate.KindAdoption))

	put(correlate.KindRoster, "roster", `{"seen":"2026-03-01T12:00:00Z","sinks":{"jira":"2026-03-01T12:00:00Z"},"x_new":1}`)
	_, err = correlate.UpdateRoster(ctx, store, key.Scope, policyStart, func(r correlate.Roster) (correlate.Roster, bool) {
		return r.Announce([]string{"jira"}, policyStart.Add(time.Hour))
	})
	require.NoError(t, err)
	require.JSONEq(t, `{"seen":"2026-03-01T13:00:00Z","sinks":{"jira":"2026-03-01T13:00:00Z"},"x_new":1}`, got(correlate.KindRoster))

	const origin = `{"upstream":{"scope":{"service":"checkout"},"id":"v1a","x_new":1},"next":""}`
	o := correlate.TraceOrigin{Call: correlate.Call{TraceID: "t", SpanID: "s"}, Upstream: correlate.Upstream{Scope: key.Scope, ID: "v1b"}}
	require.NoError(t, store.Update(ctx, correlate.Key{Kind: correlate.KindOrigin, ID: "t/s"}, func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
		return correlate.Record{Version: 1, Data: []byte(origin)}, nil, nil
	}))
	require.NoError(t, correlate.PublishOrigin(ctx, store, o, policyStart))
	require.Equal(t, origin, got(correlate.KindOrigin))
}

// BenchmarkProblemOfANewerProgram is BenchmarkProblem where there is something to keep
// in every object.
func BenchmarkProblemOfANewerProgram(b *testing.B) {
	rec, err := correlate.EncodeProblem(fullProblem(), correlate.Record{})
	require.NoError(b, err)
	rec = newer(b, rec)
	b.ReportAllocs()
	for b.Loop() {
		p, err := correlate.DecodeProblem(rec)
		if err == nil {
			_, err = correlate.EncodeProblem(p, rec)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
