package outbox

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/observe"
	"github.com/spanticket/spanticket/sinks"
)

// brokenError cannot even be printed.
type brokenError struct{ text *string }

func (e brokenError) Error() string { return *e.text }

func TestHowACallEnds(t *testing.T) {
	nilError := func() error { var e *sinks.Error; return e }
	for _, test := range []struct {
		rule    string
		script  func(context.Context, call) (bool, error) // of the first call
		outcome string
		want    []string
	}{
		{
			rule:    "a panic is a transient failure",
			script:  func(context.Context, call) (bool, error) { panic("boom") },
			outcome: "transient", want: []string{"file opened", "file opened"},
		},
		{
			rule:    "so is an error that panics when it is read",
			script:  func(context.Context, call) (bool, error) { return false, brokenError{} },
			outcome: "transient", want: []string{"file opened", "file opened"},
		},
		{
			rule:    "so is a call that ends its goroutine",
			script:  func(context.Context, call) (bool, error) { runtime.Goexit(); return false, nil },
			outcome: "transient", want: []string{"file opened", "file opened"},
		},
		{
			rule:    "a nil pointer in an error is no failure",
			script:  func(context.Context, call) (bool, error) { return true, nilError() },
			outcome: delivered, want: []string{"file opened"},
		},
		{
			rule: "a call that ends with its context has an unknown outcome",
			script: func(ctx context.Context, _ call) (bool, error) {
				<-ctx.Done()
				return true, fmt.Errorf("posting: %w", ctx.Err())
			},
			outcome: "unknown", want: []string{"file opened", "find "},
		},
		{
			rule: "also when the error does not wrap that of the context",
			script: func(ctx context.Context, _ call) (bool, error) {
				<-ctx.Done()
				return true, fmt.Errorf("posting: %v", ctx.Err())
			},
			outcome: "unknown", want: []string{"file opened", "find "},
		},
		{
			rule: "unless the sink says what became of it",
			script: func(ctx context.Context, _ call) (bool, error) {
				<-ctx.Done()
				return false, &sinks.Error{Reason: sinks.Transient, Err: errors.New("it was never sent")}
			},
			outcome: "transient", want: []string{"file opened", "file opened"},
		},
		{
			rule: "a success that comes with the end of the context is one",
			script: func(ctx context.Context, _ call) (bool, error) {
				<-ctx.Done()
				return true, nil
			},
			outcome: delivered, want: []string{"file opened"},
		},
		{
			rule: "a call that does not return has an unknown outcome",
			script: func(context.Context, call) (bool, error) {
				time.Sleep(time.Hour)
				return true, nil
			},
			outcome: "unknown", want: []string{"file opened", "find ", "file opened"},
		},
	} {
		t.Run(test.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := &tracker{script: func(ctx context.Context, c call) (bool, error) {
					if c.number > 1 {
						return true, nil
					}
					return test.script(ctx, c)
				}}
				b := newBench(t, map[string]sinks.Sink{"a": newFull(tr)}, options())
				b.happens("p", "a")
				b.run(time.Minute)
				require.Equal(t, test.want, tr.did())
				require.Equal(t, int64(1), b.counted.Counts()[observe.DeliveryKey{Sink: "a", Operation: "open", Outcome: test.outcome}])
				require.NotEmpty(t, b.problem("p").Filing("a").Receipt.ID)
				time.Sleep(2 * time.Hour) // until what was abandoned has returned
				require.Zero(t, b.own.Load())
				require.Empty(t, b.box.targets["a"].slots)
			})
		})
	}
}

func TestAbandonedCallKeepsItsSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := &tracker{script: func(_ context.Context, c call) (bool, error) {
			if c.key == "spt:stuck" && c.method == "file" {
				time.Sleep(time.Hour)
				return false, errors.New("too late")
			}
			return true, nil
		}}
		opts := options()
		opts.Concurrency, opts.Attempts = 2, 1
		b := newBench(t, map[string]sinks.Sink{"a": newFull(tr)}, opts)
		b.happens("stuck", "a")
		began := time.Now()
		b.run(opts.Timeout + 2*time.Second)
		require.NotNil(t, b.problem("stuck").Filing("a").Parked)
		require.WithinDuration(t, began.Add(opts.Timeout+grace), b.problem("stuck").Filing("a").Parked.At, 0, "abandoned after its timeout and a grace")
		require.Len(t, b.box.targets["a"].slots, 1)
		require.Equal(t, int64(1), b.own.Load(), "its spans are the library's until it returns")

		for i := range 10 {
			b.happens(fmt.Sprint("p", i), "a")
		}
		b.run(5 * time.Second)
		require.Len(t, tr.filed(), 10, "the other slot works on")
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Empty(t, b.box.targets["a"].slots, "the slot is given back when the call returns")
		require.Zero(t, b.own.Load())
	})
}

func TestNoSlotNoClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		running, most := 0, 0
		tr := new(tracker)
		tr.script = func(context.Context, call) (bool, error) {
			tr.mu.Lock()
			running++
			most = max(most, running)
			tr.mu.Unlock()
			time.Sleep(time.Second)
			tr.mu.Lock()
			running--
			tr.mu.Unlock()
			return true, nil
		}
		opts := options()
		opts.Concurrency = 3
		b := newBench(t, map[string]sinks.Sink{"a": newFull(tr)}, opts)
		for i := range 20 {
			b.happens(fmt.Sprint("p", i), "a")
		}
		jobs, more, err := b.box.Claim(t.Context(), time.Now())
		require.NoError(t, err)
		require.Len(t, jobs, 3)
		require.True(t, more)
		again, more, err := b.box.Claim(t.Context(), time.Now())
		require.NoError(t, err)
		require.Empty(t, again)
		require.True(t, more)
		for _, j := range jobs {
			go func() { _, _ = b.box.Settle(t.Context(), b.box.Deliver(t.Context(), j), time.Now()) }()
		}
		b.run(time.Minute)
		require.Equal(t, 3, most)
		require.Len(t, tr.filed(), 20)
		_, more, err = b.box.Claim(t.Context(), time.Now())
		require.NoError(t, err)
		require.False(t, more)
	})
}

func TestAFindThatIsAbandonedFilesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := &tracker{script: func(_ context.Context, c call) (bool, error) {
			switch c.number {
			case 1:
				return false, &sinks.Error{Reason: sinks.Unknown, Err: errors.New("no answer")}
			case 2: // a look-up that takes no notice of its context
				time.Sleep(10 * time.Minute)
			}
			return true, nil
		}}
		b := newBench(t, map[string]sinks.Sink{"a": newFull(tr)}, options())
		b.happens("p", "a")
		b.run(20 * time.Minute)
		require.Equal(t, map[string]int{"spt:p": 1}, tr.filed(), "only the attempt after it does")
	})
}

func TestCapabilitiesDoNotDependOnTheWrapper(t *testing.T) {
	for _, test := range []struct {
		rule string
		sink sinks.Sink
		want correlate.Capabilities
	}{
		{"a plain sink has none", plain{}, correlate.Capabilities{}},
		{"nor has its wrapper", wrapped{plain{}}, correlate.Capabilities{}},
		{"a wrapped finder finds", wrapped{wrapped{finding{}}}, correlate.Capabilities{Find: true}},
		{"a wrapped updater updates", wrapped{updating{}}, correlate.Capabilities{Update: true}},
		{"both", wrapped{full{}}, correlate.Capabilities{Find: true, Update: true}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			require.Equal(t, test.want, newTarget("a", test.sink, options()).capabilities())
		})
	}
	require.Equal(t, sinks.Limits{Title: 80, Body: 5000}, newTarget("a", wrapped{small{}}, options()).limits)
}

type small struct{ plain }

func (small) Limits() sinks.Limits { return sinks.Limits{Title: 80, Body: 5000} }

func TestRateLimit(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		opts := options()
		opts.Rate = rate.Limit(rapid.Float64Range(0.1, 20).Draw(rt, "rate"))
		opts.Burst = rapid.IntRange(1, 10).Draw(rt, "burst")
		opts.Concurrency = rapid.IntRange(1, 8).Draw(rt, "concurrency")
		takes := time.Duration(rapid.IntRange(0, 3000).Draw(rt, "takes")) * time.Millisecond
		problems := rapid.IntRange(1, 100).Draw(rt, "problems")
		seconds := rapid.IntRange(1, 30).Draw(rt, "seconds")
		var times []time.Time
		synctest.Test(t, func(t *testing.T) {
			tr := &tracker{script: func(context.Context, call) (bool, error) {
				time.Sleep(takes)
				return true, nil
			}}
			b := newBench(t, map[string]sinks.Sink{"a": newFull(tr)}, opts)
			for i := range problems {
				b.happens(fmt.Sprint("p", i), "a")
			}
			b.run(time.Duration(seconds) * time.Second)
			time.Sleep(takes)
			times = tr.times()
		})
		require.NotEmpty(rt, times)
		for i := range times {
			for k := i; k < len(times); k++ {
				most := times[k].Sub(times[i]).Seconds()*float64(opts.Rate) + float64(opts.Burst)
				require.LessOrEqual(rt, float64(k-i+1), most+1e-6, "in every stretch of time")
			}
		}
	})
}
