package autoticket_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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
	"github.com/spanticket/spanticket/sinks"
)

// neighbour is a service with an engine of its own.
type neighbour struct {
	name   string
	engine *autoticket.Engine
	tracer trace.Tracer
	shelf  *shelf
}

// neighbours starts services that call each other in turn.
func neighbours(t *testing.T, config func(name string) autoticket.Config, names ...string) (out []neighbour) {
	t.Helper()
	for _, name := range names {
		n := neighbour{name: name, shelf: new(shelf)}
		c := config(name)
		c.Sinks = map[string]sinks.Sink{"shelf": n.shelf}
		c.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
		var err error
		n.engine, err = autoticket.New(c)
		require.NoError(t, err)
		provider := sdktrace.NewTracerProvider(
			sdktrace.WithSpanProcessor(n.engine.SpanProcessor()),
			sdktrace.WithResource(resource.NewSchemaless(
				attribute.String("service.namespace", "shop"), attribute.String("service.name", name), attribute.String("deployment.environment.name", "test"))),
		)
		n.tracer = provider.Tracer("test")
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
			defer cancel()
			require.NoError(t, errors.Join(provider.Shutdown(ctx), n.engine.Shutdown(ctx)))
		})
		out = append(out, n)
	}
	return out
}

// request goes through all services. The last one fails in its pool, if it is
// well; one that is not reached fails as far as its caller sees.
func request(ctx context.Context, services []neighbour, unreached string) error {
	n := services[0]
	ctx, server := n.tracer.Start(ctx, "POST /"+n.name, trace.WithSpanKind(trace.SpanKindServer))
	defer server.End()
	var err error
	if len(services) == 1 {
		_, op := n.tracer.Start(ctx, "pool.Acquire")
		err = errors.New("no free connection")
		op.RecordError(err)
		op.SetStatus(codes.Error, err.Error())
		op.End()
	} else {
		next := services[1].name
		_, call := n.tracer.Start(ctx, "POST", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attribute.String("server.address", next)))
		if next == unreached {
			err = fmt.Errorf("dial %s: connection refused", next)
		} else if e := request(trace.ContextWithRemoteSpanContext(context.Background(), call.SpanContext()), services[1:], unreached); e != nil {
			call.SetAttributes(attribute.Int("http.response.status_code", 500))
			err = fmt.Errorf("%s answered 500", next)
		}
		call.SetStatus(codes.Error, err.Error())
		call.End()
	}
	server.SetStatus(codes.Error, err.Error())
	time.Sleep(time.Millisecond) // the way back
	return err
}

func requests(n int, services []neighbour, unreached string) {
	for range n {
		_ = request(context.Background(), services, unreached)
		time.Sleep(time.Second)
	}
}

func rules(quiet time.Duration) []autoticket.Rule {
	return []autoticket.Rule{{Name: "errors", When: `span.status == "ERROR"`, Quiet: quiet}}
}

func TestOneFailureSeenByThreeServicesIsOneTicket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(correlate.Memory)
		services := neighbours(t, func(string) autoticket.Config {
			return autoticket.Config{Store: store, Rules: rules(2 * time.Minute)}
		}, "storefront", "checkout", "payment")
		storefront, checkout, payment := services[0], services[1], services[2]
		const n = 600
		requests(n, services, "")
		synctest.Wait()

		require.Empty(t, storefront.shelf.filed)
		require.Empty(t, checkout.shelf.filed)
		require.Len(t, payment.shelf.filed, 1)
		for _, s := range services[:2] {
			st := s.engine.Stats()
			require.InDelta(t, n, st.Decisions[string(correlate.Downstream)], 4, "what was not counted by now is waiting")
			require.Empty(t, st.Dropped)
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		last := payment.shelf.updates[len(payment.shelf.updates)-1]
		require.Equal(t, sinks.EventResolved, last.Event)
		require.EqualValues(t, n, last.Count)
		require.Equal(t, "pool.Acquire", last.Origin.Operation)
		require.InEpsilon(t, n, last.Impact.Traces, 0.12)
		affected := map[string]int64{}
		for _, a := range last.Impact.Operations {
			affected[a.Service+" "+a.Operation] = a.Count
			require.NotZero(t, a.Share.Requests)
			require.Equal(t, a.Share.Requests, a.Share.Failed)
		}
		require.Equal(t, map[string]int64{"payment POST /payment": n, "checkout POST /checkout": n, "storefront POST /storefront": n}, affected)

		// What fails next is another failure, and another service's.
		requests(60, services, "payment")
		synctest.Wait()
		require.Empty(t, storefront.shelf.filed)
		require.Len(t, checkout.shelf.filed, 1, "nobody else can know")
		require.Len(t, payment.shelf.filed, 1)
	})
}

func TestASymptomIsFiledWhenItsCauseIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(correlate.Memory)
		services := neighbours(t, func(string) autoticket.Config {
			return autoticket.Config{Store: store, Rules: rules(30 * time.Second)}
		}, "checkout", "payment")
		requests(20, services, "")
		synctest.Wait()
		require.Empty(t, services[0].shelf.filed)

		// The same failure to the caller, of which the callee does not know.
		for range 120 {
			ctx, server := services[0].tracer.Start(context.Background(), "POST /checkout", trace.WithSpanKind(trace.SpanKindServer))
			_, call := services[0].tracer.Start(ctx, "POST", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
				attribute.String("server.address", "payment"), attribute.Int("http.response.status_code", 500)))
			call.SetStatus(codes.Error, "payment answered 500")
			call.End()
			server.End()
			time.Sleep(time.Second)
		}
		synctest.Wait()
		require.Len(t, services[0].shelf.filed, 1)
		filed := services[0].shelf.filed[0]
		require.Greater(t, filed.Count, int64(20), "with what was counted meanwhile")
		require.Contains(t, fmt.Sprint(filed.Why), "symptom of payment pool.Acquire")
	})
}

func TestWithoutASharedStoreEachServiceFilesForItself(t *testing.T) {
	for _, test := range []struct {
		rule  string
		peers []string
		want  int
	}{
		{"nobody knows of the other", nil, 1},
		{"unless it is told that the other files for itself", []string{"payment"}, 0},
		{"which another service does", []string{"bank"}, 1},
	} {
		t.Run(test.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				services := neighbours(t, func(name string) autoticket.Config {
					return autoticket.Config{Rules: rules(time.Hour), Peers: test.peers}
				}, "checkout", "payment")
				requests(10, services, "")
				time.Sleep(10 * time.Second)
				synctest.Wait()
				require.Len(t, services[0].shelf.filed, test.want)
				require.Len(t, services[1].shelf.filed, 1)
				if test.want == 0 {
					require.EqualValues(t, 10, services[0].engine.Stats().Decisions[string(correlate.Downstream)])
				}
				requests(1, services, "payment")
				time.Sleep(10 * time.Second)
				synctest.Wait()
				require.Len(t, services[0].shelf.filed, test.want+1, "one that does not answer cannot file anything")
			})
		})
	}
}

// slowStore takes its time.
type slowStore struct {
	correlate.Store
	wait time.Duration
}

func (s slowStore) Update(ctx context.Context, key correlate.Key, fn correlate.UpdateFunc) error {
	time.Sleep(s.wait)
	return s.Store.Update(ctx, key, fn)
}

func TestACalleeHasTimeToSayWhatItKnows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(correlate.Memory)
		services := neighbours(t, func(name string) autoticket.Config {
			if name == "payment" {
				return autoticket.Config{Store: slowStore{store, 500 * time.Millisecond}, Rules: rules(time.Hour)}
			}
			return autoticket.Config{Store: store, Rules: rules(time.Hour)}
		}, "storefront", "checkout", "payment")
		requests(10, services, "")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.Empty(t, services[0].shelf.filed)
		require.Empty(t, services[1].shelf.filed)
		require.Len(t, services[2].shelf.filed, 1)
	})
}

// A quiet period may be shorter than the time that a call waits for its callee.
func TestASymptomThatComesLateIsStillOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(correlate.Memory)
		services := neighbours(t, func(string) autoticket.Config {
			return autoticket.Config{Store: store, Rules: rules(time.Second)}
		}, "storefront", "checkout", "payment")
		for range 3 {
			requests(5, services, "")
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		require.Empty(t, services[0].shelf.filed)
		require.Empty(t, services[1].shelf.filed)
		require.Len(t, services[2].shelf.filed, 1)
		require.EqualValues(t, 15, services[0].engine.Stats().Decisions[string(correlate.Downstream)])
	})
}
