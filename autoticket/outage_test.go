package autoticket_test

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

// outages are the ways in which a store is out of reach.
var outages = map[string]func(*outage, bool){
	"it refuses": func(s *outage, out bool) { s.refuses.Store(out) },
	"it hangs":   func(s *outage, out bool) { s.hangs.Store(out) },
}

func TestWhileTheStoreIsOutOfReach(t *testing.T) {
	for how, set := range outages {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var store outage
				var page pager
				var issues shelf
				var log strings.Builder
				engine, tracer := start(t, autoticket.Config{
					Sinks: map[string]sinks.Sink{"page": &page, "issues": &issues}, Store: &store,
					Rules:  []autoticket.Rule{{Name: "errors", When: `span.status == "ERROR"`, Quiet: 24 * time.Hour}},
					Logger: slog.New(slog.NewTextHandler(&log, nil)),
				})
				fail(tracer, "GET /known", "boom")
				time.Sleep(5 * time.Second)
				_, alerts, _ := page.state()
				require.Equal(t, 1, alerts)
				require.Len(t, issues.tickets(), 1)

				set(&store, true)
				const failures = 600
				for range failures {
					began := time.Now()
					fail(tracer, "GET /new", "boom")
					fail(tracer, "GET /known", "boom")
					require.Equal(t, began, time.Now(), "the host does not notice")
					time.Sleep(time.Second)
				}
				open, alerts, files := page.state()
				require.Equal(t, 2, open, "the sink that knows keys has the new one")
				require.Equal(t, 2, alerts)
				require.Equal(t, 2, files, "the one that was known is not filed again")
				require.Len(t, issues.tickets(), 1, "the other one waits")
				st := engine.Stats()
				require.WithinDuration(t, time.Now().Add(-failures*time.Second), st.StoreLost, 5*time.Second)
				require.Positive(t, st.Waiting)
				require.LessOrEqual(t, st.Waiting, 4)

				set(&store, false)
				time.Sleep(time.Minute)
				synctest.Wait()
				open, alerts, _ = page.state()
				require.Equal(t, 2, open)
				require.Equal(t, 2, alerts, "no second ticket")
				require.Len(t, issues.tickets(), 2)
				st = engine.Stats()
				require.Zero(t, st.StoreLost)
				require.Zero(t, st.Waiting)
				require.Equal(t, int64(2*failures+1), sum(st.Decisions), "every one is decided once")
				require.Equal(t, int64(2), st.Decisions["opened"])
				require.Empty(t, st.Dropped)
				require.ElementsMatch(t, []int64{failures, failures + 1}, []int64{store.problems(t)[0].Count, store.problems(t)[1].Count})
				for _, p := range store.problems(t) {
					require.Equal(t, "spt:"+p.ID, p.Filing("page").Receipt.ID)
					require.Empty(t, p.Filing("page").Pending)
				}
				require.NoError(t, engine.Shutdown(t.Context()))
				require.Equal(t, 1, strings.Count(log.String(), "the store is out of reach"), log.String())
				require.Equal(t, 1, strings.Count(log.String(), "the store is in reach again"), log.String())
				require.LessOrEqual(t, strings.Count(log.String(), "\n"), 4, log.String())
			})
		})
	}
}

func TestWhatHappensToATicketOfAnOutage(t *testing.T) {
	rule := autoticket.Rule{Name: "errors", When: `span.status == "ERROR"`, Quiet: 30 * time.Minute}
	type world struct {
		*testing.T
		store  *outage
		page   *pager
		engine *autoticket.Engine
		fail   func(name string)
	}
	rows := []struct {
		rule   string
		config func(*autoticket.Config)
		play   func(w world)
		open   int // at the end
		alerts int
	}{
		{
			rule: "what went quiet meanwhile is resolved when the store is back", alerts: 1,
			play: func(w world) {
				w.fail("GET /")
				time.Sleep(3 * time.Hour)
				open, _, _ := w.page.state()
				require.Equal(w, 1, open, "others may see what has gone quiet here")
			},
		},
		{
			rule: "what still goes on when the store is back stays open", open: 1, alerts: 1,
			play: func(w world) {
				w.fail("GET /")
				time.Sleep(3 * time.Hour)
				w.fail("GET /")
			},
		},
		{
			rule: "a ticket that was resolved before is open again at once, under its key", open: 1, alerts: 2,
			play: func(w world) {
				w.store.refuses.Store(false)
				time.Sleep(time.Minute)
				w.fail("GET /")
				time.Sleep(time.Hour)
				open, alerts, _ := w.page.state()
				require.Equal(w, [2]int{0, 1}, [2]int{open, alerts})
				w.store.refuses.Store(true)
				time.Sleep(time.Minute)
				w.fail("GET /")
				time.Sleep(10 * time.Second)
				open, _, _ = w.page.state()
				require.Equal(w, 1, open)
			},
		},
		{
			rule: "a sink that is down for longer than the store has it once it works", open: 1, alerts: 1,
			play: func(w world) {
				w.page.set(func() { w.page.down = true })
				w.fail("GET /")
				time.Sleep(10 * time.Minute)
				w.store.refuses.Store(false)
				time.Sleep(5 * time.Minute)
				w.fail("GET /")
				w.page.set(func() { w.page.down = false })
			},
		},
		{
			rule: "a call that hangs until the store has resolved its problem is put right", alerts: 1,
			play: func(w world) {
				hold := make(chan struct{})
				w.page.set(func() { w.page.hold = hold })
				w.fail("GET /")
				time.Sleep(10 * time.Second)
				w.page.set(func() { w.page.hold = nil })
				w.store.refuses.Store(false)
				time.Sleep(time.Second)
				close(hold)
				time.Sleep(time.Hour)
			},
		},
		{
			rule: "one that the store has no room for is resolved", open: 1, alerts: 2,
			play: func(w world) {
				w.store.refuses.Store(false)
				w.fail("GET /")
				time.Sleep(5 * time.Second)
				w.store.refuses.Store(true)
				w.store.full.Store(true)
				time.Sleep(time.Minute)
				w.fail("GET /new")
				time.Sleep(time.Minute)
				open, _, _ := w.page.state()
				require.Equal(w, 2, open)
				w.fail("GET /")
			},
		},
		{
			rule: "below its threshold nothing is filed, by whom ever it is counted",
			config: func(c *autoticket.Config) {
				c.Rules[0].Threshold = correlate.Threshold{Count: 5, Within: time.Minute}
			},
			play: func(w world) {
				for range 20 {
					w.fail("GET /")
					time.Sleep(10 * time.Minute)
				}
			},
		},
		{
			rule: "a threshold that was reached meanwhile counts", open: 1, alerts: 1,
			config: func(c *autoticket.Config) {
				c.Rules[0].Threshold = correlate.Threshold{Count: 5, Within: time.Minute}
			},
			play: func(w world) {
				for range 3 {
					w.fail("GET /")
					time.Sleep(5 * time.Minute)
				}
				for range 5 {
					w.fail("GET /")
					time.Sleep(5 * time.Second)
				}
				_, alerts, _ := w.page.state()
				require.Equal(w, 1, alerts)
			},
		},
		{
			rule:   "in shadow nothing is filed",
			config: func(c *autoticket.Config) { c.Mode = "shadow" },
			play: func(w world) {
				w.fail("GET /")
				time.Sleep(time.Minute)
			},
		},
		{
			rule:   "an adoption does not begin anew, and what was known by then still is",
			config: func(c *autoticket.Config) { c.Adopt = time.Hour },
			open:   2, alerts: 3, // the ticket for many, which comes back, and the new one
			play: func(w world) {
				w.store.refuses.Store(false)
				w.fail("GET /")
				time.Sleep(3 * time.Hour)
				w.store.refuses.Store(true)
				time.Sleep(time.Minute)
				w.fail("GET /")
				w.fail("GET /new")
				time.Sleep(time.Minute)
				w.page.set(func() {
					require.Len(w, w.page.open, 2)
					for _, got := range w.page.open {
						require.Contains(w, []string{"GET /new: boom", "1 problem known from before there were tickets"}, got.Title)
					}
				})
			},
		},
	}
	for _, row := range rows {
		t.Run(row.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var store outage
				var page pager
				c := autoticket.Config{Sinks: map[string]sinks.Sink{"page": &page}, Store: &store, Rules: []autoticket.Rule{rule}}
				if row.config != nil {
					row.config(&c)
				}
				engine, tracer := start(t, c)
				store.refuses.Store(true)
				n := 0
				row.play(world{t, &store, &page, engine, func(name string) {
					n++
					fail(tracer, name, "boom")
				}})
				store.refuses.Store(false)
				time.Sleep(25 * time.Minute)
				synctest.Wait()
				open, alerts, _ := page.state()
				require.Equal(t, row.open, open)
				require.Equal(t, row.alerts, alerts)
				st := engine.Stats()
				require.Zero(t, st.Waiting)
				require.Equal(t, int64(n), sum(st.Decisions)+sum(st.Dropped))
			})
		})
	}
}
