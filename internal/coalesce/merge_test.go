package coalesce

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/celrule"
)

func TestMergedBatchesSayWhatOneBatchWouldHave(t *testing.T) {
	set, err := celrule.Compile([]celrule.Rule{{Name: "errors", When: "true", Threshold: correlate.Threshold{Count: 1, Within: time.Minute}, Quiet: time.Hour}}, nil)
	require.NoError(t, err)
	begin := time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		n := rapid.IntRange(2, 30).Draw(t, "occurrences")
		cut := rapid.IntRange(1, n-1).Draw(t, "in the first batch")
		whole, first, second := Counts{Max: 9}, Counts{Max: 9}, Counts{Max: 9}
		for i := range n {
			o := &correlate.Occurrence{
				Scope: correlate.Scope{Service: "checkout"}, Operation: "POST /pay", Kind: "CLIENT", Status: "ERROR",
				Start: begin, End: begin.Add(time.Duration(i) * time.Second), Exported: random.IntN(4) == 0, User: random.Uint64N(5),
				TraceID: fmt.Sprintf("%032x", random.Uint64()), SpanID: "0102030405060708",
				Exception: correlate.Exception{Type: "Refused", Message: "connection refused"},
				Path:      []correlate.Step{{Service: "checkout", Operation: fmt.Sprint("GET /", i%3)}},
			}
			further := random.IntN(5) == 0
			part := &first
			if i >= cut {
				part = &second
			}
			for _, c := range []*Counts{&whole, part} {
				_, ok := c.Add(o, set, 0, further)
				require.True(t, ok)
			}
		}
		want, a, b := whole.Take()[0], first.Take()[0], second.Take()[0]
		got := a.Merge(b)
		require.Equal(t, want.Count, got.Count)
		require.Equal(t, want.Own, got.Own)
		require.Equal(t, want.First, got.First)
		require.Equal(t, want.Last, got.Last)
		require.Equal(t, want.Newest, got.Newest)
		require.Equal(t, want.Signed, got.Signed)
		require.Equal(t, want.Sample, got.Sample)
		require.Equal(t, want.Calls, got.Calls)
		require.Equal(t, want.Earlier, got.Earlier)
		require.Equal(t, want.Signature, got.Signature)
		require.Equal(t, want.Impact.Users, got.Impact.Users)
		require.Equal(t, want.Impact.Traces, got.Impact.Traces)
		require.ElementsMatch(t, want.Impact.Operations, got.Impact.Operations)
		require.Positive(t, got.Size())
	})
}
