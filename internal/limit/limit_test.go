package limit

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// limits are those of most tests: one call a second, ten at once.
var limits = Limits{Rates: []Rate{{Name: "pace", Every: time.Second, Burst: 10}}, Probe: 30 * time.Second}

func rooms(l Limits, s State, now time.Time) [3]int {
	return [3]int{l.Room(s, Open, now), l.Room(s, Change, now), l.Room(s, Note, now)}
}

func TestClassesAtTheEnd(t *testing.T) {
	var s State
	require.False(t, limits.Near(s, noon))
	require.Equal(t, [3]int{10, 8, 5}, rooms(limits, s, noon))
	s, n := limits.Take(s, Note, 100, false, noon)
	require.Equal(t, 5, n, "notes leave half for what matters more")
	require.True(t, limits.Near(s, noon))
	require.Equal(t, [3]int{5, 3, 0}, rooms(limits, s, noon))
	s, n = limits.Take(s, Change, 100, true, noon)
	require.Equal(t, 3, n)
	require.Equal(t, [3]int{2, 0, 0}, rooms(limits, s, noon))
	s, n = limits.Take(s, Open, 100, true, noon)
	require.Equal(t, 2, n, "to the last")
	require.Equal(t, noon.Add(time.Second), limits.Next(s, Open, noon))
	require.Equal(t, noon.Add(3*time.Second), limits.Next(s, Change, noon))
	require.Equal(t, noon.Add(6*time.Second), limits.Next(s, Note, noon))
	require.Equal(t, [3]int{10, 8, 5}, rooms(limits, s, noon.Add(10*time.Second)))
}

func TestLesserClassesHaveTheirTurn(t *testing.T) {
	var s State
	now, turns := noon, 0
	for range 60 { // opens take all there is
		for _, c := range Classes {
			if limits.Overdue(s) {
				var n int
				s, n = limits.Take(s, Note, 1, true, now)
				turns += n
			}
			s, _ = limits.Take(s, c, 100, true, now)
			if c == Open {
				require.Zero(t, limits.Room(s, Open, now))
			}
		}
		now = now.Add(time.Second)
	}
	require.InDelta(t, 4, turns, 1, "one in about 16")
}

func TestWhatAnswersTell(t *testing.T) {
	tell := func(l, r int, reset time.Duration) Answer {
		return Answer{Quotas: []sinks.Quota{{Limit: l, Remaining: r, Reset: reset}}, Began: noon}
	}
	s := limits.Learn(State{}, tell(100, 21, time.Minute), 0, noon)
	require.Equal(t, [3]int{10, 8, 1}, rooms(limits, s, noon))
	s, _ = limits.Take(s, Open, 10, true, noon)
	s = limits.Learn(s, tell(100, 15, time.Minute), 0, noon)
	require.Equal(t, 11, s.Quotas[""].Left, "the answer was on its way when the others were taken")
	s = limits.Learn(s, tell(100, 15, time.Minute), 0, noon.Add(2*time.Second))
	require.Equal(t, 11, s.Quotas[""].Left, "it is the same window")
	s = limits.Learn(s, tell(100, 100, time.Minute), 0, noon.Add(time.Minute))
	require.Equal(t, 100, s.Quotas[""].Left, "this is the next")

	s = limits.Learn(State{}, tell(0, 0, 90*time.Second), 0, noon)
	require.Equal(t, [3]int{}, rooms(limits, s, noon))
	require.Equal(t, noon.Add(90*time.Second), limits.Next(s, Open, noon))
	require.Equal(t, [3]int{10, 8, 5}, rooms(limits, s, noon.Add(90*time.Second)))

	hostile := Answer{Quotas: []sinks.Quota{{Limit: math.MinInt, Remaining: math.MinInt, Reset: math.MaxInt64}, {Of: "x", Reset: -1}}}
	s = limits.Learn(State{}, hostile, 0, noon)
	require.Equal(t, noon.Add(Longest), limits.Next(s, Open, noon), "no wait is longer")
	for i := range 100 {
		s = limits.Learn(s, Answer{Quotas: []sinks.Quota{{Of: fmt.Sprint(i), Remaining: 100, Reset: time.Minute}}}, 0, noon)
	}
	require.LessOrEqual(t, len(s.Quotas), maxQuotas)
}

func TestLimitedAnswers(t *testing.T) {
	stopped := func(began time.Time, after time.Duration) Answer {
		return Answer{Outcome: Stopped, After: after, Began: began}
	}
	s := limits.Learn(State{}, stopped(noon, 30*time.Second), 0, noon)
	require.Equal(t, noon.Add(30*time.Second), s.Shut)
	require.Equal(t, "limited", limits.Status(s, noon))
	require.InDelta(t, 0.75, s.Pace, 0)
	now := s.Shut
	require.Equal(t, "half_open", limits.Status(s, now))
	require.Equal(t, [3]int{1, 1, 1}, rooms(limits, s, now), "one call first")
	s, n := limits.Take(s, Open, 5, false, now)
	require.Equal(t, 1, n)
	require.Zero(t, limits.Room(s, Open, now), "which is waited for")
	require.Equal(t, 1, limits.Room(s, Open, now.Add(limits.Probe)), "but not for ever")
	require.Equal(t, 1, limits.Room(limits.Learn(s, Answer{Outcome: Unmade, Began: now}, 0, now), Open, now), "if it was made")
	s = limits.Learn(s, Answer{Began: noon}, 0, now)
	require.True(t, s.Half, "an answer to what was sent before says nothing")
	s = limits.Learn(s, Answer{Began: now}, 0, now)
	require.Equal(t, "closed", limits.Status(s, now))
	require.Equal(t, 7, limits.Room(s, Open, now.Add(time.Hour)), "at a slower pace")

	s = State{}
	now = noon
	var waits []time.Duration
	for range 9 { // no time is named, and it goes on
		s = limits.Learn(s, stopped(now, 0), 0, now)
		s = limits.Learn(s, stopped(now.Add(-time.Second), 0), 0, now) // sent with it
		waits = append(waits, s.Shut.Sub(now))
		now = s.Shut
	}
	require.Equal(t, []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60}, minutes(waits))
	require.InDelta(t, leastPace, s.Pace, 0)
	for range 24 * 60 {
		now = now.Add(time.Minute)
		s = limits.Learn(s, Answer{Began: now}, 0, now)
	}
	require.Zero(t, s.Strikes)
	require.Equal(t, 10, limits.Room(s, Open, now), "all is well again")

	s = limits.Learn(State{}, Answer{Outcome: Stopped, Began: noon, Quotas: []sinks.Quota{{Remaining: 0, Limit: 5000, Reset: 40 * time.Minute}}}, 0, noon)
	require.Equal(t, noon.Add(40*time.Minute), s.Shut, "what is used up starts again then")
	require.Zero(t, s.Strikes)
	require.Zero(t, s.Pace)
	s = limits.Learn(State{}, stopped(noon, math.MaxInt64), 0.99, noon)
	require.Equal(t, noon.Add(Longest), s.Shut)
}

func minutes(ds []time.Duration) (out []time.Duration) {
	for _, d := range ds {
		out = append(out, d/time.Minute)
	}
	return out
}

func TestBreaker(t *testing.T) {
	failed := func(n int, began time.Time) Answer {
		return Answer{Outcome: Failed, Delivery: fmt.Sprint(n), Began: began}
	}
	s := State{}
	for range 100 {
		s = limits.Learn(s, failed(1, noon), 0.5, noon)
	}
	require.Equal(t, "closed", limits.Status(s, noon), "one delivery alone may be at fault itself")
	s = limits.Learn(s, Answer{Began: noon}, 0.5, noon)
	for i := range maxFails {
		require.Equal(t, "closed", limits.Status(s, noon))
		s = limits.Learn(s, failed(i, noon), 0.5, noon)
	}
	require.Equal(t, "broken", limits.Status(s, noon))
	now := noon
	var waits []time.Duration
	for i := range 8 {
		waits = append(waits, s.Shut.Sub(now))
		now = s.Shut
		require.Equal(t, "half_open", limits.Status(s, now))
		var n int
		s, n = limits.Take(s, Open, 10, false, now)
		require.Equal(t, 1, n)
		s = limits.Learn(s, failed(i, noon), 0.5, now) // sent before the breaker opened
		require.Equal(t, "half_open", limits.Status(s, now))
		s = limits.Learn(s, failed(7, now), 0.5, now)
	}
	require.Equal(t, []time.Duration{10, 20, 40, 80, 160, 300, 300, 300}, seconds(waits))
	now = s.Shut
	s = limits.Learn(s, Answer{Began: now}, 0.5, now)
	require.Equal(t, "closed", limits.Status(s, now))
	require.Equal(t, 0, s.Trips)
}

func seconds(ds []time.Duration) (out []time.Duration) {
	for _, d := range ds {
		out = append(out, d/time.Second)
	}
	return out
}

// anyState draws a state, also such as only a hostile record has.
func anyState(t *rapid.T, now time.Time) State {
	at := func(name string) time.Time {
		return now.Add(time.Duration(rapid.Int64Range(-1e18, 1e18).Draw(t, name)))
	}
	n := func(name string) int { return rapid.Int().Draw(t, name) }
	return State{
		Buckets: map[string]time.Time{"pace": at("full"), "1m0s": at("full2"), "other": at("full3")},
		Quotas:  map[string]Quota{"": {n("limit"), n("left"), at("until")}, "b": {n("limit"), n("left"), at("until")}},
		Taken:   at("taken"), Passed: n("passed"), Pace: rapid.Float64().Draw(t, "pace"), PaceAt: at("pace at"), LimitedAt: at("limited"),
		Strikes: n("strikes"), Shut: at("shut"), Half: rapid.Bool().Draw(t, "half"), Probed: at("probed"), Fails: n("fails"), Trips: n("trips"),
	}
}

func anyAnswer(t *rapid.T, now time.Time) Answer {
	return Answer{
		Outcome: rapid.SampledFrom([]Outcome{Went, Went, Went, Stopped, Failed, Unmade}).Draw(t, "outcome"),
		After:   time.Duration(rapid.SampledFrom([]int64{0, 0, 1e9, 30e9, math.MaxInt64, -1}).Draw(t, "after")),
		Quotas: []sinks.Quota{{
			Limit: rapid.IntRange(-1, 100).Draw(t, "limit"), Remaining: rapid.IntRange(-1, 100).Draw(t, "remaining"),
			Reset: time.Duration(rapid.SampledFrom([]int64{0, 1e9, 60e9, 3600e9, math.MaxInt64}).Draw(t, "reset")),
		}},
		Delivery: fmt.Sprint(rapid.IntRange(0, 9).Draw(t, "delivery")),
		Began:    now.Add(-time.Duration(rapid.IntRange(0, 20).Draw(t, "age")) * time.Second),
	}
}

func anyLimits(t *rapid.T) Limits {
	return Limits{Probe: 30 * time.Second, Rates: []Rate{
		{Name: "pace", Every: time.Duration(rapid.Int64Range(1e6, 60e9).Draw(t, "every")), Burst: rapid.IntRange(1, 100).Draw(t, "burst")},
		Within(rapid.IntRange(1, 200).Draw(t, "calls"), time.Minute, 5*time.Second),
	}}
}

// Never over the limit in any window, in whatever order things come, though each
// call is made some time after it was taken, by engines whose clocks differ a little.
func TestNeverOverTheLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const lag, skew = 5 * time.Second, 2 * time.Second
		calls := rapid.IntRange(1, 200).Draw(t, "calls")
		l := Limits{Probe: 30 * time.Second, Rates: []Rate{{Name: "pace", Every: time.Second / 10, Burst: 300}, Within(calls, time.Minute, lag)}}
		var s State
		var made []time.Time
		now := noon
		for range rapid.IntRange(1, 150).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.SampledFrom([]int64{0, 1, 1e8, 1e9, 5e9, 30e9, 60e9}).Draw(t, "passes")))
			seen := now // by this engine's clock, which may be behind
			if rapid.Bool().Draw(t, "behind") {
				seen = now.Add(-time.Duration(rapid.Int64Range(0, int64(skew)).Draw(t, "skew")))
			}
			if rapid.IntRange(0, 3).Draw(t, "learns") == 0 {
				a := anyAnswer(t, seen)
				if a.Outcome == Stopped {
					a.Outcome = Went // keep it going
				}
				a.Quotas = nil
				s = l.Learn(s, a, 0.5, seen)
				continue
			}
			var n int
			s, n = l.Take(s, rapid.SampledFrom(Classes).Draw(t, "class"), rapid.IntRange(0, 300).Draw(t, "n"), rapid.Bool().Draw(t, "waits"), seen)
			for range n {
				made = append(made, now.Add(time.Duration(rapid.Int64Range(0, int64(lag-skew)).Draw(t, "late"))))
			}
		}
		for _, from := range made {
			n := 0
			for _, at := range made {
				if !at.Before(from) && !at.After(from.Add(time.Minute)) {
					n++
				}
			}
			require.LessOrEqual(t, n, calls)
		}
	})
}

// Whatever a state says, there is room again, and soon.
func TestNeverStuck(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := anyLimits(t)
		s := anyState(t, noon)
		for range rapid.IntRange(0, 10).Draw(t, "answers") {
			s = l.Learn(s, anyAnswer(t, noon), 0.999, noon)
		}
		now := noon
		if rapid.Bool().Draw(t, "clock jumps back") {
			now = now.Add(-time.Duration(rapid.Int64Range(0, 1e17).Draw(t, "jump")))
		}
		s = l.Sane(s, now)
		longest := max(Longest, l.Probe)
		for _, r := range l.Rates {
			r = r.slowed(s.pace())
			longest = max(longest, time.Duration(r.Burst)*r.Every+maxSkew)
		}
		for _, c := range Classes {
			next := l.Next(s, c, now)
			require.LessOrEqual(t, next.Sub(now), longest)
			require.Positive(t, l.Room(s, c, next), "room for a %v when Next says so", c)
			if next.After(now) {
				require.Zero(t, l.Room(s, c, next.Add(-time.Nanosecond)), "and not before")
			}
		}
	})
}

// What may go for one class may go for every better one, and what is taken is what
// there was room for.
func TestClassesAreOrdered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, s := anyLimits(t), anyState(t, noon)
		got := rooms(l, s, noon)
		require.GreaterOrEqual(t, got[0], got[1])
		require.GreaterOrEqual(t, got[1], got[2])
		c := rapid.SampledFrom(Classes).Draw(t, "class")
		n := rapid.IntRange(0, 300).Draw(t, "n")
		room := l.Room(s, c, noon)
		after, took := l.Take(s, c, n, true, noon)
		require.Equal(t, min(n, room), took)
		if took < n {
			require.False(t, !l.Overdue(after) && l.Room(after, c, noon) > 0, "all that there was")
		}
	})
}

func TestRecord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := anyLimits(t)
		s := l.Sane(anyState(t, noon), noon)
		s = l.Learn(s, anyAnswer(t, noon), 0.5, noon)
		cur := correlate.Record{Version: 1, Data: []byte(`{"fails":3,"newer":"kept"}`)}
		r, err := Save(cur, s, noon)
		require.NoError(t, err)
		require.Contains(t, string(r.Data), `"newer":"kept"`)
		require.Less(t, len(r.Data), 2000)
		back, err := Load(r)
		require.NoError(t, err)
		for _, c := range Classes {
			require.Equal(t, l.Room(s, c, noon), l.Room(back, c, noon))
			require.True(t, l.Next(s, c, noon).Equal(l.Next(back, c, noon)))
		}
	})
	_, err := Load(correlate.Record{Version: 2, Data: []byte(`{}`)})
	require.Error(t, err)
	_, err = Load(correlate.Record{Version: 1, Data: []byte(`{`)})
	require.Error(t, err)
	s, err := Load(correlate.Record{})
	require.NoError(t, err)
	require.Zero(t, s)
}

func TestOperations(t *testing.T) {
	for _, c := range Classes {
		for _, op := range c.Operations() {
			require.Equal(t, c, ClassOf(op))
		}
	}
	require.Equal(t, Note, ClassOf("of another version"))
	require.Equal(t, "open", Open.String())
}
