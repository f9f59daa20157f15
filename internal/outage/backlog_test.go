package outage

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/celrule"
	"github.com/spanticket/spanticket/internal/coalesce"
	"github.com/spanticket/spanticket/internal/journal"
)

var begin = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)

// batch returns one of a signature whose rule has a threshold of 5 within a minute.
func batch(id string, count int64, at time.Duration) coalesce.Batch {
	o := &correlate.Occurrence{Operation: id, End: begin.Add(at)}
	return coalesce.Batch{Newest: o, Signed: o, Own: count, Batch: correlate.Batch{
		Signature: correlate.Signature{ID: id}, Count: count, First: o.End, Last: o.End, Threshold: correlate.Threshold{Count: 5, Within: time.Minute},
	}}
}

func TestWhatBecomesOneBatch(t *testing.T) {
	for rule, row := range map[string]struct {
		add  []coalesce.Batch
		want []int64 // counts
	}{
		"what lies within a window":                               {[]coalesce.Batch{batch("a", 1, 0), batch("a", 2, time.Minute)}, []int64{3}},
		"what lies further apart may not reach the threshold":     {[]coalesce.Batch{batch("a", 3, 0), batch("a", 3, 2*time.Minute)}, []int64{3, 3}},
		"what reached it may grow":                                {[]coalesce.Batch{batch("a", 5, 0), batch("a", 3, time.Hour)}, []int64{8}},
		"other signatures are others":                             {[]coalesce.Batch{batch("a", 5, 0), batch("b", 3, 0), batch("a", 1, 0)}, []int64{6, 3}},
		"a batch with a number may be in the store":               {[]coalesce.Batch{numbered(batch("a", 5, 0)), batch("a", 3, 0), batch("a", 3, 0)}, []int64{5, 6}},
		"what was replayed keeps its number, and stays by itself": {[]coalesce.Batch{batch("a", 5, 0), numbered(batch("a", 1, 0)), batch("a", 3, 0)}, []int64{5, 1, 3}},
	} {
		t.Run(rule, func(t *testing.T) {
			var l Backlog
			for _, b := range row.add {
				_, ok := l.Add(b, nil)
				require.True(t, ok)
			}
			var got []int64
			for _, b := range l.All() {
				got = append(got, b.Count)
			}
			require.Equal(t, row.want, got)
		})
	}
}

func numbered(b coalesce.Batch) coalesce.Batch {
	b.Number = 7
	return b
}

func TestWhatWaitsIsStoredOnceAndInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l Backlog
		want, got := map[string]int64{}, map[string]int64{}
		var kept, released []journal.Entry
		store := func() {
			w := l.Next()
			got[w.Signature.ID] += w.Count
			released = append(released, w.Kept...)
			l.Stored()
		}
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch id := rapid.SampledFrom([]string{"a", "b", "c", "store", "try"}).Draw(t, "step"); {
			case id == "store" && l.Len() > 0:
				store()
			case id == "try" && l.Len() > 0:
				l.Next().Number = int64(i + 1)
			case len(id) == 1:
				n := rapid.Int64Range(1, 9).Draw(t, "count")
				want[id] += n
				kept = append(kept, journal.Entry(i))
				var number int64
				if w := l.Next(); w != nil {
					number = w.Count * min(w.Number, 1)
				}
				_, ok := l.Add(batch(id, n, time.Duration(i)*time.Second), []journal.Entry{journal.Entry(i)})
				require.True(t, ok)
				if number > 0 {
					require.Equal(t, number, l.Next().Count, "what the store may have stays as it is")
				}
			}
		}
		for l.Len() > 0 {
			store()
		}
		require.Equal(t, want, got)
		require.ElementsMatch(t, kept, released)
		require.Zero(t, l.bytes)
		require.Empty(t, l.newest)
	})
}

// rules are those of the batches below: one by what fails, and one by a value of its own.
var rules = func() *celrule.Set {
	set, err := celrule.Compile([]celrule.Rule{{Name: "errors", When: "true"}, {Name: "tenants", When: "true", SignatureExpr: `[span.name]`}}, nil)
	if err != nil {
		panic(err)
	}
	return set
}()

// signed returns what a service counted of one of its failures.
func signed(rule int, service, operation, message string, n int, at time.Duration) coalesce.Batch {
	c := coalesce.Counts{Max: 1}
	for range n {
		o := &correlate.Occurrence{Scope: correlate.Scope{Service: service}, Operation: operation, End: begin.Add(at), Exception: correlate.Exception{Type: "acme.Error", Message: message}}
		if _, ok := c.Add(o, rules, rule, false, o.End); !ok {
			panic("there is no room for one")
		}
	}
	return c.Take()[0]
}

func TestTheBacklogIsBounded(t *testing.T) {
	var l Backlog
	for i := range maxBatches {
		_, ok := l.Add(batch(fmt.Sprint(i), 1, 0), nil)
		require.True(t, ok)
	}
	as, ok := l.Add(signed(0, "shop", "GET /", "new", 3, 0), nil)
	require.True(t, ok, "what there is no room for is counted with others")
	require.Equal(t, int64(3), as.Count)
	require.Equal(t, correlate.FoldOperation, as.Flood.Fold)
	_, ok = l.Add(signed(0, "shop", "GET /", "newer", 2, 0), nil)
	require.True(t, ok)
	require.Equal(t, maxBatches+1, l.Len())
	_, ok = l.Add(numbered(signed(0, "shop", "GET /", "newest", 1, 0)), nil)
	require.False(t, ok, "but not what the store may have")
	_, ok = l.Add(batch("7", 1, time.Hour), nil)
	require.True(t, ok, "what is known is counted, if less exactly")
	require.Equal(t, maxBatches+1, l.Len())

	l = Backlog{}
	for i := range 200 {
		b := signed(0, "shop", "GET /", strings.Repeat("word ", i%7+1)+strings.Repeat("x", i+1), 1, 0)
		b.Newest.Exception.Stacktrace = string(make([]byte, 1<<20))
		_, ok := l.Add(b, nil)
		require.True(t, ok)
	}
	require.LessOrEqual(t, l.bytes, maxBytes)
	require.LessOrEqual(t, l.spilt, maxFoldedBytes)
	require.Less(t, l.Len(), maxBytes>>20+2, "evidence is let go, and counts are not")
}

// However little room there is: what waits is what came, less what was refused, by rule;
// the number and the bytes are bounded; and what was folded says how many there were.
func TestWhatIsFoldedIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := Backlog{bounds: bounds{
			batches: rapid.IntRange(0, 4).Draw(t, "batches"), bytes: rapid.IntRange(0, 20_000).Draw(t, "bytes"),
			folded: rapid.IntRange(0, 3).Draw(t, "folded"), foldedBytes: rapid.IntRange(0, 60_000).Draw(t, "bytes of what is folded"),
		}}
		if l.bounds == (bounds{}) {
			l.bounds.batches = 1
		}
		want, got := map[string]int64{}, map[string]int64{}
		own, stored := int64(0), int64(0)
		var kept, released []journal.Entry
		store := func() {
			w := l.Next()
			got[w.Scope.Service] += w.Count
			stored += w.Own
			released = append(released, w.Kept...)
			if w.Flood != nil {
				require.LessOrEqual(t, w.Flood.Signatures.Count(), w.Count)
				require.Positive(t, w.Flood.Signatures.Count())
			}
			l.Stored()
		}
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			if rapid.IntRange(0, 5).Draw(t, "store") == 0 && l.Len() > 0 {
				store()
				continue
			}
			if rapid.IntRange(0, 5).Draw(t, "try") == 0 && l.Len() > 0 {
				l.Next().Number = int64(i + 1)
			}
			some := func(what string, of ...string) string { return rapid.SampledFrom(of).Draw(t, what) }
			n := rapid.IntRange(1, 5).Draw(t, "count")
			b := signed(rapid.IntRange(0, 1).Draw(t, "rule"), some("service", "shop", "cart"), "GET /"+some("operation", "a", "b", "c", "d"), some("message", "one", "two", "three", "four"), n, time.Duration(i)*time.Second)
			before := l.Len()
			as, ok := l.Add(b, []journal.Entry{journal.Entry(i)})
			if !ok {
				require.Equal(t, before, l.Len())
				continue
			}
			require.Equal(t, b.Count, as.Count)
			require.Equal(t, b.Scope, as.Scope)
			want[b.Scope.Service] += b.Count
			own += b.Own
			kept = append(kept, journal.Entry(i))
			require.LessOrEqual(t, l.Len(), l.bounds.batches+len(folds)*l.bounds.folded)
		}
		for l.Len() > 0 {
			store()
		}
		require.Equal(t, want, got)
		require.Equal(t, own, stored)
		require.ElementsMatch(t, kept, released)
		require.Zero(t, l.bytes)
		require.Zero(t, l.spilt)
		require.Zero(t, l.many())
		require.Empty(t, l.newest)
	})
}

// What is folded has the signature that a flood of its operation has, so that both are
// one problem.
func TestWhatIsFoldedIsAFlood(t *testing.T) {
	l := Backlog{bounds: bounds{batches: 0, folded: 1, foldedBytes: 1 << 20}}
	as, ok := l.Add(signed(0, "shop", "GET /", "no such order", 3, 0), nil)
	require.True(t, ok)
	o := correlate.Occurrence{Scope: correlate.Scope{Service: "shop"}, Operation: "GET /"}
	require.Equal(t, correlate.Signer{}.ID(o, correlate.Spec{Fold: correlate.FoldOperation, Rule: "errors"}), as.Signature.ID)
	require.True(t, as.Spilled)
	as, ok = l.Add(signed(0, "shop", "GET /", "no such user", 3, 0), nil)
	require.True(t, ok)
	require.Equal(t, 1, l.Len())
	require.Equal(t, int64(2), l.Next().Flood.Signatures.Count())
	require.NoError(t, as.Redact(func(*correlate.Occurrence) (bool, error) { return false, nil }))
	as, ok = l.Add(signed(0, "shop", "GET /other", "no such user", 3, 0), nil)
	require.True(t, ok)
	require.Equal(t, correlate.FoldRule, as.Flood.Fold)
	as, ok = l.Add(signed(1, "shop", "GET /third", "no such user", 3, 0), nil)
	require.True(t, ok)
	require.Equal(t, correlate.FoldService, as.Flood.Fold)
	_, ok = l.Add(signed(1, "cart", "GET /third", "no such user", 3, 0), nil)
	require.False(t, ok)
}
