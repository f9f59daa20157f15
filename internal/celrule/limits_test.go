package celrule

import (
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
)

// TestLimits holds that no call makes a huge value of small ones, or takes long
// over large ones: it fails before it has begun.
func TestLimits(t *testing.T) {
	stub := checkout()
	stub.Attributes = append(stub.Attributes,
		attribute.String("text", strings.Repeat("a", 1<<20)),
		attribute.String("half", strings.Repeat("a", 1<<19)+"b"),
		attribute.String("kilo", strings.Repeat("a", 1<<11)),
		attribute.StringSlice("list", make([]string, 1<<12)),
	)
	sp := stub.Snapshot()
	for _, tt := range []struct{ rule, when string }{
		{"a replacement for nothing", `span.attributes.kilo.replace("", span.attributes.kilo).size() > 0`},
		{"a replacement for much", `span.attributes.kilo.replace("a", span.attributes.kilo).size() > 0`},
		{"so often", `span.attributes.kilo.replace("a", span.attributes.kilo, 1000).size() > 0`},
		{"parts without a separator", `span.attributes.text.split("").size() > 0`},
		{"so many parts", `span.attributes.text.split("", 1000000).size() > 0`},
		{"a list with a long separator", `span.attributes.list.join(span.attributes.kilo).size() > 0`},
		{"a list of long texts", `span.attributes.list.map(x, span.attributes.text).join().size() > 0`},
		{"formatted", `"%s".format([span.attributes.text]).size() > 0`},
		{"formatted inside a list", `"%s".format([[[span.attributes.text]]]).size() > 0`},
		{"quoted", `strings.quote(span.attributes.text).size() > 0`},
		{"a search for a long text", `span.attributes.text.indexOf(span.attributes.half) >= 0`},
		{"from the end", `span.attributes.text.lastIndexOf(span.attributes.half) >= 0`},
		{"every element with every other", `span.attributes.list.distinct().size() > 0`},
		{"any of the elements", `span.attributes.list.hasAny(span.attributes.list)`},
		{"all of the elements", `span.attributes.list.hasAll(span.attributes.list)`},
		{"only the elements", `span.attributes.list.hasOnly(span.attributes.list)`},
		{"exactly the elements", `span.attributes.list.hasExactly(span.attributes.list)`},
		{"a list that holds itself often", `[span.attributes.list].map(a, [a,a,a,a,a,a,a,a]).map(a, [a,a,a,a,a,a,a,a]).map(a, [a,a,a,a,a,a,a,a]).flatten(9).size() > 0`},
		{"numbers", `lists.range(5000).size() > 0`},
		{"a long text against a large pattern", `span.attributes.text.matches("x{100}y")`},
		{"against many", `matchesAny(span.attributes.text, ["x{100}y", "z"])`},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			set, err := Compile([]Rule{{Name: "r", When: tt.when}}, nil)
			if err != nil {
				require.ErrorContains(t, err, "it may cost", "it is refused when it is loaded")
				return
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			require.NotEqual(t, Matched, set.Match(sp).Verdict)
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(16<<20), "bytes allocated")
			require.EqualValues(t, 1, set.Stats(0).Errors)
			require.Regexp(t, "would make or take too much|exceeds maximum allowed|too long for a pattern|cost limit exceeded|took longer", set.Stats(0).LastError)
		})
	}
}

// TestLimitsAreFarAway holds that what people write is not refused.
func TestLimitsAreFarAway(t *testing.T) {
	stub := checkout()
	stub.Attributes = append(stub.Attributes, attribute.String("stack", strings.Repeat("at com.acme.Shop.order(Shop.java:17)\n", 400)+"end"))
	sp := stub.Snapshot()
	for _, when := range []string{
		`span.attributes.stack.split("\n").size() == 401`,
		`span.attributes.stack.split("\n").map(l, l.trim()).distinct().size() == 2`,
		`span.attributes.stack.replace("com.acme.", "").indexOf("com") == -1`,
		`span.attributes.stack.lastIndexOf("end") == 14800`,
		`span.attributes.stack.upperAscii().lowerAscii().reverse().size() == 14803`,
		`"%s".format([span.attributes.stack]) == span.attributes.stack`,
		`span.attributes.stack.split("\n").sort().join("\n").size() == 14803`,
		`span.attributes.stack.matches("(?i)com\\.(acme|other)\\.[a-z]+\\.pay") == false`,
		`matchesAny(span.attributes.stack, ["\\.pay\\(", "end$"])`,
		`[[1, [2]], [3]].flatten(2) == [1, 2, 3] && [1, 2].hasAny([2]) && lists.range(3) == [0, 1, 2]`,
	} {
		set := mustCompile(t, []Rule{{Name: "r", When: when}})
		require.Equal(t, Match{Verdict: Matched}, set.Match(sp), "%s: %+v", when, set.Stats(0))
	}
}

// TestEveryExtensionIsBounded holds that no function of an extension came in
// that nobody has thought about.
func TestEveryExtensionIsBounded(t *testing.T) {
	plain, err := cel.NewEnv()
	require.NoError(t, err)
	extended, err := cel.NewEnv(ext.Strings(), ext.Lists())
	require.NoError(t, err)
	known := slices.Collect(maps.Keys(efforts))
	known = append(known, "lists.range") // bounded by an option
	for name := range extended.Functions() {
		if !plain.HasFunction(name) {
			require.Contains(t, known, name)
		}
	}
	for name := range efforts {
		require.Contains(t, boundedFunctions(), name)
	}
}
