package autoticket_test

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

// errorsRule is a rule for whatever fails.
func errorsRule(edit func(*autoticket.Rule)) []autoticket.Rule {
	r := autoticket.Rule{Name: "errors", When: `span.status == "ERROR"`}
	edit(&r)
	return []autoticket.Rule{r}
}

// accountFor requires that every span that was seen is healthy, dropped or
// decided.
func accountFor(t *testing.T, s autoticket.Stats) {
	t.Helper()
	sum := s.Healthy
	for _, m := range []map[string]int64{s.Decisions, s.Dropped} {
		for _, n := range m {
			sum += n
		}
	}
	require.Equal(t, s.Spans, sum, "%+v", s)
}

func TestModes(t *testing.T) {
	for _, test := range []struct {
		rule      string
		config    autoticket.Config
		env       string
		filed     bool
		decisions map[string]int64
	}{
		{"live files", autoticket.Config{}, "", true, map[string]int64{"opened": 1, "deduplicated": 1}},
		{"a shadow rule decides, and files nothing", autoticket.Config{Rules: errorsRule(func(r *autoticket.Rule) { r.Mode = "shadow" })}, "", false, map[string]int64{"shadow": 2}},
		{"a draft waits", autoticket.Config{Rules: errorsRule(func(r *autoticket.Rule) { r.Mode = "draft" })}, "", false, map[string]int64{"draft": 2}},
		{"a canary files what is in its part", autoticket.Config{Rules: errorsRule(func(r *autoticket.Rule) { r.Mode = "canary: 99.9999%" })}, "", true, map[string]int64{"opened": 1, "deduplicated": 1}},
		{"and shadows the rest", autoticket.Config{Rules: errorsRule(func(r *autoticket.Rule) { r.Mode = "canary: 0.0001%" })}, "", false, map[string]int64{"canary": 2}},
		{"a rule that is off is not there", autoticket.Config{Rules: errorsRule(func(r *autoticket.Rule) { r.Mode = "off" })}, "", false, map[string]int64{"no_rule": 2}},
		{"a shadow engine is above its rules", autoticket.Config{Mode: "shadow"}, "", false, map[string]int64{"shadow": 2}},
		{"an engine that is off sees nothing", autoticket.Config{Mode: "off"}, "", false, map[string]int64{}},
		{"the operator is above the program", autoticket.Config{Mode: "live"}, "off", false, map[string]int64{}},
		{"both ways", autoticket.Config{Mode: "off"}, "live", true, map[string]int64{"opened": 1, "deduplicated": 1}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			t.Setenv("SPANTICKET_MODE", test.env)
			var sink shelf
			test.config.Sinks = map[string]sinks.Sink{"shelf": &sink}
			engine, tracer := start(t, test.config)
			fail(tracer, "GET /", "boom")
			require.NoError(t, engine.Flush(t.Context()))
			fail(tracer, "GET /", "boom")
			require.NoError(t, engine.Flush(t.Context()))
			require.Equal(t, test.filed, len(sink.tickets()) == 1)
			require.Equal(t, test.decisions, engine.Stats().Decisions)
			accountFor(t, engine.Stats())
		})
	}
}

func TestWrongMode(t *testing.T) {
	_, err := autoticket.New(autoticket.Config{Mode: "of"})
	require.ErrorContains(t, err, `is "of"; it must be live, shadow or off`)
	t.Setenv("SPANTICKET_MODE", "shadwo")
	_, err = autoticket.New(autoticket.Config{})
	require.ErrorContains(t, err, `SPANTICKET_MODE, is "shadwo"`)
}

func TestApprove(t *testing.T) {
	var sink shelf
	var audit strings.Builder
	engine, tracer := start(t, autoticket.Config{
		Sinks: map[string]sinks.Sink{"shelf": &sink}, Audit: slog.NewJSONHandler(&audit, nil),
		Rules: errorsRule(func(r *autoticket.Rule) { r.Mode = "draft" }),
	})
	fail(tracer, "GET /", "boom")
	require.NoError(t, engine.Flush(t.Context()))
	held, err := engine.Held(t.Context())
	require.NoError(t, err)
	require.Len(t, held, 1)
	require.Equal(t, correlate.Draft, held[0].Reason)
	require.Equal(t, "errors", held[0].Rule)
	require.Contains(t, held[0].Title, "boom")
	require.Equal(t, 1, engine.Stats().HeldProblems)

	require.ErrorIs(t, engine.Approve(t.Context(), "v1unknown", "ann"), autoticket.ErrNotHeld)
	require.NoError(t, engine.Approve(t.Context(), held[0].Signature, "ann"))
	require.ErrorIs(t, engine.Approve(t.Context(), held[0].Signature, "ann"), autoticket.ErrNotHeld, "once is enough")
	require.NoError(t, engine.Flush(t.Context()))
	tickets := sink.tickets()
	require.Len(t, tickets, 1)
	require.Equal(t, "approved by ann", tickets[0].History[1].What)
	require.Contains(t, audit.String(), `"msg":"approved","signature":"`+held[0].Signature+`","service":"checkout@test","by":"ann"`)
	held, err = engine.Held(t.Context())
	require.NoError(t, err)
	require.Empty(t, held)
}

// A bad rule costs its budget and one ticket, not a thousand.
func TestABadRuleCostsOneTicketMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sink shelf
		engine, tracer := start(t, autoticket.Config{
			Sinks: map[string]sinks.Sink{"shelf": &sink},
			Rules: errorsRule(func(r *autoticket.Rule) {
				r.Budget, r.SignatureExpr = 3, "[span.name]"
			}),
		})
		for i := range 500 {
			fail(tracer, fmt.Sprintf("GET /%d", i), "boom")
			time.Sleep(5 * time.Second)
		}
		synctest.Wait()
		require.Len(t, sink.filed, 4, "three of the rule, and one for the others")
		report := sink.filed[3]
		require.Equal(t, "1 problem without tickets of their own: too many new ones of rule errors", report.Title)
		require.Len(t, report.Problems, 1)
		require.Equal(t, "errors", report.Problems[0].Rule)
		require.Contains(t, report.Problems[0].Title, "boom")
		require.NotEmpty(t, report.Problems[0].Signature)

		newest := sink.updates[len(sink.updates)-1]
		for _, u := range sink.updates {
			if u.Key == report.Key {
				newest = u
			}
		}
		require.Greater(t, len(newest.Problems)+int(newest.Others), 300, "it is kept up to date")
		stats := engine.Stats()
		require.Equal(t, int64(3), stats.Decisions["opened"])
		require.Equal(t, int64(497), stats.Decisions["budget"])
		accountFor(t, stats)

		// Everything is quiet: all of it is over.
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		last := sink.updates[len(sink.updates)-1]
		require.Equal(t, sinks.EventResolved, last.Event)
		require.Equal(t, report.Key, last.Key)
		require.Zero(t, engine.Stats().OpenProblems)
	})
}

func TestWhatGoesOnAfterAStormHasItsTicket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sink shelf
		_, tracer := start(t, autoticket.Config{
			Sinks: map[string]sinks.Sink{"shelf": &sink},
			Rules: errorsRule(func(r *autoticket.Rule) { r.Budget = 2 }),
		})
		for i := range 26 {
			fail(tracer, "GET /"+string(rune('a'+i)), "boom")
			time.Sleep(time.Second)
		}
		for range 90 {
			time.Sleep(time.Minute)
			fail(tracer, "GET /x", "boom")
		}
		synctest.Wait()
		require.Len(t, sink.filed, 4)
		require.Equal(t, "GET /x", sink.filed[3].Operation, "when there is room again and no new problems come")
		for _, u := range sink.updates {
			for _, m := range u.Problems {
				require.False(t, u.LastSeen.After(sink.filed[3].OpenedAt) && m.Signature == sink.filed[3].Signature, "and it is not listed any more")
			}
		}
	})
}

func TestTicketsOfTheEngineAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sink shelf
		engine, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}, TicketsPerHour: 5})
		for i := range 26 {
			fail(tracer, "GET /"+string(rune('a'+i)), "boom")
		}
		require.NoError(t, engine.Flush(t.Context()))
		require.Len(t, sink.filed, 6)
		report := sink.filed[slices.IndexFunc(sink.filed, func(t sinks.Ticket) bool { return t.Problems != nil })]
		require.Len(t, report.Problems, 21)
		require.Equal(t, int64(21), engine.Stats().Decisions["budget"])
		require.Contains(t, report.Text(), "Problems, oldest first")

		held, err := engine.Held(t.Context())
		require.NoError(t, err)
		require.Len(t, held, 21)
		require.NoError(t, engine.Approve(t.Context(), held[0].Signature, "ann"))
		require.NoError(t, engine.Flush(t.Context()))
		require.Len(t, sink.filed, 7)
		last := sink.updates[len(sink.updates)-1]
		require.Len(t, last.Problems, 20, "the list says so")
	})
}

// The first day of a service with three hundred old failures costs one ticket.
func TestAdoption(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sink shelf
		engine, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}, Adopt: 6 * time.Hour})
		old := func() {
			for i := range 300 {
				fail(tracer, fmt.Sprintf("GET /%c%c", 'a'+i%26, 'a'+i/26), "old")
			}
		}
		for range 6 {
			old()
			time.Sleep(time.Hour)
		}
		synctest.Wait()
		require.Len(t, sink.filed, 1)
		require.Equal(t, int64(1800), engine.Stats().Decisions["known"])
		require.Equal(t, "300 problems known from before there were tickets", sink.filed[0].Title)
		require.Len(t, sink.filed[0].Problems, 300)

		old()
		fail(tracer, "GET /new", "new")
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Len(t, sink.filed, 2)
		require.Equal(t, "GET /new", sink.filed[1].Operation, "what is new is filed")

		for range 100 {
			fail(tracer, "GET /aa", "old")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Len(t, sink.filed, 3)
		require.Equal(t, "GET /aa", sink.filed[2].Operation, "and what grows")
		accountFor(t, engine.Stats())
	})
}
