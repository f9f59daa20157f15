package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/observe"
	"github.com/spanticket/spanticket/sinks"
)

func TestBackoffStaysInItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		least := time.Duration(rapid.Int64Range(int64(time.Millisecond), int64(time.Minute)).Draw(t, "least"))
		most := least + time.Duration(rapid.Int64Range(0, int64(24*time.Hour)).Draw(t, "more"))
		attempts := rapid.IntRange(1, 200).Draw(t, "attempts")
		seed := rapid.Uint64().Draw(t, "seed")
		j := jitter{rng: rand.New(rand.NewPCG(seed, 1))}
		base := most
		if attempts < 40 {
			base = min(most, least<<(attempts-1))
		}
		if base < least { // shifted out
			base = most
		}
		got := j.after(attempts, least, most)
		require.LessOrEqual(t, got, most)
		require.LessOrEqual(t, got, base+base/4)
		require.GreaterOrEqual(t, got, base*59/100)
	})
}

func TestBackoffGrowsAndSpreads(t *testing.T) {
	j := jitter{rng: rand.New(rand.NewPCG(1, 2))}
	seen := map[time.Duration]bool{}
	for attempts, base := 1, time.Second; attempts < 8; attempts, base = attempts+1, 2*base {
		for range 100 {
			d := j.after(attempts, time.Second, time.Hour)
			require.InDelta(t, base.Seconds(), d.Seconds(), base.Seconds()/4)
			seen[d] = true
		}
	}
	require.Greater(t, len(seen), 600, "what failed together does not come back together")
}

func TestTransientFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		token := "ghp_" + strings.Repeat("a1B2", 9)
		tr := &tracker{script: func(context.Context, call) (bool, error) {
			return false, fmt.Errorf("503: upstream says %s", token)
		}}
		b := newBench(t, map[string]sinks.Sink{"a": newFull(tr)}, options())
		var log strings.Builder
		b.box.Logger = slog.New(slog.NewTextHandler(&log, nil))
		b.happens("p", "a")
		b.run(30 * time.Minute)

		times := tr.times()
		require.Len(t, times, b.opts.Attempts, "exactly so many attempts")
		for i, wait := range []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second} {
			got := times[i+1].Sub(times[i])
			require.GreaterOrEqual(t, got, wait*3/4)
			require.LessOrEqual(t, got, wait*5/4+100*time.Millisecond)
		}
		f := b.problem("p").Filing("a")
		require.Empty(t, f.Pending)
		require.False(t, f.Unknown, "each attempt failed for certain")
		require.NotNil(t, f.Parked)
		require.Equal(t, correlate.OpOpen, f.Parked.Operation)
		require.Equal(t, b.opts.Attempts, f.Parked.Attempts)
		require.Contains(t, f.Parked.Reason, "503: upstream says [REDACTED:github-token]")
		require.NotContains(t, log.String(), token)
		require.Contains(t, log.String(), "a delivery is parked")
		require.Zero(t, b.problem("p").Expires(), "a problem with a parked delivery is kept")
		require.Equal(t, map[observe.DeliveryKey]int64{
			{Sink: "a", Operation: "open", Outcome: "transient"}: 4, {Sink: "a", Operation: "open", Outcome: "parked"}: 1,
		}, b.counted.Counts())

		tr.script = nil
		for range 9 {
			b.happens("p")
		}
		ok, err := b.box.Requeue(t.Context(), key("p"), "a", time.Now())
		require.NoError(t, err)
		require.True(t, ok)
		b.run(time.Second)
		require.Len(t, tr.tickets, 1)
		require.Equal(t, int64(10), tr.tickets[0].Count, "it says what is true by now")
		require.Nil(t, b.problem("p").Filing("a").Parked)
		ok, err = b.box.Requeue(t.Context(), key("p"), "a", time.Now())
		require.NoError(t, err)
		require.False(t, ok, "there is none any more")
	})
}

func TestRequeueOfWhatIsNotThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, map[string]sinks.Sink{"a": newFull(new(tracker))}, options())
		ok, err := b.box.Requeue(t.Context(), key("nothing"), "a", time.Now())
		require.NoError(t, err)
		require.False(t, ok)
		records, err := b.store.List(t.Context(), correlate.Page{Kind: correlate.KindProblem, Max: 10})
		require.NoError(t, err)
		require.Empty(t, records, "and no record was made")
	})
}

func TestRequeueOfWhatIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refuse := true
		tr := &tracker{script: func(context.Context, call) (bool, error) {
			if refuse {
				return false, &sinks.Error{Reason: sinks.Rejected, Err: errors.New("the project is archived")}
			}
			return true, nil
		}}
		b := newBench(t, map[string]sinks.Sink{"a": newFull(tr)}, options())
		b.happens("p", "a")
		b.run(time.Second)
		b.stops("p") // the sink has no ticket: it is not told
		refuse = false
		ok, err := b.box.Requeue(t.Context(), key("p"), "a", time.Now())
		require.NoError(t, err)
		require.True(t, ok)
		b.run(time.Second)
		require.Equal(t, map[string]int{"spt:p": 1}, tr.filed())
		require.Equal(t, sinks.Resolved, tr.states["spt:p"], "no ticket stays open about a problem that is over")
	})
}

func TestParkedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		long := strings.Repeat("größer ", 1<<20)
		tr := &tracker{script: func(context.Context, call) (bool, error) {
			return false, &sinks.Error{Reason: sinks.Rejected, Err: errors.New(long)}
		}}
		b := newBench(t, map[string]sinks.Sink{"a": newFull(tr)}, options())
		b.happens("p", "a")
		b.run(time.Hour)
		require.Len(t, tr.did(), 1)
		f := b.problem("p").Filing("a")
		require.Equal(t, 1, f.Parked.Attempts)
		require.Contains(t, f.Parked.Reason, "rejected: größer")
		require.Less(t, len(f.Parked.Reason), 1100, "what is kept of it is bounded")
		require.True(t, utf8.ValidString(f.Parked.Reason))
	})
}

func TestUnsafeTicketIsParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := new(tracker)
		b := newBench(t, map[string]sinks.Sink{"a": plain{tr}}, options())
		b.box.Renderer.Redactor = nil // which fails
		b.happens("p", "a")
		b.run(time.Hour)
		require.Empty(t, tr.did(), "nothing is sent")
		f := b.problem("p").Filing("a")
		require.Contains(t, f.Parked.Reason, "cannot be redacted")
		require.False(t, f.Unknown, "nothing can have been filed")
		require.Empty(t, b.box.targets["a"].slots)
	})
}

func TestRateLimitedSink(t *testing.T) {
	for _, test := range []struct {
		rule   string
		ask    time.Duration
		least  time.Duration
		atMost time.Duration
	}{
		{"the pause that a sink asks for is kept, and is longer if that was not enough", 20 * time.Second, 20 * time.Second, 330 * time.Second},
		{"an hour, too", time.Hour, time.Hour, 66 * time.Minute},
		{"a day is cut to what trackers count in", 24 * time.Hour, 75 * time.Minute, 75 * time.Minute},
		{"a sink that names no pause has a minute at least, and an hour at most", 0, time.Minute, 75 * time.Minute},
	} {
		t.Run(test.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := &tracker{script: func(_ context.Context, c call) (bool, error) {
					if c.number <= 20 { // far more than there are attempts
						return false, &sinks.Error{Reason: sinks.RateLimited, RetryAfter: test.ask, Err: errors.New("429")}
					}
					return true, nil
				}}
				b := newBench(t, map[string]sinks.Sink{"a": newFull(tr)}, options())
				b.happens("p", "a")
				b.run(time.Second)
				require.Len(t, tr.did(), 1)
				b.happens("q", "a") // another one, due at once
				b.poll = 10 * time.Second
				b.run(30 * time.Hour)
				times := tr.times()
				for i := 1; i < 20; i++ {
					pause := times[i].Sub(times[i-1])
					require.GreaterOrEqual(t, pause, test.least, "the whole sink is held, and then one call goes first")
					require.LessOrEqual(t, pause, test.atMost+10*time.Second)
				}
				require.Equal(t, map[string]int{"spt:p": 1, "spt:q": 1}, tr.filed(), "a pause does not use up attempts")
			})
		})
	}
}

func TestRetryAfterHoldsForOtherReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := &tracker{script: func(_ context.Context, c call) (bool, error) {
			return c.number > 1, map[bool]error{true: &sinks.Error{Reason: sinks.RateLimited, RetryAfter: 30 * time.Second}}[c.number == 1]
		}}
		named := map[string]sinks.Sink{"a": newFull(tr)}
		b := newBench(t, named, options())
		b.happens("p", "a")
		b.run(time.Second)
		b.drive(b.outbox(b.store, named), time.Minute)
		times := tr.times()
		require.Len(t, times, 2)
		require.GreaterOrEqual(t, times[1].Sub(times[0]), 30*time.Second)
	})
}

func TestUnauthorizedNeverParks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fixed := time.Now().Add(3 * time.Hour)
		tr := &tracker{script: func(context.Context, call) (bool, error) {
			if time.Now().Before(fixed) {
				return false, &sinks.Error{Reason: sinks.Unauthorized, Err: errors.New("401")}
			}
			return true, nil
		}}
		b := newBench(t, map[string]sinks.Sink{"a": newFull(tr)}, options())
		b.happens("p", "a")
		b.run(4 * time.Hour)
		require.Equal(t, map[string]int{"spt:p": 1}, tr.filed())
		require.Nil(t, b.problem("p").Filing("a").Parked)
		require.LessOrEqual(t, len(tr.did()), 3*60+1, "one call a minute at most")
	})
}

func TestUnknownOutcome(t *testing.T) {
	lost := &sinks.Error{Reason: sinks.Unknown, Err: errors.New("no answer")}
	down := errors.New("connection refused")
	answer := func(steps ...func() (bool, error)) func(context.Context, call) (bool, error) {
		return func(_ context.Context, c call) (bool, error) {
			if c.number > len(steps) {
				return true, nil
			}
			return steps[c.number-1]()
		}
	}
	is := func(effect bool, err error) func() (bool, error) {
		return func() (bool, error) { return effect, err }
	}
	noFinder := func(tr *tracker) sinks.Sink { return updating{plain{tr}} }
	for _, test := range []struct {
		rule   string
		sink   func(*tracker) sinks.Sink
		park   bool
		script func(context.Context, call) (bool, error)
		want   []string
		filed  int
		parked bool
	}{
		{
			rule: "one that was filed is found, and not filed again",
			sink: newFull, script: answer(is(true, lost)),
			want: []string{"file opened", "find "}, filed: 1,
		},
		{
			rule: "one that was not is filed, once",
			sink: newFull, script: answer(is(false, lost)),
			want: []string{"file opened", "find ", "file opened"}, filed: 1,
		},
		{
			rule: "when the look-up fails it is made again, and nothing filed blindly",
			sink: newFull, script: answer(is(true, lost), is(false, down), is(false, lost)),
			want: []string{"file opened", "find ", "find ", "find "}, filed: 1,
		},
		{
			rule: "an outcome that is unknown stays so after a failure that is certain",
			sink: newFull, script: answer(is(true, lost), is(false, &sinks.Error{Reason: sinks.RateLimited, RetryAfter: time.Second})),
			want: []string{"file opened", "find ", "find "}, filed: 1,
		},
		{
			rule: "without a finder it is sent again",
			sink: noFinder, script: answer(is(true, lost)),
			want: []string{"file opened", "file opened"}, filed: 2,
		},
		{
			rule: "or parked, where it is configured so",
			sink: noFinder, park: true, script: answer(is(true, lost)),
			want: []string{"file opened"}, filed: 1, parked: true,
		},
		{
			rule: "a finder is asked whatever is configured",
			sink: newFull, park: true, script: answer(is(true, lost)),
			want: []string{"file opened", "find "}, filed: 1,
		},
	} {
		t.Run(test.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := &tracker{script: test.script}
				opts := options()
				opts.ParkUnknown = test.park
				b := newBench(t, map[string]sinks.Sink{"a": test.sink(tr)}, opts)
				b.happens("p", "a")
				b.run(5 * time.Minute)
				require.Equal(t, test.want, tr.did())
				require.Equal(t, test.filed, tr.filed()["spt:p"])
				f := b.problem("p").Filing("a")
				require.Equal(t, test.parked, f.Parked != nil)
				require.Equal(t, test.parked, f.Receipt == correlate.Receipt{})
			})
		})
	}
}

func TestCrashWithoutFinder(t *testing.T) {
	for _, test := range []struct {
		rule  string
		park  bool
		filed int
	}{
		{"what may have been filed before a crash is parked, where it is configured so", true, 1},
		{"and sent again where it is not", false, 2},
	} {
		t.Run(test.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := new(tracker)
				named := map[string]sinks.Sink{"a": plain{tr}}
				opts := options()
				opts.ParkUnknown = test.park
				b := newBench(t, named, opts)
				b.happens("p", "a")
				b.box.Deliver(t.Context(), b.claim(b.box)[0]) // and dies
				time.Sleep(b.box.lease)
				b.drive(b.outbox(b.store, named), time.Second)
				require.Equal(t, test.filed, tr.filed()["spt:p"])
				require.Equal(t, test.park, b.problem("p").Filing("a").Parked != nil)
				if test.park { // a person has looked, and wants it
					ok, err := b.box.Requeue(t.Context(), key("p"), "a", time.Now())
					require.NoError(t, err)
					require.True(t, ok)
					b.drive(b.outbox(b.store, named), time.Second)
					require.Equal(t, 2, tr.filed()["spt:p"])
				}
			})
		})
	}
}

func TestLatencyIsFromTheSpan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, map[string]sinks.Sink{"a": newFull(new(tracker))}, options())
		var took []time.Duration
		b.counted.OnLatency(func(_ string, d time.Duration) { took = append(took, d) })
		b.happens("p", "a")
		time.Sleep(3 * time.Second)
		b.run(time.Second)
		b.stops("p", "a")
		b.run(time.Second)
		require.Equal(t, []time.Duration{3 * time.Second}, took, "for what opens a ticket only")
	})
}
