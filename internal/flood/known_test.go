package flood

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// What is known is a list by when it was heard of, of which the end is forgotten.
func TestKnownIsByRecency(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 6).Draw(t, "most")
		k := known{most: most}
		var want []uint64 // oldest first
		drop := func(id uint64) { want = slices.DeleteFunc(want, func(x uint64) bool { return x == id }) }
		for range rapid.IntRange(0, 100).Draw(t, "steps") {
			id := rapid.Uint64Range(0, 9).Draw(t, "id")
			has := slices.Contains(want, id)
			switch rapid.IntRange(0, 2).Draw(t, "step") {
			case 0:
				k.add(id, "earlier")
				drop(id)
				if len(want) == most {
					want = want[1:]
				}
				want = append(want, id)
			case 1:
				earlier, ok := k.touch(id)
				require.Equal(t, has, ok)
				if ok {
					require.Equal(t, "earlier", earlier)
					drop(id)
					want = append(want, id)
				}
			case 2:
				k.learn(id, "earlier")
				if !has && len(want) < most {
					want = slices.Insert(want, 0, id)
				}
			}
			require.Equal(t, len(want), k.len())
			require.LessOrEqual(t, len(k.slots), most)
		}
	})
}
