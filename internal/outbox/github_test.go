package outbox

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/simgithub"
	"github.com/spanticket/spanticket/sinks"
)

func TestTenThousandDeliveries(t *testing.T) {
	people := func(perHour float64) func(time.Duration) float64 {
		return func(since time.Duration) float64 { return perHour * since.Hours() }
	}
	for _, test := range []struct {
		rule   string
		github *simgithub.GitHub
		first  int // limited answers at the first limit that nobody could know of
		most   int // limited answers in all
		least  int // tickets in three hours
	}{
		{"what is documented is kept, and not one answer is limited", &simgithub.GitHub{Documented: simgithub.Rates}, 0, 0, 1150},
		{"what is told is kept: the requests that are left", &simgithub.GitHub{Documented: simgithub.Rates, Requests: 100}, 0, 0, 300},
		{"people need a part of what is documented, and a time is named", &simgithub.GitHub{Documented: simgithub.Rates, Others: people(200), RetryAfter: true}, 1, 20, 600},
		{"people need a part of it, and no time is named", &simgithub.GitHub{Documented: simgithub.Rates, Others: people(200)}, 1, 10, 500},
		{"nothing is documented, and a time is named", &simgithub.GitHub{RetryAfter: true}, 4, 40, 800},
		{"nothing is documented, and no time is named", &simgithub.GitHub{}, 4, 15, 700},
	} {
		t.Run(test.rule, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				opts := options()
				opts.Rate, opts.Burst, opts.MaxBackoff = 1, 20, 15*time.Minute
				b := newBench(t, map[string]sinks.Sink{"a": test.github}, opts)
				deliveries := 3_000 // more than there are calls
				if test.most == 0 {
					deliveries = 10_000
				}
				for i := range deliveries {
					b.happens(fmt.Sprint(i), "a")
				}
				b.poll = 2 * time.Second
				b.run(3 * time.Hour)

				g := test.github
				clusters, limited := g.Limited(), 0
				for i, cluster := range clusters {
					atMost := 1 // in a window: the one call that goes first
					if i == 0 {
						atMost = test.first
					}
					require.LessOrEqual(t, len(cluster), atMost, "limited answers %v", cluster)
					limited += len(cluster)
				}
				t.Logf("%d tickets, %d limited answers", len(g.Tickets()), limited)
				require.LessOrEqual(t, limited, test.most)
				require.GreaterOrEqual(t, len(g.Tickets()), test.least)
				for key, n := range b.counted.Counts() {
					require.NotEqual(t, parked, key.Outcome, n)
				}
			})
		})
	}
}

// Near a limit what people do not know of yet goes before what they do.
func TestWhatMattersGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &simgithub.GitHub{Documented: simgithub.Rates}
		opts := options()
		opts.Rate, opts.Burst = 1, 20
		b := newBench(t, map[string]sinks.Sink{"a": g}, opts)
		for i := range 300 { // have tickets, and news
			id := fmt.Sprint("old", i)
			b.happens(id)
			now := time.Now()
			b.change(id, func(p correlate.Problem) (correlate.Problem, []correlate.Delivery) {
				p.Filings = []correlate.Filing{{Sink: "a", Generation: 1, Receipt: correlate.Receipt{ID: id}, Episode: p.Episode, State: correlate.Open}}
				return p.Queue(correlate.OpUpdate, []string{"a"}, now)
			})
		}
		b.run(time.Minute)
		require.Greater(t, len(g.Order()), 50, "they go while nothing else does")
		before := len(g.Order())
		for i := range 40 {
			b.happens(fmt.Sprint("new", i), "a")
		}
		b.run(time.Minute)
		opened, updated := 0, 0
		for _, e := range g.Order()[before:] {
			if opened < 40 {
				if e == sinks.EventOpened {
					opened++
				} else {
					updated++
				}
			}
		}
		require.Equal(t, 40, opened)
		require.LessOrEqual(t, updated, 8, "some, because none waits for ever")
		b.run(time.Hour)
		require.Empty(t, g.Limited())
		require.Len(t, g.Order(), 340)
	})
}
