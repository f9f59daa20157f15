package autoticket_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/sinks"
)

// withError is an exception in a log record.
var withError = attribute.String("exception.message", "card declined")

// TestLogs holds what becomes of errors that are logged.
func TestLogs(t *testing.T) {
	dropped := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample())).Tracer("test")
	for _, test := range []struct {
		rule  string
		rules []autoticket.Rule
		do    func(tracer trace.Tracer, logs log.Logger)
		want  map[string]int64 // decisions
		where string           // operation of the ticket
	}{
		{rule: "an error that no span is told of stands alone, under the name of its logger", where: "shop",
			want: map[string]int64{"opened": 1, "deduplicated": 1},
			do: func(_ trace.Tracer, logs log.Logger) {
				emit(context.Background(), logs, log.SeverityError)
				emit(context.Background(), logs, log.SeverityFatal)
			}},
		{rule: "or of its event", where: "payment.refused", want: map[string]int64{"opened": 1},
			do: func(_ trace.Tracer, logs log.Logger) {
				var r log.Record
				r.SetEventName("payment.refused")
				r.SetSeverity(log.SeverityError)
				logs.Emit(context.Background(), r)
			}},
		{rule: "an exception of no severity is no failure, unless a rule wants it", want: map[string]int64{},
			do: func(_ trace.Tracer, logs log.Logger) {
				emit(context.Background(), logs, log.SeverityInfo, withError)
			}},
		{rule: "as one may", where: "shop", want: map[string]int64{"opened": 1},
			rules: []autoticket.Rule{{Name: "declined", When: `exception.message == "card declined"`}},
			do: func(_ trace.Tracer, logs log.Logger) {
				emit(context.Background(), logs, log.SeverityInfo, withError)
			}},
		{rule: "what is logged in a span that ends well is information", want: map[string]int64{},
			do: func(tracer trace.Tracer, logs log.Logger) {
				ctx, sp := tracer.Start(context.Background(), "charge")
				emit(ctx, logs, log.SeverityError, withError)
				emit(ctx, logs, log.SeverityError)
				sp.End()
			}},
		{rule: "rules see it on the span, whatever that says", where: "charge", want: map[string]int64{"opened": 1},
			rules: []autoticket.Rule{{Name: "declined", When: `span.status == "UNSET" && exception.message == "card declined"`}},
			do: func(tracer trace.Tracer, logs log.Logger) {
				ctx, sp := tracer.Start(context.Background(), "charge")
				emit(ctx, logs, log.SeverityInfo, withError)
				sp.End()
			}},
		{rule: "after the end of a span that was called well it is information too", want: map[string]int64{},
			do: func(tracer trace.Tracer, logs log.Logger) {
				ctx, sp := tracer.Start(context.Background(), "charge")
				sp.SetStatus(codes.Ok, "")
				sp.End()
				emit(ctx, logs, log.SeverityError)
			}},
		{rule: "what goes on after the end of its span fails on its own, under its name", where: "charge", want: map[string]int64{"opened": 1},
			do: func(tracer trace.Tracer, logs log.Logger) {
				ctx, sp := tracer.Start(context.Background(), "charge")
				sp.End()
				emit(ctx, logs, log.SeverityError)
			}},
		{rule: "several records of a span that the sampler dropped are one failure", where: "shop", want: map[string]int64{"opened": 1, "symptom": 2},
			do: func(_ trace.Tracer, logs log.Logger) {
				ctx, _ := dropped.Start(context.Background(), "charge")
				emit(ctx, logs, log.SeverityError)
				emit(ctx, logs, log.SeverityError, withError)
				inner, _ := dropped.Start(ctx, "inner")
				emit(inner, logs, log.SeverityError, withError)
			}},
		{rule: "a panic of which nothing else is told is a failure", where: "charge", want: map[string]int64{"opened": 1, "symptom": 1},
			do: func(tracer trace.Tracer, _ log.Logger) {
				defer func() { _ = recover() }()
				ctx, root := tracer.Start(context.Background(), "POST /checkout")
				defer root.End()
				_, sp := tracer.Start(ctx, "charge")
				defer sp.End()
				panic("boom")
			}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			var sink shelf
			engine, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}, Rules: test.rules})
			test.do(tracer, startLogs(t, engine))
			require.NoError(t, engine.Flush(t.Context()))
			stats := engine.Stats()
			require.Equal(t, test.want, stats.Decisions)
			require.Empty(t, stats.Dropped)
			require.Zero(t, stats.HeldRecords)
			accountFor(t, stats)
			if test.where == "" {
				require.Empty(t, sink.tickets())
				return
			}
			require.Len(t, sink.tickets(), 1)
			require.Equal(t, test.where, sink.tickets()[0].Operation)
		})
	}
}

// A record waits ten seconds for the end of its span. If that fails later, it is
// the same failure.
func TestARecordDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine, tracer := start(t, autoticket.Config{})
		logs := startLogs(t, engine)
		ctx, sp := tracer.Start(t.Context(), "import")
		emit(ctx, logs, log.SeverityError, withError)
		time.Sleep(9 * time.Second)
		synctest.Wait()
		require.Equal(t, 1, engine.Stats().HeldRecords)
		require.Zero(t, engine.Stats().Occurrences)
		time.Sleep(15 * time.Second) // and its trace waits for a root
		synctest.Wait()
		require.Zero(t, engine.Stats().HeldRecords)
		require.Equal(t, int64(1), engine.Stats().Occurrences)
		sp.SetStatus(codes.Error, "")
		sp.End()
		require.NoError(t, engine.Flush(t.Context()))
		stats := engine.Stats()
		require.Equal(t, int64(1), stats.Occurrences)
		require.Equal(t, map[string]int64{"opened": 1, "late_symptom": 1}, stats.Decisions)
		accountFor(t, stats)
	})
}

// A record of a long span is merged into it where it is still waited for.
func TestALateRecordFindsItsSpan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sink shelf
		engine, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}})
		logs := startLogs(t, engine)
		ctx, root := tracer.Start(t.Context(), "POST /import")
		ctx, sp := tracer.Start(ctx, "import")
		emit(ctx, logs, log.SeverityError, withError)
		time.Sleep(11 * time.Second)
		sp.SetStatus(codes.Error, "")
		sp.End()
		root.End()
		require.NoError(t, engine.Flush(t.Context()))
		stats := engine.Stats()
		require.Equal(t, map[string]int64{"opened": 1, "symptom": 1}, stats.Decisions)
		require.Equal(t, "card declined", sink.tickets()[0].Exception.Message)
		accountFor(t, stats)
	})
}

// bridge is a slog handler that logs to OpenTelemetry.
type bridge struct {
	logs    atomic.Pointer[log.Logger]
	handled atomic.Int64
}

func (b *bridge) Enabled(context.Context, slog.Level) bool { return b.logs.Load() != nil }
func (b *bridge) WithAttrs([]slog.Attr) slog.Handler       { return b }
func (b *bridge) WithGroup(string) slog.Handler            { return b }
func (b *bridge) Handle(ctx context.Context, r slog.Record) error {
	var out log.Record
	out.SetSeverity(log.SeverityError) // whatever it was
	out.SetBody(attribute.StringValue(r.Message))
	(*b.logs.Load()).Emit(ctx, out)
	b.handled.Add(1)
	return nil
}

// What the library logs makes no tickets, though its logger leads back to it.
func TestTheLibrarysOwnLogsMakeNoTickets(t *testing.T) {
	sink := &script{file: func(context.Context, int64, sinks.Ticket) error {
		return &sinks.Error{Reason: sinks.Rejected, Err: errors.New("400")}
	}}
	var back bridge // leads to a provider that is made once the engine is
	engine, _ := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": sink}, Logger: slog.New(&back)})
	logs := startLogs(t, engine)
	back.logs.Store(&logs)
	emit(t.Context(), logs, log.SeverityError)
	require.NoError(t, engine.Flush(t.Context()))
	await(t, func() bool { return back.handled.Load() > 0 })
	require.Equal(t, int64(1), engine.Stats().Records)
}

// After the end of an engine, records are counted as lost.
func TestRecordsAfterShutdownAreCounted(t *testing.T) {
	engine, tracer := start(t, autoticket.Config{})
	logs := startLogs(t, engine)
	ctx, _ := tracer.Start(t.Context(), "never ends")
	emit(ctx, logs, log.SeverityError, withError)
	require.NoError(t, engine.Shutdown(t.Context()))
	emit(ctx, logs, log.SeverityError, withError)
	emit(t.Context(), logs, log.SeverityError)
	stats := engine.Stats()
	require.Equal(t, int64(3), stats.Records)
	require.Equal(t, map[string]int64{"after_shutdown": 2}, stats.Dropped)
	require.Equal(t, map[string]int64{"opened": 1}, stats.Decisions, "what was held is decided as it is")
	accountFor(t, stats)
}

func TestLogProcessorOfNothing(t *testing.T) {
	off, err := autoticket.New(autoticket.Config{Mode: "off", Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	for _, engine := range []*autoticket.Engine{nil, off} {
		p := engine.LogProcessor()
		require.False(t, p.Enabled(t.Context(), sdklog.EnabledParameters{Severity: log.SeverityFatal}))
		require.NoError(t, p.OnEmit(t.Context(), sdkRecord(t.Context(), logRecord(log.SeverityError, errFailed))))
		require.NoError(t, p.ForceFlush(t.Context()))
		require.NoError(t, p.Shutdown(t.Context()))
	}
}

func TestLogProcessorIsEnabledForWhatMayMatter(t *testing.T) {
	engine, _ := start(t, autoticket.Config{})
	p := engine.LogProcessor()
	for severity, want := range map[log.Severity]bool{
		log.SeverityUndefined: true, log.SeverityDebug: false, log.SeverityInfo4: false, log.SeverityWarn: true, log.SeverityFatal: true,
	} {
		require.Equal(t, want, p.Enabled(t.Context(), sdklog.EnabledParameters{Severity: severity}), severity)
	}
	require.NoError(t, p.Shutdown(t.Context()))
	require.False(t, p.Enabled(t.Context(), sdklog.EnabledParameters{Severity: log.SeverityFatal}))
	require.NoError(t, p.OnEmit(t.Context(), sdkRecord(t.Context(), logRecord(log.SeverityError, errFailed))))
	require.Zero(t, engine.Stats().Records)
}
