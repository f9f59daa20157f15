package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/deployment"
	"github.com/spanticket/spanticket/internal/world"
)

// fleet is a simulated world, and what the library has learnt of it.
type fleet struct {
	*world.World
	tracker *deployment.Tracker
	graph   *deployment.Graph
	tracer  trace.Tracer
	address string // of the handler
	now     time.Time
	news    bool // something was told since the history was read
	events  []event
}

// event is something that happens at a time of the world's own clock.
type event struct {
	at time.Time
	do func(context.Context) error
}

func (f *fleet) at(t time.Time, do func(context.Context) error) {
	f.events = append(f.events, event{t, do})
}

// memory is a store that outlives the processes of the fleet, though not this
// program. (A tracker says of a [correlate.Memory] that it has no history.)
type memory struct{ *correlate.Memory }

const (
	secret = "the secret of the webhooks"
	token  = "the token of who does not sign"
)

func scopeOf(service string) correlate.Scope {
	return correlate.Scope{Namespace: "shop", Service: service, Environment: "production"}
}

// simulate runs the fleet of a seed, and returns how well the suspects were.
func simulate(ctx context.Context, seed uint64) (score, error) {
	f := &fleet{World: world.New(seed), graph: &deployment.Graph{}}
	f.tracker = deployment.NewTracker(deployment.Config{
		Store:     memory{&correlate.Memory{}},
		PerMinute: 1 << 20,                   // four weeks take a second here,
		Keep:      50 * 365 * 24 * time.Hour, // and are long ago
	})
	close, err := f.serve()
	if err != nil {
		return score{}, err
	}
	defer close()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(announced{f}))
	f.tracer = provider.Tracer("pipelines")

	f.learn()
	f.deploy()
	s := score{seeds: []uint64{seed}}
	for i := range f.Faults {
		f.ask(i, &s)
	}
	slices.SortStableFunc(f.events, func(a, b event) int { return a.at.Compare(b.at) })
	for _, e := range f.events {
		f.now = e.at
		if err := e.do(ctx); err != nil {
			return s, fmt.Errorf("seed %d, %s: %w", seed, e.at.Format(time.DateTime), err)
		}
	}
	return s, provider.Shutdown(ctx)
}

// serve starts the handler that systems that deploy send to.
func (f *fleet) serve() (close func() error, err error) {
	handler, err := deployment.NewHandler(deployment.HandlerConfig{
		Tracker: f.tracker, GitHub: []string{secret}, Shared: []string{token},
		Resolve: func(d deployment.Deployment) (deployment.Deployment, bool) {
			d.Scope.Namespace = cmp.Or(d.Scope.Namespace, "shop")
			return d, true
		},
	})
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go server.Serve(l) // until it is closed
	f.address = "http://" + l.Addr().String()
	return server.Close, nil
}

// learn shows the graph a request of each operation a day.
func (f *fleet) learn() {
	for day := range 28 {
		at := f.Start.AddDate(0, 0, day)
		f.at(at, func(context.Context) error {
			for _, s := range f.Services {
				for _, op := range s.Operations {
					if op.Calls >= 0 {
						f.graph.Learn(scopeOf(s.Name), "CLIENT", attributes("server.address", f.Services[op.Calls].Name+".shop.svc.cluster.local"), at)
					}
				}
				for _, name := range s.Uses {
					f.graph.Learn(scopeOf(s.Name), "CLIENT", attributes("db.system.name", "postgresql", "server.address", name), at)
				}
			}
			return nil
		})
	}
}

// Count implements [deployment.Rates], as what counts the requests would answer.
func (f *fleet) Count(q deployment.Query) (deployment.Count, bool) {
	s := slices.IndexFunc(f.Services, func(s world.Service) bool { return s.Name == q.Scope.Service })
	if s < 0 {
		return deployment.Count{}, false
	}
	op := -1
	if q.Operation != "" {
		op = slices.IndexFunc(f.Services[s].Operations, func(op world.Operation) bool { return op.Name == q.Operation })
	}
	total, failed := f.World.Count(s, op, q.Version, q.From, q.To)
	return deployment.Count{Total: total, Failed: failed}, true
}

func attributes(pairs ...string) (out []correlate.Attribute) {
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, correlate.Attribute{Key: pairs[i], Value: pairs[i+1]})
	}
	return out
}
