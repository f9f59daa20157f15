package outbox

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/sinks"
)

func TestWhateverTheClockDoesEachTicketIsFiledOnce(t *testing.T) {
	for _, test := range []struct {
		rule  string
		jumps []time.Duration
	}{
		{"forward", []time.Duration{24 * time.Hour}},
		{"back", []time.Duration{-24 * time.Hour}},
		{"forward and back", []time.Duration{24 * time.Hour, -24 * time.Hour}},
		{"back and forward", []time.Duration{-24 * time.Hour, 24 * time.Hour}},
		{"by less than a lease, again and again", []time.Duration{time.Minute, -time.Minute, 30 * time.Second, -10 * time.Second}},
	} {
		for _, reason := range []sinks.Reason{sinks.Transient, sinks.RateLimited, sinks.Unknown} {
			t.Run(test.rule+", "+reason.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					now, failing := time.Now(), true
					tr := &tracker{script: func(_ context.Context, c call) (bool, error) {
						if failing {
							return false, &sinks.Error{Reason: reason, Err: errors.New("not now")}
						}
						return true, nil
					}}
					b := newBench(t, map[string]sinks.Sink{"issues": newFull(tr)}, options())
					b.happens("p1", "issues")
					b.happens("p2", "issues")
					var late []Result // that are settled after the clock has jumped
					round := func() {
						for _, r := range late {
							_, err := b.box.Settle(t.Context(), r, now)
							require.NoError(t, err)
						}
						late = nil
						jobs, _, err := b.box.Claim(t.Context(), now)
						require.NoError(t, err)
						for _, j := range jobs {
							late = append(late, b.box.Deliver(t.Context(), j))
						}
					}
					round()
					for _, jump := range test.jumps {
						now = now.Add(jump)
						round()
						now = now.Add(time.Second)
						round()
					}
					failing = false
					for range 60 { // the clock goes on, past all that it was
						now = now.Add(time.Hour)
						round()
					}
					require.Len(t, tr.filed(), 2)
					for key, n := range tr.filed() {
						require.Equal(t, 1, n, key)
					}
					require.Empty(t, b.problem("p1").Filing("issues").Pending)
				})
			})
		}
	}
}
