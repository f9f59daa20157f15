package autoticket

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

// told is a sink that keeps what it is told.
type told struct {
	mu      sync.Mutex
	tickets []sinks.Ticket
}

func (s *told) File(_ context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tickets = append(s.tickets, t)
	return sinks.Receipt{ID: t.Key}, nil
}

func (s *told) Update(ctx context.Context, _ sinks.Receipt, t sinks.Ticket) (sinks.Receipt, error) {
	return s.File(ctx, t)
}

func (s *told) all() []sinks.Ticket {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]sinks.Ticket(nil), s.tickets...)
}

// TestSuppressDeploy holds what a rule that waits for deployments files of a service
// that is deployed as the test begins.
func TestSuppressDeploy(t *testing.T) {
	for _, test := range []struct {
		rule     string
		failures int // one every ten seconds
		count    int64
	}{
		{"what stops within the time has no ticket", 29, 0},
		{"what goes on has one, with all that was counted", 40, 40},
	} {
		t.Run(test.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sink := new(told)
				engine, err := New(Config{
					Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
					Sinks:  map[string]sinks.Sink{"told": sink},
					Rules: []Rule{{
						Name: "errors", When: `span.status == "ERROR"`, Quiet: 30 * time.Minute, Suppress: correlate.Suppress{Deploy: 5 * time.Minute},
					}},
				})
				require.NoError(t, err)
				deployed := time.Now()
				engine.s.ledger.Changed = func(scope correlate.Scope, at time.Time) time.Time {
					if scope.Service == "checkout" && !at.Before(deployed) {
						return deployed
					}
					return time.Time{}
				}
				provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(engine.SpanProcessor()),
					sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "checkout"))))
				defer func() {
					require.NoError(t, provider.Shutdown(context.Background()))
					require.NoError(t, engine.Shutdown(context.Background()))
				}()
				time.Sleep(time.Second)
				first := time.Now()
				for range test.failures {
					_, sp := provider.Tracer("test").Start(context.Background(), "GET /")
					sp.RecordError(errors.New("boom"))
					sp.SetStatus(codes.Error, "")
					sp.End()
					time.Sleep(10 * time.Second)
				}
				synctest.Wait()
				held, err := engine.Held(t.Context())
				require.NoError(t, err)
				if test.count == 0 {
					require.Len(t, held, 1)
					require.Equal(t, correlate.Settling, held[0].Reason)
					require.EqualValues(t, test.failures, held[0].Count)
					x, err := engine.Explain(t.Context(), held[0].Signature)
					require.NoError(t, err)
					require.Contains(t, x.String(), "has no ticket of its own (settling)")
					require.Contains(t, x.String(), "deployed at "+deployed.UTC().Format(time.RFC3339))
				} else {
					require.Empty(t, held)
				}
				time.Sleep(time.Hour)
				synctest.Wait()
				stats := engine.Stats()
				require.Zero(t, stats.OpenProblems)
				require.Zero(t, stats.HeldProblems)
				if test.count == 0 {
					require.Empty(t, sink.all())
					require.Equal(t, map[string]int64{"settling": int64(test.failures)}, stats.Decisions)
					return
				}
				tickets := sink.all()
				require.Equal(t, sinks.EventOpened, tickets[0].Event)
				require.True(t, first.Equal(tickets[0].FirstSeen))
				last := tickets[len(tickets)-1]
				require.Equal(t, sinks.Resolved, last.State)
				require.Equal(t, test.count, last.Count)
				for _, ticket := range tickets {
					require.Equal(t, tickets[0].Key, ticket.Key)
				}
				require.Equal(t, map[string]int64{"settling": 30, "opened": 1, "deduplicated": 9}, stats.Decisions)
			})
		})
	}
}
