package correlate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAnEpisodeBeganWithTheFirstOfWhatOpenedIt(t *testing.T) {
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	var p Problem
	see := func(minute time.Duration, n int64) Change {
		at := noon.Add(minute * time.Minute)
		var c Change
		p, c = p.Observe(Batch{Signature: Signature{ID: "a"}, Threshold: Threshold{Count: 5, Within: 5 * time.Minute}, Quiet: 10 * time.Minute, Count: n, First: at, Last: at}, at.Add(time.Second))
		return c
	}
	require.Equal(t, ChangeBelow, see(0, 1))
	require.Equal(t, ChangeBelow, see(60, 2))
	require.Equal(t, ChangeOpened, see(62, 3))
	require.Equal(t, noon.Add(60*time.Minute), p.BeganAt, "not with what came long before")
	require.Equal(t, ChangeCounted, see(62, 3))
	require.Equal(t, noon.Add(60*time.Minute), p.BeganAt)
	p, _ = p.Quieten(noon.Add(2 * time.Hour))
	require.Equal(t, ChangeReopened, see(200, 9))
	require.Equal(t, noon.Add(200*time.Minute), p.BeganAt, "nor with the episode before")
}
