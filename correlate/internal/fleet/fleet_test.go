package fleet

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
)

func TestMarks(t *testing.T) {
	a, b := NewWriter(), NewWriter()
	a1, a2, b1 := a.Next(), a.Next(), b.Next()
	marks := a1.Add(nil)
	require.True(t, a1.In(marks))
	require.False(t, a2.In(marks), "the next update of the same writer")
	both := b1.Add(marks)
	require.True(t, a1.In(both) && b1.In(both), "another writer takes nothing away")
	require.True(t, a1.In(marks) && !b1.In(marks), "Add changes nothing")
	both = a2.Add(both)
	require.True(t, a2.In(both) && b1.In(both))
	require.False(t, a1.In(both), "of each writer the last")
	require.Len(t, both, 2*markSize)

	for range maxMarks {
		both = NewWriter().Next().Add(both)
	}
	require.Len(t, both, maxMarks*markSize)
	require.False(t, a2.In(both), "bounded, the oldest goes")
	require.False(t, a1.In([]byte("short")), "damaged")
}

func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var turns Turns
		key, other := correlate.Key{ID: "a"}, correlate.Key{ID: "b"}
		done, err := turns.Take(t.Context(), key)
		require.NoError(t, err)
		free, err := turns.Take(t.Context(), other)
		require.NoError(t, err, "another record does not wait")
		free()

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = turns.Take(ctx, key)
		require.ErrorIs(t, err, context.DeadlineExceeded)

		var wg sync.WaitGroup
		inside, most := 0, 0
		for range 10 {
			wg.Go(func() {
				done, err := turns.Take(t.Context(), key)
				require.NoError(t, err)
				inside++ // under the turn
				most = max(most, inside)
				time.Sleep(time.Millisecond)
				inside--
				done()
			})
		}
		done()
		wg.Wait()
		require.Equal(t, 1, most)
		require.Empty(t, turns.turns, "nothing is left")
	})
}

func TestLull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const bound = 30 * time.Second
		scope := correlate.Scope{Service: "checkout"}
		claim := func(sinks ...string) correlate.Claim {
			return correlate.Claim{Scope: scope, Sinks: sinks, Now: time.Now()}
		}
		asks := func(l *Lull, c correlate.Claim) bool { _, ask := l.Begin(c); return ask }
		empty := func(l *Lull, c correlate.Claim, due time.Time, free time.Duration) {
			since, ask := l.Begin(c)
			require.True(t, ask)
			l.Empty(c, since, due, free)
		}

		l := NewLull(bound)
		asked := 0
		for range 3600 { // an idle hour, at a claim a second
			if c := claim("a"); asks(l, c) {
				asked++
				empty(l, c, time.Time{}, -1)
			}
			time.Sleep(time.Second)
		}
		require.InDelta(t, 3600/30, asked, 30, "one in about 30 seconds")

		time.Sleep(time.Minute)
		empty(l, claim("a"), time.Time{}, -1)
		require.False(t, asks(l, claim("a")))
		require.True(t, asks(l, claim("b")), "another sink")
		require.True(t, asks(l, correlate.Claim{Sinks: []string{"a"}, Now: time.Now()}), "another scope")
		l.Wake(correlate.Scope{Service: "other"})
		l.Wake(scope)
		require.True(t, asks(l, claim("a")), "this process has queued something")

		l = NewLull(bound)
		c := claim("b", "a")
		since, _ := l.Begin(c)
		l.Wake(scope)
		l.Empty(c, since, time.Time{}, -1)
		require.True(t, asks(l, c), "queued while the server was asked")

		empty(l, c, time.Now().Add(200*time.Millisecond), -1)
		require.False(t, asks(l, claim("a", "b")), "the order of sinks does not matter")
		time.Sleep(200 * time.Millisecond)
		require.True(t, asks(l, claim("a", "b")), "something is due")

		l = NewLull(bound)
		empty(l, claim("a"), time.Time{}, 100*time.Millisecond)
		time.Sleep(100 * time.Millisecond)
		require.True(t, asks(l, claim("a")), "a lease has ended")

		empty(l, claim("a"), time.Time{}, -1)
		l.Found(claim("a"))
		require.True(t, asks(l, claim("a")), "there is work")

		for i := range 2 * maxLulls {
			c := correlate.Claim{Scope: correlate.Scope{Service: fmt.Sprint(i)}, Sinks: []string{"a"}}
			since, _ := l.Begin(c)
			l.Empty(c, since, time.Time{}, -1)
			l.Wake(c.Scope)
			since, _ = l.Begin(c)
			l.Empty(c, since, time.Time{}, -1)
		}
		require.LessOrEqual(t, len(l.found), maxLulls)
		require.LessOrEqual(t, len(l.wakes), maxLulls)

		l = NewLull(-1)
		empty(l, claim("a"), time.Time{}, -1)
		require.True(t, asks(l, claim("a")), "no pauses")
	})
}

func TestDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d Doubt
		require.NoError(t, d.Pause(t.Context(), 0))
		require.False(t, d.Any())
		cut, later := errors.New("cut"), errors.New("later")
		d.Rise(cut, time.Second)
		d.Rise(later, time.Hour)
		require.True(t, d.Any())
		began := time.Now()
		var err error
		for attempt := 0; err == nil; attempt++ {
			err = d.Pause(t.Context(), attempt)
		}
		require.ErrorIs(t, err, cut)
		require.ErrorContains(t, err, "not known")
		require.InDelta(t, time.Second, time.Since(began), float64(300*time.Millisecond))

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		d = Doubt{}
		d.Rise(cut, time.Second)
		err = d.Pause(ctx, 20)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, cut)
	})
}

func TestSafe(t *testing.T) {
	require.NoError(t, Safe(nil))
	plain := errors.New("connection refused")
	require.Equal(t, plain, Safe(plain))
	for _, test := range []struct{ rule, text, want string }{
		{"a URL", `parse "postgres://u:s3cret@h/d": no`, `parse "postgres://h/d": no`},
		{"a URL whose password holds a slash", `parse "redis://u:s3/cret@h": invalid port ":s3" after host`, `parse "redis://h": invalid port after host`},
		{"settings", "host=h password=s3cret user=u", "host=h password=[REDACTED] user=u"},
		{"quoted settings", `password='s3 \'cret' user=u`, "password=[REDACTED] user=u"},
		{"a parameter of a URL", "rediss://h/0?password=s3cret&db=1", "rediss://h/0?password=[REDACTED]&db=1"},
	} {
		t.Run(test.rule, func(t *testing.T) {
			err := Safe(fmt.Errorf("%s%w", test.text, plain))
			require.Equal(t, test.want+plain.Error(), err.Error())
			require.ErrorIs(t, err, plain)
		})
	}
}
