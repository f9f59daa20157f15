package deployment

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// exactChance is Fisher's test in fractions.
func exactChance(a, b Count) float64 {
	choose := func(n, k int64) *big.Int { return new(big.Int).Binomial(n, k) }
	failed := a.Failed + b.Failed
	sum := new(big.Int)
	for x := a.Failed; x <= min(failed, a.Total); x++ {
		if failed-x > b.Total {
			continue
		}
		sum.Add(sum, new(big.Int).Mul(choose(a.Total, x), choose(b.Total, failed-x)))
	}
	p, _ := new(big.Rat).SetFrac(sum, choose(a.Total+b.Total, failed)).Float64()
	return p
}

func counts() *rapid.Generator[Count] {
	return rapid.Custom(func(t *rapid.T) Count {
		total := rapid.Int64Range(0, 60).Draw(t, "total")
		return Count{Total: total, Failed: rapid.Int64Range(0, total).Draw(t, "failed")}
	})
}

func TestChanceIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := counts().Draw(t, "a"), counts().Draw(t, "b")
		p := chance(a, b)
		if a.Failed*b.Total <= b.Failed*a.Total {
			require.Equal(t, 1.0, p, "it is asked only of what fails more often")
			return
		}
		require.InEpsilon(t, exactChance(a, b), p, 1e-9)
	})
}

func TestChance(t *testing.T) {
	for _, c := range []struct {
		rule string
		a, b Count
		want float64
	}{
		{"Fisher's lady tasting tea", Count{4, 3}, Count{4, 1}, 17.0 / 70},
		{"five of five after twenty that went well", Count{5, 5}, Count{20, 0}, 1.0 / 53130},
		{"nothing is no evidence", Count{}, Count{}, 1},
		{"more failures than calls are as many calls", Count{0, 5}, Count{20, 0}, 1.0 / 53130},
		{"nothing is less than none", Count{-5, -5}, Count{20, 3}, 1},
	} {
		t.Run(c.rule, func(t *testing.T) { require.InEpsilon(t, c.want, chance(c.a, c.b), 1e-9) })
	}
	huge := chance(Count{1 << 60, 1 << 59}, Count{1 << 60, 1 << 20})
	require.False(t, math.IsNaN(huge))
	require.LessOrEqual(t, huge, 1.0)
}

func TestRatio(t *testing.T) {
	require.InDelta(t, 10, ratio(Count{100, 10}, Count{1000, 10}), 1e-9)
	require.InDelta(t, 20, ratio(Count{100, 10}, Count{100, 0}), 1e-9, "none is taken for half a failure")
	require.Zero(t, ratio(Count{100, 10}, Count{}))
	require.True(t, moreOften(Count{100, 10}, Count{1000, 10}))
	require.False(t, moreOften(Count{2, 1}, Count{2, 0}), "too few to tell")
	require.False(t, moreOften(Count{100000, 1500}, Count{100000, 1000}), "sure, and not much")
}

func TestCountString(t *testing.T) {
	require.Equal(t, "12 of 1,340 (0.9 %)", Count{1340, 12}.String())
	require.Equal(t, "1 of 1,000,000 (less than 0.1 %)", Count{1000000, 1}.String())
	require.Equal(t, "5 of 5 (100 %)", Count{5, 5}.String())
	require.Equal(t, "0 of 7 (0 %)", Count{7, 0}.String())
	require.Equal(t, "no calls", Count{}.String())
}
