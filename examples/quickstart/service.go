package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/deployment"
	"github.com/spanticket/spanticket/enrich"
	"github.com/spanticket/spanticket/sinks"
)

//go:embed rules.yaml
var rules []byte

// service is one service of the shop. Its address stays; the process that answers there,
// with an engine of its own, changes with each deployment.
type service struct {
	name     string
	critical bool // the shop lives by it
	store    correlate.Store
	sink     sinks.Sink
	address  *address

	mu      sync.Mutex
	running *process // nil before the first deployment
	deploys int
	before  autoticket.Stats // of processes that are gone
}

// newService returns a service that files its tickets in the sink. It answers
// nobody until it is deployed.
func newService(name string, critical bool, store correlate.Store, sink sinks.Sink) (*service, error) {
	a, err := listen()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &service{name: name, critical: critical, store: store, sink: sink, address: a}, nil
}

// newEngine returns what tells people about a process.
func (s *service) newEngine() (*autoticket.Engine, error) {
	engine, err := autoticket.New(autoticket.Config{
		RuleYAML:  rules,
		Sinks:     map[string]sinks.Sink{"console": s.sink},
		Store:     s.store,
		TraceLink: enrich.Jaeger("http://localhost:16686"),
	})
	if err != nil {
		// A service would log this and run on: a nil engine does nothing.
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	return engine, nil
}

// release is what a deployment brings.
type release struct {
	version  string
	revision string
	change   string // title of the change that made it
}

// process is one running release of a service, with what a process has to
// itself.
type process struct {
	version  string
	engine   *autoticket.Engine
	provider *sdktrace.TracerProvider
	server   *http.Server
	turn     *turn
	served   chan error // what Serve returned
}

// deploy stops the release before, when that has answered what it was asked, and starts
// another one. Who asks meanwhile waits.
func (s *service) deploy(ctx context.Context, r release, handler func(telemetry) http.Handler) error {
	if err := s.retire(ctx); err != nil {
		return fmt.Errorf("%s: stopping the release before %s: %w", s.name, r.version, err)
	}
	engine, err := s.newEngine()
	if err != nil {
		return err
	}
	s.deploys++
	provider := sdktrace.NewTracerProvider(
		// An exporter's processor would come next; the engine needs none.
		sdktrace.WithSpanProcessor(engine.SpanProcessor()),
		sdktrace.WithResource(s.resource(r)),
	)
	t := telemetry{provider: provider}
	p := &process{
		version:  r.version,
		engine:   engine,
		provider: provider,
		server: &http.Server{
			Handler:           t.server(handler(t)),
			ReadHeaderTimeout: time.Second,
			ReadTimeout:       2 * time.Second,
			WriteTimeout:      5 * time.Second,
		},
		turn:   s.address.turn(),
		served: make(chan error, 1),
	}
	// One connection, one request: none is left open by which a deployment
	// would have to decide whether another request is on its way.
	p.server.SetKeepAlivesEnabled(false)
	go func() { p.served <- p.server.Serve(p.turn) }()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = p
	return nil
}

// retire stops the process that runs, if one does.
func (s *service) retire(ctx context.Context) error {
	p := s.running
	if p == nil {
		return nil
	}
	err := p.stop(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running, s.before = nil, together(s.before, p.engine.Stats())
	return err
}

// announce tells what was deployed since a time, as a pipeline does whose spans come by.
func (s *service) announce(ctx context.Context, r release, status deployment.Status, since time.Time) {
	deployment.Record(ctx, s.running.provider.Tracer("pipeline"), deployment.Deployment{
		Scope:   correlate.Scope{Namespace: "shop", Service: s.name, Environment: "demo"},
		Version: r.version, Revision: r.revision, Status: status, By: "ci", Time: since, Done: time.Now(),
		Changelog: "https://git.example.com/shop/" + s.name + "/commit/" + r.revision,
		Rollback:  "kubectl rollout undo deployment/" + s.name,
	})
}

// stats returns what the engines of all of its processes have done, as far as the report
// needs it.
func (s *service) stats() autoticket.Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		return s.before
	}
	return together(s.before, s.running.engine.Stats())
}

func together(a, b autoticket.Stats) autoticket.Stats {
	sum := func(a, b map[string]int64) map[string]int64 {
		out := map[string]int64{}
		for _, counts := range []map[string]int64{a, b} {
			for name, n := range counts {
				out[name] += n
			}
		}
		return out
	}
	return autoticket.Stats{
		Spans: a.Spans + b.Spans, Occurrences: a.Occurrences + b.Occurrences,
		Decisions: sum(a.Decisions, b.Decisions), Dropped: sum(a.Dropped, b.Dropped),
	}
}

// resource says who is running. Tickets quote it, so that a reader knows which
// process failed and which change it was built from.
func (s *service) resource(r release) *resource.Resource {
	deployment := fmt.Sprintf("%s-%d", s.name, s.deploys)
	criticality := semconv.ServiceCriticalityMedium
	if s.critical {
		criticality = semconv.ServiceCriticalityCritical
	}
	return resource.NewWithAttributes(semconv.SchemaURL,
		semconv.ServiceNamespace("shop"),
		semconv.ServiceName(s.name),
		semconv.ServiceVersion(r.version),
		semconv.ServiceInstanceID(deployment+"-a"),
		criticality,
		attribute.String("deployment.environment.name", "demo"),
		semconv.DeploymentName(s.name+" "+r.version),
		semconv.DeploymentID(deployment),
		semconv.VCSRefHeadRevision(r.revision),
		semconv.VCSChangeTitle(r.change),
		semconv.VCSRepositoryURLFull("https://git.example.com/shop/"+s.name),
	)
}

// stop ends the process when it has answered what it was asked.
func (p *process) stop(ctx context.Context) error {
	err := p.turn.Close()
	if served := <-p.served; !errors.Is(served, net.ErrClosed) {
		err = errors.Join(err, served)
	}
	// A server that is shut down drops the requests that it has accepted and
	// not read yet, so they come first; and what makes tickets of spans comes last.
	return errors.Join(err, p.turn.wait(ctx), p.server.Shutdown(ctx), p.server.Close(), p.provider.Shutdown(ctx), p.engine.Shutdown(ctx))
}

// stop ends the service.
func (s *service) stop(ctx context.Context) error {
	return errors.Join(s.retire(ctx), s.address.close())
}
