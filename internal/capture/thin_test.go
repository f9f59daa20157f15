package capture

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/internal/celrule"
)

// storm ends failing spans at a rate, and adjusts as the engine does.
type storm struct {
	thin  *Thin
	set   *celrule.Set
	now   time.Time
	trace uint64

	full func() bool // nil means that there is room for all that are taken

	offered, taken, lost, counted, rest int64
}

func newStorm(t testing.TB) *storm {
	set := compile(t, celrule.Rule{Name: "errors", When: `span.status == "ERROR"`})
	return &storm{thin: NewThin(), set: set, now: time.Unix(1000, 0)}
}

func (s *storm) end(name, message string, followed bool) (ok bool) {
	s.trace += 0x9E3779B97F4A7C15
	stand, f := s.thin.Admit(failingWith(name, message, s.trace), s.set, 0, followed)
	s.offered++
	switch f {
	case Taken:
		s.taken++
		if s.full != nil && s.full() { // the queue has no room for it
			s.thin.giveBack(stand)
			s.lost++
			return false
		}
		s.counted += 1 + stand.Like + stand.Unlike
	case Lost:
		s.lost++
	}
	return f == Taken
}

func (s *storm) pass(d time.Duration) {
	s.now = s.now.Add(d)
	s.thin.Adjust(s.now, func(stand Stand) { s.rest += stand.Like + stand.Unlike })
}

// accounted is what the spans that were taken stand for, and what was lost.
func (s *storm) accounted() int64 { return s.counted + s.rest + s.lost }

func failingWith(name, message string, id uint64) sdktrace.ReadOnlySpan {
	var sc trace.SpanContextConfig
	binary.BigEndian.PutUint64(sc.TraceID[8:], id)
	binary.BigEndian.PutUint64(sc.SpanID[:], id|1)
	return tracetest.SpanStub{
		Name: name, SpanContext: trace.NewSpanContext(sc), Status: sdktrace.Status{Code: codes.Error},
		Events: []sdktrace.Event{{Name: "exception", Attributes: []attribute.KeyValue{
			attribute.String("exception.type", "Err"), attribute.String("exception.message", message),
		}}},
	}.Snapshot()
}

func TestAStormIsThinnedOut(t *testing.T) {
	s := newStorm(t)
	for range 10 { // of quiet
		for i := range 100 {
			require.True(t, s.end("GET /a", fmt.Sprint("refused ", i), false))
		}
		s.pass(100 * time.Millisecond)
	}
	require.False(t, s.thin.Active())

	const seconds, perTick = 30, 2000
	for range seconds * 10 {
		for i := range perTick {
			s.end("GET /a", fmt.Sprint("refused by 10.0.0.", i), false)
		}
		s.pass(100 * time.Millisecond)
	}
	require.True(t, s.thin.Active())
	require.InDelta(t, thinBurst+thinRate*seconds, s.taken, 0.1*thinRate*seconds)
	require.True(t, s.end("GET /a", "no route to host", false), "a failure unlike the others is taken")
	require.True(t, s.end("GET /b", "refused by 10.0.0.1", false), "so is that of another operation")
	require.True(t, s.end("GET /a", "refused by 10.0.0.1", true), "and what happens in a trace that is taken")

	s.pass(time.Second)
	s.pass(time.Second)
	require.False(t, s.thin.Active(), "it is over")
	require.Equal(t, s.offered, s.accounted(), "and all are counted")
	require.Zero(t, s.lost)
	require.True(t, s.end("GET /a", "refused", false))
}

func TestATraceIsTakenWholeOrNotAtAll(t *testing.T) {
	s := newStorm(t)
	s.thin.all.Store(false)
	s.thin.below.Store(1 << 63)
	s.end("GET /a", "refused", true)
	s.end("SELECT", "refused", true)
	for id := range uint64(100) {
		id *= 0x9E3779B97F4A7C15
		_, below := s.thin.Admit(failingWith("SELECT", "refused", id), s.set, 0, false)
		_, above := s.thin.Admit(failingWith("GET /a", "refused", id), s.set, 0, false)
		require.Equal(t, below, above)
		require.Equal(t, id < 1<<63, below == Taken, "the lowest traces, which engines tell each other of, are taken")
	}
}

func TestATraceThatIsLeftOutStaysSo(t *testing.T) {
	s := newStorm(t)
	s.thin.all.Store(false)
	s.end("SELECT", "refused", false) // the first of its look is taken
	s.end("SELECT", "refused", false)
	id := s.trace
	for rule, change := range map[string]func(){
		"when more is taken":            func() { s.thin.below.Store(1<<64 - 1) },
		"when the storm is over":        func() { s.thin.all.Store(true) },
		"and its slot is another one's": func() {},
	} {
		change()
		stand, f := s.thin.Admit(failingWith("GET /a", "refused", id), s.set, 0, true)
		require.Equal(t, LeftOut, f, rule)
		require.Zero(t, stand.Like+stand.Unlike)
	}
}

func TestNothingIsLostInAStorm(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newStorm(t)
		s.thin.credit = 100
		scarce := rapid.IntRange(1, 9).Draw(rt, "scarce")
		s.full = func() bool { return scarce < 5 && s.taken%int64(scarce) == 0 }
		for range rapid.IntRange(1, 8).Draw(rt, "phases") {
			perTick := rapid.SampledFrom([]int{0, 10, 300, 1000}).Draw(rt, "rate")
			looks := rapid.SampledFrom([]int{1, 3, 900, 9000}).Draw(rt, "looks")
			tick := rapid.SampledFrom([]time.Duration{10 * time.Millisecond, 100 * time.Millisecond, 5 * time.Second, -time.Hour}).Draw(rt, "tick")
			for range 5 {
				for i := range perTick {
					s.end(fmt.Sprint("GET /", i%looks), "refused", i%7 == 0)
				}
				s.pass(tick)
			}
		}
		s.thin.Drain(func(stand Stand) { s.rest += stand.Like + stand.Unlike })
		require.Equal(rt, s.offered, s.accounted())
	})
}

func TestLook(t *testing.T) {
	s := newStorm(t)
	like := func(name, message string) uint64 {
		look, _ := s.thin.look(failingWith(name, message, 1), s.set, 0)
		return look
	}
	for _, test := range []struct {
		rule, a, b string
		same       bool
	}{
		{"words with digits in them vary", "dial tcp 10.0.0.1:80: refused", "dial tcp 10.1.2.3:8080: refused", true},
		{"so do IDs", "order 7f3a2c is gone", "order 99 is gone", true},
		{"other words do not", "connection refused", "connection reset", false},
		{"nor does their order", "a b", "b a", false},
		{"nothing is like nothing", "", "", true},
	} {
		t.Run(test.rule, func(t *testing.T) {
			require.Equal(t, test.same, like("GET", test.a) == like("GET", test.b))
		})
	}
	require.NotEqual(t, like("GET", "x"), like("POST", "x"))
}

func TestThinningAllocatesNothing(t *testing.T) {
	s := newStorm(t)
	s.thin.all.Store(false)
	sp := failingWith("GET /a", "dial tcp 10.0.0.1:80: refused", 1)
	require.Zero(t, testing.AllocsPerRun(100, func() { s.thin.Admit(sp, s.set, 0, false) }))
}

func TestAStormIsThinnedOutWhateverTheClockDoes(t *testing.T) {
	for _, test := range []struct {
		rule string
		jump time.Duration
	}{
		{"forward", 24 * time.Hour},
		{"back", -24 * time.Hour},
		{"forward a little", time.Minute},
		{"back a little", -time.Minute},
	} {
		t.Run(test.rule, func(t *testing.T) {
			s := newStorm(t)
			second := func(d time.Duration) int64 {
				before := s.taken
				for i := range 10 {
					for range 2000 {
						s.end("GET /a", fmt.Sprint("refused ", i), false)
					}
					s.pass(100 * time.Millisecond)
				}
				s.now = s.now.Add(d)
				return s.taken - before
			}
			for range 5 {
				second(0)
			}
			steady := second(test.jump)
			require.InDelta(t, thinRate, steady, 0.2*thinRate)
			require.LessOrEqual(t, second(0), int64(thinRate+thinBurst+2000), "a jump gives no more than a burst")
			var after int64
			for range 10 {
				after = second(0)
			}
			require.InDelta(t, thinRate, after, 0.2*thinRate, "and it is as before")
			for range 5 {
				s.pass(time.Second)
			}
			require.False(t, s.thin.Active())
			require.Equal(t, s.offered, s.accounted())
		})
	}
}
