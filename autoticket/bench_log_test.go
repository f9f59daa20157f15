package autoticket_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// BenchmarkOnEmit measures what the library costs the goroutine that logs. The
// yardstick is emit, what the SDK itself spends on a record of four attributes;
// the last ends the span too, of a request that went well.
func BenchmarkOnEmit(b *testing.B) {
	b.Run("emit", func(b *testing.B) {
		logs := sdklog.NewLoggerProvider(sdklog.WithProcessor(new(lastRecord))).Logger("shop")
		b.ReportAllocs()
		for b.Loop() {
			logs.Emit(b.Context(), logRecord(log.SeverityInfo, nil))
		}
	})
	for _, row := range []struct {
		name     string
		severity log.Severity
		err      error
		ends     bool
	}{
		{"none", log.SeverityWarn, nil, false},
		{"held", log.SeverityError, errFailed, false},
		{"merged", log.SeverityError, errFailed, true},
	} {
		b.Run(row.name, func(b *testing.B) {
			engine, spans := newBenchEngine(b, benchRules(1000))
			logs := engine.LogProcessor()
			var ended sdktrace.ReadOnlySpan
			tracer := newTracer(nothing{onEnd: func(sp sdktrace.ReadOnlySpan) { ended = sp }})
			endSpan(tracer, "GET /orders/{id}", nil)
			ctx, open := tracer.Start(b.Context(), "GET /orders/{id}")
			end := identified{ended, open.SpanContext()}
			r := sdkRecord(ctx, logRecord(row.severity, row.err))
			b.ReportAllocs()
			for b.Loop() {
				_ = logs.OnEmit(ctx, r)
				if row.ends {
					spans.OnEnd(end)
				}
			}
			if row.ends {
				require.Equal(b, engine.Stats().Merged, engine.Stats().Records)
			}
		})
	}
}

// identified is a span with the identity of another.
type identified struct {
	sdktrace.ReadOnlySpan
	as trace.SpanContext
}

func (i identified) SpanContext() trace.SpanContext { return i.as }

func logRecord(severity log.Severity, err error) (r log.Record) {
	r.SetSeverity(severity)
	r.SetBody(attribute.StringValue("charge failed"))
	r.SetErr(err)
	r.AddAttributes(attribute.String("order.id", "4711"), attribute.Int("attempt", 2), attribute.String("currency", "EUR"), attribute.Bool("retry", false))
	return r
}

// lastRecord is a log processor that keeps the record that came last.
type lastRecord struct{ record sdklog.Record }

func (l *lastRecord) OnEmit(_ context.Context, r *sdklog.Record) error {
	l.record = r.Clone()
	return nil
}
func (*lastRecord) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }
func (*lastRecord) Shutdown(context.Context) error                         { return nil }
func (*lastRecord) ForceFlush(context.Context) error                       { return nil }

// sdkRecord returns a record as a processor gets it.
func sdkRecord(ctx context.Context, r log.Record) *sdklog.Record {
	var last lastRecord
	sdklog.NewLoggerProvider(sdklog.WithProcessor(&last)).Logger("shop").Emit(ctx, r)
	return &last.record
}

// TestWhatDoesNotMatterAllocatesNothing: log records that tell of no error cost
// the host no memory.
func TestWhatDoesNotMatterAllocatesNothing(t *testing.T) {
	engine, _ := newBenchEngine(t, benchRules(1))
	p := engine.LogProcessor()
	r := sdkRecord(t.Context(), logRecord(log.SeverityWarn, nil))
	require.Zero(t, testing.AllocsPerRun(100, func() { _ = p.OnEmit(t.Context(), r) }))
	require.Zero(t, engine.Stats().Records)
	require.NoError(t, p.OnEmit(t.Context(), sdkRecord(t.Context(), logRecord(log.SeverityWarn, errors.New("boom")))))
	require.Equal(t, int64(1), engine.Stats().Records)
}
