package main

import (
	"net/http"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// telemetry is the instrumentation of one process. A program that is one
// process would set OpenTelemetry's globals; here are three in one.
type telemetry struct{ provider trace.TracerProvider }

func (t telemetry) options(more ...otelhttp.Option) []otelhttp.Option {
	return append([]otelhttp.Option{
		otelhttp.WithTracerProvider(t.provider),
		otelhttp.WithMeterProvider(noop.NewMeterProvider()),
		otelhttp.WithPropagators(propagation.TraceContext{}),
	}, more...)
}

// server makes a span of each request that h answers.
func (t telemetry) server(h http.Handler) http.Handler {
	return otelhttp.NewHandler(h, "", t.options()...)
}

// client returns a client for one other service, which makes a span of each
// call.
func (t telemetry) client(peer string) *http.Client {
	return &http.Client{
		Transport: otelhttp.NewTransport(new(http.Transport), t.options(
			otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method + " " + r.URL.Path }),
			otelhttp.WithSpanOptions(trace.WithAttributes(semconv.ServicePeerName(peer), semconv.ServicePeerNamespace("shop"))),
		)...),
		Timeout: 4 * time.Second,
	}
}

func (t telemetry) tracer() trace.Tracer {
	return t.provider.Tracer("github.com/spanticket/spanticket/examples/quickstart")
}

// fail records on a span that its operation failed.
func fail(sp trace.Span, err error, attrs ...attribute.KeyValue) {
	sp.RecordError(err)
	sp.SetStatus(codes.Error, err.Error())
	sp.SetAttributes(append(attrs, semconv.ErrorType(err))...)
}
