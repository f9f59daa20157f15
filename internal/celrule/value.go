package celrule

import (
	"math"
	"strconv"
	"strings"

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
	kindBool   // n is 0 or 1
	kindDigits // a text that was recorded as the number n
	kindOther  // lists and the like
)

func textValue(s string) value { return value{kind: kindText, text: s} }

func truthValue(b bool) value {
	if b {
		return value{kind: kindBool, n: 1}
	}
	return value{kind: kindBool}
}

// valueOf returns the value of the attribute with the key, as CEL sees it.
func valueOf(attrs []attribute.KeyValue, key string, typ attributeType) value {
	for i := range attrs {
		if string(attrs[i].Key) == key {
			return toValue(&attrs[i].Value, typ)
		}
	}
	return value{}
}

// toValue returns a value as CEL sees it, read as the type that it has by
// convention. [adapt] does the same for CEL.
func toValue(v *attribute.Value, typ attributeType) value {
	switch v.Type() {
	case attribute.STRING:
		return textAs(v.AsString(), typ)
	case attribute.INT64:
		n := v.AsInt64()
		switch typ {
		case textType:
			return value{kind: kindDigits, n: n}
		case floatType:
			return value{kind: kindFloat, f: float64(n)}
		}
		return value{kind: kindInt, n: n}
	case attribute.FLOAT64:
		return value{kind: kindFloat, f: v.AsFloat64()}
	case attribute.BOOL:
		return truthValue(v.AsBool())
	}
	return value{kind: kindOther}
}

// textAs reads a text as a type, if it is one of it.
func textAs(text string, typ attributeType) value {
	switch typ {
	case intType:
		if n, ok := wholeNumber(text); ok {
			return value{kind: kindInt, n: n}
		}
	case floatType:
		if f, ok := realNumber(text); ok {
			return value{kind: kindFloat, f: f}
		}
	case boolType:
		switch text {
		case "true", "True", "TRUE":
			return truthValue(true)
		case "false", "False", "FALSE":
			return truthValue(false)
		}
	}
	return textValue(text)
}

// wholeNumber reads -?[0-9]+, of at most 19 digits. Unlike strconv it makes no
// error of what is none.
func wholeNumber(text string) (int64, bool) {
	abs, negative := strings.CutPrefix(text, "-")
	if abs == "" || len(abs) > 19 {
		return 0, false
	}
	var n uint64
	for i := range len(abs) {
		d := abs[i] - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + uint64(d)
	}
	if negative {
		return -int64(n), n <= 1<<63
	}
	return int64(n), n <= math.MaxInt64
}

// maxReal is how long a real number can be that is read from a text, in bytes.
const maxReal = 64

// realNumber reads a decimal number, with or without an exponent.
func realNumber(text string) (float64, bool) {
	if len(text) > maxReal || !isDecimal(text) {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil
}

func isDecimal(text string) bool {
	text = strings.TrimPrefix(text, "-")
	rest := strings.TrimLeft(text, digits)
	if rest == text {
		return false
	}
	if fraction, ok := strings.CutPrefix(rest, "."); ok {
		rest = strings.TrimLeft(fraction, digits)
	}
	if rest == "" {
		return true
	}
	if rest[0] != 'e' && rest[0] != 'E' {
		return false
	}
	power := strings.TrimLeft(rest[1:], "+-")
	return len(rest)-len(power) <= 2 && power != "" && strings.TrimLeft(power, digits) == ""
}

const digits = "0123456789"

// String returns the text that a value is, or "".
func (v value) String() string {
	if v.kind == kindDigits {
		return strconv.FormatInt(v.n, 10)
	}
	return v.text
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
func (v *value) equal(c *value) tri {
	if v.isNumber() && c.isNumber() {
		cmp, ok := v.compare(*c)
		if !ok && v.kind == kindFloat && math.IsNaN(v.f) {
			return no
		}
		if !ok {
			return unknown
		}
		return known(cmp == 0)
	}
	return known(v.kind == c.kind && v.n == c.n && v.text == c.text && v.kind != kindOther && v.kind != kindNone)
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
