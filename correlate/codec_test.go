package correlate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
)

// codecProblem has something in every field.
func codecProblem() correlate.Problem {
	b := policyBatch(policyStart, 5)
	b.Scope = correlate.Scope{Namespace: "shop", Service: "checkout", Environment: "production"}
	b.Signature.Components = []correlate.Component{{Name: "service", Value: "checkout", Used: true, Why: "always"}}
	b.Sample = correlate.Sample{
		Time: policyStart, Duration: time.Second, TraceID: "4bf92f", SpanID: "00f067", Exported: true,
		Operation: "POST /orders", Kind: "SERVER", Status: "ERROR", Message: "no <stock> & more\u2028",
		Exception:  correlate.Exception{Type: "*net.OpError", Message: "refused", Stacktrace: "main.main()"},
		Attributes: map[string]string{"http.route": "/orders"},
		Resource:   map[string]string{"service.version": "1.2.3"},
		Path:       []correlate.Step{{Service: "checkout", Operation: "POST /orders", Kind: "SERVER", Failed: true}},
	}
	p, _ := correlate.Problem{}.Observe(b, policyStart)
	p.Answers.Title, p.Answers.Labels, p.Answers.Sinks = "checkout fails", []string{"a"}, []string{"jira", "slack"}
	p, add := p.Queue(correlate.OpOpen, []string{"jira", "slack"}, policyStart)
	p = p.Trying("jira").Accepted(add[0], correlate.Receipt{ID: "7", URL: "https://jira/7"}, 5, policyStart)
	return p.GivenUp(add[1], "refused", policyStart)
}

func TestProblemRoundTrip(t *testing.T) {
	p := codecProblem()
	rec, err := correlate.EncodeProblem(p, correlate.Record{})
	require.NoError(t, err)
	require.Equal(t, 1, rec.Version)
	require.Equal(t, p.Expires(), rec.Expires)
	got, err := correlate.DecodeProblem(rec)
	require.NoError(t, err)
	require.Equal(t, p, got)

	p, _ = correlate.Problem{}.Observe(policyBatch(policyStart, 1), policyStart)
	rec, err = correlate.EncodeProblem(p, correlate.Record{})
	require.NoError(t, err)
	require.Equal(t, policyStart.Add(24*time.Hour), rec.Expires)
	got, err = correlate.DecodeProblem(rec)
	require.NoError(t, err)
	require.Equal(t, p, got)
}

func TestUnknownFieldsAreKept(t *testing.T) {
	const newer = `{"id":"v1a","count":1,"postmortem":{"b":[1, 2],"a":12345678901234567890},"Owner":null,"COUNT":9}`
	cur := correlate.Record{Version: 1, Data: []byte(newer)}
	for i := range 3 { // written again and again
		p, err := correlate.DecodeProblem(cur)
		require.NoError(t, err)
		p.Count = int64(10 + i)
		cur, err = correlate.EncodeProblem(p, cur)
		require.NoError(t, err)
	}
	var got map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(cur.Data, &got))
	require.JSONEq(t, `{"b":[1,2],"a":12345678901234567890}`, string(got["postmortem"]))
	require.Contains(t, string(got["postmortem"]), "12345678901234567890", "a number is not rounded")
	require.Equal(t, "null", string(got["Owner"]))
	require.NotContains(t, got, "COUNT", "decoding would take it for the count")
	require.Equal(t, "12", string(got["count"]))
	p, err := correlate.DecodeProblem(cur)
	require.NoError(t, err)
	require.EqualValues(t, 12, p.Count)
}

func TestDecodeProblemRefuses(t *testing.T) {
	key := correlate.Key{Scope: correlate.Scope{Service: "checkout"}, Kind: correlate.KindProblem, ID: "v1a"}
	for _, test := range []struct {
		rule    string
		version int
		data    string
		want    string
	}{
		{"a newer format", 2, `{"id":"v1a"}`, "correlate: problem v1a of checkout has format 2, which this program does not know: run a newer one"},
		{"nothing", 1, ``, "unexpected end of JSON input"},
		{"what is cut short", 1, `{"id":"v1a","cou`, "unexpected end of JSON input"},
		{"what is followed by something", 1, `{"id":"v1a"}{`, "invalid character '{'"},
		{"a field of another type", 1, `{"id":"v1a","count":"many"}`, "cannot unmarshal string"},
		{"a number that is too large", 1, `{"id":"v1a","count":1e400}`, "cannot unmarshal number"},
		{"a time that is none", 1, `{"id":"v1a","first_seen":"noon"}`, "parsing time"},
		{"a list", 1, `[]`, "cannot unmarshal array"},
		{"null, which would count from nothing", 1, `null`, "it holds no problem"},
		{"another object", 1, `{"deployment":"v3"}`, "it holds no problem"},
		{"bytes", 0, "\x00\xff", "invalid character"},
	} {
		t.Run(test.rule, func(t *testing.T) {
			rec := correlate.Record{Key: key, Version: test.version, Data: []byte(test.data)}
			p, err := correlate.DecodeProblem(rec)
			format, ok := errors.AsType[*correlate.FormatError](err)
			require.True(t, ok, "%T", err)
			require.Equal(t, key, format.Key)
			require.Equal(t, test.version, format.Version)
			require.ErrorContains(t, err, test.want)
			require.Zero(t, p, "half a problem is of no use")

			_, add, err := correlate.UpdateProblem(func(p correlate.Problem) (correlate.Problem, []correlate.Delivery, error) {
				t.Fatal("called with what could not be read")
				return p, nil, nil
			})(rec, true)
			require.ErrorAs(t, err, &format)
			require.Empty(t, add)
		})
	}
}

func TestEncodeProblemRefuses(t *testing.T) {
	p := codecProblem()
	p.ResolvedAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	_, err := correlate.EncodeProblem(p, correlate.Record{})
	format, ok := errors.AsType[*correlate.FormatError](err)
	require.True(t, ok, "trying again would not help: %T", err)
	require.Equal(t, "v1a", format.Key.ID)

	_, err = correlate.EncodeProblem(codecProblem(), correlate.Record{Data: []byte("{")})
	require.ErrorAs(t, err, &format)
}

// Whatever a span says of its times, its problem can be stored.
func TestStrangeTimesAreStored(t *testing.T) {
	for _, at := range []time.Time{{}, time.Unix(-1<<40, 0), time.Unix(1<<40, 0), time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC)} {
		p, _ := correlate.Problem{}.Observe(policyBatch(at, 5), policyStart)
		require.Equal(t, correlate.Open, p.State)
		rec, err := correlate.EncodeProblem(p, correlate.Record{})
		require.NoError(t, err, "%v", at)
		_, err = correlate.DecodeProblem(rec)
		require.NoError(t, err)
	}
}

func TestUpdateProblem(t *testing.T) {
	ctx, store := context.Background(), new(correlate.Memory)
	b := policyBatch(policyStart, 5)
	_, err := correlate.ReadProblem(ctx, store, b.Key())
	require.ErrorIs(t, err, correlate.ErrNotFound)

	failed := errors.New("failed")
	err = store.Update(ctx, b.Key(), correlate.UpdateProblem(func(p correlate.Problem) (correlate.Problem, []correlate.Delivery, error) {
		require.Zero(t, p, "there is none")
		p, _ = p.Observe(b, policyStart)
		p, add := p.Queue(correlate.OpOpen, []string{"jira"}, policyStart)
		return p, add, failed
	}))
	require.ErrorIs(t, err, failed)
	_, err = correlate.ReadProblem(ctx, store, b.Key())
	require.ErrorIs(t, err, correlate.ErrNotFound, "an error changes nothing")

	for i := range 3 {
		require.NoError(t, store.Update(ctx, b.Key(), correlate.UpdateProblem(func(p correlate.Problem) (_ correlate.Problem, add []correlate.Delivery, _ error) {
			p, change := p.Observe(b, policyStart)
			if change == correlate.ChangeOpened {
				p, add = p.Queue(correlate.OpOpen, []string{"jira"}, policyStart)
			}
			return p, add, nil
		})))
		p, err := correlate.ReadProblem(ctx, store, b.Key())
		require.NoError(t, err)
		require.EqualValues(t, 5*(i+1), p.Count)
	}
	got := memoryClaim(t, store, policyStart, "jira")
	require.Len(t, got, 1)
	require.Equal(t, "v1a/jira/1", got[0].ID)
}

func FuzzDecodeProblem(f *testing.F) {
	rec, err := correlate.EncodeProblem(codecProblem(), correlate.Record{})
	require.NoError(f, err)
	for _, seed := range []string{
		string(rec.Data), string(rec.Data[:len(rec.Data)/2]), ``, `null`, `[]`, `{"id":"a"}`,
		`{"id":"a","COUNT":3,"count":1,"Id":"b","new":{"x":1e5}}`,
		`{"id":"a","state":"open","updates":-1,"recent":[{"count":-1}],"answers":{"quiet":-9223372036854775808}}`,
		`{"id":"a","filings":[{"sink":"jira","generation":-1},{"sink":"jira"},{}],"samples":[{"path":[{}]}],"K":1,"\u017ftate":"x"}`,
	} {
		f.Add([]byte(seed))
	}
	now := policyStart
	f.Fuzz(func(t *testing.T, data []byte) {
		rec := correlate.Record{Version: 1, Data: data}
		p, err := correlate.DecodeProblem(rec)
		if err != nil {
			require.ErrorAs(t, err, new(*correlate.FormatError))
			return
		}
		// Whatever can be read can be worked with.
		q, _ := p.Observe(policyBatch(now, 1), now)
		q, _ = q.Quieten(now.Add(time.Hour))
		q, add := q.Queue(correlate.OpReopen, []string{"jira"}, now)
		for _, d := range add {
			q.Plan(d, correlate.Capabilities{})
			q = q.Trying(d.Sink).Accepted(d, correlate.Receipt{ID: "1"}, 1, now).GivenUp(d, "refused", now)
		}
		_, _, _ = q.Rate(), q.Expires(), q.Newest()

		first, err := correlate.EncodeProblem(p, rec)
		if err != nil { // a time that JSON cannot hold
			require.ErrorAs(t, err, new(*correlate.FormatError))
			return
		}
		again, err := correlate.DecodeProblem(first)
		require.NoError(t, err)
		second, err := correlate.EncodeProblem(again, first)
		require.NoError(t, err)
		require.Equal(t, string(first.Data), string(second.Data))
		require.Equal(t, p.Count, again.Count)
		require.Equal(t, p.State, again.State)
	})
}

// BenchmarkProblem is what it takes to count a batch on a stored problem, apart
// from the store.
func BenchmarkProblem(b *testing.B) {
	p, at := codecProblem(), policyStart
	for range 200 { // until all that is bounded is full
		at = at.Add(time.Second)
		p, _ = p.Observe(policyBatch(at, 1), at)
	}
	rec, err := correlate.EncodeProblem(p, correlate.Record{})
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		p, err := correlate.DecodeProblem(rec)
		if err != nil {
			b.Fatal(err)
		}
		at = at.Add(time.Second)
		p, _ = p.Observe(policyBatch(at, 1), at)
		if rec, err = correlate.EncodeProblem(p, rec); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(rec.Data)), "bytes/record")
}

func TestFormatErrorUnwraps(t *testing.T) {
	cause := errors.New("torn page")
	err := fmt.Errorf("reading: %w", &correlate.FormatError{Key: correlate.Key{ID: "v1a"}, Err: cause})
	require.ErrorIs(t, err, cause)
}
