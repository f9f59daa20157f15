package autoticket_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/enrich"
	"github.com/spanticket/spanticket/sinks"
)

// refusing is a shelf that takes nothing while it refuses.
type refusing struct {
	shelf
	refuses atomic.Bool
}

func newRefusing() *refusing {
	r := new(refusing)
	r.refuses.Store(true)
	r.fail = func(sinks.Ticket) error {
		if r.refuses.Load() {
			return &sinks.Error{Reason: sinks.Rejected, Err: errors.New("the project is archived")}
		}
		return nil
	}
	return r
}

func TestParkedDeliveriesAreDecidedAbout(t *testing.T) {
	for _, test := range []struct {
		rule    string
		decide  func(t *testing.T, e *autoticket.Engine, p autoticket.Parked)
		filed   int // at once
		again   int // when the problem comes back after its end
		history string
	}{
		{"requeued, it is filed", func(t *testing.T, e *autoticket.Engine, p autoticket.Parked) {
			require.NoError(t, e.Requeue(t.Context(), p))
		}, 1, 1, ""},
		{"discarded, it is not, until the problem comes back", func(t *testing.T, e *autoticket.Engine, p autoticket.Parked) {
			require.NoError(t, e.Discard(t.Context(), p, "ann sk_live_4eC39HqLyjWDarjtT1zdp7dc"))
		}, 0, 1, "open for refusing discarded by ann [REDACTED:"},
	} {
		t.Run(test.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sink, audit := newRefusing(), new(strings.Builder)
				engine, tracer := start(t, autoticket.Config{
					Sinks: map[string]sinks.Sink{"refusing": sink}, Audit: slog.NewJSONHandler(audit, nil),
					Enrichers: map[string]enrich.Enricher{"on call": enrich.Func(func(context.Context, correlate.Problem) (enrich.Facts, error) {
						return enrich.Facts{Facts: []sinks.Fact{{Name: "on call", Value: "ben, password=hunter2hunter2"}}}, nil
					})},
				})
				fail(tracer, "GET /", "boom")
				require.NoError(t, engine.Flush(t.Context()))
				synctest.Wait()
				require.Equal(t, map[string]int64{"refusing": 1}, engine.Stats().Parked)
				time.Sleep(6 * time.Minute)
				require.Equal(t, map[string]int64{"refusing": 1}, engine.Stats().Parked, "listed, it is counted once")
				parked, err := engine.Parked(t.Context())
				require.NoError(t, err)
				require.Len(t, parked, 1)
				require.Zero(t, parked[0].Until)

				preview, err := engine.Preview(t.Context(), parked[0])
				require.NoError(t, err)
				require.Equal(t, parked[0].Ticket, preview.Key)
				require.Equal(t, sinks.EventOpened, preview.Event)
				require.Contains(t, preview.Title, "boom")
				text := preview.Text()
				require.Contains(t, text, "ben")
				require.NotContains(t, text, "hunter2hunter2", "it is redacted, as what is sent")
				require.Contains(t, text, "the project is archived", "it says why it was parked")
				require.Empty(t, sink.tickets(), "nothing is sent")

				sink.refuses.Store(false)
				test.decide(t, engine, parked[0])
				require.Empty(t, engine.Stats().Parked)
				for _, err := range []error{engine.Requeue(t.Context(), parked[0]), engine.Discard(t.Context(), parked[0], "ann")} {
					require.ErrorIs(t, err, autoticket.ErrNotParked)
				}
				time.Sleep(time.Minute)
				require.Len(t, sink.tickets(), test.filed)
				_, err = engine.Preview(t.Context(), parked[0])
				require.ErrorIs(t, err, autoticket.ErrNotParked)

				time.Sleep(2 * time.Hour)
				fail(tracer, "GET /", "boom")
				require.NoError(t, engine.Flush(t.Context()))
				require.Len(t, sink.tickets(), test.again)
				if test.history != "" {
					require.Contains(t, sink.tickets()[0].Text(), test.history)
					require.Contains(t, audit.String(), `"msg":"discarded","signature":"`+parked[0].Key.ID+`","service":"checkout@test","sink":"refusing","by":"ann [REDACTED:`)
					require.NotContains(t, audit.String(), "sk_live_4eC39HqLyjWDarjtT1zdp7dc")
				}
			})
		})
	}
}

// end shuts an engine down. That something still waits for a sink is no matter.
func end(t *testing.T, e *autoticket.Engine) {
	if err := e.Shutdown(context.WithoutCancel(t.Context())); err != nil {
		require.ErrorIs(t, err, context.DeadlineExceeded)
	}
}

// serviceOn starts an engine of a service of its own on a store.
func serviceOn(t *testing.T, name string, c autoticket.Config) (*autoticket.Engine, trace.Tracer) {
	t.Helper()
	c.Resource = resource.NewSchemaless(attribute.String("service.name", name), attribute.String("deployment.environment.name", "test"))
	if c.Logger == nil {
		c.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	engine, err := autoticket.New(c)
	require.NoError(t, err)
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(engine.SpanProcessor()), sdktrace.WithResource(c.Resource))
	t.Cleanup(func() { end(t, engine) })
	return engine, provider.Tracer("test")
}

// A sink is renamed, and a service is gone: what waits for them is parked by an
// engine of another service that sweeps, though it has a sink of that name, and
// nowhere else.
func TestAnEngineThatSweepsParksWhatNobodyClaims(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const day = 24 * time.Hour
		store := new(correlate.Memory)
		rules := errorsRule(func(r *autoticket.Rule) { r.Quiet = time.Hour })
		down := func(sinks.Ticket) error { return &sinks.Error{Err: errors.New("down")} }
		var opsJira, tracker, mail shelf
		jira, goneJira, goneMail := shelf{fail: down}, shelf{fail: down}, shelf{}
		config := func(named map[string]sinks.Sink) autoticket.Config {
			c := autoticket.Config{Store: store, Rules: rules, Sinks: named, Delivery: map[string]autoticket.Delivery{}}
			for name := range named {
				c.Delivery[name] = autoticket.Delivery{Attempts: 1 << 30}
			}
			return c
		}

		c := config(map[string]sinks.Sink{"jira": &opsJira})
		c.Sweep = 6 * time.Hour
		ops, _ := serviceOn(t, "ops", c)
		refusing, tracer := serviceOn(t, "refusing", config(map[string]sinks.Sink{"jira": &jira}))
		fail(tracer, "GET /refusing", "boom")
		renamed, tracer := serviceOn(t, "renamed", config(map[string]sinks.Sink{"jira": &goneJira, "mail": &mail}))
		fail(tracer, "GET /renamed", "boom")
		gone, tracer := serviceOn(t, "gone", config(map[string]sinks.Sink{"jira": &goneJira, "mail": &goneMail}))
		fail(tracer, "GET /gone", "boom")
		time.Sleep(10 * time.Minute)
		end(t, renamed)
		end(t, gone)
		renamed, _ = serviceOn(t, "renamed", config(map[string]sinks.Sink{"tracker": &tracker, "mail": &mail}))
		require.Len(t, mail.tickets(), 1)
		require.Len(t, goneMail.tickets(), 1)

		time.Sleep(5 * time.Hour)
		parked, err := ops.Parked(t.Context())
		require.NoError(t, err)
		require.Empty(t, parked, "not yet")
		parked, err = renamed.Parked(t.Context())
		require.NoError(t, err)
		require.Len(t, parked, 1)
		require.Equal(t, "there is no sink of this name", parked[0].Reason)

		time.Sleep(6 * time.Hour)
		synctest.Wait()
		parked, err = ops.Parked(t.Context())
		require.NoError(t, err)
		var got []string
		for _, p := range parked {
			got = append(got, p.Key.Scope.Service+" "+p.Sink+" "+string(p.Operation))
		}
		require.Equal(t, []string{"gone jira open", "gone mail resolve", "renamed jira open"}, got)
		require.Equal(t, map[string]int64{"jira": 2, "mail": 1}, ops.Stats().Parked)
		require.Empty(t, opsJira.tickets(), "its jira is another one")
		require.Contains(t, parked[0].Reason, "no engine of gone@test has had a sink of this name")
		require.Zero(t, parked[0].Until)
		require.WithinDuration(t, parked[1].At.Add(30*day), parked[1].Until, time.Second)
		own, err := refusing.Parked(t.Context())
		require.NoError(t, err)
		require.Empty(t, own, "what has an engine waits, however long")
		p, err := correlate.ReadProblem(t.Context(), store, parked[0].Key)
		require.NoError(t, err)
		require.Equal(t, correlate.Resolved, p.State)

		preview, err := ops.Preview(t.Context(), parked[2])
		require.NoError(t, err)
		require.Equal(t, "renamed", preview.Service)
		require.NoError(t, ops.Discard(t.Context(), parked[0], "ann"))
		require.NoError(t, ops.Requeue(t.Context(), parked[2]))
		require.Equal(t, map[string]int64{"mail": 1}, ops.Stats().Parked)
		time.Sleep(time.Hour)
		require.Empty(t, opsJira.tickets())
		end(t, renamed)
		var back shelf
		serviceOn(t, "renamed", config(map[string]sinks.Sink{"jira": &back, "mail": &mail}))
		time.Sleep(time.Minute)
		require.Len(t, back.tickets(), 1, "there is a sink of that name again")
	})
}
