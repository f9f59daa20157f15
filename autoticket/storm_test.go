package autoticket_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/simgithub"
	"github.com/spanticket/spanticket/sinks"
)

// stormSpans is how many spans fail in a storm's minute; SPANTICKET_TEST_STORM=1000000
// takes a while.
func stormSpans(t *testing.T) int {
	n := 20_000
	if !thorough() {
		n = 5000
	}
	if s := os.Getenv("SPANTICKET_TEST_STORM"); s != "" {
		var err error
		n, err = strconv.Atoi(s)
		require.NoError(t, err)
	}
	return n
}

// word returns one of many words without a digit, which no two numbers share.
func word(n int) string {
	var b []byte
	for ; n > 0 || len(b) == 0; n /= 20 {
		b = append(b, "bcdfghjklmnpqrstvwxz"[n%20], 'o')
	}
	return string(b)
}

// A shared dependency dies: all operations fail for a minute, in many ways: of a million, in ten
// thousand.
func TestStorm(t *testing.T) {
	for _, test := range []struct {
		rule   string
		github *simgithub.GitHub
		first  int // limited answers at the first limit that nobody could know of
	}{
		{"what GitHub documents is kept", &simgithub.GitHub{Documented: simgithub.Rates}, 0},
		{"what it does not tell is learnt", &simgithub.GitHub{}, 4},
		{"and what it tells then is kept", &simgithub.GitHub{RetryAfter: true}, 4},
	} {
		if !thorough() && test.github.Documented == nil {
			continue
		}
		t.Run(test.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := new(correlate.Memory)
				engine, tracer := start(t, autoticket.Config{
					Sinks: map[string]sinks.Sink{"github": test.github}, Store: store, TicketsPerHour: 100,
					Rules: errorsRule(func(r *autoticket.Rule) { r.Budget = 100 }),
				})
				const ticks = 600
				spans := stormSpans(t)
				signatures := spans / 100
				began := time.Now()
				for i := range spans {
					// Each tenth failure is a new one, until all have been there.
					kind := i / 10 % signatures
					if i%10 != 0 {
						kind = i % min(signatures, i/10+1)
					}
					failsBy(tracer, kind)
					if i%(spans/ticks) == 0 {
						time.Sleep(time.Minute / ticks)
					}
				}
				require.NoError(t, engine.ForceFlush(t.Context()))

				var first time.Duration
				for _, issue := range test.github.Tickets() {
					if at := issue.Filed.Sub(began); first == 0 || at < first {
						first = at
					}
				}
				require.NotZero(t, first)
				require.LessOrEqual(t, first, 5*time.Second, "the first ticket is there while it burns")

				stats := engine.Stats()
				accountFor(t, stats)
				dropped := int64(0)
				for _, n := range stats.Dropped {
					dropped += n
				}
				require.Equal(t, int64(spans), total(t, store)+dropped, "what is counted and what is dropped is what was seen: %+v", stats)

				for hours := range 3 {
					time.Sleep(time.Hour)
					synctest.Wait()
					t.Logf("after %d hours: %d tickets, limited %v", hours+1, len(test.github.Tickets()), test.github.Limited())
				}
				for i, cluster := range test.github.Limited() {
					most := 1
					if i == 0 {
						most = test.first
					}
					require.LessOrEqual(t, len(cluster), most, "one limited answer in a window at most: %v", cluster)
				}
				require.Zero(t, engine.Stats().OpenProblems, "it is over")
				tickets := 0
				for _, p := range stored(t, store) {
					f := p.Filing("github")
					issue, filed := test.github.Tickets()["spt:"+p.ID]
					require.Equal(t, filed, f.Receipt.ID != "", "%+v", f)
					if !filed {
						require.Nil(t, f.Parked)
						continue
					}
					tickets++
					require.Empty(t, f.Pending)
					require.Equal(t, sinks.Resolved, issue.Last.State, p.Answers.Title)
					require.Equal(t, p.Count, issue.Last.Count, "the last that was told is how it ended")
				}
				require.Len(t, test.github.Tickets(), tickets, "nothing else was filed")
				require.GreaterOrEqual(t, tickets, 20)
			})
		})
	}
}

// failsBy ends a span that fails in one of many ways.
func failsBy(tracer trace.Tracer, kind int) {
	_, sp := tracer.Start(context.Background(), fmt.Sprintf("GET /%s", word(kind%100)), trace.WithSpanKind(trace.SpanKindServer))
	sp.AddEvent("exception", trace.WithAttributes(
		attribute.String("exception.type", "shop."+word(kind)+"Error"), attribute.String("exception.message", "the database does not answer")))
	sp.SetStatus(codes.Error, "")
	sp.End()
}

// stored returns what the store has, tickets for many among it.
func stored(t *testing.T, store correlate.Store) (all []correlate.Problem) {
	var after correlate.Key
	for {
		records, err := store.List(t.Context(), correlate.Page{Kind: correlate.KindProblem, After: after, Max: 1000})
		require.NoError(t, err)
		for _, r := range records {
			p, err := correlate.DecodeProblem(r)
			require.NoError(t, err)
			all = append(all, p)
			after = r.Key
		}
		if len(records) < 1000 {
			return all
		}
	}
}

// total returns how many occurrences the problems of a store count.
func total(t *testing.T, store correlate.Store) (n int64) {
	for _, p := range stored(t, store) {
		if p.Report == "" {
			n += p.Count
		}
	}
	return n
}
