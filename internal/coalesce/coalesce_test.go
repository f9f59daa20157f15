package coalesce

import (
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/celrule"
	"github.com/spanticket/spanticket/internal/flood"
)

var at = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)

func compile(tb testing.TB) *celrule.Set {
	tb.Helper()
	set, err := celrule.Compile([]celrule.Rule{
		{Name: "all", When: "true", Threshold: correlate.Threshold{Count: 5, Within: time.Minute}, Quiet: time.Hour},
		{Name: "other", When: "true"},
	}, nil)
	require.NoError(tb, err)
	return set
}

// fails makes an occurrence of a failure. Letters, because digits are masked.
func fails(kind int, second int) *correlate.Occurrence {
	return &correlate.Occurrence{
		Scope: correlate.Scope{Service: "checkout"}, Operation: "op " + strings.Repeat("x", kind+1),
		Start: at, End: at.Add(time.Duration(second) * time.Second), Attributes: []correlate.Attribute{{Key: "second", Value: int64(second)}},
	}
}

func TestCounts(t *testing.T) {
	set := compile(t)
	c := Counts{Max: 10}
	require.False(t, c.Fresh())
	require.Nil(t, c.Take())
	for _, o := range []struct{ kind, second, rule int }{{0, 5, 0}, {1, 1, 1}, {0, 3, 0}, {0, 9, 1}, {0, 9, 0}, {0, 7, 0}} {
		require.True(t, add(&c, fails(o.kind, o.second), set, o.rule))
	}
	require.True(t, c.Fresh())
	require.Equal(t, 2, c.Len())
	batches := c.Take()
	require.Len(t, batches, 2)
	require.Zero(t, c.Len())
	require.False(t, c.Fresh())

	first, second := batches[0], batches[1]
	require.Equal(t, at.Add(time.Second), first.First, "ordered by the first occurrence")
	require.Equal(t, int64(5), second.Count)
	require.Equal(t, at.Add(3*time.Second), second.First)
	require.Equal(t, at.Add(9*time.Second), second.Last)
	require.Equal(t, at.Add(9*time.Second), second.Sample.Time)
	require.Equal(t, "9", second.Sample.Attributes["second"], "the newest is kept")
	require.Equal(t, "all", second.Batch.Rule, "the rule that was first")
	require.Equal(t, 0, second.Rule)
	require.Same(t, set, second.Set)
	require.Equal(t, correlate.Threshold{Count: 5, Within: time.Minute}, second.Threshold)
	require.Equal(t, time.Hour, second.Quiet)
	require.Equal(t, correlate.Scope{Service: "checkout"}, second.Scope)

	add(&c, fails(0, 20), set, 0)
	require.False(t, c.Fresh(), "one that was taken before is not fresh")
	add(&c, fails(5, 20), set, 0)
	require.True(t, c.Fresh())
}

func TestServicesAreKeptApart(t *testing.T) {
	set := compile(t)
	c := Counts{Max: 10}
	for _, scope := range []correlate.Scope{{Service: "a"}, {Service: "b"}, {Service: "a", Environment: "test"}, {Namespace: "n", Service: "a"}, {Service: "n/a"}} {
		o := fails(0, 1)
		o.Scope = scope
		require.True(t, add(&c, o, set, 0))
	}
	for _, b := range c.Take() {
		require.Equal(t, int64(1), b.Count)
	}
}

func TestCountsAreBounded(t *testing.T) {
	set := compile(t)
	c := Counts{Max: 3}
	for kind := range 10 {
		require.True(t, add(&c, fails(kind, 1), set, 0))
	}
	require.True(t, add(&c, fails(0, 2), set, 0), "one that is held is counted on")
	batches := c.Take()
	require.Len(t, batches, 4, "new ones beyond the bound are counted as one")
	for _, b := range batches {
		if b.Flood != nil {
			require.Equal(t, int64(7), b.Count)
			require.Equal(t, int64(7), b.Flood.Signatures.Count())
			require.Equal(t, correlate.FoldService, b.Flood.Fold)
		}
	}
	require.True(t, add(&c, fails(9, 1), set, 0), "there is room again")
	require.Nil(t, c.Take()[0].Flood)
}

// Signatures that have problems are counted on them, when new ones are not any more.
func TestKnownOnesHaveMoreRoom(t *testing.T) {
	set := compile(t)
	c := Counts{Max: 3}
	for kind := range 20 {
		require.True(t, add(&c, fails(kind, 1), set, 0))
		require.Nil(t, c.Take()[0].Flood)
	}
	for kind := range 20 {
		require.Equal(t, kind < 4*3, add(&c, fails(kind, 2), set, 0))
	}
	for _, b := range c.Take() {
		require.Nil(t, b.Flood)
		require.Equal(t, int64(1), b.Count)
	}
}

// A batch knows what its problem was called by the version before, and those of
// other operations that have become one with it.
func TestEarlier(t *testing.T) {
	set := compile(t)
	refused := func(operation string) *correlate.Occurrence {
		o := fails(0, 1)
		o.Operation, o.Kind, o.Message = operation, "CLIENT", "connection refused"
		o.Attributes = []correlate.Attribute{{Key: "peer.service", Value: "db"}}
		return o
	}
	before := func(operations ...string) (ids []string) {
		for _, operation := range operations {
			ids = append(ids, correlate.Signer{Version: 1}.Sign(*refused(operation), correlate.Spec{}).ID)
		}
		return ids
	}
	c := Counts{Max: 10}
	take := func(operations ...string) Batch {
		for _, operation := range operations {
			require.True(t, add(&c, refused(operation), set, 0))
		}
		batches := c.Take()
		require.Len(t, batches, 1)
		require.Equal(t, int64(len(operations)), batches[0].Count)
		return batches[0]
	}
	b := take("a", "b", "a", "b", "c", "d", "e", "f")
	require.Equal(t, before("a", "b", "c", "d"), b.Earlier, "a few of them")
	require.Equal(t, b.Earlier[0], b.Signature.Earlier)
	b = take("x", "y")
	require.Equal(t, before("a", "y"), b.Earlier, "the signature is known, and so is its ID")
	require.Equal(t, b.Earlier[0], b.Signature.Earlier)

	c = Counts{Max: 10, Signer: correlate.Signer{Version: 1}}
	require.Empty(t, take("a", "a").Earlier, "there is no version before the first")
}

// Whatever comes, and however little room there is, each occurrence is counted
// once: on its own problem, or on that of a flood.
func TestCountsAreExact(t *testing.T) {
	set := compile(t)
	rapid.Check(t, func(t *rapid.T) {
		type sum struct {
			count       int64
			first, last time.Time
		}
		most := rapid.IntRange(1, 6).Draw(t, "room")
		c := Counts{Max: most, Flood: flood.New(flood.Limits{
			Operation: flood.Rate{Minute: rapid.IntRange(1, 5).Draw(t, "of operation")}, Rule: flood.Rate{Minute: rapid.IntRange(1, 9).Draw(t, "of rule")},
			Floods: rapid.IntRange(1, 3).Draw(t, "floods"), Known: rapid.IntRange(1, 12).Draw(t, "known"),
		})}
		want, got := map[string]sum{}, map[string]sum{}
		plus := func(m map[string]sum, id string, n int64, first, last time.Time) {
			s, ok := m[id]
			if !ok {
				s = sum{0, first, last}
			}
			if first.Before(s.first) {
				s.first = first
			}
			if last.After(s.last) {
				s.last = last
			}
			s.count += n
			m[id] = s
		}
		own := map[string]bool{}
		take := func() {
			batches := c.Take()
			require.True(t, slices.IsSortedFunc(batches, func(a, b Batch) int { return a.First.Compare(b.First) }))
			for _, b := range batches {
				plus(got, b.Signature.ID, b.Count, b.First, b.Last)
				if b.Flood != nil {
					require.LessOrEqual(t, b.Flood.Signatures.Count(), b.Count)
				}
				require.Equal(t, b.Flood == nil, own[b.Signature.ID])
			}
		}
		now := at
		var dropped int64
		n := rapid.IntRange(0, 200).Draw(t, "occurrences")
		for range n {
			kind, second := rapid.IntRange(0, 19).Draw(t, "kind"), rapid.IntRange(0, 1000).Draw(t, "second")
			o := fails(kind%3, second)
			o.Exception.Message = "no " + strings.Repeat("x", kind+1)
			now = now.Add(time.Duration(rapid.IntRange(-90, 400).Draw(t, "passes")) * time.Second)
			id, ok := c.Add(o, set, 0, false, now)
			if !ok {
				dropped++
			} else {
				plus(want, id, 1, o.End, o.End)
				if id == c.Signer.ID(*o, SpecOf(set, 0, o)) {
					own[id] = true
				}
			}
			require.LessOrEqual(t, c.Len(), 4*most+3*2+1, "those with problems, and the floods")
			if rapid.IntRange(0, 20).Draw(t, "take") == 0 {
				take()
			}
		}
		take()
		require.Equal(t, want, got)
		total := dropped
		for _, s := range got {
			total += s.count
		}
		require.Equal(t, int64(n), total)
	})
}

func TestTakeIsDeterministic(t *testing.T) {
	set := compile(t)
	order := func(kinds []int) (ids []string) {
		c := Counts{Max: 100}
		for _, kind := range kinds {
			add(&c, fails(kind, 1), set, 0) // all at once
		}
		for _, b := range c.Take() {
			ids = append(ids, b.Signature.ID)
		}
		return ids
	}
	kinds := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	want := order(kinds)
	slices.Reverse(kinds)
	for range 10 {
		require.Equal(t, want, order(kinds))
	}
}

func BenchmarkAdd(b *testing.B) {
	set := compile(b)
	c := Counts{Max: 100}
	o := fails(0, 1)
	b.ReportAllocs()
	for b.Loop() {
		add(&c, o, set, 0)
	}
}

func add(c *Counts, o *correlate.Occurrence, set *celrule.Set, rule int) bool {
	_, ok := c.Add(o, set, rule, false, at)
	return ok
}

// A link leads to the trace of the sample: of a storm one is kept that was
// exported, if there was any.
func TestTheSampleWasExported(t *testing.T) {
	set := compile(t)
	for _, tt := range []struct {
		rule     string
		seconds  []int
		exported []int // seconds of those that were
		want     string
	}{
		{"none was: the newest", []int{1, 3, 2}, nil, "3"},
		{"the newest that was", []int{1, 5, 3, 9}, []int{1, 5}, "5"},
		{"whatever came first", []int{5, 3, 9}, []int{3, 5}, "5"},
		{"the newest of all, if it was", []int{1, 9}, []int{1, 9}, "9"},
	} {
		c := Counts{Max: 10}
		for _, second := range tt.seconds {
			o := fails(0, second)
			o.Exported = slices.Contains(tt.exported, second)
			require.True(t, add(&c, o, set, 0), tt.rule)
		}
		b := c.Take()[0]
		require.Equal(t, tt.want, b.Sample.Attributes["second"], tt.rule)
		require.Equal(t, b.Last, b.Newest.End, tt.rule)
	}
}

// Evidence makes room before counts do.
func TestEvidenceIsBoundedInBytes(t *testing.T) {
	set := compile(t)
	const each, kinds = 64 << 10, 400
	c := Counts{Max: 2 * kinds}
	large := func(kind, second int) *correlate.Occurrence {
		o := fails(kind, second)
		o.Exception.Stacktrace = strings.Repeat("x", each)
		return o
	}
	for second := range 3 {
		for kind := range kinds {
			require.True(t, add(&c, large(kind, second), set, 0))
			require.LessOrEqual(t, c.bytes, maxBytes+kinds<<10, "what is light has room")
		}
	}
	batches := c.Take()
	require.Len(t, batches, kinds)
	whole := 0
	for _, b := range batches {
		require.Equal(t, int64(3), b.Count)
		require.Equal(t, at.Add(2*time.Second), b.Last)
		require.NotEmpty(t, b.Newest.Operation)
		if b.Newest.Exception.Stacktrace != "" {
			whole++
		}
	}
	require.Positive(t, whole)
	require.LessOrEqual(t, whole, maxBytes/each)
	require.Zero(t, c.bytes)
}

// What a flood costs the engine for each of its occurrences is bounded, too.
func TestFloodAllocations(t *testing.T) {
	set := compile(t)
	c := Counts{Max: 1}
	for kind := range 50 {
		require.True(t, add(&c, fails(kind, 1), set, 0))
	}
	ceiling := 8.0
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		ceiling = 10 // the detector keeps what would be on the stack in the heap
	}
	i := 0
	kinds := make([]*correlate.Occurrence, 1000)
	for i := range kinds {
		kinds[i] = fails(50+i, 1)
	}
	require.LessOrEqual(t, testing.AllocsPerRun(500, func() {
		add(&c, kinds[i], set, 0)
		i++
	}), ceiling)
}
