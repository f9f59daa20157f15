package autoticket_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/deployment"
	"github.com/spanticket/spanticket/sinks"
)

// durable is a store that stays when a process ends.
type durable struct{ *correlate.Memory }

func newDurable() durable { return durable{new(correlate.Memory)} }

// ledgerOfCalls are rates that know every call of a test.
type ledgerOfCalls struct {
	mu    sync.Mutex
	calls []call
}

type call struct {
	at      time.Time
	version string
	failed  bool
}

func (l *ledgerOfCalls) add(version string, failed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = append(l.calls, call{time.Now(), version, failed})
}

// Count implements [deployment.Rates].
func (l *ledgerOfCalls) Count(q deployment.Query) (n deployment.Count, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if q.Scope.Service != "payment" {
		return n, false
	}
	for _, c := range l.calls {
		if (q.Version == "" || q.Version == c.version) && !c.at.Before(q.From) && c.at.Before(q.To) {
			n.Total++
			if c.failed {
				n.Failed++
			}
		}
	}
	return n, true
}

// release is one process of payment with an engine of its own.
type release struct {
	version  string
	engine   *autoticket.Engine
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	rates    *ledgerOfCalls
}

func startRelease(t *testing.T, version string, rates *ledgerOfCalls, c autoticket.Config) *release {
	t.Helper()
	c.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	if rates != nil {
		c.Deployments.Rates = rates
	}
	engine, err := autoticket.New(c)
	require.NoError(t, err)
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(engine.SpanProcessor()), sdktrace.WithResource(resource.NewSchemaless(
		attribute.String("service.name", "payment"), attribute.String("service.version", version), attribute.String("deployment.environment.name", "test"),
		attribute.String("vcs.ref.head.revision", "rev-"+version),
	)))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		require.NoError(t, engine.Shutdown(ctx))
	})
	return &release{version: version, engine: engine, provider: provider, tracer: provider.Tracer("test"), rates: rates}
}

// serve serves calls for some time, of which every nth fails; 0 means none.
func (r *release) serve(during time.Duration, nth int) {
	const each = 500 * time.Millisecond
	for i := range int(during / each) {
		_, sp := r.tracer.Start(context.Background(), "POST /charge", trace.WithSpanKind(trace.SpanKindServer))
		failed := nth > 0 && i%nth == 0
		if failed {
			sp.RecordError(errors.New("pool exhausted"))
			sp.SetStatus(codes.Error, "pool exhausted")
		}
		if r.rates != nil {
			r.rates.add(r.version, failed)
		}
		sp.End()
		time.Sleep(each)
	}
}

func (r *release) stop(t *testing.T) {
	require.NoError(t, r.provider.Shutdown(t.Context()))
	require.NoError(t, r.engine.Shutdown(t.Context()))
}

// The old version stops, the new one fails, the old one comes back: the ticket names the
// new one, and says in the end that taking it back has helped.
func TestTheVersionToBlameIsNamed(t *testing.T) {
	t.Run("by rates of the host", func(t *testing.T) { testTheVersionToBlame(t, new(ledgerOfCalls)) })
	t.Run("by the counts of the fleet", func(t *testing.T) { testTheVersionToBlame(t, nil) })
}

func testTheVersionToBlame(t *testing.T, rates *ledgerOfCalls) {
	synctest.Test(t, func(t *testing.T) {
		var sink shelf
		config := autoticket.Config{
			Sinks: map[string]sinks.Sink{"shelf": &sink}, Store: newDurable(),
			Rules: []autoticket.Rule{{Name: "errors", When: `span.status == "ERROR"`, Quiet: 10 * time.Minute}},
		}
		old := startRelease(t, "1.4.2", rates, config)
		old.serve(40*time.Minute, 0)
		old.stop(t)

		bad := startRelease(t, "1.5.0", rates, config)
		bad.serve(10*time.Second, 0)
		announce(t, bad, deployment.Deployment{
			Scope: correlate.Scope{Service: "payment", Environment: "test"}, Version: "1.5.0", Revision: "rev-1.5.0", By: "alice",
			Changelog: "https://git.example/1.5.0", Rollback: "kubectl rollout undo deployment/payment",
		})
		time.Sleep(time.Second)
		bad.serve(10*time.Minute, 4)
		tickets := sink.tickets()
		require.Len(t, tickets, 1)
		require.Equal(t, "there is too little traffic to tell (payment 1.5.0)", tickets[0].Unsuspected, "of one failure")

		updated := updates(&sink)
		last := updated[len(updated)-1]
		t.Log(last.Text())
		require.Len(t, last.Suspects, 1)
		s := last.Suspects[0]
		require.Equal(t, "strong", s.Class)
		require.Equal(t, "alice", s.By)
		require.Equal(t, "kubectl rollout undo deployment/payment", s.Rollback)
		require.Zero(t, s.Before.Failed)
		require.Positive(t, s.Before.Requests)
		require.Positive(t, s.After.Failed)
		require.Greater(t, s.Ratio, 2.0)
		require.Contains(t, last.Text(), "to roll it back, by hand:\n      kubectl rollout undo deployment/payment\n")
		require.LessOrEqual(t, len(updated), 10)
		bad.stop(t)

		again := startRelease(t, "1.4.2", rates, config)
		again.serve(20*time.Minute, 0)
		updated = updates(&sink)
		last = updated[len(updated)-1]
		t.Log(last.Text())
		require.Equal(t, sinks.Resolved, last.State)
		require.Equal(t, "confirmed", last.Suspects[0].Class)
		require.NotZero(t, last.Suspects[0].UndoneAt)
		require.Contains(t, last.Text(), "failures went with it: confirmed")
		require.Equal(t, map[string]int64{"none": 1, "strong": 1}, bad.engine.Stats().Suspects)
		require.Equal(t, map[string]int64{"noted": 1}, bad.engine.Stats().Deployments.Announced)
		require.Equal(t, 2, again.engine.Stats().Deployments.Known)
		again.stop(t)
		require.LessOrEqual(t, len(updated), 20)
	})
}

// announce ends a span that tells of a deployment, as a pipeline would whose spans come by.
func announce(t *testing.T, r *release, d deployment.Deployment) {
	t.Helper()
	deployment.Record(t.Context(), r.tracer, d)
}

// With a store in memory nothing is guessed.
func TestTheStoreInMemoryKnowsNoVersions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sink shelf
		r := startRelease(t, "1.5.0", nil, autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}})
		time.Sleep(time.Second)
		r.serve(5*time.Second, 2)
		tickets := sink.tickets()
		require.Len(t, tickets, 1)
		require.Contains(t, tickets[0].Text(), "\nNo deployment is suspected: it is not known what was deployed: the store is in memory, and forgets what ran before\n")
		r.stop(t)
	})
}

func TestDeploymentsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sink shelf
		store := newDurable()
		r := startRelease(t, "1.5.0", nil, autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}, Store: store, Deployments: autoticket.Deployments{Off: true}})
		announce(t, r, deployment.Deployment{Scope: correlate.Scope{Service: "payment"}, Version: "7"})
		r.serve(5*time.Second, 2)
		require.NotContains(t, sink.tickets()[0].Text(), "uspect")
		records, err := store.List(t.Context(), correlate.Page{Kind: deployment.KindDeployment, Max: 10})
		require.NoError(t, err)
		require.Empty(t, records)
		r.stop(t)
	})
}

// A store that is out costs what is told of deployments, and nothing else; what was
// announced meanwhile is told when it is back.
func TestDeploymentsWhileTheStoreIsOut(t *testing.T) {
	for how, set := range outages {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var sink shelf
				var store outage
				r := startRelease(t, "1.5.0", nil, autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}, Store: &store})
				r.serve(10*time.Second, 0)
				set(&store, true)
				for range 300 {
					announce(t, r, deployment.Deployment{Scope: correlate.Scope{Service: "payment", Environment: "test"}, Version: "1.5.0", By: "alice"})
				}
				began := time.Now()
				r.serve(10*time.Minute, 0)
				require.Equal(t, 10*time.Minute, time.Since(began), "the host does not notice")
				set(&store, false)
				r.serve(5*time.Minute, 0)
				h := history(t, &store)
				require.NotZero(t, h.Len())
				require.Equal(t, "alice", h.Of(correlate.Scope{Service: "payment", Environment: "test"})[0].By)
				r.stop(t)
			})
		})
	}
}

// history reads what was deployed.
func history(t *testing.T, store correlate.Store) *deployment.History {
	t.Helper()
	tracker := deployment.NewTracker(deployment.Config{Store: store})
	require.NoError(t, tracker.Refresh(t.Context(), time.Now()))
	return tracker.History()
}

// In a replay deployments are known from what the spans say, in their time.
func TestReplayKnowsDeployments(t *testing.T) {
	recorded := recordedRelease(t)
	var sink shelf
	stats, err := autoticket.Replay(t.Context(), autoticket.Config{
		Sinks: map[string]sinks.Sink{"shelf": &sink}, Rules: []autoticket.Rule{{Name: "errors", When: `span.status == "ERROR"`}},
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}, recorded)
	require.NoError(t, err)
	require.Positive(t, stats.Occurrences)
	tickets := sink.tickets()
	require.Len(t, tickets, 1)
	updated := updates(&sink)
	require.NotEmpty(t, updated)
	last := updated[len(updated)-1]
	require.NotEmpty(t, last.Suspects, last.Text())
	require.Equal(t, "1.5.0", last.Suspects[0].Version)
	require.Equal(t, "helm rollback payment 3", last.Suspects[0].Rollback)
	require.Equal(t, "strong", last.Suspects[0].Class, last.Text())
}

// recordedRelease returns the spans of three hours, at the end of which a version fails that was announced.
func recordedRelease(t *testing.T) (out []sdktrace.ReadOnlySpan) {
	synctest.Test(t, func(t *testing.T) {
		var keep spanKeeper
		serve := func(version string, during time.Duration, nth int) {
			provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(&keep), sdktrace.WithResource(resource.NewSchemaless(
				attribute.String("service.name", "payment"), attribute.String("service.version", version))))
			r := &release{version: version, tracer: provider.Tracer("test")}
			if nth > 0 {
				deployment.Record(t.Context(), r.tracer, deployment.Deployment{Scope: correlate.Scope{Service: "payment"}, Version: version, Rollback: "helm rollback payment 3"})
				time.Sleep(time.Second)
			}
			r.serve(during, nth)
		}
		serve("1.4.2", 3*time.Hour, 0)
		serve("1.5.0", 10*time.Minute, 4)
		out = keep.spans
	})
	return out
}

type spanKeeper struct{ spans []sdktrace.ReadOnlySpan }

func (k *spanKeeper) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (k *spanKeeper) OnEnd(sp sdktrace.ReadOnlySpan)                  { k.spans = append(k.spans, sp) }
func (k *spanKeeper) Shutdown(context.Context) error                  { return nil }
func (k *spanKeeper) ForceFlush(context.Context) error                { return nil }

func updates(s *shelf) []sinks.Ticket {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.updates)
}

// What fails only while a deployment settles has no ticket; what goes on has one with its
// full count.
func TestDeploymentsSettle(t *testing.T) {
	for _, test := range []struct {
		rule   string
		fails  time.Duration
		ticket bool
	}{
		{"what stops within the time has no ticket", 2 * time.Minute, false},
		{"what goes on has one", 8 * time.Minute, true},
	} {
		t.Run(test.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var sink shelf
				config := autoticket.Config{
					Sinks: map[string]sinks.Sink{"shelf": &sink}, Store: newDurable(),
					Rules: []autoticket.Rule{{Name: "errors", When: `span.status == "ERROR"`, Quiet: 30 * time.Minute, Suppress: correlate.Suppress{Deploy: 5 * time.Minute}}},
				}
				old := startRelease(t, "1.4.2", nil, config)
				old.serve(10*time.Minute, 0)
				old.stop(t)
				bad := startRelease(t, "1.5.0", nil, config)
				bad.serve(5*time.Second, 0)
				bad.serve(test.fails, 4)
				bad.serve(30*time.Minute, 0)
				if !test.ticket {
					require.Empty(t, sink.tickets())
					bad.stop(t)
					return
				}
				require.Len(t, sink.tickets(), 1)
				require.Equal(t, "1.5.0", sink.tickets()[0].Suspects[0].Version)
				updated := updates(&sink)
				require.Equal(t, int64(test.fails/(500*time.Millisecond)/4), updated[len(updated)-1].Count)
				bad.stop(t)
			})
		})
	}
}
