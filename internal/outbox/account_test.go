package outbox

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/limit"
	"github.com/spanticket/spanticket/sinks"
)

// shared is a store that other processes may have, too.
type shared struct {
	*correlate.Memory
	broken *bool // for the records of limits
}

func (s shared) Update(ctx context.Context, key correlate.Key, fn correlate.UpdateFunc) error {
	if key.Kind == limit.Kind && *s.broken {
		return errors.New("out of reach")
	}
	return s.Memory.Update(ctx, key, fn)
}

// accounted is a sink with an account.
type accounted struct {
	sinks.Sink
	account sinks.Account
}

func (a accounted) Account() sinks.Account { return a.account }
func (a accounted) Unwrap() sinks.Sink     { return a.Sink }

func TestFleet(t *testing.T) {
	account := sinks.Account{ID: "tracker-bot", Rates: []sinks.Rate{{Calls: 40, Per: time.Minute}}}
	most := func(times []time.Time) (most int) {
		for i := range times {
			n := 0
			for _, at := range times[i:] {
				if at.Sub(times[i]) <= time.Minute {
					n++
				}
			}
			most = max(most, n)
		}
		return most
	}
	fleet := func(t *testing.T, tr *tracker, broken *bool) (*bench, []*Outbox) {
		named := map[string]sinks.Sink{"a": accounted{newFull(tr), account}}
		b := newBench(t, named, options())
		b.store = shared{b.store.(*correlate.Memory), broken}
		var boxes []*Outbox
		for range 5 {
			boxes = append(boxes, b.outbox(b.store, named))
		}
		return b, boxes
	}
	runAll := func(b *bench, boxes []*Outbox, d time.Duration) {
		for _, box := range boxes {
			go b.drive(box, d)
		}
		time.Sleep(d + time.Minute)
		synctest.Wait()
	}
	t.Run("all together keep to one limit, and one that ended takes nothing with it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			tr := new(tracker)
			b, boxes := fleet(t, tr, new(bool))
			for i := range 150 {
				b.happens(fmt.Sprint(i), "a")
			}
			runAll(b, boxes, time.Minute)
			runAll(b, boxes[:2], 6*time.Minute)
			require.LessOrEqual(t, most(tr.times()), 40)
			require.Len(t, tr.filed(), 150)
			require.Len(t, tr.times(), 150)
		})
	})
	t.Run("what one is told all know", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			tr := &tracker{script: func(_ context.Context, c call) (bool, error) {
				if c.number == 1 {
					return false, &sinks.Error{Reason: sinks.RateLimited, RetryAfter: 5 * time.Minute}
				}
				return true, nil
			}}
			b, boxes := fleet(t, tr, new(bool))
			b.happens("p", "a")
			b.drive(boxes[0], time.Second)
			synctest.Wait()
			for i := range 20 {
				b.happens(fmt.Sprint(i), "a")
			}
			runAll(b, boxes, 4*time.Minute)
			require.Len(t, tr.times(), 1)
			runAll(b, boxes, 4*time.Minute)
			require.Len(t, tr.filed(), 21)
		})
	})
	t.Run("without the record each has a small share", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			tr, broken := new(tracker), true
			b, boxes := fleet(t, tr, &broken)
			for i := range 150 {
				b.happens(fmt.Sprint(i), "a")
			}
			runAll(b, boxes, 10*time.Minute)
			n := len(tr.times())
			require.Greater(t, n, 20)
			require.LessOrEqual(t, most(tr.times()), 40)
			broken = false
			runAll(b, boxes, 10*time.Minute)
			require.Len(t, tr.filed(), 150)
		})
	})
}

func TestTwoSinksOnOneCredential(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, other := new(tracker), new(tracker)
		a.script = func(context.Context, call) (bool, error) {
			return false, &sinks.Error{Reason: sinks.RateLimited, RetryAfter: time.Minute}
		}
		account := sinks.Account{ID: "bot"}
		b := newBench(t, map[string]sinks.Sink{"a": accounted{newFull(a), account}, "b": accounted{newFull(other), account}}, options())
		b.happens("p", "a")
		b.run(time.Second)
		b.happens("q", "b")
		b.run(50 * time.Second)
		require.Empty(t, other.calls, "the pause is the credential's")
		got := b.box.Limits(time.Now())
		require.Len(t, got, 1)
		require.Equal(t, "limited", got[0].State)
	})
}

// While calls fail in a row one is made now and then, and those that wait lose no
// attempt.
func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := true
		tr := &tracker{script: func(context.Context, call) (bool, error) {
			if down {
				return false, errors.New("503")
			}
			return true, nil
		}}
		b := newBench(t, map[string]sinks.Sink{"a": newFull(tr)}, options())
		for i := range 200 {
			b.happens(fmt.Sprint(i), "a")
		}
		b.run(time.Hour)
		require.Less(t, len(tr.times()), 40)
		require.Equal(t, "broken", strings.ReplaceAll(b.box.Limits(time.Now())[0].State, "half_open", "broken"))
		down = false
		b.run(10 * time.Minute)
		require.Len(t, tr.filed(), 200, "none is parked")
	})
}

// However much one service has to say, the others have their turns.
func TestScopesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr, opts := new(tracker), options()
		opts.Rate, opts.Burst = 0.1, 4
		b := newBench(t, map[string]sinks.Sink{"a": newFull(tr)}, opts)
		quiet := correlate.Scope{Service: "quiet"}
		b.box.Scopes = func() []correlate.Scope { return []correlate.Scope{scope, quiet} }
		for i := range 500 {
			b.happens(fmt.Sprint(i), "a")
		}
		b.run(time.Minute)
		require.NoError(t, b.store.Update(t.Context(), correlate.Key{Scope: quiet, Kind: correlate.KindProblem, ID: "q"},
			correlate.UpdateProblem(func(p correlate.Problem) (correlate.Problem, []correlate.Delivery, error) {
				p, _ = p.Observe(correlate.Batch{
					Scope: quiet, Signature: correlate.Signature{ID: "q"}, Threshold: correlate.Threshold{Count: 1, Within: time.Minute},
					Quiet: time.Hour, Count: 1, First: time.Now(), Last: time.Now(),
				}, time.Now())
				p, add := p.Queue(correlate.OpOpen, []string{"a"}, time.Now())
				return p, add, nil
			})))
		b.run(time.Minute)
		require.Contains(t, tr.filed(), "spt:q")
	})
}

func TestAccountsAreSafeToShow(t *testing.T) {
	token := "ghp_" + strings.Repeat("a1B2", 9)
	for _, id := range []string{token, "with a space", strings.Repeat("x", 1000), "nul\x00"} {
		b := newBench(t, map[string]sinks.Sink{"a": accounted{newFull(new(tracker)), sinks.Account{ID: id}}}, options())
		got := b.box.Limits(time.Now())[0].Account
		require.Regexp(t, `^[!-~]{1,128}$`, got)
		require.NotContains(t, got, token)
	}
}
