package correlate

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestSketchIsExactForFew(t *testing.T) {
	var s Sketch
	require.Zero(t, s.Count())
	random := rand.New(rand.NewPCG(1, 2))
	for n := range int64(sketchExact) {
		h := random.Uint64()
		s.Add(h)
		s.Add(h)
		require.Equal(t, n+1, s.Count(), "what is seen again is not counted again")
	}
}

func TestSketchIsNearForMany(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var s Sketch
	n := 0
	for _, size := range []int{200, 1000, 5000, 100_000, 1_000_000} {
		for ; n < size; n++ {
			s.Add(random.Uint64())
		}
		require.InEpsilon(t, size, s.Count(), 0.12, "at most about two and a half times the standard error")
	}
}

func sketches() *rapid.Generator[Sketch] {
	return rapid.Custom(func(t *rapid.T) (s Sketch) {
		random := rand.New(rand.NewPCG(rapid.Uint64Range(0, 50).Draw(t, "seed"), 0))
		for range rapid.IntRange(0, 400).Draw(t, "n") {
			s.Add(random.Uint64())
		}
		return s
	})
}

func TestSketchProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := sketches().Draw(t, "a"), sketches().Draw(t, "b")
		ab, ba, aab := a.clone(), b.clone(), a.clone()
		ab.Merge(b)
		ba.Merge(a)
		aab.Merge(a)
		aab.Merge(b)
		require.Equal(t, ab.Count(), ba.Count(), "the order of merges does not matter")
		require.Equal(t, ab, aab, "nor how often one is merged")
		require.GreaterOrEqual(t, ab.Count(), max(a.Count(), b.Count()))

		data, err := json.Marshal(ab)
		require.NoError(t, err)
		var back Sketch
		require.NoError(t, json.Unmarshal(data, &back))
		require.Equal(t, ab.Count(), back.Count())
		require.LessOrEqual(t, len(data), 720)
	})
}

func FuzzSketch(f *testing.F) {
	f.Add([]byte(""))
	f.Add([]byte("eAAAAAQ"))
	f.Add([]byte("r"))
	f.Add([]byte("xAAAA"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var s Sketch
		if err := s.UnmarshalText(text); err != nil {
			require.Zero(t, s.Count(), "what cannot be read is empty")
			return
		}
		again, err := s.MarshalText()
		require.NoError(t, err)
		var back Sketch
		require.NoError(t, back.UnmarshalText(again))
		require.Equal(t, s.Count(), back.Count())
	})
}
