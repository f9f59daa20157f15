package celrule

import (
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// probe reads subjects of one span.
type probe struct {
	span      sdktrace.ReadOnlySpan
	attrs     []attribute.KeyValue
	exception exceptionRecord
	looked    bool // for the exception
}

func newProbe(sp sdktrace.ReadOnlySpan) probe { return probe{span: sp, attrs: sp.Attributes()} }

func (p *probe) value(s *subject) value {
	switch s.what {
	case spanStatus:
		return textValue(StatusName(p.span.Status().Code))
	case spanKind:
		return textValue(KindName(p.span.SpanKind()))
	case spanName:
		return textValue(p.span.Name())
	case scopeName:
		return textValue(p.span.InstrumentationScope().Name)
	case spanDuration:
		return value{kind: kindInt, n: p.duration()}
	case statusMessage:
		return textValue(p.span.Status().Description)
	case resourceAttribute:
		return s.of(resourceOf(p.span))
	case spanAttribute:
		return s.of(p.attrs)
	case statusClass:
		return textValue(statusClassOf(p.attrs))
	}
	if !p.looked {
		p.exception, p.looked = recordOf(p.span, p.attrs), true
	}
	switch s.what {
	case exceptionType:
		return p.exception.typ()
	case exceptionMessage:
		return p.exception.text("exception.message")
	case exceptionTimeout:
		return truthValue(p.exception.timedOut())
	default:
		return truthValue(p.exception.escaped())
	}
}

// duration returns nanoseconds.
func (p *probe) duration() int64 { return int64(p.span.EndTime().Sub(p.span.StartTime())) }
