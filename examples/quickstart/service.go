package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/enrich"
	"github.com/spanticket/spanticket/sinks"
)

//go:embed rules.yaml
var rules []byte

// service is one service of the shop. Its engine stays, as what tells people
// about it; the process that answers at its address changes with each deployment.
type service struct {
	name     string
	critical bool // the shop lives by it
	engine   *autoticket.Engine
	address  *address
	running  *process // nil before the first deployment
	deploys  int
}

// newService returns a service that files its tickets in the sink. It answers
// nobody until it is deployed.
func newService(name string, critical bool, store correlate.Store, sink sinks.Sink) (*service, error) {
	engine, err := autoticket.New(autoticket.Config{
		RuleYAML:  rules,
		Sinks:     map[string]sinks.Sink{"console": sink},
		Store:     store,
		TraceLink: enrich.Jaeger("http://localhost:16686"),
	})
	if err != nil {
		// A service would log this and run on: a nil engine does nothing.
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	a, err := listen()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), engine.Shutdown(context.Background()))
	}
	return &service{name: name, critical: critical, engine: engine, address: a}, nil
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
	provider *sdktrace.TracerProvider
	server   *http.Server
	turn     *turn
	served   chan error // what Serve returned
}

// deploy starts a release, and then stops the one before it when that has
// answered what it was asked.
func (s *service) deploy(ctx context.Context, r release, handler func(telemetry) http.Handler) error {
	s.deploys++
	provider := sdktrace.NewTracerProvider(
		// An exporter's processor would come next; the engine needs none.
		sdktrace.WithSpanProcessor(s.engine.SpanProcessor()),
		sdktrace.WithResource(s.resource(r)),
	)
	t := telemetry{provider: provider}
	p := &process{
		version:  r.version,
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
	before := s.running
	s.running = p
	if before == nil {
		return nil
	}
	if err := before.stop(ctx); err != nil {
		return fmt.Errorf("%s: stopping the release before %s: %w", s.name, r.version, err)
	}
	return nil
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
	// not read yet, so they come first.
	return errors.Join(err, p.turn.wait(ctx), p.server.Shutdown(ctx), p.server.Close(), p.provider.Shutdown(ctx))
}

// stop ends the service: first what makes spans, then what makes tickets of
// them.
func (s *service) stop(ctx context.Context) error {
	var err error
	if s.running != nil {
		err = s.running.stop(ctx)
	}
	return errors.Join(err, s.address.close(), s.engine.Shutdown(ctx))
}
