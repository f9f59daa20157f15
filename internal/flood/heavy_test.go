package flood

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The bounds that the paper proves: no count is too low, none is too high by more
// than a part in as many as there are counters, and what comes oftener has one.
func TestHeavyBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 20).Draw(t, "counters")
		h := NewHeavy(most)
		truth := map[uint64]int64{}
		ids := rapid.SliceOfN(rapid.OneOf(rapid.Uint64Range(0, 5), rapid.Uint64Range(0, 200)), 0, 400).Draw(t, "ids")
		for _, id := range ids {
			truth[id]++
			least, _ := h.Add(id)
			require.LessOrEqual(t, least, truth[id])
		}
		require.LessOrEqual(t, h.Len(), most)
		bound := int64(len(ids) / most)
		var sum int64
		for id, n := range truth {
			count, over := h.Count(id)
			if sum += count; count == 0 {
				require.LessOrEqual(t, n, bound, "what comes often has a counter")
				continue
			}
			require.GreaterOrEqual(t, count, n)
			require.LessOrEqual(t, count-over, n)
			require.LessOrEqual(t, over, bound)
		}
		require.Equal(t, int64(len(ids)), sum, "the counters add up to what was added")
	})
}

func TestHeavyRemove(t *testing.T) {
	h := NewHeavy(2)
	h.Add(1)
	h.Add(1)
	h.Add(2)
	h.Remove(1)
	h.Remove(7)
	count, _ := h.Count(1)
	require.Zero(t, count)
	require.Equal(t, 1, h.Len())
	least, fresh := h.Add(3)
	require.Equal(t, int64(1), least, "there is a counter of its own")
	require.True(t, fresh)
	_, over := h.Count(3)
	require.Zero(t, over)
}
