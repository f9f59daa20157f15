package outbox

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/enrich"
	"github.com/spanticket/spanticket/internal/render"
	"github.com/spanticket/spanticket/sinks"
)

// refuse is a script of a tracker that takes nothing.
func refuse(context.Context, call) (bool, error) {
	return false, &sinks.Error{Reason: sinks.Rejected, Err: errors.New("archived")}
}

func TestDiscard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := &tracker{script: refuse}
		b := newBench(t, map[string]sinks.Sink{"a": newFull(tr)}, options())
		b.happens("p", "a")
		b.run(time.Second)
		require.Equal(t, map[string]int64{"a": 1}, b.parked.Counts())
		for _, none := range []struct{ id, sink string }{{"p", "b"}, {"q", "a"}} {
			ok, err := b.box.Discard(t.Context(), key(none.id), none.sink, "ann", time.Now())
			require.NoError(t, err)
			require.False(t, ok, "%s for %s", none.id, none.sink)
		}
		ok, err := b.box.Discard(t.Context(), key("p"), "a", "ann", time.Now())
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, map[string]int64{"a": 0}, b.parked.Counts())
		tr.script = nil
		b.run(time.Hour)
		b.stops("p", "a")
		b.run(time.Second)
		require.Empty(t, tr.filed())
		b.happens("p", "a")
		b.run(time.Second)
		require.Equal(t, map[string]int{"spt:p": 1}, tr.filed(), "it came back")
	})
}

func TestWhatIsParkedIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := &tracker{script: refuse}
		b := newBench(t, map[string]sinks.Sink{"a": newFull(tr)}, options())
		b.happens("p", "a")
		b.happens("q", "a")
		b.run(time.Second)
		require.Equal(t, map[string]int64{"a": 2}, b.parked.Counts())
		ok, err := b.box.Requeue(t.Context(), key("p"), "a", time.Now())
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, map[string]int64{"a": 1}, b.parked.Counts())
		b.run(time.Second)
		require.Equal(t, map[string]int64{"a": 2}, b.parked.Counts(), "it is refused again")
	})
}

func TestPreview(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := &tracker{script: refuse}
		b := newBench(t, map[string]sinks.Sink{"a": newFull(tr)}, options())
		facts := enrich.Func(func(context.Context, correlate.Problem) (enrich.Facts, error) {
			return enrich.Facts{Facts: []sinks.Fact{{Name: "host", Value: "mine"}}}, nil
		})
		b.box.Renderer.Enrichers = []*render.Named{{Name: "host", Enricher: facts}}
		b.happens("parked", "a")
		b.run(time.Second)
		b.happens("waits", "renamed")
		b.happens("sent")
		for _, test := range []struct {
			rule  string
			id    string
			sink  string
			found bool
			facts []sinks.Fact
		}{
			{"what is parked", "parked", "a", true, []sinks.Fact{{Name: "host", Value: "mine"}}},
			{"what waits for a sink that is not there is bare", "waits", "renamed", true, nil},
			{"nothing is parked for another sink", "parked", "renamed", false, nil},
			{"nor of a problem that was delivered", "sent", "a", false, nil},
			{"nor of one that is not there", "none", "a", false, nil},
		} {
			ticket, found, err := b.box.Preview(t.Context(), key(test.id), test.sink)
			require.NoError(t, err, test.rule)
			require.Equal(t, test.found, found, test.rule)
			if found {
				require.Equal(t, "spt:"+test.id, ticket.Key)
				require.Equal(t, sinks.EventOpened, ticket.Event)
				require.Equal(t, test.facts, ticket.Facts, test.rule)
			}
		}
		require.Zero(t, b.own.Load(), "every context that was marked is given back")

		// Of another service's problem only what the problem itself says.
		b.box.Scopes = func() []correlate.Scope { return nil }
		ticket, found, err := b.box.Preview(t.Context(), key("parked"), "a")
		require.NoError(t, err)
		require.True(t, found)
		require.Empty(t, ticket.Facts)
	})
}

// Who requeues for another service knows nothing of that one's sink: what may have
// been filed there is asked for there.
func TestRequeueForAnotherService(t *testing.T) {
	for _, test := range []struct {
		rule    string
		own     bool
		unknown bool
	}{{"whose sink it is has looked", true, false}, {"another has not", false, true}} {
		t.Run(test.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := new(tracker)
				b := newBench(t, map[string]sinks.Sink{"a": plain{tr}}, options())
				b.happens("p", "a")
				b.change("p", func(p correlate.Problem) (correlate.Problem, []correlate.Delivery) {
					d := correlate.Delivery{ID: p.Filing("a").Pending[0], Sink: "a", Operation: correlate.OpOpen}
					return p.Trying("a").Unclaimed(d, "nobody has it", time.Now()), nil
				})
				if !test.own {
					b.box.Scopes = func() []correlate.Scope { return nil }
				}
				ok, err := b.box.Requeue(t.Context(), key("p"), "a", time.Now())
				require.NoError(t, err)
				require.True(t, ok)
				require.Equal(t, test.unknown, b.problem("p").Filing("a").Unknown)
			})
		})
	}
}
