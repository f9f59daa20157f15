package autoticket_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/sinks"
)

func TestRecordError(t *testing.T) {
	var sink shelf
	var ended sdktrace.ReadOnlySpan
	engine, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}})
	_, span := tracer.Start(t.Context(), "read settings")
	autoticket.RecordError(span, nil)
	require.Equal(t, codes.Unset, span.(sdktrace.ReadOnlySpan).Status().Code, "nothing failed")
	autoticket.RecordError(span, fmt.Errorf("settings: %w", &fs.PathError{Op: "open", Path: "/etc/shop", Err: errors.New("no such file")}))
	ended = span.(sdktrace.ReadOnlySpan)
	span.End()
	require.NoError(t, engine.Flush(t.Context()))

	require.Equal(t, sdktrace.Status{Code: codes.Error, Description: "settings: open /etc/shop: no such file"}, ended.Status())
	event := map[string]string{}
	for _, kv := range ended.Events()[0].Attributes {
		event[string(kv.Key)] = kv.Value.String()
	}
	require.Equal(t, "exception", ended.Events()[0].Name)
	require.Equal(t, "*fs.PathError", event["exception.type"])
	require.Contains(t, event["spanticket.error.chain"], "*errors.errorString: no such file")
	first := strings.Split(event["exception.stacktrace"], "\n")[1]
	require.True(t, strings.HasSuffix(first, "TestRecordError(...)"), first)

	ticket := sink.tickets()[0]
	require.Equal(t, "*fs.PathError", ticket.Exception.Type)
	require.Contains(t, strings.Join(ticket.Why, "\n"), "signature: exception = *fs.PathError")

	_, broken := tracer.Start(t.Context(), "x")
	var nobody *fs.PathError
	autoticket.RecordError(broken, fmt.Errorf("x: %w", nobody)) // its methods panic
	broken.End()

	_, none := noop.NewTracerProvider().Tracer("").Start(t.Context(), "x")
	autoticket.RecordError(none, errors.New("x")) // records nothing, and does not mind
}
