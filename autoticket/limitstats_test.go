package autoticket_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/sinks"
)

// moody is a tracker that answers with an error, if it has one, and whose account has a
// name.
type moody struct {
	mu  sync.Mutex
	err error
}

func (m *moody) Account() sinks.Account { return sinks.Account{ID: "acme/orders"} }

func (m *moody) File(context.Context, sinks.Ticket) (sinks.Receipt, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return sinks.Receipt{ID: "1"}, m.err
}

func (m *moody) answers(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

func TestStatsOfLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tracker moody
		var other shelf
		engine, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"two": &tracker, "one": &tracker, "shelf": &other}})
		limits := func() (one, shelf autoticket.SinkLimit) {
			all := engine.Stats().Limits
			require.Len(t, all, 3)
			require.Equal(t, []string{"one", "shelf", "two"}, []string{all[0].Sink, all[1].Sink, all[2].Sink})
			same := all[0]
			same.Sink = "two"
			require.Equal(t, same, all[2], "they have one account")
			return all[0], all[1]
		}
		one, rest := limits()
		require.Equal(t, "acme/orders", one.Account)
		require.Equal(t, "shelf", rest.Account)
		require.Equal(t, "closed", one.State)
		require.Zero(t, one.Until)
		require.Positive(t, one.PerMinute)
		require.Equal(t, int64(-1), one.Remaining)

		tracker.answers(&sinks.Error{Reason: sinks.RateLimited, RetryAfter: 10 * time.Minute})
		fail(tracer, "GET /a", "boom")
		time.Sleep(5 * time.Second)
		one, rest = limits()
		require.Equal(t, "limited", one.State)
		require.InDelta(t, 10*60, time.Until(one.Until).Seconds(), 90, "a tenth is jitter")
		require.Equal(t, "closed", rest.State, "others go on")
		require.Zero(t, rest.Until)

		tracker.answers(&sinks.Error{Reason: sinks.Transient})
		time.Sleep(11 * time.Minute)
		for _, name := range []string{"b", "c", "d", "e", "f"} {
			fail(tracer, "GET /"+name, "boom")
		}
		require.Eventually(t, func() bool {
			one, _ := limits()
			return one.State == "broken" && one.Until.After(time.Now())
		}, time.Hour, time.Second)
		tracker.answers(nil)
		time.Sleep(time.Hour)
		one, _ = limits()
		require.Equal(t, "closed", one.State)
		require.Zero(t, one.Until)
	})
}
