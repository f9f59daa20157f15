package correlate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestBudget(t *testing.T) {
	now := time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)
	var b Budget
	require.True(t, b.Idle(now))
	require.False(t, b.Full(2, now))
	b.Opened(now)
	b.Opened(now.Add(time.Minute))
	now = now.Add(2 * time.Minute)
	require.True(t, b.Full(2, now))
	require.True(t, b.Held(now), "the first that is held")
	require.False(t, b.Held(now.Add(time.Minute)))
	require.True(t, b.Full(9, now.Add(10*time.Minute)), "while new problems come none has a ticket of its own")
	require.False(t, b.Full(9, now.Add(16*time.Minute)), "when it has been calm for a while they have")
	require.True(t, b.Full(2, now.Add(30*time.Minute)))
	require.False(t, b.Full(2, now.Add(59*time.Minute)), "an hour later it is as if there had been none")
	require.True(t, b.Idle(now.Add(2*time.Hour)))
}

// A clock that is set back must not keep problems from having tickets for as long.
func TestABudgetOutlivesJumpsOfTheClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)
		var b Budget
		limit := rapid.Int64Range(1, 5).Draw(t, "limit")
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.SampledFrom([]int64{0, 1, 60, 3600, -60, -3600, -24 * 3600, 24 * 3600}).Draw(t, "jump")) * time.Second)
			if b.Full(limit, now) {
				b.Held(now)
			} else {
				b.Opened(now)
			}
		}
		b.Full(limit, now) // the clock is right, or as wrong as it stays
		require.False(t, b.Full(limit, now.Add(budgetSpan)))
		require.True(t, b.Idle(now.Add(budgetSpan)))
	})
}
