package autoticket_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/sinks"
)

// noted is a shelf that cannot update.
type noted struct{ shelf *shelf }

func (n noted) File(ctx context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	return n.shelf.File(ctx, t)
}

// What opened, and was over, before its sink could be reached has one ticket all the
// same, which says so.
func TestWhatIsOverBeforeItIsFiledHasOneTicket(t *testing.T) {
	for _, test := range []struct {
		rule    string
		updates bool
		times   int // that it opens and is over
		events  []sinks.Event
	}{
		{"a sink that can update is told of the end", true, 1, []sinks.Event{sinks.EventOpened, sinks.EventResolved}},
		{"one that cannot is told with the ticket", false, 1, []sinks.Event{sinks.EventOpened}},
		{"of each, if it came back meanwhile", true, 2, []sinks.Event{sinks.EventOpened, sinks.EventResolved, sinks.EventResolved}},
		{"and there, once", false, 2, []sinks.Event{sinks.EventOpened}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var down atomic.Bool
				down.Store(true)
				box := &shelf{fail: func(sinks.Ticket) error {
					if down.Load() {
						return &sinks.Error{Err: errors.New("down")}
					}
					return nil
				}}
				var sink sinks.Sink = noted{box}
				if test.updates {
					sink = box
				}
				engine, tracer := start(t, autoticket.Config{
					Sinks: map[string]sinks.Sink{"jira": sink}, Delivery: map[string]autoticket.Delivery{"jira": {Attempts: 1 << 30}},
					Rules: errorsRule(func(r *autoticket.Rule) { r.Quiet = 10 * time.Minute }),
				})
				for range test.times {
					for range 3 {
						fail(tracer, "GET /", "boom")
					}
					time.Sleep(30 * time.Minute)
				}
				require.Empty(t, box.tickets())
				require.Zero(t, engine.Stats().OpenProblems, "it is over")
				down.Store(false)
				time.Sleep(time.Hour)
				synctest.Wait()

				filed := box.tickets()
				require.Len(t, filed, 1)
				var events []sinks.Event
				for _, ticket := range append(filed, box.updates...) {
					events = append(events, ticket.Event)
					require.Equal(t, int64(3*test.times), ticket.Count)
				}
				require.Equal(t, test.events, events)
				require.Regexp(t, `over: +since 2000-01-01T0[01]:\d\d:\d\dZ, before this was filed`, filed[0].Text())
				require.Contains(t, filed[0].Text(), "resolved: quiet for 10m0s")
				if test.updates {
					last := box.updates[len(box.updates)-1]
					require.Equal(t, sinks.Resolved, last.State)
					require.False(t, last.ResolvedAt.IsZero())
				}
			})
		})
	}
}
