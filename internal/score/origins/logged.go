package main

import (
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/spanticket/spanticket/autoticket"
)

// logRule takes spans during which an error was logged.
var logRule = autoticket.Rule{
	Name: "logged errors",
	When: `span.events.exists(e, e.name == "log" && e.attributes["log.severity"] == "ERROR")`,
}

// withLogs returns spans as they are with what was logged put to them: the text
// of an error that was logged during a span that did not fail is what that span
// says went wrong. The recordings have logs as events, in attributes of their
// own.
func withLogs(spans []sdktrace.ReadOnlySpan) []sdktrace.ReadOnlySpan {
	out := slices.Clone(spans)
	for i, sp := range spans {
		if sp.Status().Code == codes.Error {
			continue
		}
		s := tracetest.SpanStubFromReadOnlySpan(sp)
		s.Events = slices.Clone(s.Events)
		said := false
		for j, e := range s.Events {
			set := attribute.NewSet(e.Attributes...)
			severity, _ := set.Value("log.severity")
			body, _ := set.Value("log.body")
			if e.Name == "log" && severity.AsString() == "ERROR" {
				s.Events[j].Attributes = append(slices.Clip(e.Attributes), attribute.String("exception.message", body.AsString()))
				said = true
			}
		}
		if said {
			out[i] = s.Snapshot()
		}
	}
	return out
}
