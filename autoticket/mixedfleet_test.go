package autoticket_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/enrich"
	"github.com/spanticket/spanticket/sinks"
)

// fleetService is a service of a mixed fleet: all that it says has its mark in it.
type fleetService struct {
	mark    string
	down    atomic.Bool
	tracker shelf // each service means another one by the same name
	extra   shelf // under a name that only this service has
	config  autoticket.Config
	engine  *autoticket.Engine
	tracer  trace.Tracer
}

func newFleetService(store correlate.Store, mark, rule string, sweep time.Duration) *fleetService {
	s := &fleetService{mark: mark}
	s.tracker.fail = func(sinks.Ticket) error {
		if s.down.Load() {
			return &sinks.Error{Err: errors.New("down")}
		}
		return nil
	}
	s.config = autoticket.Config{
		Store: store, Sweep: sweep, Attributes: []string{"cart"},
		Sinks:    map[string]sinks.Sink{"tracker": &s.tracker, "extra-" + mark: &s.extra},
		Delivery: map[string]autoticket.Delivery{"tracker": {Attempts: 1 << 30, PerMinute: 6000, Burst: 1000}},
		// The same name, and the same condition or another one, with other answers.
		Rules: []autoticket.Rule{{
			Name: "errors", When: rule, Severity: mark, Team: "team-" + mark, Title: fmt.Sprintf("%q + span.name", mark+": "), Labels: []string{"label-" + mark},
			Runbook: "https://" + mark + ".example/runbook", Budget: 3, Quiet: time.Hour,
		}},
		Enrichers: map[string]enrich.Enricher{"owner": enrich.Func(func(_ context.Context, p correlate.Problem) (enrich.Facts, error) {
			return enrich.Facts{Facts: []sinks.Fact{{Name: "owner", Value: "owner-" + mark}}}, nil
		})},
		TraceLink: "https://" + mark + ".example/trace/{trace_id}",
	}
	return s
}

func (s *fleetService) start(t *testing.T) {
	s.engine, s.tracer = serviceOn(t, s.mark, s.config)
}

// fail makes what is the same failure in each service, but for its mark.
func (s *fleetService) fail(operation string) {
	_, span := s.tracer.Start(context.Background(), operation, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attribute.String("cart", "cart-"+s.mark)))
	span.RecordError(errors.New("out of memory in " + s.mark))
	span.SetStatus(codes.Error, "out of memory in "+s.mark)
	span.End()
}

// Three services with rules and sinks of their own share a store. One sink name has
// three meanings, trackers are down for hours, engines stop with tickets that wait,
// and one of them sweeps: no ticket carries another's facts, none is in another's
// tracker, and each is filed once.
func TestMixedFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(correlate.Memory)
		fleet := []*fleetService{
			newFleetService(store, "alpha", `span.status == "ERROR"`, 0),
			newFleetService(store, "bravo", `span.status == "ERROR" && span.kind == "SERVER"`, 6*time.Hour),
			newFleetService(store, "delta", `exception.message != ""`, 0),
		}
		for _, s := range fleet {
			s.start(t)
		}
		burst := func() {
			for _, op := range []string{"GET /a", "GET /b", "GET /c", "GET /d", "GET /e"} { // two are beyond the budget
				for _, s := range fleet {
					s.fail(op)
				}
			}
			time.Sleep(2 * time.Minute)
		}
		burst()
		for i, s := range fleet { // each tracker in turn is down while all fail and resolve and fail
			s.down.Store(true)
			burst()
			time.Sleep(90 * time.Minute)
			burst()
			end(t, s.engine) // with what waits
			for _, other := range fleet[i+1:] {
				other.fail("GET /a")
			}
			time.Sleep(time.Hour)
			s.down.Store(false)
			s.start(t)
			time.Sleep(20 * time.Minute)
		}
		burst()
		time.Sleep(3 * time.Hour) // all is quiet
		synctest.Wait()

		marks := []string{"alpha", "bravo", "delta"}
		for _, s := range fleet {
			parked, err := s.engine.Parked(t.Context())
			require.NoError(t, err)
			require.Empty(t, parked, s.mark)
			for name, box := range map[string]*shelf{"tracker": &s.tracker, "extra": &s.extra} {
				keys := map[string]bool{}
				require.Len(t, box.tickets(), 5+1, "%s of %s: one for each problem, and one that lists what was beyond the budget", name, s.mark)
				for i, ticket := range append(box.tickets(), box.updates...) {
					if i < len(box.filed) {
						require.False(t, keys[ticket.Key], "filed twice")
						keys[ticket.Key] = true
					}
					require.Equal(t, s.mark, ticket.Service)
					text := fmt.Sprintf("%+v %s", ticket, ticket.Text())
					for _, mark := range marks {
						if mark == s.mark {
							require.Contains(t, text, mark)
						} else {
							require.NotContains(t, text, mark, "a ticket of %s", s.mark)
						}
					}
					if slices.Contains(ticket.Labels, "label-"+s.mark) {
						require.Equal(t, "team-"+s.mark, ticket.Team)
						require.Contains(t, text, "owner-"+s.mark)
					}
				}
			}
		}
	})
}
