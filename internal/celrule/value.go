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
	f    float64 // of a real number
}

type kind uint8

const (
	kindNone kind = iota // absent
	kindText
	kindInt // a whole number or a duration
	kindFloat
	kindBool  // n is 0 or 1
	kindOther // lists and the like
)

func textValue(s string) value { return value{kind: kindText, text: s} }

func truthValue(b bool) value {
	if b {
		return value{kind: kindBool, n: 1}
	}
	return value{kind: kindBool}
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
			return value{kind: kindInt, n: n}
		}
		return textValue(s)
	case attribute.INT64:
		return value{kind: kindInt, n: kv.Value.AsInt64()}
	case attribute.FLOAT64:
		return value{kind: kindFloat, f: kv.Value.AsFloat64()}
	case attribute.BOOL:
		return truthValue(kv.Value.AsBool())
	}
	return value{kind: kindOther}
}

// literal returns the value of a constant, if it is of a type that value can hold.
func literal(c any) (value, bool) {
	switch c := c.(type) {
	case types.String:
		return textValue(string(c)), true
	case types.Int:
		return value{kind: kindInt, n: int64(c)}, true
	case types.Double:
		return value{kind: kindFloat, f: float64(c)}, !math.IsNaN(float64(c))
	case types.Bool:
		return truthValue(bool(c)), true
	}
	return value{}, false
}

// equal compares as CEL does: across number types, and false across others.
func (v value) equal(c value) tri {
	if v.isNumber() && c.isNumber() {
		cmp, ok := v.compare(c)
		if !ok && v.kind == kindFloat && math.IsNaN(v.f) {
			return no
		}
		if !ok {
			return unknown
		}
		return known(cmp == 0)
	}
	return known(v.kind == c.kind && v.text == c.text && v.n == c.n && v.kind != kindOther && v.kind != kindNone)
}

func (v value) isNumber() bool { return v.kind == kindInt || v.kind == kindFloat }

// exact is the largest whole number up to which all are exact as a float64.
const exact = 1 << 53

// number returns the number as a float64, and whether it is exact.
func (v value) number() (float64, bool) {
	if v.kind == kindFloat {
		return v.f, !math.IsNaN(v.f) && math.Abs(v.f) < exact
	}
	return float64(v.n), -exact < v.n && v.n < exact
}

// compare orders two numbers, unless that takes more than a float64.
func (v value) compare(c value) (int, bool) {
	if v.kind == kindInt && c.kind == kindInt {
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
