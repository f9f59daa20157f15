package autoticket

import (
	"context"

	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
)

// LogProcessor returns a handle for one LoggerProvider, for the errors that are
// logged: semantic conventions move exceptions from spans to logs, and programs
// log errors through a bridge from slog. Its Shutdown, which the provider calls,
// ends that handle alone. Call it once for each provider.
//
// A record tells of an error if it has an exception, as the attributes
// exception.type or exception.message or by SetErr, or if its severity is ERROR
// or above. One that is emitted in a span becomes a part of that span when it
// ends, for at most 10 seconds: rules see its exception, and a failure that is
// both on the span and logged is one. Within a span that ends well, what is
// logged is information. A record that no span can be told of, or that came
// after its span's end, stands for itself: its status is ERROR if its severity
// is, and its operation is the span, the event or the logger.
func (e *Engine) LogProcessor() sdklog.Processor {
	return &logProcessor{handle{engine: e.orNil()}}
}

// logProcessor is the handle of a LoggerProvider.
type logProcessor struct{ handle }

// Enabled implements [sdklog.Processor]. Exceptions may be logged at any
// severity, but for those below WARN no one is made to build a record; they are
// seen if another processor wants them.
func (p *logProcessor) Enabled(_ context.Context, params sdklog.EnabledParameters) bool {
	return !p.idle() && (params.Severity == log.SeverityUndefined || params.Severity >= log.SeverityWarn)
}

// OnEmit implements [sdklog.Processor]. It never blocks, never panics and
// returns nil.
func (p *logProcessor) OnEmit(ctx context.Context, r *sdklog.Record) error {
	if p.idle() {
		return nil
	}
	if res := r.Resource(); p.resource.Load() != res {
		p.meet(res)
	}
	p.engine.s.gate.Emit(ctx, r)
	return nil
}
