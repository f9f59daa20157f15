package autoticket

import (
	"context"
	"log/slog"

	"github.com/spanticket/spanticket/sinks"
)

// logSink writes a line per ticket to the log: what there is when a host has
// configured no sink.
type logSink struct{ log *slog.Logger }

func (s logSink) File(ctx context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	s.write(ctx, slog.LevelWarn, t)
	return sinks.Receipt{ID: t.Key}, nil
}

func (s logSink) Update(ctx context.Context, r sinks.Receipt, t sinks.Ticket) (sinks.Receipt, error) {
	s.write(ctx, slog.LevelInfo, t)
	return r, nil
}

func (s logSink) write(ctx context.Context, level slog.Level, t sinks.Ticket) {
	s.log.Log(ctx, level, "spanticket: ticket "+string(t.Event), "title", t.Title, "severity", t.Severity, "count", t.Count,
		"service", t.Origin.Service, "operation", t.Origin.Operation, "trace_id", t.Origin.TraceID, "key", t.Key)
}
