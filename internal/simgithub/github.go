// Package simgithub stands for GitHub in tests, with its limits and its search that
// lags. It is meant for bubbles of time.
package simgithub

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/spanticket/spanticket/sinks"
)

// GitHub stands for GitHub with its limits: 80 creations a minute and 500 an hour,
// which it does not tell, and requests an hour, which it does. What is filed is found
// some seconds later.
type GitHub struct {
	Requests   int                               // an hour; 0 means 5,000
	RetryAfter bool                              // a secondary limit names a time
	Others     func(since time.Duration) float64 // creations of people, up to then
	Documented []sinks.Rate                      // that the sink knows of

	mu      sync.Mutex
	began   time.Time
	created []time.Time
	made    int // by others
	window  time.Time
	used    int
	limited []time.Time
	tickets map[string]Ticket
	order   []sinks.Event
}

// Ticket is an issue as GitHub has it.
type Ticket struct {
	Number int
	Filed  time.Time
	Last   sinks.Ticket // as it was told last
}

const latency, searchLag = 200 * time.Millisecond, 3 * time.Second

// Account implements [sinks.Accounted].
func (g *GitHub) Account() sinks.Account {
	return sinks.Account{ID: "api.github.example-bot", Rates: g.Documented}
}

// answer counts a request, and says how it goes.
func (g *GitHub) answer(ctx context.Context, creates bool) error {
	time.Sleep(latency)
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if g.began.IsZero() {
		g.began, g.tickets = now, map[string]Ticket{}
	}
	if g.Others != nil {
		for n := int(g.Others(now.Sub(g.began))); g.made < n; g.made++ {
			g.created = append(g.created, now)
		}
	}
	most := g.Requests
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
		if g.RetryAfter {
			h.Set("Retry-After", "60")
		}
		return &sinks.Error{Reason: sinks.RateLimited, RetryAfter: sinks.RetryAfter(h, now), Err: errors.New("403: secondary rate limit")}
	}
	g.created = append(g.created, now)
	return nil
}

// within counts what was created in a span of time that ends now.
func (g *GitHub) within(now time.Time, span time.Duration) (n int) {
	for i := len(g.created) - 1; i >= 0 && now.Sub(g.created[i]) < span; i-- {
		n++
	}
	return n
}

// File implements [sinks.Sink].
func (g *GitHub) File(ctx context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	if err := g.answer(ctx, true); err != nil {
		return sinks.Receipt{}, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	issue := Ticket{Number: len(g.tickets) + 1, Filed: time.Now(), Last: t}
	g.tickets[t.Key] = issue
	g.order = append(g.order, t.Event)
	return issue.receipt(), nil
}

func (t Ticket) receipt() sinks.Receipt { return sinks.Receipt{ID: fmt.Sprint("#", t.Number)} }

// Update implements [sinks.Updater].
func (g *GitHub) Update(ctx context.Context, r sinks.Receipt, t sinks.Ticket) (sinks.Receipt, error) {
	err := g.answer(ctx, true)
	g.mu.Lock()
	defer g.mu.Unlock()
	if issue, ok := g.tickets[t.Key]; err == nil {
		if ok {
			issue.Last = t
			g.tickets[t.Key] = issue
		}
		g.order = append(g.order, t.Event)
	}
	return r, err
}

// Find implements [sinks.Finder].
func (g *GitHub) Find(ctx context.Context, key string) (sinks.Receipt, bool, error) {
	err := g.answer(ctx, false)
	g.mu.Lock()
	defer g.mu.Unlock()
	issue, ok := g.tickets[key]
	return issue.receipt(), ok && time.Since(issue.Filed) > searchLag, err
}

// Tickets returns a copy of what was filed, by key.
func (g *GitHub) Tickets() map[string]Ticket {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.tickets)
}

// Order returns the events that were sent and accepted, in order.
func (g *GitHub) Order() []sinks.Event {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.order)
}

// Limited returns how long after the first call answers were limited: in clusters, of
// which each follows the one before within ten seconds.
func (g *GitHub) Limited() (clusters [][]time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, at := range g.limited {
		if i == 0 || at.Sub(g.limited[i-1]) >= 10*time.Second {
			clusters = append(clusters, nil)
		}
		last := &clusters[len(clusters)-1]
		*last = append(*last, at.Sub(g.began))
	}
	return clusters
}

// Rates are what GitHub documents.
var Rates = []sinks.Rate{{Calls: 80, Per: time.Minute}, {Calls: 500, Per: time.Hour}}
