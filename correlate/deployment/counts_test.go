package deployment

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/boltstore"
)

// moody is a store that does what it is told once: it refuses, or its answer is lost.
type moody struct {
	correlate.Store
	refuses, loses bool
}

var errMood = errors.New("no answer")

func (m *moody) Update(ctx context.Context, key correlate.Key, fn correlate.UpdateFunc) error {
	if m.refuses {
		return errMood
	}
	err := m.Store.Update(ctx, key, fn)
	if err == nil && m.loses {
		return errMood
	}
	return err
}

func (m *moody) List(ctx context.Context, p correlate.Page) ([]correlate.Record, error) {
	if m.refuses {
		return nil, errMood
	}
	return m.Store.List(ctx, p)
}

func counted(version, operation string, at time.Time, total, failed int64) Traffic {
	return Traffic{Scope: payment, Version: version, Operation: operation, From: at, To: at.Add(time.Minute), Count: Count{total, failed}}
}

// always asks for all there is.
func always(version, operation string) Query {
	return Query{Scope: payment, Operation: operation, Version: version, From: noon.Add(-time.Hour), To: noon.Add(24 * time.Hour)}
}

// Whatever becomes of their flushes, what writers count adds up, in the store and for each of them:
// nothing twice, and what one has counted itself is never missing.
func TestCountsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shared := newDurable()
		type process struct {
			counts *Counts
			store  *moody
			skew   time.Duration
			own    map[[2]string]Count
		}
		var all []*process
		sum := map[[2]string]Count{}
		start := func() *process {
			store := &moody{Store: shared}
			p := &process{counts: NewCounts(CountsConfig{Store: store}), store: store, own: map[[2]string]Count{}, skew: time.Duration(rapid.IntRange(-120, 120).Draw(t, "skew")) * time.Second}
			all = append(all, p)
			return p
		}
		for range rapid.IntRange(1, 4).Draw(t, "writers") {
			start()
		}
		now := noon
		one := func() *process { return rapid.SampledFrom(all).Draw(t, "writer") }
		check := func(p *process, exact bool) {
			view := p.counts.At(now.Add(p.skew + 10*time.Minute))
			for _, version := range []string{"", "1", "2"} {
				for _, operation := range []string{"", "a", "b"} {
					n, _ := view.Count(always(version, operation))
					want, own := sum[[2]string{version, operation}], p.own[[2]string{version, operation}]
					if exact {
						require.Equal(t, want, n, "%q %q", version, operation)
						continue
					}
					require.LessOrEqual(t, n.Total, want.Total, "%q %q: some is counted twice", version, operation)
					require.LessOrEqual(t, n.Failed, want.Failed)
					require.GreaterOrEqual(t, n.Total, own.Total, "%q %q: own counts are missing", version, operation)
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"count": func(t *rapid.T) {
				p := one()
				version, operation := rapid.SampledFrom([]string{"1", "2"}).Draw(t, "version"), rapid.SampledFrom([]string{"a", "b"}).Draw(t, "operation")
				n := Count{Total: rapid.Int64Range(1, 500).Draw(t, "total")}
				n.Failed = rapid.Int64Range(0, n.Total).Draw(t, "failed")
				p.counts.Add(counted(version, operation, now.Add(p.skew), n.Total, n.Failed))
				for _, v := range []string{"", version} {
					for _, o := range []string{"", operation} {
						for _, m := range []map[[2]string]Count{sum, p.own} {
							was := m[[2]string{v, o}]
							m[[2]string{v, o}] = Count{was.Total + n.Total, was.Failed + n.Failed}
						}
					}
				}
			},
			"pass": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(1, 2000).Draw(t, "seconds")) * time.Second)
			},
			"flush": func(t *rapid.T) {
				p := one()
				mood := rapid.IntRange(0, 3).Draw(t, "mood")
				p.store.refuses, p.store.loses = mood == 1, mood == 2
				_ = p.counts.Flush(t.Context(), now.Add(p.skew)) // it is told again
				p.store.refuses, p.store.loses = false, false
			},
			"refresh": func(t *rapid.T) {
				p := one()
				p.store.refuses = rapid.Bool().Draw(t, "refuses")
				_ = p.counts.Refresh(t.Context(), now.Add(p.skew))
				p.store.refuses = false
			},
			"": func(*rapid.T) {
				for _, p := range all {
					check(p, false)
				}
			},
		})
		for range 2 {
			for _, p := range all {
				require.NoError(t, p.counts.Flush(t.Context(), now.Add(p.skew)))
			}
		}
		last := start()
		last.counts.At(now).Count(always("", "")) // it is read once it is asked for
		require.NoError(t, last.counts.Refresh(t.Context(), now.Add(last.skew)))
		check(last, len(sum) > 0)
		for _, p := range all {
			require.Zero(t, p.counts.Stats().Lost)
		}
	})
}

func TestCountOfAWindow(t *testing.T) {
	minute := func(m int, total, failed int64) Traffic {
		return counted("2", "POST /pay", minutesAfter(float64(m)), total, failed)
	}
	healthy := []Traffic{minute(0, 60, 0), minute(1, 60, 0), minute(2, 60, 0)}
	broke := append(healthy, minute(3, 60, 30), minute(4, 60, 60)) // in the middle of the fourth minute
	steady := []Traffic{minute(0, 60, 6), minute(1, 60, 6), minute(2, 60, 6), minute(3, 60, 6), minute(4, 60, 6)}
	began := Traffic{Scope: payment, Version: "2", Operation: "POST /pay", From: minutesAfter(0.5), To: minutesAfter(1), Count: Count{60, 30}}
	for _, c := range []struct {
		rule     string
		counted  []Traffic
		from, to float64
		version  string
		now      float64
		want     string
	}{
		{rule: "whole minutes are counted", counted: broke, from: 0, to: 3, want: "0 of 180"},
		{rule: "of a minute that is cut as much as of its time, failing as the others do", counted: broke, from: 0, to: 3.5, want: "0 of 210"},
		{rule: "on the other side likewise", counted: broke, from: 3.5, to: 5, want: "90 of 90"},
		{rule: "but never more failures than there were", counted: append(healthy, minute(3, 60, 1), minute(4, 60, 60)), from: 3.5, to: 5, want: "61 of 90"},
		{rule: "what fails always is not moved", counted: steady, from: 0.5, to: 3.5, want: "18 of 180"},
		{rule: "within one minute nothing else is known", counted: steady, from: 1.25, to: 1.75, want: "3 of 30"},
		{rule: "up to now is all that was counted", counted: steady, from: 4, to: 4.5, now: 4.5, want: "6 of 60"},
		{rule: "and later is not cut", counted: steady, from: 4, to: 60, now: 5, want: "6 of 60"},
		{rule: "what has not come yet is not known", counted: steady, from: 5, to: 6, now: 5, want: "not known"},
		{rule: "no calls are an answer while it was there", counted: []Traffic{minute(0, 60, 1), minute(9, 60, 1)}, from: 3, to: 6, want: "0 of 0"},
		{rule: "what was before is not known", counted: healthy, from: -60, to: 0, want: "not known"},
		{rule: "unless the time reaches into it", counted: healthy, from: -60, to: 1, want: "0 of 60"},
		{rule: "a process that began within the minute was not there before", counted: []Traffic{began}, from: 0.5, to: 1, want: "30 of 60"},
		{rule: "one version", counted: append(healthy, counted("1", "POST /pay", noon, 9, 9)), from: 0, to: 2, version: "1", want: "9 of 9"},
		{rule: "is written in more than one way", counted: append(healthy, counted("v1", "POST /pay", noon, 9, 9)), from: 0, to: 2, version: "1", want: "9 of 9"},
		{rule: "or all of them", counted: append(healthy, counted("1", "POST /pay", noon, 9, 9)), from: 0, to: 2, want: "9 of 129"},
		{rule: "a version that nobody has seen is not known", counted: healthy, from: 0, to: 2, version: "3", want: "not known"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			counts := NewCounts(CountsConfig{})
			counts.Add(c.counted...)
			if c.now == 0 {
				c.now = 100
			}
			n, ok := counts.At(minutesAfter(c.now)).Count(Query{Scope: payment, Operation: "POST /pay", Version: c.version, From: minutesAfter(c.from), To: minutesAfter(c.to)})
			got := fmt.Sprintf("%d of %d", n.Failed, n.Total)
			if !ok {
				got = "not known"
			}
			require.Equal(t, c.want, got)
		})
	}
}

// The process's own counts up to now are among them, and those of a minute that just ends are not
// there twice.
func TestOpenCounts(t *testing.T) {
	open := []Traffic{{Scope: payment, Version: "2", Operation: "a", From: minutesAfter(1), To: minutesAfter(1.5), Count: Count{30, 3}}}
	counts := NewCounts(CountsConfig{Open: func() []Traffic { return open }})
	counts.Add(counted("2", "a", noon, 10, 1))
	ask := func(r Rates) Count {
		n, ok := r.Count(Query{Scope: payment, Operation: "a", Version: "2", From: noon, To: minutesAfter(1.5)})
		require.True(t, ok)
		return n
	}
	view := counts.At(minutesAfter(1.5))
	require.Equal(t, Count{40, 4}, ask(view))
	ended := open
	open = nil
	counts.Add(ended...)
	require.Equal(t, Count{40, 4}, ask(view), "it does not change")
	require.Equal(t, Count{40, 4}, ask(counts.At(minutesAfter(1.5))))
	require.Equal(t, Count{40, 4}, ask(counts))
}

// The store in a file has the counts of processes that have gone.
func TestCountsOutliveTheirProcess(t *testing.T) {
	path := t.TempDir() + "/store"
	for i, version := range []string{"1", "2"} {
		store, err := boltstore.Open(boltstore.Config{Path: path})
		require.NoError(t, err)
		counts := NewCounts(CountsConfig{Store: store})
		counts.Add(counted(version, "a", minutesAfter(float64(10*i)), 100, int64(50*i)))
		now := minutesAfter(float64(10*i + 1))
		require.NoError(t, counts.Flush(t.Context(), now))
		require.NoError(t, counts.Refresh(t.Context(), now))
		if i == 1 {
			before, known := counts.At(now).Count(Query{Scope: payment, Operation: "a", From: noon, To: minutesAfter(10)})
			require.True(t, known)
			require.Equal(t, Count{100, 0}, before)
			after, _ := counts.At(now).Count(Query{Scope: payment, Operation: "a", Version: "2", From: minutesAfter(10), To: now})
			require.Equal(t, Count{100, 50}, after)
		}
		require.NoError(t, store.Close())
	}
}

// Of other services nothing is read before somebody asks, and no longer than somebody does.
func TestCountsOfOthersAreReadWhenAskedFor(t *testing.T) {
	store := newDurable()
	writes, reads := NewCounts(CountsConfig{Store: store}), NewCounts(CountsConfig{Store: store})
	writes.Add(counted("1", "a", noon, 10, 1))
	require.NoError(t, writes.Flush(t.Context(), minutesAfter(1)))
	ask := func(m float64) bool {
		_, ok := reads.At(minutesAfter(m)).Count(Query{Scope: payment, From: noon, To: minutesAfter(1)})
		return ok
	}
	require.NoError(t, reads.Refresh(t.Context(), minutesAfter(1)))
	require.False(t, ask(1))
	require.NoError(t, reads.Refresh(t.Context(), minutesAfter(2)))
	require.True(t, ask(2))
	require.NoError(t, reads.Refresh(t.Context(), minutesAfter(30)))
	require.Empty(t, reads.read)
	require.NoError(t, reads.Refresh(t.Context(), minutesAfter(31), payment))
	require.True(t, ask(31), "of those that are named it is known when somebody asks first")
}

// Names are redacted as those of problems are.
func TestCountsAreRedacted(t *testing.T) {
	store := newDurable()
	counts := NewCounts(CountsConfig{Store: store})
	const secret = "GET /login?password=hunter2hunter2"
	counts.Add(counted("1", secret, noon, 10, 1))
	require.NoError(t, counts.Flush(t.Context(), minutesAfter(1)))
	records, err := store.List(t.Context(), correlate.Page{Kind: KindTraffic, Max: 1})
	require.NoError(t, err)
	require.NotContains(t, string(records[0].Data), "hunter2")
	n, ok := counts.At(minutesAfter(1)).Count(always("1", counts.config.Redactor.Text(secret)))
	require.True(t, ok)
	require.EqualValues(t, 10, n.Total)
}

func TestCountsConcurrently(t *testing.T) {
	store := newDurable()
	counts := NewCounts(CountsConfig{Store: store, Open: func() []Traffic { return []Traffic{counted("1", "b", noon, 1, 0)} }})
	var running sync.WaitGroup
	for g := range 3 {
		running.Go(func() {
			for i := range 200 {
				now := minutesAfter(float64(i) / 10)
				switch g {
				case 0:
					counts.Add(counted("1", "a", now, 1, 0))
				case 1:
					_ = counts.Flush(t.Context(), now)
					_ = counts.Refresh(t.Context(), now)
				case 2:
					counts.At(now).Count(always("1", "a"))
					counts.Count(always("", ""))
				}
			}
		})
	}
	running.Wait()
	n, ok := counts.At(minutesAfter(30)).Count(always("1", "a"))
	require.True(t, ok)
	require.EqualValues(t, 200, n.Total)
}

// BenchmarkCounts measures what asking costs, and what each process does in a minute.
func BenchmarkCounts(b *testing.B) {
	store := newDurable()
	fill := func(version string) *Counts {
		c := NewCounts(CountsConfig{Store: store})
		for m := range 20 * 60 {
			for i := range 20 {
				c.Add(counted(version, fmt.Sprint("GET /", i), minutesAfter(float64(m)), 1000, 3))
			}
		}
		require.NoError(b, c.Flush(b.Context(), minutesAfter(20*60)))
		return c
	}
	fill("1")
	counts := fill("2")
	now := minutesAfter(20 * 60)
	counts.At(now).Count(always("", ""))
	require.NoError(b, counts.Refresh(b.Context(), now))
	ask := func(q Query) func(*testing.B) {
		return func(b *testing.B) {
			view := counts.At(now)
			b.ReportAllocs()
			for b.Loop() {
				if n, ok := view.Count(q); !ok || n.Total == 0 {
					b.Fatal("nothing was counted")
				}
			}
		}
	}
	b.Run("operation", ask(Query{Scope: payment, Operation: "GET /3", From: now.Add(-150*time.Second - 2*time.Hour), To: now.Add(-30 * time.Second)}))
	b.Run("day", ask(Query{Scope: payment, From: now.Add(-20 * time.Hour), To: now}))
	b.Run("view", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			counts.Add()
			counts.At(now).Count(Query{Scope: payment, From: noon, To: now})
		}
	})
	b.Run("flush", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for i := range 20 {
				counts.Add(counted("2", fmt.Sprint("GET /", i), now.Add(-time.Minute), 1000, 3))
			}
			if err := counts.Flush(b.Context(), now); err != nil {
				b.Fatal(err)
			}
		}
	})
}
