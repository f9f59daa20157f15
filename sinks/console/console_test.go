package console_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/spanticket/spanticket/sinks"
	"github.com/spanticket/spanticket/sinks/console"
	"github.com/spanticket/spanticket/sinks/sinktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSink(t *testing.T) {
	sinktest.Run(t, func(*testing.T) sinks.Sink { return console.New(console.Config{Writer: new(writes)}) })
}

func TestSafety(t *testing.T) {
	sinktest.RunSafety(t, func(*testing.T) sinktest.Outlet {
		var w writes
		return sinktest.Outlet{
			Sink: console.New(console.Config{Writer: &w}),
			Arrived: func() (out []sinktest.Arrival) {
				for _, call := range w.calls {
					out = append(out, sinktest.Arrival{Raw: []byte(call), Texts: []string{call}})
				}
				w.calls = nil
				return out
			},
			Acts: actsOnATerminal,
		}
	})
}

// actsOnATerminal returns what in the output for one ticket is not just shown:
// characters that move the cursor or turn the text, and lines after the first
// that are not indented, and so look like those of another ticket.
func actsOnATerminal(text string) string {
	for i, line := range strings.Split(text, "\n") {
		if i > 0 && line != "" && !strings.HasPrefix(line, "  ") {
			return line
		}
		if at := strings.IndexFunc(line, func(r rune) bool {
			return r != '\t' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
		}); at >= 0 {
			return line[at:]
		}
	}
	return ""
}

// writes records each Write; it fails the race detector when two overlap.
type writes struct{ calls []string }

func (w *writes) Write(p []byte) (int, error) {
	w.calls = append(w.calls, string(p))
	return len(p), nil
}

func ticket() sinks.Ticket {
	first := time.Date(2026, 3, 1, 2, 47, 11, 0, time.UTC)
	return sinks.Ticket{
		Key: "spt:5f0c2a", Event: sinks.EventOpened, State: sinks.Open, Severity: "critical", Title: "charge-card fails",
		Service: "payments", Operation: "charge-card", Count: 12, FirstSeen: first, LastSeen: first.Add(time.Minute),
	}
}

func TestOneWritePerTicket(t *testing.T) {
	var w writes
	s := console.New(console.Config{Writer: &w})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			r, err := s.File(t.Context(), ticket())
			require.NoError(t, err)
			_, err = s.Update(t.Context(), r, ticket())
			require.NoError(t, err)
		})
	}
	wg.Wait()
	require.Len(t, w.calls, 40)
	for _, call := range w.calls {
		require.True(t, strings.HasPrefix(call, "[critical] open: charge-card fails\n"), call)
		require.True(t, strings.HasSuffix(call, "\n\n") && strings.Count(call, "[critical]") == 1, call)
	}
}

func TestUpdateIsShort(t *testing.T) {
	for event, want := range map[sinks.Event]string{
		sinks.EventUpdated:  "[critical] updated: charge-card fails\n  12 since 2026-03-01T02:47:11Z, key spt:5f0c2a\n\n",
		sinks.EventReopened: "[critical] REOPENED: charge-card fails\n  12 since 2026-03-01T02:47:11Z, key spt:5f0c2a\n\n",
		sinks.EventResolved: "[critical] RESOLVED: charge-card fails\n  12 since 2026-03-01T02:47:11Z, resolved at 2026-03-01T03:47:11Z, key spt:5f0c2a\n\n",
	} {
		var w writes
		changed := ticket()
		changed.Event = event
		if event == sinks.EventResolved {
			changed.State, changed.ResolvedAt = sinks.Resolved, changed.FirstSeen.Add(time.Hour)
		}
		receipt := sinks.Receipt{ID: "spt:5f0c2a"}
		got, err := console.New(console.Config{Writer: &w}).Update(t.Context(), receipt, changed)
		require.NoError(t, err)
		require.Equal(t, receipt, got)
		require.Equal(t, []string{want}, w.calls)
	}
}

func TestTextCannotControlTheTerminal(t *testing.T) {
	const s = "a\x1b[2J\x1b]0;x\x07\r\n\u009b31m\u202eb\x7f\u2028"
	evil := ticket()
	evil.Key, evil.Severity, evil.State, evil.Title = s, s, s, s
	evil.Service, evil.Exception = s, sinks.Exception{Type: s, Message: s, Stacktrace: s}
	for name, color := range map[string]console.Color{"plain": console.Never, "colour": console.Always} {
		t.Run(name, func(t *testing.T) {
			var w bytes.Buffer
			sink := console.New(console.Config{Writer: &w, Color: color})
			r, err := sink.File(t.Context(), evil)
			require.NoError(t, err)
			evil.Event = sinks.EventUpdated
			_, err = sink.Update(t.Context(), r, evil)
			require.NoError(t, err)
			text := w.String()
			for _, own := range []string{"\x1b[1m", "\x1b[0m"} {
				if color == console.Always {
					require.Contains(t, text, own)
				}
				text = strings.ReplaceAll(text, own, "")
			}
			for _, r := range text {
				require.False(t, unicode.IsControl(r) && r != '\n' || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028', "%q", r)
			}
		})
	}
}

func TestColor(t *testing.T) {
	colored := func(w io.Writer, c console.Color) bool {
		var b bytes.Buffer
		if w == nil {
			w = &b
		}
		_, err := console.New(console.Config{Writer: w, Color: c}).File(t.Context(), ticket())
		require.NoError(t, err)
		return strings.Contains(b.String(), "\x1b[1;31m[critical]\x1b[0m")
	}
	require.False(t, colored(nil, console.Auto), "a buffer is no terminal")
	require.False(t, colored(nil, console.Never))
	t.Setenv("NO_COLOR", "1")
	require.True(t, colored(nil, console.Always), "the override beats NO_COLOR")

	file, err := os.CreateTemp(t.TempDir(), "out")
	require.NoError(t, err)
	defer file.Close()
	colored(file, console.Auto)
	text, err := os.ReadFile(file.Name())
	require.NoError(t, err)
	require.NotContains(t, string(text), "\x1b", "a file is no terminal")
}

func TestFailedWrite(t *testing.T) {
	r, w := io.Pipe()
	require.NoError(t, r.Close())
	_, err := console.New(console.Config{Writer: w}).File(t.Context(), ticket())
	require.ErrorIs(t, err, io.ErrClosedPipe)
	require.EqualError(t, err, "transient: console: write ticket spt:5f0c2a: io: read/write on closed pipe")
}

// A writer that blocks holds one call; those behind it return when their
// context ends.
func TestWaitingCallReturnsWhenItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		s := console.New(console.Config{Writer: w})
		first := make(chan error, 1)
		go func() {
			_, err := s.File(t.Context(), ticket())
			first <- err
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := s.File(ctx, ticket())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, r.CloseWithError(errors.New("gone")))
		require.ErrorContains(t, <-first, "gone")
	})
}
