package render

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/enrich"
	"github.com/spanticket/spanticket/sinks"
)

// knows is an enricher that takes its time.
func knows(name string, takes time.Duration) *Named {
	return named(name, func(context.Context, correlate.Problem) (enrich.Facts, error) {
		time.Sleep(takes)
		return enrich.Facts{Facts: []sinks.Fact{{Name: name, Value: "yes"}}}, nil
	})
}

type noText struct{ text *string }

func (e noText) Error() string { return *e.text }

func TestEnrichers(t *testing.T) {
	for _, test := range []struct {
		rule    string
		with    *Named
		facts   []string
		missing []string
		takes   time.Duration
	}{
		{
			rule: "one that answers in time has its facts on the ticket",
			with: knows("x", 900*time.Millisecond), facts: []string{"first", "x", "last"}, takes: 900 * time.Millisecond,
		},
		{
			rule: "one that takes too long is named, and the ticket does not wait",
			with: knows("x", time.Hour), facts: []string{"first", "last"}, missing: []string{"x: no answer within 1s"}, takes: time.Second,
		},
		{
			rule: "so is one that gives up when its time is over",
			with: named("x", func(ctx context.Context, _ correlate.Problem) (enrich.Facts, error) {
				<-ctx.Done()
				return enrich.Facts{}, ctx.Err()
			}),
			facts: []string{"first", "last"}, missing: []string{"x: no answer within 1s"}, takes: time.Second,
		},
		{
			rule: "one that fails is named with what went wrong",
			with: named("x", func(context.Context, correlate.Problem) (enrich.Facts, error) {
				return enrich.Facts{Facts: []sinks.Fact{{Name: "half", Value: "yes"}}, Missing: []string{"the rest"}}, errors.New("503")
			}),
			facts: []string{"first", "half", "last"}, missing: []string{"x: 503", "the rest"},
		},
		{
			rule:  "one that panics is too",
			with:  named("x", func(context.Context, correlate.Problem) (enrich.Facts, error) { panic("boom") }),
			facts: []string{"first", "last"}, missing: []string{"x: it panicked: boom"},
		},
		{
			rule:  "also when its error does",
			with:  named("x", func(context.Context, correlate.Problem) (enrich.Facts, error) { return enrich.Facts{}, noText{} }),
			facts: []string{"first", "last"}, missing: []string{`x: %!v(PANIC=Error method: runtime error: invalid memory address or nil pointer dereference)`},
		},
		{
			rule: "and one that is not there at all",
			with: &Named{Name: "x"}, facts: []string{"first", "last"},
			missing: []string{"x: it panicked: runtime error: invalid memory address or nil pointer dereference"},
		},
	} {
		t.Run(test.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := renderer(knows("first", 500*time.Millisecond), test.with, knows("last", 0))
				began := time.Now()
				ticket, err := r.Ticket(t.Context(), everything(), delivery(correlate.OpOpen), sinks.Limits{})
				require.NoError(t, err)
				var facts []string
				require.Equal(t, "calls", ticket.Facts[0].Name, "what the problem itself says comes first")
				for _, f := range ticket.Facts[1:] {
					facts = append(facts, f.Name)
				}
				require.Equal(t, test.facts, facts, "in the order of the enrichers")
				require.Equal(t, append(slices.Clone(test.missing), withheld(2)), ticket.Missing, "two attributes are hidden")
				require.Equal(t, max(test.takes, 500*time.Millisecond), time.Since(began))
				time.Sleep(2 * time.Hour)
				synctest.Wait()
				for _, n := range r.Enrichers {
					require.Zero(t, n.calls.Load())
				}
			})
		})
	}
}

func TestOrderDoesNotHangOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all []*Named
		for i := range 20 {
			all = append(all, knows(fmt.Sprintf("%02d", i), time.Duration(20-i)*10*time.Millisecond))
		}
		ticket, err := renderer(all...).Ticket(t.Context(), everything(), delivery(correlate.OpOpen), sinks.Limits{})
		require.NoError(t, err)
		for i, f := range ticket.Facts[1:] {
			require.Equal(t, fmt.Sprintf("%02d", i), f.Name)
		}
	})
}

func TestAnEnricherThatHangsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		var running atomic.Int32
		stuck := named("stuck", func(context.Context, correlate.Problem) (enrich.Facts, error) {
			running.Add(1)
			<-free
			return enrich.Facts{}, nil
		})
		r := renderer(stuck)
		for i := range 2 * maxCalls {
			ticket, err := r.Ticket(t.Context(), everything(), delivery(correlate.OpOpen), sinks.Limits{})
			require.NoError(t, err)
			if i < maxCalls {
				require.Equal(t, []string{"stuck: no answer within 1s", withheld(2)}, ticket.Missing)
			} else {
				require.Equal(t, []string{"stuck: " + errStuck.Error(), withheld(2)}, ticket.Missing)
			}
		}
		require.Equal(t, int32(maxCalls), running.Load())
		close(free)
		synctest.Wait()
		require.Zero(t, stuck.calls.Load())
		ticket, err := r.Ticket(t.Context(), everything(), delivery(correlate.OpOpen), sinks.Limits{})
		require.NoError(t, err)
		require.Equal(t, []string{withheld(2)}, ticket.Missing, "when they have returned it is asked again")
	})
}
