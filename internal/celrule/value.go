package celrule

import (
	"math"

	"cel.dev/cel-go/common/types"
	"go.opentelemetry.io/otel/attribute"
)

// value is what a subject holds, or a constant that it is compared with, so
// that the comparison allocates nothing.
type value struct {
	kind kind
	text string
	n    int64   // of a whole number, or of a duration in nanoseconds
	real float64 // of a real number
}

type kind uint8

const (
	nothing kind = iota // absent
	textual
	wholly // a whole number or a duration
	really
	yesNo // n is 0 or 1
	other // lists and the like
)

func textValue(s string) value { return value{kind: textual, text: s} }

func truthValue(b bool) value {
	if b {
		return value{kind: yesNo, n: 1}
	}
	return value{kind: yesNo}
}

// valueOf returns the value of the attribute with the key, as CEL sees it.
func valueOf(attrs []attribute.KeyValue, key string) value {
	for i := range attrs {
		if string(attrs[i].Key) == key {
			return toValue(&attrs[i])
		}
	}
	return value{}
}

func toValue(kv *attribute.KeyValue) value {
	switch kv.Value.Type() {
	case attribute.STRING:
		s := kv.Value.AsString()
		if n, ok := wholeNumber(string(kv.Key), s); ok {
			return value{kind: wholly, n: n}
		}
		return textValue(s)
	case attribute.INT64:
		return value{kind: wholly, n: kv.Value.AsInt64()}
	case attribute.FLOAT64:
		return value{kind: really, real: kv.Value.AsFloat64()}
	case attribute.BOOL:
		return truthValue(kv.Value.AsBool())
	}
	return value{kind: other}
}

// literal returns the value of a constant, if it is of a type that value can hold.
func literal(c any) (value, bool) {
	switch c := c.(type) {
	case types.String:
		return textValue(string(c)), true
	case types.Int:
		return value{kind: wholly, n: int64(c)}, true
	case types.Double:
		return value{kind: really, real: float64(c)}, !math.IsNaN(float64(c))
	case types.Bool:
		return truthValue(bool(c)), true
	}
	return value{}, false
}

// equal compares as CEL does: across number types, and false across others.
func (v value) equal(c value) tri {
	if v.isNumber() && c.isNumber() {
		cmp, ok := v.compare(c)
		if !ok && v.kind == really && math.IsNaN(v.real) {
			return no
		}
		if !ok {
			return unknown
		}
		return known(cmp == 0)
	}
	return known(v.kind == c.kind && v.text == c.text && v.n == c.n && v.kind != other && v.kind != nothing)
}

func (v value) isNumber() bool { return v.kind == wholly || v.kind == really }

// exact is the largest whole number up to which all are exact as a float64.
const exact = 1 << 53

// number returns the number as a float64, and whether it is exact.
func (v value) number() (float64, bool) {
	if v.kind == really {
		return v.real, !math.IsNaN(v.real) && math.Abs(v.real) < exact
	}
	return float64(v.n), -exact < v.n && v.n < exact
}

// compare orders two numbers, unless that takes more than a float64.
func (v value) compare(c value) (int, bool) {
	if v.kind == wholly && c.kind == wholly {
		return compare(v.n, c.n), true
	}
	a, ok := v.number()
	b, ok2 := c.number()
	return compare(a, b), ok && ok2
}

func compare[T int64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
