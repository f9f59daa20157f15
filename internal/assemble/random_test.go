package assemble

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// forests draws the spans of one trace: a few roots, some missing parents, a
// circle now and then, and the same ID twice.
func forests() *rapid.Generator[[]string] {
	return rapid.Custom(func(t *rapid.T) []string {
		n := rapid.IntRange(1, 24).Draw(t, "spans")
		texts := make([]string, n)
		for i := range texts {
			parent := "-"
			if p := rapid.IntRange(-2, n+1).Draw(t, "parent"); p >= 0 {
				if i > 0 && p != n { // n is anywhere: a circle, or missing
					p %= i
				}
				parent = fmt.Sprintf("s%d", p)
			}
			id := i
			if rapid.IntRange(0, 15).Draw(t, "twin") == 0 {
				id = rapid.IntRange(0, i).Draw(t, "of")
			}
			start := rapid.IntRange(0, 6).Draw(t, "start")
			end := start + rapid.IntRange(0, 4).Draw(t, "took")
			flags := rapid.SampledFrom([]string{"-", "-", "F", "FM", "FM", "M", "FMR", "R", "FC", "FMC", "FT", "FMT"}).Draw(t, "flags")
			target := rapid.SampledFrom([]string{"", "", "a", "b"}).Draw(t, "target")
			texts[i] = fmt.Sprintf("s%d %s %d %d %s %s", id, parent, start, end, flags, target)
		}
		return texts
	})
}

func TestOriginWhateverTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := forests().Draw(t, "spans")
		first := decideAll(spans(texts...))
		nodes := spans(rapid.Permutation(texts).Draw(t, "order")...)
		second := decideAll(nodes)
		slices.Sort(first.found)
		slices.Sort(second.found)
		require.Equal(t, first.found, second.found)
		require.Equal(t, first.answers(), second.answers())
		second.requireOnce(t, nodes)
	})
}

// What counts as one failure hangs together: from each member the nearest that
// counts above it is a member too, but for one, which has none, and other attempts
// at the call that it is.
func TestFailuresAreConnected(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := spans(forests().Draw(t, "spans")...)
		f := link(nodes)
		found, retried := f.failures()
		of := map[*Node]int{}
		for i, fail := range found {
			var tops []*Node
			for _, n := range fail.members {
				require.True(t, n.counts())
				_, two := of[n]
				require.False(t, two, "a member of two failures")
				of[n] = i
			}
			for _, n := range fail.members {
				if p := f.above(n); p == nil || slices.Contains(retried, p) {
					tops = append(tops, n)
				} else {
					require.Contains(t, fail.members, p)
				}
			}
			require.NotEmpty(t, tops)
			for _, n := range tops[1:] { // attempts at the same call
				require.NotZero(t, n.Target)
				require.Equal(t, tops[0].Target, n.Target)
				require.Same(t, f.parent(tops[0]), f.parent(n))
			}
			matched := slices.ContainsFunc(fail.members, func(n *Node) bool { return n.Matched })
			require.Equal(t, matched, fail.wanted, "a rule takes it if one wants any of it")
			require.NotEmpty(t, fail.origins)
			require.LessOrEqual(t, len(fail.origins), maxFan)
			for _, o := range fail.origins {
				require.Contains(t, fail.members, o.via)
				require.Equal(t, o.node == o.via, o.node.counts(), "one that is healthy is the origin for what waited for it")
				require.Equal(t, matched, o.by != nil)
				if o.by != nil {
					require.Contains(t, fail.members, o.by)
					require.True(t, o.by.Matched)
				}
				for _, n := range nodes { // the origin is the deepest, but for what it canceled itself
					deeper := n.counts() && !slices.Contains(retried, n) && f.above(n) == o.via
					require.False(t, deeper && !n.Canceled)
				}
			}
		}
		for _, n := range nodes {
			_, member := of[n]
			require.Equal(t, n.counts(), member || slices.Contains(retried, n))
		}
	})
}

// TestTableConserves runs a table through what may happen to it, in any order.
func TestTableConserves(t *testing.T) {
	mark := new(Mark) // large; one serves all runs, because each leaves it empty
	rapid.Check(t, func(t *rapid.T) {
		limits := Limits{
			Traces: rapid.IntRange(1, 4).Draw(t, "traces"),
			Spans:  rapid.IntRange(1, 12).Draw(t, "spans"),
			Wait:   time.Duration(rapid.IntRange(1, 20).Draw(t, "wait")) * time.Second,
			Linger: time.Duration(rapid.IntRange(0, 3).Draw(t, "linger")) * time.Second,
			Whole:  rapid.Bool().Draw(t, "whole"),
		}
		r := newRecorder(limits)
		r.mark, r.Table.mark = mark, mark
		var nodes []*Node
		now := at(0)
		t.Repeat(map[string]func(*rapid.T){
			"end": func(t *rapid.T) {
				texts := forests().Draw(t, "spans")
				id := traceID(rapid.IntRange(0, 6).Draw(t, "trace"))
				for _, text := range texts {
					n := span(text)
					n.Trace = id
					nodes = append(nodes, n)
					r.end(n, now)
				}
			},
			"pass": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 8000).Draw(t, "ms")) * time.Millisecond)
				r.Advance(now)
				require.True(t, r.Next().IsZero() || r.Next().After(now))
			},
			"close": func(*rapid.T) {
				r.CloseAll(now)
				require.Zero(t, r.Len())
			},
			"": func(t *rapid.T) {
				require.LessOrEqual(t, len(r.traces), limits.Traces)
				require.Len(t, r.traces, len(r.open)+len(r.closed))
				var held int64
				for id, e := range r.traces {
					require.LessOrEqual(t, e.spans, limits.Spans)
					require.True(t, mark.Has(id), "a trace that is followed is marked")
					require.False(t, e.closed && e.spans > 0)
					waiting, counting := 0, 0
					for parent, siblings := range e.waiting {
						for _, n := range siblings {
							require.Equal(t, parent, n.Parent)
							waiting++
							held += n.size()
							if n.counts() {
								counting++
							}
						}
					}
					require.Equal(t, e.spans, waiting)
					require.Equal(t, e.counts, counting)
				}
				require.Equal(t, r.held, held)
			},
		})
		r.CloseAll(now)
		r.requireOnce(t, nodes)
		r.Advance(now.Add(2 * limits.Wait))
		require.Zero(t, mark.used.Load())
		for i := range 7 {
			require.False(t, mark.Has(traceID(i)))
		}
		require.Empty(t, r.traces)
	})
}
