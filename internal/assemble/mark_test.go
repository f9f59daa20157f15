package assemble

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMark(t *testing.T) {
	var m Mark
	a, b := traceID(1), traceID(2)
	require.NotEqual(t, slot(a), slot(b))
	require.False(t, m.Has(a), "the zero value is empty")
	m.Add(a)
	require.True(t, m.Has(a))
	require.False(t, m.Has(b))
	m.Add(a)
	m.Add(b)
	m.Remove(a, 1)
	require.True(t, m.Has(a), "added twice, removed once")
	m.Remove(a, 1)
	require.False(t, m.Has(a))
	require.True(t, m.Has(b))
	m.Remove(b, 1)
	require.Zero(t, m.used.Load())
}

func TestMarkConcurrently(t *testing.T) {
	var m Mark
	var running sync.WaitGroup
	for g := range 8 {
		running.Go(func() {
			id := traceID(g % 3) // shared by goroutines
			for range 2000 {
				m.Add(id)
				if !m.Has(id) {
					t.Error("no for a trace that was added")
				}
				m.Remove(id, 1)
			}
		})
	}
	running.Wait()
	require.Zero(t, m.used.Load())
	for i := range 3 {
		require.False(t, m.Has(traceID(i)))
	}
}

func TestMarkDoesNotAllocate(t *testing.T) {
	m := new(Mark)
	id := traceID(1)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		m.Has(id)
		m.Add(id)
		m.Has(id)
		m.Remove(id, 1)
	}))
}

func BenchmarkMarkHas(b *testing.B) {
	m := new(Mark)
	for i := range 1000 {
		m.Add(traceID(i))
	}
	id := traceID(5000)
	b.ReportAllocs()
	for b.Loop() {
		m.Has(id)
	}
}
