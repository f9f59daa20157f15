package autoticket_test

import (
	"fmt"
	"io/fs"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/sinks"
)

// disk is a file system with one file, rules.yaml, that can be replaced.
type disk struct{ files atomic.Pointer[fstest.MapFS] }

func (d *disk) Open(name string) (fs.File, error) { return d.files.Load().Open(name) }

func (d *disk) write(rules string) {
	d.files.Store(&fstest.MapFS{"rules.yaml": {Data: []byte(rules)}})
}

// ruleFile returns a file of rules; each is a name and a condition.
func ruleFile(rules ...string) string {
	var b strings.Builder
	b.WriteString("version: 1\nrules:\n")
	for i := 0; i < len(rules); i += 2 {
		fmt.Fprintf(&b, "  - name: %s\n    when: '%s'\n", rules[i], rules[i+1])
	}
	return b.String()
}

func TestReload(t *testing.T) {
	var sink shelf
	var log, audit strings.Builder
	var d disk
	d.write(ruleFile("a", `span.name == "GET /a"`, "b", `span.name == "GET /b"`))
	engine, tracer := start(t, autoticket.Config{
		Sinks: map[string]sinks.Sink{"shelf": &sink}, RuleFS: &d, RuleFiles: []string{"*.yaml"},
		Logger: slog.New(slog.NewTextHandler(&log, nil)), Audit: slog.NewJSONHandler(&audit, nil),
	})
	fail(tracer, "GET /a", "boom")
	fail(tracer, "GET /c", "boom")
	require.NoError(t, engine.Flush(t.Context()))
	require.Len(t, sink.tickets(), 1)

	d.write(ruleFile("c", `span.name == "GET /c"`, "a", `span.name == "GET /a"`))
	require.NoError(t, engine.Reload())
	fail(tracer, "GET /c", "boom")
	fail(tracer, "GET /b", "boom")
	require.NoError(t, engine.Flush(t.Context()))
	require.Len(t, sink.tickets(), 2)
	require.Equal(t, "c", sink.tickets()[1].Rule)
	stats := engine.Stats()
	require.Equal(t, []string{"c", "a"}, []string{stats.Rules[0].Name, stats.Rules[1].Name})
	require.Equal(t, int64(1), stats.Rules[1].Matches, "what an unchanged rule has counted stays")
	require.Equal(t, int64(1), stats.Reloaded)
	require.Contains(t, audit.String(), `"msg":"rules reloaded","rules":2,"added":["c"],"removed":["b"],"changed":null`)

	d.write(ruleFile("c", `span.nmae == "GET /c"`))
	err := engine.Reload()
	require.ErrorContains(t, err, "rules.yaml:4:17")
	require.ErrorContains(t, err, "did you mean span.name?")
	require.Contains(t, log.String(), "the rules are refused, the old ones stay in force")
	require.Contains(t, audit.String(), `"msg":"rules refused"`)
	d.files.Store(&fstest.MapFS{})
	require.ErrorIs(t, engine.Reload(), fs.ErrNotExist)
	require.Equal(t, int64(2), engine.Stats().Refused)
	fail(tracer, "GET /c", "boom")
	require.NoError(t, engine.Flush(t.Context()))
	require.Equal(t, int64(2), engine.Stats().Rules[0].Matches, "and run on")
	require.Nil(t, (*autoticket.Engine)(nil).Reload())
}

// A thousand reloads while spans end: no span is missed, none meets half of a
// set, and nothing is left behind.
func TestReloadStorm(t *testing.T) {
	var sink shelf
	var d disk
	files := []string{
		ruleFile("a", `span.name == "GET /a" && span.status == "ERROR"`, "b", `span.name == "GET /b"`),
		ruleFile("b", `span.name == "GET /b"`, "a", `span.name == "GET /a" && span.status == "ERROR"`),
		ruleFile("a", `span.name.startsWith("GET /a")`, "b", `span.name.startsWith("GET /b")`, "c", `span.name == "GET /c" && span.duration > duration("1h")`),
		"rules: [",
	}
	d.write(files[0])
	engine, tracer := start(t, autoticket.Config{
		Sinks: map[string]sinks.Sink{"shelf": &sink}, RuleFS: &d, RuleFiles: []string{"rules.yaml"},
		Logger: slog.New(slog.DiscardHandler), QueueSize: 1 << 16,
	})
	goroutines := runtime.NumGoroutine()
	var loads, spans sync.WaitGroup
	stop := make(chan struct{})
	var ended atomic.Int64
	for _, name := range []string{"GET /a", "GET /b"} {
		spans.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				fail(tracer, name, "boom")
				ended.Add(1)
				for engine.Stats().Queued > 1<<12 { // it is not the queue that is tested
					runtime.Gosched()
				}
			}
		})
	}
	for range 2 {
		loads.Go(func() {
			for i := range 500 {
				d.write(files[i%len(files)])
				err := engine.Reload()
				if err != nil && !strings.Contains(err.Error(), "the rules are refused") {
					t.Error(err)
				}
			}
		})
	}
	loads.Wait()
	close(stop)
	spans.Wait()
	require.NoError(t, engine.Flush(t.Context()))
	stats := engine.Stats()
	require.Equal(t, int64(1000), stats.Reloaded+stats.Refused)
	require.Empty(t, stats.Dropped)
	require.Equal(t, ended.Load(), stats.Spans)
	require.Equal(t, ended.Load(), stats.Matches, "every set has a rule for each of them")
	require.Equal(t, ended.Load(), stats.Decisions["opened"]+stats.Decisions["deduplicated"]+stats.Decisions["thinned"])
	require.Len(t, sink.tickets(), 2)
	accountFor(t, stats)
	await(t, func() bool { return runtime.NumGoroutine() <= goroutines })
}

// A rule that costs too much is switched off, and its owners get a ticket that
// says so.
func TestARuleThatIsSwitchedOffHasATicket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sink shelf
		var audit strings.Builder
		engine, tracer := start(t, autoticket.Config{
			Sinks: map[string]sinks.Sink{"shelf": &sink}, Audit: slog.NewJSONHandler(&audit, nil),
			Rules: []autoticket.Rule{{Name: "dear", Team: "shop", When: `span.attributes["list"].exists(x, x == "no")`}},
		})
		list := make([]string, 200_000)
		for i := range list {
			list[i] = fmt.Sprintf("value %d", i)
		}
		for range 10 {
			_, sp := tracer.Start(t.Context(), "huge")
			sp.SetAttributes(attribute.StringSlice("list", list))
			sp.End()
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		require.Len(t, sink.filed, 1)
		ticket := sink.filed[0]
		require.Equal(t, "1 rule was switched off: too costly to evaluate", ticket.Title)
		require.Equal(t, "dear", ticket.Problems[0].Rule)
		require.Equal(t, "shop", ticket.Team)
		require.Contains(t, ticket.Problems[0].Title, "the evaluation exceeded its limits")
		stats := engine.Stats()
		require.True(t, stats.Rules[0].Off)
		require.Equal(t, int64(8), stats.Decisions["no_rule"])
		require.Equal(t, int64(2), stats.Healthy, "nobody asks for them any more")
		accountFor(t, stats)
		require.Equal(t, 1, strings.Count(audit.String(), "rule switched off"), "once")
	})
}

func TestRuleFilesAreWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sink shelf
		var d disk
		d.write(ruleFile("a", `span.name == "GET /a"`))
		engine, tracer := start(t, autoticket.Config{
			Sinks: map[string]sinks.Sink{"shelf": &sink}, RuleFS: &d, RuleFiles: []string{"*.yaml"}, WatchRules: 10 * time.Second,
			Logger: slog.New(slog.DiscardHandler),
		})
		for _, step := range []struct {
			rules             string
			reloaded, refused int64
		}{
			{ruleFile("a", `span.name == "GET /a"`), 0, 0},
			{ruleFile("b", `span.name == "GET /b"`), 1, 0},
			{ruleFile("b", `span.nmae == "GET /b"`), 1, 1},
			{ruleFile("b", `span.name == "GET /b"`), 2, 1},
		} {
			d.write(step.rules)
			time.Sleep(time.Minute)
			synctest.Wait()
			require.Equal(t, step.reloaded, engine.Stats().Reloaded)
			require.Equal(t, step.refused, engine.Stats().Refused, "once for each content")
		}
		fail(tracer, "GET /a", "boom")
		fail(tracer, "GET /b", "boom")
		require.NoError(t, engine.Flush(t.Context()))
		require.Len(t, sink.filed, 1)
		require.Equal(t, "b", sink.filed[0].Rule)
	})
}
