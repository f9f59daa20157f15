package deployment

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
)

var update = flag.Bool("update", false, "write the golden files")

const trafficGolden = "testdata/traffic.golden.json"

// The format of what programs of other versions read.
func TestTrafficGolden(t *testing.T) {
	store := newDurable()
	counts := NewCounts(CountsConfig{Store: store})
	counts.writer = "writer000001"
	for m := range 4 {
		counts.Add(
			counted("2.3.1", "POST /pay", minutesAfter(float64(m-1)*90), 1200, int64(m*m)),
			counted("2.3.1", "GET /pay/{id}", minutesAfter(float64(m)), 7, 0),
			counted("2.3.1", "", minutesAfter(float64(m)), 1, 1),
		)
		require.NoError(t, counts.Flush(t.Context(), minutesAfter(float64(m)+180)))
	}
	records, err := store.List(t.Context(), correlate.Page{Kind: KindTraffic, Max: 10})
	require.NoError(t, err)
	require.Len(t, records, 1)
	var out bytes.Buffer
	require.NoError(t, json.Indent(&out, records[0].Data, "", "\t"))
	if *update {
		require.NoError(t, os.WriteFile(trafficGolden, out.Bytes(), 0o644))
	}
	want, err := os.ReadFile(trafficGolden)
	require.NoError(t, err)
	require.Equal(t, string(want), out.String())
	require.Equal(t, trafficKey(payment, "2.3.1", 0), records[0].Key)
	require.Equal(t, minutesAfter(183).Add(26*time.Hour), records[0].Expires.UTC())
}

// What a newer program wrote stays where it stands.
func TestTrafficKeepsWhatIsNotKnown(t *testing.T) {
	const before = `{"versions":[{"version":"1","since":"2026-03-02T12:00:00Z","until":"2026-03-02T12:01:00Z","operations":[{"name":"a","cells":"","p99":[1]},{"name":"b","cells":"","p99":2}],"hosts":7}],"writers":[{"id":"x","batch":3,"at":"2026-03-02T12:01:00Z","zone":"eu"}],"more":{"a":1}}`
	cells := series{cellOf(noon, Count{10, 1})}.text()
	data := bytes.ReplaceAll([]byte(before), []byte(`"cells":""`), []byte(`"cells":"`+cells+`"`))
	var key correlate.Key
	store := newDurable()
	key = trafficKey(payment, "1", 0)
	require.NoError(t, store.Update(t.Context(), key, func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
		return correlate.Record{Version: trafficVersion, Data: data}, nil, nil
	}))
	counts := NewCounts(CountsConfig{Store: store})
	counts.Add(counted("1", "a", minutesAfter(1), 5, 0))
	require.NoError(t, counts.Flush(t.Context(), minutesAfter(2)))
	records, err := store.List(t.Context(), correlate.Page{Kind: KindTraffic, Max: 10})
	require.NoError(t, err)
	require.Len(t, records, 1)
	for _, member := range []string{`"p99":[1]`, `"p99":2`, `"hosts":7`, `"zone":"eu"`, `"more":{"a":1}`} {
		require.Contains(t, string(records[0].Data), member)
	}
	n, _ := counts.At(minutesAfter(3)).Count(always("1", "a"))
	require.Equal(t, Count{15, 1}, n)
}

// What cannot be read is left alone, and told of; other versions go on.
func TestTrafficThatCannotBeRead(t *testing.T) {
	for _, c := range []struct {
		rule    string
		version int
		data    string
	}{
		{rule: "a newer format", version: trafficVersion + 1, data: `{"versions":[]}`},
		{rule: "no JSON", version: 1, data: `{`},
		{rule: "cells that are none", version: 1, data: `{"versions":[{"version":"1","others":"!"}]}`},
		{rule: "more failures than calls", version: 1, data: `{"versions":[{"version":"1","others":"BQEC"}]}`},
		{rule: "an operation twice", version: 1, data: `{"versions":[{"version":"1","operations":[{"name":"a","cells":"BAE"},{"name":"a","cells":"BAE"}]}]}`},
		{rule: "a version twice", version: 1, data: `{"versions":[{"version":"1"},{"version":"1"}]}`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			store := newDurable()
			require.NoError(t, store.Update(t.Context(), trafficKey(payment, "1", 0), func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
				return correlate.Record{Version: c.version, Data: []byte(c.data)}, nil, nil
			}))
			counts := NewCounts(CountsConfig{Store: store})
			counts.Add(counted("1", "a", noon, 5, 1), counted("2", "a", noon, 7, 1))
			var bad *correlate.FormatError
			require.ErrorAs(t, counts.Flush(t.Context(), minutesAfter(1)), &bad)
			require.NoError(t, counts.Refresh(t.Context(), minutesAfter(1)))
			require.EqualValues(t, 1, counts.Stats().Damaged)
			require.EqualValues(t, 1, counts.Stats().Flushed)
			n, _ := counts.At(minutesAfter(1)).Count(always("", "a"))
			require.Equal(t, Count{12, 2}, n)
		})
	}
}

func TestSeriesReadsWhatItWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s series
		var sum Count
		for range rapid.IntRange(0, 50).Draw(t, "cells") {
			n := Count{Total: rapid.Int64Range(0, 1<<20).Draw(t, "total")}
			n.Failed = rapid.Int64Range(0, n.Total).Draw(t, "failed")
			c := cellOf(minutesAfter(float64(rapid.IntRange(-300, 300).Draw(t, "minute"))), n)
			if rapid.Bool().Draw(t, "wide") {
				c = c.widened()
			}
			before := append(series{}, s...)
			kept := s
			s = s.add(c)
			require.Equal(t, before, append(series{}, kept...), "whoever has the series goes on reading it")
			sum.Total, sum.Failed = sum.Total+n.Total, sum.Failed+n.Failed
		}
		require.Equal(t, sum, s.sum())
		again, err := seriesOf(s.text())
		require.NoError(t, err)
		require.Equal(t, append(series{}, s...), append(series{}, again...))
		aged := s.aged(minutesAfter(400))
		require.Equal(t, sum, aged.sum(), "nothing is so old that it is lost")
		require.Equal(t, aged, aged.aged(minutesAfter(400)))
		require.Equal(t, sum, s.plus(nil).sum())
		require.Equal(t, Count{2 * sum.Total, 2 * sum.Failed}, s.plus(s).sum())
	})
}

// Whatever is read can be written, and read again as the same.
func FuzzTraffic(f *testing.F) {
	golden, err := os.ReadFile(trafficGolden)
	require.NoError(f, err)
	f.Add(golden)
	f.Add([]byte(`{"versions":[{"version":"1","since":"2026-03-02T12:00:00Z","until":"2026-03-02T12:01:00Z","others":"BAE","operations":[]}],"writers":[{"id":"x","batch":3}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decodeTraffic(correlate.Record{Version: trafficVersion, Data: data})
		if err != nil {
			require.ErrorAs(t, err, new(*correlate.FormatError))
			return
		}
		r.add(&tally{version: "1", operations: map[string]series{"a": {cellOf(noon, Count{2, 1})}}, all: series{cellOf(noon, Count{2, 1})}, since: noon, until: noon})
		r.note("me", 1, noon)
		r.fit(minutesAfter(5))
		for _, v := range r.versions {
			sum := v.others.sum()
			for _, s := range v.operations {
				n := s.sum()
				sum.Total, sum.Failed = sum.Total+n.Total, sum.Failed+n.Failed
			}
			if sum.Total < 1<<32 {
				require.Equal(t, sum, v.all.sum())
			}
		}
		next, err := r.encode(noon)
		if err != nil {
			return // a time that JSON cannot write
		}
		again, err := decodeTraffic(next)
		require.NoError(t, err)
		require.True(t, again.counted("me", 1))
		require.Len(t, again.versions, len(r.versions))
		last, err := again.encode(noon)
		require.NoError(t, err)
		require.JSONEq(t, string(next.Data), string(last.Data))
	})
}
