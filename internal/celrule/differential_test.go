package celrule

import (
	goflag "flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"pgregory.net/rapid"
)

// Few values of each kind, so that rules and spans meet.
var (
	someTexts   = []string{"", "a", "ab", "abc", "b", "5", "500", "-1", "é"}
	someNumbers = []string{"0", "5", "500", "-1", "5.0", "0.5", "500.5", "9007199254740993", "9223372036854775807", "1e300"}
	someKeys    = []string{"k", "l", "http.response.status_code", "exception.type"}
)

func drawText(t *rapid.T) string { return rapid.SampledFrom(someTexts).Draw(t, "text") }

func drawConstant(t *rapid.T) string {
	switch rapid.IntRange(0, 4).Draw(t, "constant") {
	case 0, 1:
		return fmt.Sprintf("%q", drawText(t))
	case 2, 3:
		return rapid.SampledFrom(someNumbers).Draw(t, "number")
	}
	return rapid.SampledFrom([]string{"true", "false"}).Draw(t, "truth")
}

func drawAttribute(t *rapid.T) string {
	owner := rapid.SampledFrom([]string{"span", "span", "span", "resource"}).Draw(t, "owner")
	return fmt.Sprintf("%s.attributes[%q]", owner, rapid.SampledFrom(someKeys).Draw(t, "key"))
}

// drawComparison draws a condition of every form that is translated, and of
// some that are not.
func drawComparison(t *rapid.T) string {
	text := func() string {
		return rapid.SampledFrom([]string{"span.name", "span.status_message", "scope.name", "exception.type", "exception.message"}).Draw(t, "field")
	}
	search := rapid.SampledFrom([]string{"startsWith", "endsWith", "contains", "matches"})
	equality := rapid.SampledFrom([]string{"==", "!="})
	order := rapid.SampledFrom([]string{"<", "<=", ">", ">="})
	switch rapid.IntRange(0, 14).Draw(t, "form") {
	case 0:
		return fmt.Sprintf("span.status %s %q", equality.Draw(t, "op"), rapid.SampledFrom([]string{"ERROR", "OK", "UNSET"}).Draw(t, "status"))
	case 1:
		return fmt.Sprintf("span.kind %s %q", equality.Draw(t, "op"), rapid.SampledFrom([]string{"SERVER", "CLIENT", "INTERNAL"}).Draw(t, "kind"))
	case 2:
		return fmt.Sprintf("%s %s %q", text(), equality.Draw(t, "op"), drawText(t))
	case 3:
		return fmt.Sprintf("%s.%s(%q)", text(), search.Draw(t, "function"), drawText(t))
	case 4:
		return fmt.Sprintf("%s in [%q, %q]", text(), drawText(t), drawText(t))
	case 5:
		d := rapid.SampledFrom([]string{"0s", "1s", "2s", "-1s"}).Draw(t, "duration")
		return fmt.Sprintf("span.duration %s duration(%q)", rapid.OneOf(order, equality).Draw(t, "op"), d)
	case 6:
		return fmt.Sprintf("has(%s)", rapid.SampledFrom([]string{"span.attributes.k", "resource.attributes.k", "exception.type", "span.name", "exception.escaped"}).Draw(t, "has"))
	case 7:
		return fmt.Sprintf("%q in span.attributes", rapid.SampledFrom(someKeys).Draw(t, "key"))
	case 8:
		return rapid.SampledFrom([]string{"exception.escaped", "true", "false", drawAttribute(t), "exception.escaped != true"}).Draw(t, "bare")
	case 9:
		return fmt.Sprintf("%s.%s(%q)", drawAttribute(t), search.Draw(t, "function"), drawText(t))
	case 10:
		return fmt.Sprintf("%s in [%s, %s]", drawAttribute(t), drawConstant(t), drawConstant(t))
	case 11:
		return fmt.Sprintf("%s %s %s", drawConstant(t), rapid.OneOf(order, equality).Draw(t, "op"), drawAttribute(t))
	case 12:
		return fmt.Sprintf("%s == %s", drawAttribute(t), drawAttribute(t))
	case 13:
		return fmt.Sprintf("1 / size(%s) == 1", text())
	}
	return fmt.Sprintf("%s %s %s", drawAttribute(t), rapid.OneOf(order, equality).Draw(t, "op"), drawConstant(t))
}

func drawCondition(t *rapid.T, depth int) string {
	form := rapid.IntRange(0, 5).Draw(t, "join")
	if depth == 0 || form < 2 {
		return drawComparison(t)
	}
	left := drawCondition(t, depth-1)
	switch form {
	case 2, 3:
		return fmt.Sprintf("(%s && %s)", left, drawCondition(t, depth-1))
	case 4:
		return fmt.Sprintf("(%s || %s)", left, drawCondition(t, depth-1))
	}
	return fmt.Sprintf("!(%s)", left)
}

func drawValue(t *rapid.T) attribute.Value {
	switch rapid.IntRange(0, 5).Draw(t, "type") {
	case 0, 1:
		return attribute.StringValue(drawText(t))
	case 2:
		return attribute.Int64Value(rapid.SampledFrom([]int64{0, 5, 500, -1, 1<<53 + 1, 1<<63 - 1}).Draw(t, "int"))
	case 3:
		return attribute.Float64Value(rapid.SampledFrom([]float64{0, 5, 0.5, -1, 500.5, 1e300}).Draw(t, "float"))
	case 4:
		return attribute.BoolValue(rapid.Bool().Draw(t, "bool"))
	}
	return attribute.StringSliceValue([]string{drawText(t)})
}

func drawAttributes(t *rapid.T) []attribute.KeyValue {
	var out []attribute.KeyValue
	for range rapid.IntRange(0, 4).Draw(t, "attributes") { // a key may come twice
		key := rapid.SampledFrom(someKeys).Draw(t, "key")
		out = append(out, attribute.KeyValue{Key: attribute.Key(key), Value: drawValue(t)})
	}
	return out
}

func drawSpan(t *rapid.T) sdktrace.ReadOnlySpan {
	stub := tracetest.SpanStub{
		Name:      drawText(t),
		SpanKind:  rapid.SampledFrom([]trace.SpanKind{trace.SpanKindServer, trace.SpanKindClient, trace.SpanKindUnspecified}).Draw(t, "kind"),
		StartTime: noon,
		EndTime:   noon.Add(time.Duration(rapid.IntRange(-1, 3).Draw(t, "seconds")) * time.Second),
		Status: sdktrace.Status{
			Code:        rapid.SampledFrom([]codes.Code{codes.Unset, codes.Error, codes.Ok}).Draw(t, "status"),
			Description: drawText(t),
		},
		Attributes:           drawAttributes(t),
		Resource:             resource.NewSchemaless(drawAttributes(t)...),
		InstrumentationScope: instrumentation.Scope{Name: drawText(t)},
	}
	if rapid.Bool().Draw(t, "exception") {
		stub.Events = []sdktrace.Event{{Name: "exception", Attributes: []attribute.KeyValue{
			attribute.String("exception.type", drawText(t)),
			attribute.String("exception.message", drawText(t)),
			attribute.Bool("exception.escaped", rapid.Bool().Draw(t, "escaped")),
		}}}
	}
	return stub.Snapshot()
}

// seeded makes the checks of this run the same whenever the seed that is printed
// is given again, by -rapid.seed.
func seeded() uint64 {
	f := goflag.Lookup("rapid.seed")
	if f.Value.String() == "0" {
		_ = f.Value.Set(fmt.Sprint(rand.Uint64N(1<<62) + 1))
	}
	seed, _ := strconv.ParseUint(f.Value.String(), 10, 64)
	return seed
}

// TestMatchIsPlainEvaluation holds the indexes, and the conditions that are
// decided without CEL, to CEL's answer.
func TestMatchIsPlainEvaluation(t *testing.T) {
	seed := seeded()
	var pairs int
	rapid.Check(t, func(t *rapid.T) {
		var rules []Rule
		for i := range rapid.IntRange(1, 12).Draw(t, "rules") {
			r := Rule{Name: fmt.Sprint("r", i), When: drawCondition(t, 3), Continue: rapid.IntRange(0, 3).Draw(t, "continue") == 0}
			if rapid.IntRange(0, 2).Draw(t, "unless") == 0 {
				r.Unless = drawCondition(t, 1)
			}
			// These can be written, but say so.
			if strings.Contains(r.When+r.Unless, "status_code") {
				if _, err := Compile([]Rule{r}, nil); err != nil {
					continue
				}
			}
			rules = append(rules, r)
		}
		set, err := Compile(rules, nil)
		require.NoError(t, err)
		for range 150 {
			sp := drawSpan(t)
			agree(t, set, rules, sp)
			// One rule at a time, so that none hides behind another.
			for i, r := range set.rules {
				agree(t, newSet([]*rule{r}), rules[i:i+1], sp)
			}
			pairs += 2 * len(rules)
		}
	})
	fmt.Printf("%d pairs of a rule and a span, -rapid.seed=%d\n", pairs, seed)
	if !t.Failed() {
		require.GreaterOrEqual(t, pairs, 100_000)
	}
}

// agree requires that a set gives the plain answer about a span whose resource
// it does not know, and about one whose resource it does.
func agree(t *rapid.T, set *Set, rules []Rule, sp sdktrace.ReadOnlySpan) {
	want := set.MatchPlain(sp)
	general := set.Match(sp)
	set.Prepare(sp.Resource())
	special := set.Match(sp)
	for name, got := range map[string]Match{"the general index": general, "that of its resource": special} {
		if got.Verdict == Passed {
			got = Match{Rule: -1} // CEL was asked, and said no
		}
		if !reflect.DeepEqual(want, got) {
			t.Fatalf("rules %+v: plain evaluation gives %+v, %s %+v; span %+v", rules, want, name, got, tracetest.SpanStubFromReadOnlySpan(sp))
		}
	}
}
