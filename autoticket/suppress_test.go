package autoticket_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/deployment"
	"github.com/spanticket/spanticket/sinks"
)

// TestSuppressDeploy holds what a rule that waits for deployments files of a service
// that a pipeline says it has deployed as the test begins.
func TestSuppressDeploy(t *testing.T) {
	own := correlate.Scope{Service: "checkout", Environment: "test"}
	for _, test := range []struct {
		rule     string
		scope    correlate.Scope // that was deployed
		status   deployment.Status
		failures int // one every ten seconds, from the second after
		count    int64
		held     int64
	}{
		{"what stops within the time has no ticket", own, deployment.Succeeded, 29, 0, 29},
		{"what goes on has one, with all that was counted", own, deployment.Succeeded, 40, 40, 30},
		{"a rollback is a deployment", own, deployment.RolledBack, 29, 0, 29},
		{"that of another service is none", correlate.Scope{Service: "bank", Environment: "test"}, deployment.Succeeded, 29, 29, 0},
		{"nor that of another environment", correlate.Scope{Service: "checkout", Environment: "staging"}, deployment.Succeeded, 29, 29, 0},
	} {
		t.Run(test.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var sink shelf
				engine, tracer := start(t, autoticket.Config{
					Sinks: map[string]sinks.Sink{"shelf": &sink},
					Rules: []autoticket.Rule{{
						Name: "errors", When: `span.status == "ERROR"`, Quiet: 30 * time.Minute, Suppress: correlate.Suppress{Deploy: 5 * time.Minute},
						Labels: []string{`suspects[0].version`},
					}},
				})
				deployment.Record(t.Context(), tracer, deployment.Deployment{Scope: test.scope, Version: "1.2.3", Status: test.status})
				time.Sleep(time.Second)
				first := time.Now()
				for range test.failures {
					_, sp := tracer.Start(t.Context(), "GET /", trace.WithSpanKind(trace.SpanKindServer))
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
					require.Equal(t, test.held, held[0].Count)
					x, err := engine.Explain(t.Context(), held[0].Signature)
					require.NoError(t, err)
					require.Contains(t, x.String(), "has no ticket of its own (settling)")
					require.Contains(t, x.String(), "deployed at "+first.Add(-time.Second).UTC().Format(time.RFC3339))
				} else {
					require.Empty(t, held)
				}
				time.Sleep(time.Hour)
				synctest.Wait()
				stats := engine.Stats()
				require.Zero(t, stats.OpenProblems)
				require.Zero(t, stats.HeldProblems)
				require.Equal(t, test.held, stats.Decisions["settling"])
				if test.count == 0 {
					require.Empty(t, sink.filed)
					return
				}
				require.Len(t, sink.filed, 1)
				require.True(t, first.Equal(sink.filed[0].FirstSeen))
				last := sink.updates[len(sink.updates)-1]
				require.Equal(t, sinks.Resolved, last.State)
				require.Equal(t, test.count, last.Count)
				require.EqualValues(t, 1, stats.Decisions["opened"])
				require.Equal(t, test.count-test.held-1, stats.Decisions["deduplicated"])
			})
		})
	}
}
