package celrule

import (
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// KindName returns a kind of span as rules, and occurrences, have it.
func KindName(k trace.SpanKind) string {
	switch k {
	case trace.SpanKindServer:
		return "SERVER"
	case trace.SpanKindClient:
		return "CLIENT"
	case trace.SpanKindProducer:
		return "PRODUCER"
	case trace.SpanKindConsumer:
		return "CONSUMER"
	}
	return "INTERNAL"
}

// StatusName returns a status as rules, and occurrences, have it.
func StatusName(c codes.Code) string {
	switch c {
	case codes.Error:
		return "ERROR"
	case codes.Ok:
		return "OK"
	}
	return "UNSET"
}
