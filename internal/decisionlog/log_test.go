package decisionlog

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func (l *Log) put(r correlate.Reason, at time.Time, span string) {
	if l.Wants(r) {
		l.Add(correlate.Decision{Time: at, Reason: r, SpanID: span, Count: 1})
	}
}

func (l *Log) of(r correlate.Reason) []Entry {
	return l.Find(func(d *correlate.Decision) bool { return d.Reason == r }, 1<<20)
}

func TestFind(t *testing.T) {
	l := New()
	l.put(correlate.Opened, noon, "a")
	l.put(correlate.Symptom, noon.Add(time.Second), "b")
	l.put(correlate.NoRule, noon.Add(-time.Second), "c")
	l.put(correlate.Reason("other"), noon, "d")
	var spans []string
	for _, e := range l.Find(func(*correlate.Decision) bool { return true }, 2) {
		spans = append(spans, e.SpanID)
		require.Equal(t, int64(1), e.Sampled)
	}
	require.Equal(t, []string{"b", "a"}, spans, "the newest first, as many as were asked for")
}

// Whatever storm one reason is in, rare decisions are all kept.
func TestRareReasonsAreKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := New()
		at := noon
		rare := 0
		for range rapid.IntRange(1, 30).Draw(t, "seconds") {
			for range rapid.IntRange(0, 3000).Draw(t, "storm") {
				l.put(correlate.Deduplicated, at, "")
			}
			for range rapid.IntRange(0, 8).Draw(t, "rare") {
				rare++
				l.put(correlate.Over, at, fmt.Sprint(rare))
			}
			at = at.Add(time.Second)
		}
		require.Len(t, l.of(correlate.Over), rare)
		require.LessOrEqual(t, len(l.of(correlate.Deduplicated)), room)
	})
}

func TestAStormIsSampled(t *testing.T) {
	l := New()
	const n = 1_000_000
	for i := range n {
		l.put(correlate.Deduplicated, noon.Add(time.Duration(i)*time.Microsecond*10), "") // ten seconds
	}
	kept := l.of(correlate.Deduplicated)
	require.Len(t, kept, room)
	require.Greater(t, kept[0].Sampled, int64(100))
	require.Less(t, noon.Add(10*time.Second).Sub(kept[0].Time), time.Second, "up to the end")
	for i := range 200 {
		l.put(correlate.Deduplicated, noon.Add(time.Minute+time.Duration(i)*time.Second), "")
	}
	l.put(correlate.Deduplicated, noon.Add(time.Hour), "last")
	require.NotZero(t, l.of(correlate.Deduplicated)[0].Sampled)
}

func TestTheSameAgain(t *testing.T) {
	fill := func() []Entry {
		l := New()
		for i := range 50_000 {
			l.put(correlate.Origin, noon.Add(time.Duration(i*7919%50_000)*time.Millisecond), fmt.Sprint(i))
		}
		return l.of(correlate.Origin)
	}
	require.Equal(t, fill(), fill())
}

func TestTextsAreBounded(t *testing.T) {
	l := New()
	long := strings.Repeat("é", 4000)
	l.Add(correlate.Decision{Reason: correlate.Opened, Operation: long, Rule: long, Signature: long, Detail: long})
	e := l.of(correlate.Opened)[0]
	for _, s := range []string{e.Operation, e.Rule, e.Signature, e.Detail} {
		require.LessOrEqual(t, len(s), maxDetail)
		require.True(t, utf8.ValidString(s))
	}
}

func TestConcurrently(t *testing.T) {
	l := New()
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for i := range 5000 {
				l.put(correlate.Symptom, noon.Add(time.Duration(i)*time.Millisecond), "")
				if i%1000 == 0 {
					l.of(correlate.Symptom)
				}
			}
		})
	}
	workers.Wait()
	require.NotEmpty(t, l.of(correlate.Symptom))
}

func TestWantsAllocatesNothing(t *testing.T) {
	l := New()
	require.Zero(t, testing.AllocsPerRun(1000, func() { l.Wants(correlate.NoRule) }))
}

func BenchmarkLog(b *testing.B) {
	b.Run("wants", func(b *testing.B) {
		l := New()
		b.ReportAllocs()
		for b.Loop() {
			l.put(correlate.NoRule, noon, "")
		}
	})
	b.Run("parallel", func(b *testing.B) {
		l := New()
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				l.put(correlate.NoRule, noon, "")
			}
		})
	})
}
