package correlate_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
)

func TestWithoutEvidence(t *testing.T) {
	o := flooding(1)
	o.TraceID, o.Exported = "a", true
	o.Attributes = []correlate.Attribute{{Key: "http.route", Value: "/orders"}}
	o.Exception.Message = strings.Repeat("ä", 500)
	b := correlate.Batch{Scope: o.Scope, Signature: correlate.Signature{ID: "id"}, Count: 1, First: policyStart, Last: policyStart, Sample: o.Sample()}
	p, _ := correlate.Problem{}.Observe(b, policyStart)
	b.Sample.Exported, b.Sample.TraceID = false, "b"
	p, _ = p.Observe(b, policyStart)

	less, ok := p.WithoutEvidence()
	require.True(t, ok)
	require.True(t, less.Bare)
	require.Len(t, p.Samples, 2, "it is a pure function")
	require.Len(t, less.Samples, 1)
	s := less.Newest()
	require.Equal(t, "a", s.TraceID, "a link leads to what was exported")
	require.Equal(t, o.Operation, s.Operation)
	require.Empty(t, s.Attributes)
	require.Less(t, len(s.Exception.Message), 200)
	require.Equal(t, p.Count, less.Count)
	_, ok = less.WithoutEvidence()
	require.False(t, ok, "there is nothing left to drop")
	_, ok = correlate.Problem{}.WithoutEvidence()
	require.False(t, ok)
}

// Whatever is written, and however often: what was written last is read, and a
// problem that was written long ago lacks nothing but its evidence.
func TestMemoryKeepsProblemsInLittleRoom(t *testing.T) {
	const problems = 5300
	var m correlate.Memory
	stack := strings.Repeat("main.handle(...)\n\t/src/handle.go:17 +0x1\n", 20)
	want := map[string]int64{}
	write := func(i int) {
		o := flooding(i)
		o.Exception.Stacktrace = stack
		b := correlate.Batch{Scope: o.Scope, Signature: correlate.Signer{}.Sign(o, correlate.Spec{}), Rule: "errors", Threshold: correlate.Threshold{Count: 1}, Quiet: time.Hour, Count: int64(i%7 + 1), First: policyStart, Last: policyStart, Sample: o.Sample()}
		want[b.Signature.ID] += b.Count
		require.NoError(t, m.Update(t.Context(), b.Key(), correlate.UpdateProblem(func(p correlate.Problem) (correlate.Problem, []correlate.Delivery, error) {
			p, _ = p.Observe(b, policyStart)
			return p, nil, nil
		})))
	}
	for i := range problems {
		write(i)
	}
	for i := range 100 {
		write(i * 50)
	}
	var bare, n int
	each(t, &m, func(p correlate.Problem) {
		n++
		require.Equal(t, want[p.ID], p.Count)
		if p.Bare {
			bare++
		} else {
			require.Equal(t, stack, p.Newest().Exception.Stacktrace)
		}
	})
	require.Equal(t, problems, n)
	require.InDelta(t, problems-5000, bare, 100, "the newest 5,000 have their evidence")
}

// Data that is no problem's is handed out as it was written, whoever wrote it.
func TestMemoryKeepsOtherData(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m correlate.Memory
		want := map[string][]byte{}
		for range rapid.IntRange(1, 400).Draw(t, "writes") {
			id := fmt.Sprint(rapid.IntRange(0, 400).Draw(t, "id"))
			want[id] = rapid.SliceOfN(rapid.Byte(), 1, 50).Draw(t, "data")
			key := correlate.Key{Scope: correlate.Scope{Service: "checkout"}, Kind: correlate.KindProblem, ID: id}
			require.NoError(t, m.Update(context.Background(), key, func(cur correlate.Record, found bool) (correlate.Record, []correlate.Delivery, error) {
				return correlate.Record{Version: 1, Data: want[id]}, nil, nil
			}))
		}
		records, err := m.List(context.Background(), correlate.Page{Kind: correlate.KindProblem, Max: 1000})
		require.NoError(t, err)
		require.Len(t, records, len(want))
		for _, r := range records {
			require.Equal(t, want[r.Key.ID], r.Data)
		}
	})
}

// each calls fn with all problems of a store.
func each(t *testing.T, s correlate.Store, fn func(correlate.Problem)) {
	t.Helper()
	page := correlate.Page{Kind: correlate.KindProblem, Max: 500}
	for {
		records, err := s.List(t.Context(), page)
		require.NoError(t, err)
		for _, r := range records {
			p, err := correlate.DecodeProblem(r)
			require.NoError(t, err)
			fn(p)
			page.After = r.Key
		}
		if len(records) < page.Max {
			return
		}
	}
}
