package autoticket_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

// A flood of signatures is one ticket, which says what varies. What was known
// before it goes on being counted on its own tickets, also those of an earlier
// process, and so does what comes often. Nothing is lost: what the problems count is
// what was seen.
func TestAFloodIsOneTicket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const known, flood = 3, 2500
		var sink shelf
		store := new(correlate.Memory)
		config := autoticket.Config{
			Store: store, Sinks: map[string]sinks.Sink{"shelf": &sink},
			Rules: []autoticket.Rule{{Name: "errors", When: `span.status == "ERROR"`, Quiet: 30 * time.Minute}},
		}
		before, tracer := start(t, config)
		fail(tracer, "GET /orders", "boom")
		require.NoError(t, before.Flush(t.Context()))
		require.NoError(t, before.Shutdown(t.Context()))

		engine, tracer := start(t, config)
		var seen int64
		end := func(operation, message string) {
			fail(tracer, operation, message)
			seen++
		}
		for i := range known - 1 {
			end(fmt.Sprintf("GET /carts/%c", 'a'+i), "boom")
		}
		require.NoError(t, engine.Flush(t.Context()))
		time.Sleep(2 * time.Second)
		for i := range flood {
			end("GET /orders", "no such order: "+words(i))
			if i%500 == 0 {
				end("GET /orders", "boom")
				end("GET /carts/a", "boom")
			}
			if i >= 1500 && i%20 == 0 {
				end("GET /orders", "it comes again and again")
			}
			if i%100 == 99 {
				time.Sleep(100 * time.Millisecond)
			}
		}
		require.NoError(t, engine.Flush(t.Context()))

		st := engine.Stats()
		require.Equal(t, seen, st.Spans)
		require.Empty(t, st.Dropped)
		var decided int64
		for _, n := range st.Decisions {
			decided += n
		}
		require.Equal(t, seen, decided)
		require.Positive(t, st.Decisions["flooded"])

		problems := map[string]correlate.Problem{}
		var sum int64
		records, err := store.List(t.Context(), correlate.Page{Kind: correlate.KindProblem, Max: 10_000})
		require.NoError(t, err)
		for _, r := range records {
			p, err := correlate.DecodeProblem(r)
			require.NoError(t, err)
			if p.Report != "" {
				continue
			}
			sum += p.Count
			if p.Flood != nil {
				problems["flood"] = p
			} else {
				problems[p.Newest().Operation+" "+p.Newest().Exception.Message] = p
			}
		}
		require.Equal(t, seen+1, sum, "the problems count what was seen")
		require.LessOrEqual(t, len(records), 1010)
		require.Equal(t, int64(6), problems["GET /orders boom"].Count, "what an earlier process knew")
		require.Equal(t, int64(6), problems["GET /carts/a boom"].Count)
		require.InDelta(t, 50-15, problems["GET /orders it comes again and again"].Count, 1, "what comes often leaves the flood")

		p := problems["flood"]
		require.Equal(t, correlate.Open, p.State)
		require.Equal(t, 1, p.Episode, "it has its ticket though the budget of new ones is spent")
		time.Sleep(time.Hour)
		synctest.Wait()
		p, err = correlate.ReadProblem(t.Context(), store, correlate.Key{Scope: p.Scope, Kind: correlate.KindProblem, ID: p.ID})
		require.NoError(t, err)
		require.Equal(t, correlate.Resolved, p.State, "it ends as any problem does")
		var ticket sinks.Ticket
		for _, filed := range append(sink.tickets(), sink.updates...) {
			if filed.Signature == p.ID {
				ticket = filed
			}
		}
		require.Contains(t, ticket.Title, "different values of exception.message in GET /orders")
		require.Contains(t, facts(ticket), "in common: no such order: ")
		require.Equal(t, sinks.Resolved, ticket.State)
		require.Contains(t, facts(ticket), "leave out what varies (message): signature: [operation] in rule \"errors\"")

		end("GET /orders", "something new")
		require.NoError(t, engine.Flush(t.Context()))
		require.Equal(t, int64(1), engine.Stats().Decisions["opened"]-st.Decisions["opened"]+engine.Stats().Decisions["budget"]-st.Decisions["budget"], "new problems are told apart again")
	})
}

// facts returns the facts of a ticket, one a line.
func facts(t sinks.Ticket) string {
	var b strings.Builder
	for _, f := range t.Facts {
		fmt.Fprintf(&b, "%s: %s\n", f.Name, f.Value)
	}
	return b.String()
}
