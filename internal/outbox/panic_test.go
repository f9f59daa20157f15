package outbox

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

// brittle is a store that panics when it is asked for one of the sinks.
type brittle struct {
	correlate.Store
	sink string
}

func (s *brittle) Claim(ctx context.Context, c correlate.Claim) ([]correlate.Delivery, error) {
	if slices.Contains(c.Sinks, s.sink) {
		panic("claim")
	}
	return s.Store.Claim(ctx, c)
}

func TestAClaimThatPanicsKeepsNoSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := new(tracker)
		b := newBench(t, nil, options())
		store := &brittle{Store: b.store, sink: "b"}
		box := b.outbox(store, map[string]sinks.Sink{"a": newFull(tr), "b": newFull(tr)})
		b.happens("p1", "a")
		for range 2 * options().Concurrency {
			require.PanicsWithValue(t, "claim", func() { _, _, _ = box.Claim(t.Context(), time.Now()) })
			time.Sleep(time.Hour) // the lease runs out
		}
		store.sink = ""
		var jobs []Job
		for range 2 { // a sink at a time may have its turn
			got, _, err := box.Claim(t.Context(), time.Now())
			require.NoError(t, err)
			jobs = append(jobs, got...)
		}
		require.Len(t, jobs, 1)
		_, err := box.Settle(t.Context(), box.Deliver(t.Context(), jobs[0]), time.Now())
		require.NoError(t, err)
		require.Len(t, tr.filed(), 1)
	})
}
