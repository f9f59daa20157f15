package world

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWorld(t *testing.T) {
	w := New(7)
	require.Len(t, w.Services, 12)
	require.Len(t, w.Changes, changes)
	var want []Kind
	for _, s := range slices.Concat(Bad, Hard, Others) {
		want = append(want, slices.Repeat([]Kind{s.Kind}, s.N)...)
	}
	require.Len(t, w.Faults, len(want))
	for i, f := range w.Faults {
		require.Equal(t, want[i], f.Kind)
		require.Equal(t, i < sum(Bad)+sum(Hard), f.Change >= 0, "first those of deployments")
		first, opened, ok := w.Notice(i)
		require.True(t, ok)
		require.False(t, opened.Before(first.Truncate(bucket)))
		require.False(t, first.Add(-w.Services[f.Service].Skew).Before(f.From.Truncate(bucket)), "nothing shows before it is there")
		if f.Change >= 0 {
			require.Equal(t, i, w.Changes[f.Change].Fault)
			if f.Kind != Hotfix && f.Kind != Migration {
				require.Equal(t, f.Until, w.Changes[f.Change].Until)
			}
		}
	}
	require.Equal(t, 60, sum(Bad))
	require.Equal(t, 40, sum(Others))
}

func sum(of []Share) (n int) {
	for _, s := range of {
		n += s.N
	}
	return n
}

func TestCountsAddUp(t *testing.T) {
	w := New(7)
	for service := range w.Services {
		from := w.Start.Add(10 * 24 * time.Hour).Add(w.Services[service].Skew)
		half, to := from.Add(time.Hour), from.Add(2*time.Hour)
		total, failed := w.Count(service, -1, "", from, to)
		require.Positive(t, total)
		require.LessOrEqual(t, failed, total)
		t1, f1 := w.Count(service, -1, "", from, half)
		t2, f2 := w.Count(service, -1, "", half, to)
		require.Equal(t, [2]int64{total, failed}, [2]int64{t1 + t2, f1 + f2}, "of stretches of time")
		var sum, bad int64
		for op := range w.Services[service].Operations {
			n, k := w.Count(service, op, "", from, to)
			sum, bad = sum+n, bad+k
		}
		require.Equal(t, [2]int64{total, failed}, [2]int64{sum, bad}, "of operations")
		other := New(7)
		again, _ := other.Count(service, -1, "", from, to)
		require.Equal(t, total, again, "a seed has one world")
	}
}

// A canary has its share of the traffic, and a version that was rolled back none.
func TestVersions(t *testing.T) {
	w := New(7)
	for _, f := range w.Faults {
		if f.Kind != Canary {
			continue
		}
		c := w.Changes[f.Change]
		at := c.At.Add(c.Rollout + time.Minute)
		parts := w.versions(c.Service, at)
		require.InDelta(t, c.Canary, parts[1].share, 1e-9)
		require.InDelta(t, 1, parts[0].share+parts[1].share, 1e-9)
		require.Equal(t, c.Version, parts[1].version)
		require.Zero(t, w.versions(c.Service, c.Until.Add(3*time.Minute))[1].share)
	}
}
