package celrule

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// slowSpan is a span that takes its time whenever it is asked for its events,
// and once, amid a loop, a long one.
type slowSpan struct {
	sdktrace.ReadOnlySpan
	each, once time.Duration
	asked      int
}

func (s *slowSpan) Events() []sdktrace.Event {
	s.asked++
	if s.asked == 50 {
		time.Sleep(s.once)
	}
	time.Sleep(s.each)
	return s.ReadOnlySpan.Events()
}

// TestTimeLimit holds that an evaluation ends in time, and that a rule is not
// blamed for a process that stands still.
func TestTimeLimit(t *testing.T) {
	stub := tracetest.SpanStub{Name: "GET /", Status: sdktrace.Status{Code: codes.Error}}
	for range 200 {
		stub.Events = append(stub.Events, sdktrace.Event{Name: "event"})
	}
	for _, tt := range []struct {
		rule       string
		when       string
		each, once time.Duration
		overruns   int64
		most       time.Duration // that it may take
	}{
		{"a loop that is quick", `span.events.exists(e, e.name == "no")`, time.Microsecond, 0, 0, time.Millisecond},
		{"one of slow turns", `span.events.exists(e, e.name == "no")`, 200 * time.Microsecond, 0, 1, 13 * time.Millisecond},
		{"a loop in a loop", `span.events.all(e, ["a", "b"].all(x, x != e.name))`, 200 * time.Microsecond, 0, 1, 13 * time.Millisecond},
		{"a list that is made", `span.events.map(e, e.name).size() > 1000`, 200 * time.Microsecond, 0, 1, 13 * time.Millisecond},
		{"a process that stands still once", `span.events.exists(e, e.name == "no")`, time.Microsecond, time.Minute, 0, time.Minute + time.Millisecond},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			set := mustCompile(t, []Rule{{Name: "r", When: tt.when}})
			synctest.Test(t, func(t *testing.T) {
				before := time.Now()
				m := set.Match(&slowSpan{ReadOnlySpan: stub.Snapshot(), each: tt.each, once: tt.once})
				require.LessOrEqual(t, time.Since(before), tt.most)
				require.Equal(t, Match{Verdict: Passed}, m)
				stats := set.Stats(0)
				require.Equal(t, tt.overruns, stats.Overruns, stats.LastError)
				require.Equal(t, tt.overruns, stats.Errors)
				if tt.overruns > 0 {
					require.Contains(t, stats.LastError, "it took longer than 10ms")
				}
			})
		})
	}
}

// TestWatchCallsThatTakeLong holds that the time is looked at before each call
// that takes long by itself, without a loop too.
func TestWatchCallsThatTakeLong(t *testing.T) {
	stub := checkout()
	for _, when := range []string{
		`span.name.replace("a", "b") == span.name.trim()`,
		`span.events[0].name.matches("a.b") || matchesAny(span.events[0].name, ["b.c"])`,
	} {
		set := mustCompile(t, []Rule{{Name: "r", When: when}})
		v := viewSpan(stub.Snapshot())
		_, err := set.rules[0].when.holds(v)
		require.NoError(t, err, when)
		require.False(t, v.watch.last.IsZero(), when)
		v.release()
	}
}
