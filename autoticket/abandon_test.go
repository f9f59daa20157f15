package autoticket

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// The assembler may be about to give the keeper something when both are told to end.
func TestWhatTheKeeperIsGivenAfterItsEndIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bring(t, nil)
		b.stop()
		synctest.Wait()
		var late batch
		late.Own = 1
		b.work <- work{batches: []batch{late}}
		b.abandon()
		require.Equal(t, map[string]int64{"after_shutdown": 1}, b.Stats().Dropped)
	})
}
