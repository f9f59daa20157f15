package autoticket_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/sinks"
)

// countsConfig is that of engines that know of calls what they count themselves.
func countsConfig(sink sinks.Sink) autoticket.Config {
	return autoticket.Config{
		Sinks: map[string]sinks.Sink{"shelf": sink}, Store: newDurable(),
		Rules: []autoticket.Rule{{Name: "errors", When: `span.status == "ERROR"`, Quiet: 10 * time.Minute}},
	}
}

// call serves one call, which fails with an error if there is one.
func (r *release) call(err error) {
	_, sp := r.tracer.Start(context.Background(), "POST /charge", trace.WithSpanKind(trace.SpanKindServer))
	if err != nil {
		sp.RecordError(err)
		sp.SetStatus(codes.Error, err.Error())
	}
	sp.End()
}

// What the engines of both versions have counted is enough to name the new one, though the
// old one's process has gone, and to say that taking it back has helped.
func TestTheFleetsOwnCountsNameTheVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sink shelf
		config := countsConfig(&sink)
		old := startRelease(t, "1.4.2", nil, config)
		old.serve(40*time.Minute+20*time.Second, 0)
		old.stop(t)
		bad := startRelease(t, "1.5.0", nil, config)
		bad.serve(10*time.Second, 0)
		bad.serve(10*time.Minute, 4)
		updated := updates(&sink)
		last := updated[len(updated)-1]
		require.Len(t, last.Suspects, 1)
		s := last.Suspects[0]
		require.Equal(t, "1.5.0", s.Version)
		require.Equal(t, "strong", s.Class)
		require.Zero(t, s.Before.Failed, "no failure of the new version counts as one before it")
		require.Positive(t, s.Before.Requests)
		require.InDelta(t, 0.25, float64(s.After.Failed)/float64(s.After.Requests), 0.05)
		bad.stop(t)

		again := startRelease(t, "1.4.2", nil, config)
		again.serve(20*time.Minute, 0)
		updated = updates(&sink)
		last = updated[len(updated)-1]
		require.Equal(t, sinks.Resolved, last.State)
		require.Equal(t, "confirmed", last.Suspects[0].Class)
		again.stop(t)
	})
}

// Two versions run side by side. The new one has a twentieth of the calls and fails: it is
// found within thirty failing requests, though of all calls hardly more fail.
func TestACanaryIsFoundWithinThirtyFailures(t *testing.T) {
	for _, pause := range []time.Duration{250 * time.Millisecond, 100 * time.Millisecond} {
		t.Run("a call each "+pause.String(), func(t *testing.T) { findsACanary(t, pause) })
	}
}

func findsACanary(t *testing.T, pause time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		var sink shelf
		config := countsConfig(&sink)
		serve := func(i int, old, canary *release) bool {
			time.Sleep(pause)
			switch {
			case canary != nil && i%20 == 7:
				if i%3 == 0 {
					canary.call(nil)
					return false
				}
				canary.call(errors.New("pool exhausted"))
				return true
			case i%97 == 0: // what fails always
				old.call(errors.New("card declined"))
			default:
				old.call(nil)
			}
			return false
		}
		old := startRelease(t, "1.4.2", nil, config)
		for i := range int(20 * time.Minute / pause) {
			serve(i, old, nil)
		}
		canary := startRelease(t, "1.5.0", nil, config)
		failures := 0
		for i := 0; failures < 30; i++ {
			if serve(i, old, canary) {
				failures++
			}
		}
		time.Sleep(time.Second)
		class, key := "", ""
		for _, ticket := range updates(&sink) {
			require.True(t, ticket.Key != key || len(ticket.Suspects) > 0, "who has not counted the canary's calls does not clear it")
			for _, s := range ticket.Suspects {
				require.Equal(t, "1.5.0", s.Version)
				class, key = s.Class, ticket.Key
			}
		}
		require.Equal(t, "strong", class)
		canary.stop(t)
		old.stop(t)
	})
}
