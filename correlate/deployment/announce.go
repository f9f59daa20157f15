package deployment

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/correlate"
)

const (
	// spanName is the name of spans that announce a deployment.
	spanName = "deployment"
	// eventName is that of the event of such a span that says that it is done.
	eventName = "deployment.completed"
	// startedName is that of the event that says that it has begun: a span without events is
	// hardly looked at.
	startedName = "deployment.started"
)

// Record tells of a deployment by a span, for CI/CD: it reaches every engine in the
// pipeline that the tracer leads to. The span lasts from d.Time to d.Done, which default
// to now, and fails if d.Status is [Failed]; whoever follows the pipeline's trace finds it there. One call may tell of the beginning
// and another, with the same ID, of the end.
//
// It has the attributes of the semantic conventions and, for those who read by
// hand, deployment.service, .version, .git_sha, .deployer, .environment and .status;
// there is an event deployment.completed, with rollback_command and changelog_url or, if it has
// only begun, deployment.started.
func Record(ctx context.Context, tracer trace.Tracer, d Deployment) {
	now := time.Now()
	begin, end := cmpTime(d.Time, now), cmpTime(d.Done, cmpTime(d.Time, now))
	if d.Status == "" {
		d.Status = Succeeded
	}
	var attrs []attribute.KeyValue
	set := func(value string, keys ...string) {
		for _, key := range keys {
			if value != "" {
				attrs = append(attrs, attribute.String(key, value))
			}
		}
	}
	set(d.ID, "deployment.id")
	set(d.Name, "deployment.name")
	set(string(d.Status), "deployment.status")
	set(d.Scope.Service, "deployment.service")
	set(d.Scope.Namespace, "deployment.namespace")
	set(d.Scope.Environment, "deployment.environment.name", "deployment.environment")
	set(d.Version, "deployment.version")
	set(d.Revision, "vcs.ref.head.revision", "deployment.git_sha")
	set(d.Region, "deployment.region")
	set(d.By, "deployment.deployer")
	set(begin.UTC().Format(time.RFC3339Nano), "deployment.timestamp")
	for _, l := range d.Links {
		for _, known := range linkKeys {
			if l.Name == known.name {
				set(l.URL, known.key)
			}
		}
	}
	if d.Back {
		attrs = append(attrs, attribute.Bool("deployment.back", true))
	}
	_, span := tracer.Start(ctx, spanName, trace.WithSpanKind(trace.SpanKindInternal), trace.WithTimestamp(begin), trace.WithAttributes(attrs...))
	if d.Status == Started {
		span.AddEvent(startedName, trace.WithTimestamp(begin))
	} else {
		attrs = nil
		set(d.Rollback, "rollback_command")
		set(d.Changelog, "changelog_url")
		span.AddEvent(eventName, trace.WithTimestamp(end), trace.WithAttributes(attrs...))
	}
	if d.Status == Failed {
		span.SetStatus(codes.Error, "the deployment failed")
	}
	span.End(trace.WithTimestamp(end))
}

// Announces reports whether a span may announce a deployment, which [FromSpan] then
// tells. It allocates nothing, and may be called from OnEnd.
func Announces(span sdktrace.ReadOnlySpan) bool {
	if span.Name() == spanName {
		return true
	}
	for _, e := range span.Events() {
		if e.Name == eventName {
			return true
		}
	}
	return false
}

// FromSpan returns the deployment that a span announces, if it does: one named
// "deployment" that says of which service, or any span with an event deployment.completed. What is
// missing of version or environment stays empty, and is not taken from the resource: that is of who deploys. It
// looks at the span's name and events first, allocates nothing for any other
// span, and may be called from OnEnd.
func FromSpan(span sdktrace.ReadOnlySpan) (d Deployment, ok bool) {
	events := span.Events()
	completed := -1
	for i := range events {
		if events[i].Name == eventName {
			completed = i
		}
	}
	if completed < 0 && span.Name() != spanName {
		return d, false
	}
	pairs := span.Attributes()
	if completed >= 0 {
		pairs = append(pairs[:len(pairs):len(pairs)], events[completed].Attributes...)
	}
	d, ok = FromKeyValues(pairs)
	if !ok {
		return d, false
	}
	if d.Time.IsZero() {
		d.Time = span.StartTime()
	}
	if d.Status == "" {
		d.Status = Succeeded
		if span.Status().Code == codes.Error {
			d.Status = Failed
		}
	}
	if d.Status != Started && span.EndTime().After(d.Time) {
		d.Done = span.EndTime()
	}
	return d, true
}

// FromKeyValues returns the deployment that attributes of a span announce. It reports false
// unless they name the service, under deployment.service or service.name, and
// something of what was deployed.
func FromKeyValues(pairs []attribute.KeyValue) (d Deployment, ok bool) {
	attrs := make([]correlate.Attribute, 0, len(pairs))
	for _, kv := range pairs {
		switch kv.Value.Type() {
		case attribute.STRING, attribute.INT64, attribute.FLOAT64, attribute.BOOL:
			attrs = append(attrs, correlate.Attribute{Key: string(kv.Key), Value: kv.Value.AsInterface()})
		}
	}
	d = FromAttributes(attrs)
	d.Back, _ = correlate.Attr(attrs, "deployment.back").(bool)
	d.Source = "span"
	return d, d.Scope.Service != "" && d.Version+d.Revision+d.ID != ""
}
