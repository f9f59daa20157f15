package assemble

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
)

// record reads "name span time flags message type", a log record of a span, "-"
// for none. The flags are those of spans, and P for one without an exception of
// its own.
func record(text string) *Node {
	f := append(strings.Fields(text), "", "")
	n := span(f[0] + " - " + f[2] + " " + f[2] + " " + f[3])
	n.Span, n.Record, n.Plain = spanID(f[1]), true, strings.Contains(f[3], "P")
	n.Occurrence = &correlate.Occurrence{Operation: f[0], Start: n.Start, End: n.End, Exception: correlate.Exception{Message: f[4], Type: f[5]}}
	return n
}

func TestRecords(t *testing.T) {
	for _, test := range []struct {
		rule      string
		nodes     []*Node // in the order in which they come
		found     []string
		answers   []string
		exception correlate.Exception // of the first that was found
	}{
		{
			rule:      "a record of a span that failed is a part of it",
			nodes:     []*Node{span("db server 1 2 FM"), record("log db 3 FM refused net.OpError"), span("server - 0 4 FM")},
			found:     []string{"db by db: db server"},
			answers:   []string{"db origin", "log symptom", "server symptom"},
			exception: correlate.Exception{Message: "refused", Type: "net.OpError"},
		},
		{
			rule:      "also if it comes first",
			nodes:     []*Node{record("log db 3 FM refused net.OpError"), span("db server 1 2 FM"), span("server - 0 4 FM")},
			found:     []string{"db by db: db server"},
			answers:   []string{"db origin", "log symptom", "server symptom"},
			exception: correlate.Exception{Message: "refused", Type: "net.OpError"},
		},
		{
			rule:    "what counts for nothing adds what it knows",
			nodes:   []*Node{span("db server 1 2 FM"), record("log db 3 - refused net.OpError"), span("server - 0 4 FM")},
			found:   []string{"db by db: db server"},
			answers: []string{"db origin", "server symptom"}, exception: correlate.Exception{Message: "refused", Type: "net.OpError"},
		},
		{
			rule:    "the rule that takes the record takes the span",
			nodes:   []*Node{span("db server 1 2 F"), record("log db 3 M refused net.OpError"), span("server - 0 4 F")},
			found:   []string{"db by db: db server"},
			answers: []string{"db origin", "log symptom", "server symptom"}, exception: correlate.Exception{Message: "refused", Type: "net.OpError"},
		},
		{
			rule:    "one of a span that was decided is known for the same failure",
			nodes:   []*Node{span("db server 1 2 FM"), span("server - 0 4 FM"), record("log db 5 FM"), record("other server 5 FM")},
			found:   []string{"db by db: db server"},
			answers: []string{"db origin", "log late_symptom", "other late_symptom", "server symptom"},
		},
		{
			rule:    "in a span that ended well it is information",
			nodes:   []*Node{record("log db 2 FM"), span("db server 1 3 -"), span("server - 0 4 -")},
			answers: []string{"log handled"},
		},
		{
			rule:    "unless a rule wants it for what it says",
			nodes:   []*Node{record("log db 2 M"), span("db server 1 3 -"), span("server - 0 4 -")},
			found:   []string{"log by log: log server"},
			answers: []string{"log origin"},
		},
		{
			rule:    "after such a span it stands in its place",
			nodes:   []*Node{record("log db 3 FM"), span("db server 1 2 -"), span("server - 0 4 FM")},
			found:   []string{"log by log: log server"},
			answers: []string{"log origin", "server symptom"},
		},
		{
			rule:    "so it does where the span is not there, and what of it fails later is known",
			nodes:   []*Node{record("log db 3 FM"), inTrace(2, "x - 20 21 -"), span("db server 1 22 FM"), span("call db 1 22 FM")},
			found:   []string{"log by log: log"},
			answers: []string{"call late_symptom", "db late_symptom", "log origin"},
		},
		{
			rule:    "several of a span that is not there are one, with the newest exception",
			nodes:   []*Node{record("words db 1 FMP wrong"), record("old db 2 FM late T"), record("new db 3 FM refused T"), record("more db 4 FMP worse")},
			found:   []string{"new by new: new"},
			answers: []string{"more symptom", "new origin", "old symptom", "words symptom"}, exception: correlate.Exception{Message: "refused", Type: "T"},
		},
		{
			rule:    "or else the first words",
			nodes:   []*Node{record("words db 1 FMP wrong"), record("more db 4 FMP worse")},
			found:   []string{"words by words: words"},
			answers: []string{"more symptom", "words origin"}, exception: correlate.Exception{Message: "wrong"},
		},
		{
			rule:    "the same exception in another span that is not there is the same failure",
			nodes:   []*Node{record("inner a 1 FM refused T"), record("outer b 2 FM refused T"), record("other c 2 FM lost T")},
			found:   []string{"other by other: other", "outer by outer: outer"},
			answers: []string{"inner symptom", "other origin", "outer origin"},
		},
		{
			rule:    "those without any span have nothing to do with each other",
			nodes:   []*Node{record("a - 1 FM refused T"), record("b - 2 FM refused T")},
			found:   []string{"a by a: a", "b by b: b"},
			answers: []string{"a origin", "b origin"}, exception: correlate.Exception{Message: "refused", Type: "T"},
		},
		{
			rule:    "one that counts for nothing is forgotten",
			nodes:   []*Node{span("db server 1 2 FM"), record("log cache 3 - x T"), span("server - 0 4 FM")},
			found:   []string{"db by db: db server"},
			answers: []string{"db origin", "server symptom"},
		},
	} {
		t.Run(test.rule, func(t *testing.T) {
			r := newRecorder(process)
			for _, n := range test.nodes {
				r.Advance(n.End)
				r.end(n, n.End)
			}
			r.CloseAll(at(30))
			slices.Sort(r.found)
			require.Equal(t, test.found, r.found)
			require.Equal(t, test.answers, r.answers())
			if test.exception != (correlate.Exception{}) {
				require.Equal(t, test.exception, r.nodes[0].Node.Occurrence.Exception)
			}
			r.requireForgotten(t, at(100))
		})
	}
}

// Whatever is logged in whichever spans, each record that counts is decided
// once, and the order in which all come does not matter.
func TestRecordsInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var nodes []*Node
		for i, flags := range rapid.SliceOfN(rapid.SampledFrom([]string{"-", "F", "M", "FM"}), 1, 5).Draw(t, "spans") {
			parent := "-"
			if i > 0 {
				parent = string(rune('a' + rapid.IntRange(0, i-1).Draw(t, "parent")))
			}
			nodes = append(nodes, span(string(rune('a'+i))+" "+parent+" "+string(rune('0'+i))+" 9 "+flags))
		}
		for range rapid.IntRange(1, 6).Draw(t, "records") {
			nodes = append(nodes, record(strings.Join([]string{
				"log", rapid.SampledFrom([]string{"a", "b", "c", "x", "y"}).Draw(t, "of"), rapid.SampledFrom([]string{"8", "10"}).Draw(t, "time"),
				rapid.SampledFrom([]string{"-", "F", "M", "FM", "FMP"}).Draw(t, "flags"), rapid.SampledFrom([]string{"m", "n"}).Draw(t, "message"),
			}, " ")))
		}
		tell := func(r *recorder) (out []string) {
			for _, f := range r.nodes {
				out = append(out, f.Node.Span.String()+" "+f.Node.Occurrence.Exception.Message)
			}
			slices.Sort(out)
			return out
		}
		copies := func(in []*Node) (out []*Node) {
			for _, n := range in {
				same := *n
				out = append(out, &same)
			}
			return out
		}
		first := copies(nodes)
		one := decideAll(first)
		counting := 0
		for _, n := range nodes {
			if n.counts() {
				counting++
			}
		}
		require.Len(t, one.order, counting)
		for n, reasons := range one.decided {
			require.Len(t, reasons, 1, n.Step.Operation)
		}
		two := decideAll(copies(rapid.Permutation(nodes).Draw(t, "order")))
		require.Equal(t, one.answers(), two.answers())
		require.Equal(t, tell(one), tell(two))
	})
}
