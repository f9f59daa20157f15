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
	someNumbers = []string{"0", "5", "500", "-1", "5.0", "0.5", "500.5", "9007199254740992", "9007199254740993", "9223372036854775807", "1e300"}
	// By convention a number, an old one, a text, a real number and a truth value.
	someKeys = []string{"k", "l", "http.response.status_code", "http.status_code", "exception.type", "error.type",
		"gen_ai.request.temperature", "exception.escaped", "url.full"}
	somePatterns = []string{"", "a", "^a", "b$", "^[0-9]+$", "a|5", "(?i)A", "."}
	someURLs     = []string{"http://A.b/x", "https://u:p@a.b:80", "a.b:80", "/a", "http://[::1]:80/", "a"}
	someMessages = []string{"i/o timeout", "context deadline exceeded", "Timed out", "refused"}
	someTypes    = []string{"TimeoutError", "net.OpError", "java.net.SocketTimeoutException"}
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
	list := func(from []string) string {
		var quoted []string
		for _, text := range rapid.SliceOfN(rapid.SampledFrom(from), 0, 3).Draw(t, "texts") {
			quoted = append(quoted, fmt.Sprintf("%q", text))
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	}
	anyText := func() string {
		if rapid.Bool().Draw(t, "field") {
			return text()
		}
		return drawAttribute(t)
	}
	switch rapid.IntRange(0, 24).Draw(t, "form") {
	case 15:
		return fmt.Sprintf("%s.matches(%q)", anyText(), rapid.SampledFrom(somePatterns).Draw(t, "pattern"))
	case 16:
		return fmt.Sprintf("matchesAny(%s, %s)", anyText(), list(somePatterns))
	case 17:
		return fmt.Sprintf("hasPrefixAny(%s, %s)", anyText(), list(someTexts))
	case 18:
		classes := []string{"", "1xx", "2xx", "4xx", "5xx"}
		class := rapid.SampledFrom(classes).Draw(t, "class")
		return rapid.SampledFrom([]string{
			fmt.Sprintf("httpStatusClass(span) == %q", class),
			fmt.Sprintf("httpStatusClass(span) != %q", class),
			fmt.Sprintf("httpStatusClass(span) in %s", list(classes)),
			fmt.Sprintf("httpStatusClass(span).startsWith(%q)", class),
			fmt.Sprintf("httpStatusClass(span).lowerAscii() == %q", class),
		}).Draw(t, "of class")
	case 19:
		return rapid.SampledFrom([]string{"isTimeout(exception)", "isTimeout(exception) == false", "isTimeout(exception) != true",
			"(isTimeout(exception) ? 1 : 2) == 1"}).Draw(t, "timeout")
	case 20:
		hosts := []string{"", "a.b", "A.b", "a", "::1"}
		return rapid.SampledFrom([]string{
			fmt.Sprintf("host(%s) == %q", anyText(), rapid.SampledFrom(hosts).Draw(t, "host")),
			fmt.Sprintf("host(%s) != %q", anyText(), rapid.SampledFrom(hosts).Draw(t, "host")),
			fmt.Sprintf("host(%s) in %s", anyText(), list(hosts)),
			fmt.Sprintf("host(%s).endsWith(%q)", anyText(), rapid.SampledFrom(hosts).Draw(t, "host")),
		}).Draw(t, "of host")
	case 21:
		change := rapid.SampledFrom([]string{"lowerAscii()", "upperAscii()", "trim()", "reverse()", `replace("a", "b")`, "substring(1)", "charAt(0)"}).Draw(t, "change")
		return fmt.Sprintf("%s.%s %s %q", anyText(), change, equality.Draw(t, "op"), drawText(t))
	case 22:
		return fmt.Sprintf("%s.split(%q).exists(p, p == %q)", anyText(), drawText(t), drawText(t))
	case 23:
		return fmt.Sprintf("math.greatest(%s, 5) %s %s", drawAttribute(t), rapid.OneOf(order, equality).Draw(t, "op"), rapid.SampledFrom(someNumbers).Draw(t, "number"))
	case 24:
		return rapid.SampledFrom([]string{
			fmt.Sprintf("%s.hasAny(%s)", drawAttribute(t), list(someTexts)),
			fmt.Sprintf(`"%%s".format([%s]) == %q`, drawAttribute(t), drawText(t)),
			fmt.Sprintf("span.events.exists(e, e.attributes[%q] == %s)", rapid.SampledFrom(someKeys).Draw(t, "key"), drawConstant(t)),
			fmt.Sprintf("[%s].sort() != [%s]", drawAttribute(t), drawConstant(t)),
		}).Draw(t, "of lists")
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
	switch rapid.IntRange(0, 7).Draw(t, "type") {
	case 0, 1:
		return attribute.StringValue(drawText(t))
	case 6:
		return attribute.StringValue(rapid.SampledFrom(someURLs).Draw(t, "url"))
	case 7:
		return attribute.StringValue(rapid.SampledFrom([]string{"true", "False", "0.5", "1e2", "404", "12345678901234567890"}).Draw(t, "other text"))
	case 2:
		return attribute.Int64Value(rapid.SampledFrom([]int64{0, 5, 500, -1, 1 << 53, 1<<53 + 1, 1<<63 - 1}).Draw(t, "int"))
	case 3:
		return attribute.Float64Value(rapid.SampledFrom([]float64{0, 5, 0.5, -1, 500.5, 1e300, 1 << 53, 1 << 63}).Draw(t, "float"))
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
	for range rapid.IntRange(0, 2).Draw(t, "events") {
		stub.Events = append(stub.Events, drawEvent(t))
	}
	return stub.Snapshot()
}

// drawEvent draws an exception, one that was logged, or something else.
func drawEvent(t *rapid.T) sdktrace.Event {
	e := sdktrace.Event{Name: rapid.SampledFrom([]string{"exception", "rpc.client.exception", "log", ""}).Draw(t, "event")}
	add := func(kv ...attribute.KeyValue) {
		if rapid.Bool().Draw(t, "has") {
			e.Attributes = append(e.Attributes, kv...)
		}
	}
	anyOf := func(from []string) string {
		return rapid.SampledFrom(append(from[:len(from):len(from)], someTexts...)).Draw(t, "text")
	}
	add(attribute.String("exception.type", anyOf(someTypes)))
	add(attribute.String("exception.message", anyOf(someMessages)))
	add(attribute.Bool("exception.escaped", rapid.Bool().Draw(t, "escaped")))
	add(drawAttributes(t)...)
	return e
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
	var pairs, decided int
	rapid.Check(t, func(t *rapid.T) {
		var rules []Rule
		for i := range rapid.IntRange(5, 12).Draw(t, "rules") {
			r := Rule{Name: fmt.Sprint("r", i), When: drawCondition(t, 3), Continue: rapid.IntRange(0, 3).Draw(t, "continue") == 0}
			if rapid.IntRange(0, 2).Draw(t, "unless") == 0 {
				r.Unless = drawCondition(t, 1)
			}
			// Comparing a number with a text can be written, but is refused.
			if _, err := Compile([]Rule{r}, nil); err != nil {
				require.ErrorContains(t, err, "is a number")
				continue
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
				if p := newProbe(sp); r.when.condition.eval(&p) != unknown {
					decided++
				}
			}
			pairs += 2 * len(rules)
		}
	})
	fmt.Printf("%d pairs of a rule and a span, -rapid.seed=%d\n", pairs, seed)
	if !t.Failed() {
		least := 100_000
		if testing.Short() { // rapid checks a fifth
			least /= 5
		}
		require.GreaterOrEqual(t, pairs, least)
		require.Greater(t, decided, pairs/4, "most is decided without CEL")
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
