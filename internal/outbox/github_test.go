package outbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

// github stands for GitHub with its limits: 80 creations a minute and 500 an hour,
// which it does not tell, and requests an hour, which it does. What is filed is found
// some seconds later.
type github struct {
	requests   int                               // an hour; 0 means 5,000
	retryAfter bool                              // a secondary limit names a time
	others     func(since time.Duration) float64 // creations of people, up to then
	documented []sinks.Rate

	mu      sync.Mutex
	began   time.Time
	created []time.Time
	made    int // by others
	window  time.Time
	used    int
	limited []time.Time
	filed   map[string]time.Time
	order   []sinks.Event
}

const githubLatency, githubSearchLag = 200 * time.Millisecond, 3 * time.Second

func (g *github) Account() sinks.Account {
	return sinks.Account{ID: "api.github.example-bot", Rates: g.documented}
}

// answer counts a request, and says how it goes.
func (g *github) answer(ctx context.Context, creates bool) error {
	time.Sleep(githubLatency)
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if g.began.IsZero() {
		g.began, g.filed = now, map[string]time.Time{}
	}
	if g.others != nil {
		for n := int(g.others(now.Sub(g.began))); g.made < n; g.made++ {
			g.created = append(g.created, now)
		}
	}
	most := g.requests
	if most == 0 {
		most = 5000
	}
	if !now.Before(g.window.Add(time.Hour)) {
		g.window, g.used = now, 0
	}
	h := http.Header{}
	defer func() {
		h.Set("x-ratelimit-limit", strconv.Itoa(most))
		h.Set("x-ratelimit-remaining", strconv.Itoa(max(most-g.used, 0)))
		h.Set("x-ratelimit-reset", strconv.FormatInt(g.window.Add(time.Hour).Unix()+1, 10))
		sinks.ReportQuota(ctx, sinks.QuotaOf(h, now))
	}()
	if g.used >= most {
		g.limited = append(g.limited, now)
		return &sinks.Error{Reason: sinks.RateLimited, Err: errors.New("403: API rate limit exceeded")}
	}
	g.used++
	if !creates {
		return nil
	}
	if g.within(now, time.Minute) >= 80 || g.within(now, time.Hour) >= 500 {
		g.limited = append(g.limited, now)
		if g.retryAfter {
			h.Set("Retry-After", "60")
		}
		return &sinks.Error{Reason: sinks.RateLimited, RetryAfter: sinks.RetryAfter(h, now), Err: errors.New("403: secondary rate limit")}
	}
	g.created = append(g.created, now)
	return nil
}

// within counts what was created in a span of time that ends now.
func (g *github) within(now time.Time, span time.Duration) (n int) {
	for i := len(g.created) - 1; i >= 0 && now.Sub(g.created[i]) < span; i-- {
		n++
	}
	return n
}

func (g *github) File(ctx context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	if err := g.answer(ctx, true); err != nil {
		return sinks.Receipt{}, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.filed[t.Key] = time.Now()
	g.order = append(g.order, t.Event)
	return sinks.Receipt{ID: fmt.Sprint("#", len(g.filed))}, nil
}

func (g *github) Update(ctx context.Context, r sinks.Receipt, t sinks.Ticket) (sinks.Receipt, error) {
	err := g.answer(ctx, true)
	g.mu.Lock()
	defer g.mu.Unlock()
	if err == nil {
		g.order = append(g.order, t.Event)
	}
	return r, err
}

func (g *github) Find(ctx context.Context, key string) (sinks.Receipt, bool, error) {
	err := g.answer(ctx, false)
	g.mu.Lock()
	defer g.mu.Unlock()
	at, ok := g.filed[key]
	return sinks.Receipt{ID: "#found"}, ok && time.Since(at) > githubSearchLag, err
}

// githubRates are what GitHub documents.
var githubRates = []sinks.Rate{{Calls: 80, Per: time.Minute}, {Calls: 500, Per: time.Hour}}

func TestTenThousandDeliveries(t *testing.T) {
	people := func(perHour float64) func(time.Duration) float64 {
		return func(since time.Duration) float64 { return perHour * since.Hours() }
	}
	for _, test := range []struct {
		rule   string
		github *github
		first  int // limited answers at the first limit that nobody could know of
		most   int // limited answers in all
		least  int // tickets in three hours
	}{
		{"what is documented is kept, and not one answer is limited", &github{documented: githubRates}, 0, 0, 1150},
		{"what is told is kept: the requests that are left", &github{documented: githubRates, requests: 100}, 0, 0, 300},
		{"people need a part of what is documented, and a time is named", &github{documented: githubRates, others: people(200), retryAfter: true}, 1, 20, 600},
		{"people need a part of it, and no time is named", &github{documented: githubRates, others: people(200)}, 1, 10, 500},
		{"nothing is documented, and a time is named", &github{retryAfter: true}, 4, 40, 800},
		{"nothing is documented, and no time is named", &github{}, 4, 15, 700},
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
				t.Logf("%d tickets, %d limited answers", len(g.filed), len(g.limited))
				clusters, inCluster := 0, 0
				for i, at := range g.limited {
					if i > 0 && at.Sub(g.limited[i-1]) < 10*time.Second {
						inCluster++
					} else {
						clusters, inCluster = clusters+1, 1
					}
					atMost := 1 // in a window: the one call that goes first
					if clusters == 1 {
						atMost = test.first
					}
					require.LessOrEqual(t, inCluster, atMost, "limited answer %d at %v", i, at.Sub(g.began))
				}
				require.LessOrEqual(t, len(g.limited), test.most)
				require.GreaterOrEqual(t, len(g.filed), test.least)
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
		g := &github{documented: githubRates}
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
		require.Greater(t, len(g.order), 50, "they go while nothing else does")
		before := len(g.order)
		for i := range 40 {
			b.happens(fmt.Sprint("new", i), "a")
		}
		b.run(time.Minute)
		opened, updated := 0, 0
		for _, e := range g.order[before:] {
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
		require.Empty(t, g.limited)
		require.Len(t, g.order, 340)
	})
}
