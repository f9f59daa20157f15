package celrule

import (
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// probe reads subjects of one span.
type probe struct {
	span      sdktrace.ReadOnlySpan
	attrs     []attribute.KeyValue
	exception []attribute.KeyValue
	looked    bool // for the exception
}

func newProbe(sp sdktrace.ReadOnlySpan) probe { return probe{span: sp, attrs: sp.Attributes()} }

func (p *probe) value(s subject) value {
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
		return valueOf(resourceOf(p.span), s.key)
	case spanAttribute:
		return valueOf(p.attrs, s.key)
	}
	if !p.looked {
		p.exception, p.looked = exceptionAttributes(p.span), true
	}
	switch s.what {
	case exceptionType:
		return textValue(typeOfException(p.exception))
	case exceptionMessage:
		return textValue(stringOf(p.exception, "exception.message"))
	default:
		return truthValue(escaped(p.exception))
	}
}

// duration returns nanoseconds.
func (p *probe) duration() int64 { return int64(p.span.EndTime().Sub(p.span.StartTime())) }
