// Package slog_test shows tickets for errors that a program logs with log/slog.
package slog_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/sinks"
)

// errRefused is what a payment provider that is away gives to its callers.
var errRefused = fmt.Errorf("provider: %w", &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED})

// A service gives the engine to its LoggerProvider too, and logs as before. The
// error that is logged in a span is the exception of that span.
func Example() {
	engine, err := autoticket.New(autoticket.Config{
		Sinks: map[string]sinks.Sink{"printer": sinkFunc(func(t sinks.Ticket) {
			fmt.Printf("%s fails: %s: %s\n", t.Operation, t.Exception.Type, t.Exception.Message)
		})},
	})
	if err != nil {
		fmt.Println(err) // and go on: a nil engine does nothing
	}
	service := resource.NewSchemaless(attribute.String("service.name", "payment"))
	spans := sdktrace.NewTracerProvider(sdktrace.WithResource(service), sdktrace.WithSpanProcessor(engine.SpanProcessor()))
	logs := sdklog.NewLoggerProvider(sdklog.WithResource(service), sdklog.WithProcessor(engine.LogProcessor()))
	logger := slog.New(otelslog.NewHandler("payment", otelslog.WithLoggerProvider(logs)))

	for range 3 {
		ctx, span := spans.Tracer("payment").Start(context.Background(), "charge")
		logger.ErrorContext(ctx, "charge failed", "error", errRefused)
		span.SetStatus(codes.Error, "")
		span.End()
	}

	engine.Shutdown(context.Background())
	fmt.Println(engine.Stats().Decisions)
	// Output:
	// charge fails: *net.OpError: provider: dial tcp: connection refused
	// map[deduplicated:2 opened:1]
}

type sinkFunc func(sinks.Ticket)

func (f sinkFunc) File(_ context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	f(t)
	return sinks.Receipt{ID: t.Key}, nil
}

// TestWhatTheBridgeSays holds that what matters comes out of the bridge in each
// of the ways in which programs log errors, and that each is one failure.
func TestWhatTheBridgeSays(t *testing.T) {
	const message = "provider: dial tcp: connection refused"
	for _, test := range []struct {
		rule string
		log  func(ctx context.Context, l *slog.Logger, sp trace.Span)
		want sinks.Exception
	}{
		{"an error", func(ctx context.Context, l *slog.Logger, _ trace.Span) {
			l.ErrorContext(ctx, "charge failed", "error", errRefused)
		}, sinks.Exception{Type: "*net.OpError", Message: message}},
		{"under any name, as a warning", func(ctx context.Context, l *slog.Logger, _ trace.Span) {
			l.WarnContext(ctx, "charge failed", "cause", errRefused)
		}, sinks.Exception{Type: "*net.OpError", Message: message}},
		{"in a group", func(ctx context.Context, l *slog.Logger, _ trace.Span) {
			l.WithGroup("payment").ErrorContext(ctx, "charge failed", "error", errRefused)
		}, sinks.Exception{Type: "*net.OpError", Message: message}},
		{"of a logger that knows it", func(ctx context.Context, l *slog.Logger, _ trace.Span) {
			l.With("error", errRefused).ErrorContext(ctx, "charge failed")
		}, sinks.Exception{Type: "*net.OpError", Message: message}},
		{"its text", func(ctx context.Context, l *slog.Logger, _ trace.Span) {
			l.ErrorContext(ctx, "charge failed", "err", errRefused.Error())
		}, sinks.Exception{Message: message}},
		{"words", func(ctx context.Context, l *slog.Logger, _ trace.Span) {
			l.ErrorContext(ctx, "charge failed", "order", 4711)
		}, sinks.Exception{Message: "charge failed"}},
		{"recorded on the span as well", func(ctx context.Context, l *slog.Logger, sp trace.Span) {
			sp.RecordError(errRefused)
			l.ErrorContext(ctx, "charge failed", "error", errRefused)
		}, sinks.Exception{Type: "*net.OpError", Message: message}},
		{"by the helper as well", func(ctx context.Context, l *slog.Logger, sp trace.Span) {
			autoticket.RecordError(sp, errRefused)
			l.ErrorContext(ctx, "charge failed", "error", errRefused)
		}, sinks.Exception{Type: "*net.OpError", Message: message}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			var tickets []sinks.Ticket
			engine, err := autoticket.New(autoticket.Config{
				Sinks:  map[string]sinks.Sink{"shelf": sinkFunc(func(t sinks.Ticket) { tickets = append(tickets, t) })},
				Logger: slog.New(slog.DiscardHandler),
			})
			require.NoError(t, err)
			spans := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(engine.SpanProcessor()))
			logs := sdklog.NewLoggerProvider(sdklog.WithProcessor(engine.LogProcessor()))
			ctx, span := spans.Tracer("payment").Start(t.Context(), "charge")
			test.log(ctx, slog.New(otelslog.NewHandler("payment", otelslog.WithLoggerProvider(logs))), span)
			span.SetStatus(codes.Error, "")
			span.End()
			require.NoError(t, engine.Shutdown(t.Context()))
			require.Len(t, tickets, 1)
			require.Equal(t, int64(1), tickets[0].Count)
			tickets[0].Exception.Stacktrace = "" // which the helper records
			require.Equal(t, test.want, tickets[0].Exception)
		})
	}
}
