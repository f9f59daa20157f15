package assemble

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOrigin(t *testing.T) {
	for _, test := range []struct {
		rule    string
		spans   []*Node
		found   []string
		answers []string
	}{
		{
			rule:    "a root that fails alone is the origin",
			spans:   spans("server - 0 9 FM"),
			found:   []string{"server by server: server"},
			answers: []string{"server origin"},
		},
		{
			rule:    "a chain is one failure, at its deepest span",
			spans:   spans("db repo 3 4 FM", "repo handler 2 5 FM", "handler server 1 6 FM", "server - 0 9 FM"),
			found:   []string{"db by db: db repo handler server"},
			answers: []string{"db origin", "handler symptom", "repo symptom", "server symptom"},
		},
		{
			rule:    "a healthy span between two that failed does not part them",
			spans:   spans("db repo 3 4 FM", "repo server 2 5 -", "server - 0 9 FM"),
			found:   []string{"db by db: db repo server"},
			answers: []string{"db origin", "server symptom"},
		},
		{
			rule:    "a failure below a healthy root has the path to it",
			spans:   spans("db server 3 4 FM", "server - 0 9 -"),
			found:   []string{"db by db: db server"},
			answers: []string{"db origin"},
		},
		{
			rule:    "of two that failed below one that did, the earlier is the origin",
			spans:   spans("second server 3 4 FM", "first server 1 2 FM", "server - 0 9 FM"),
			found:   []string{"first by first: first server"},
			answers: []string{"first origin", "second symptom", "server symptom"},
		},
		{
			rule:    "of two that start together and are the same call, the one that ends first is the origin",
			spans:   spans("long server 1 4 FM a", "long server 1 2 FM a", "server - 0 9 FM"),
			found:   []string{"long by long: long server"},
			answers: []string{"long origin", "long symptom", "server symptom"},
		},
		{
			rule:    "two that fail side by side below one that does are two failures",
			spans:   spans("long server 1 4 FM", "short server 2 3 FM", "server - 0 9 FM"),
			found:   []string{"long by long: long server", "short by short: short server"},
			answers: []string{"long origin", "server symptom", "short origin"},
		},
		{
			rule:    "each of them at its deepest, by the rule on its way",
			spans:   spans("db1 one 2 3 F", "one server 1 4 FM", "db2 two 2 3 FM", "two server 1 5 F", "server - 0 9 FM"),
			found:   []string{"db1 by one: db1 one server", "db2 by db2: db2 two server"},
			answers: []string{"db1 origin", "db2 origin", "one symptom", "server symptom", "two symptom"},
		},
		{
			rule:    "what was canceled because one beside it failed is none",
			spans:   spans("one server 1 2 FM", "two server 1 3 FMC", "server - 0 9 FM"),
			found:   []string{"one by one: one server"},
			answers: []string{"one origin", "server symptom", "two symptom"},
		},
		{
			rule:    "an operation that failed and canceled what it had begun is the origin itself",
			spans:   spans("two server 1 3 FMC", "server - 0 3 FM"),
			found:   []string{"server by server: server"},
			answers: []string{"server origin", "two symptom"},
		},
		{
			rule:    "a request that its caller gave up is no failure",
			spans:   spans("db server 1 3 FMC", "server - 0 3 FMC"),
			answers: []string{"db canceled", "server canceled"},
		},
		{
			rule:    "nor is a call that was not needed any more",
			spans:   spans("hedge server 1 3 FMC", "server - 0 3 -"),
			answers: []string{"hedge canceled"},
		},
		{
			rule:    "unless its rule minds",
			spans:   spans("db server 1 3 FC", "server - 0 3 FMCI"),
			found:   []string{"db by server: db server"},
			answers: []string{"db origin", "server symptom"},
		},
		{
			rule:    "what was slow before it was canceled is a failure if a rule says so",
			spans:   spans("db server 1 3 M", "server - 0 3 FMC"),
			found:   []string{"db by db: db server"},
			answers: []string{"db origin", "server symptom"},
		},
		{
			rule:    "what no rule wants is not said to be canceled",
			spans:   spans("server - 0 3 FC"),
			answers: []string{"server no_rule"},
		},
		{
			rule:    "of a call that timed out the callee is the origin, which was canceled by it",
			spans:   spans("db callee 2 5 FC", "callee call 1 5 FC", "quick callee 1 2 FC", "call server 0 5 FMT", "server - 0 6 FM"),
			found:   []string{"db by call: db callee call server"},
			answers: []string{"call symptom", "callee symptom", "db origin", "quick symptom", "server symptom"},
		},
		{
			rule:    "or which went on and ended well, later: then its slowest operation",
			spans:   spans("fast callee 1 2 -", "db callee 2 9 -", "callee call 1 9 -", "call server 0 5 FMT", "server - 0 6 FM"),
			found:   []string{"db by call: db callee call server"},
			answers: []string{"call origin", "server symptom"},
		},
		{
			rule:    "but not of several that were slow only together",
			spans:   spans("one callee 1 3 -", "two callee 3 5 -", "callee call 1 9 -", "call server 0 5 FMT", "server - 0 6 FM"),
			found:   []string{"callee by call: callee call server"},
			answers: []string{"call origin", "server symptom"},
		},
		{
			rule:    "a call that timed out before anything was heard of its callee is the origin itself",
			spans:   spans("connect call 0 1 -", "call server 0 5 FMT", "server - 0 6 FM"),
			found:   []string{"call by call: call server"},
			answers: []string{"call origin", "server symptom"},
		},
		{
			rule:    "attempts at one call that all failed are one failure, though what made them went well",
			spans:   spans("try1 server 1 2 FM a", "try2 server 3 4 FM a", "deep try2 3 4 FM", "try3 server 5 6 FM a", "server - 0 9 -"),
			found:   []string{"try1 by try1: try1 server"},
			answers: []string{"deep symptom", "try1 origin", "try2 symptom", "try3 symptom"},
		},
		{
			rule:    "calls at once of the same target are not attempts",
			spans:   spans("one server 1 4 FM a", "two server 2 4 FM a", "server - 0 9 -"),
			found:   []string{"one by one: one server", "two by two: two server"},
			answers: []string{"one origin", "two origin"},
		},
		{
			rule:    "of spans that are only slow the one that took longest is the cause",
			spans:   spans("short server 1 3 M", "long server 3 8 M", "server - 0 9 M"),
			found:   []string{"long by long: long server"},
			answers: []string{"long origin", "server symptom", "short symptom"},
		},
		{
			rule:    "two failures below a healthy parent are two",
			spans:   spans("first server 1 2 FM", "second server 3 4 FM", "server - 0 9 -"),
			found:   []string{"first by first: first server", "second by second: second server"},
			answers: []string{"first origin", "second origin"},
		},
		{
			rule: "a call that was made again and went well is no failure, nor is what failed below it",
			spans: spans("remote try1 1 2 FM", "try1 server 1 2 FM GET/x", "try2 server 3 4 - GET/x", "server - 0 9 -",
				"deep remote 1 2 FM"),
			answers: []string{"deep retried", "remote retried", "try1 retried"},
		},
		{
			rule:    "each attempt that failed is retried if the last went well",
			spans:   spans("try1 server 1 2 FM a", "try2 server 3 4 FM a", "try3 server 5 6 - a", "server - 0 9 -"),
			answers: []string{"try1 retried", "try2 retried"},
		},
		{
			rule:    "an attempt that failed after one that went well is a failure",
			spans:   spans("try1 server 1 2 - a", "try2 server 3 4 FM a", "server - 0 9 -"),
			found:   []string{"try2 by try2: try2 server"},
			answers: []string{"try2 origin"},
		},
		{
			rule:    "going well did not help if the parent failed",
			spans:   spans("try1 server 1 2 FM a", "try2 server 3 4 - a", "server - 0 9 FM"),
			found:   []string{"try1 by try1: try1 server"},
			answers: []string{"server symptom", "try1 origin"},
		},
		{
			rule:    "a call to another target is no second attempt",
			spans:   spans("try1 server 1 2 FM a", "try2 server 3 4 - b", "server - 0 9 -"),
			found:   []string{"try1 by try1: try1 server"},
			answers: []string{"try1 origin"},
		},
		{
			rule:    "what has no target is not known to be the same call",
			spans:   spans("try1 server 1 2 FM", "try2 server 3 4 -", "server - 0 9 -"),
			found:   []string{"try1 by try1: try1 server"},
			answers: []string{"try1 origin"},
		},
		{
			rule:    "a call that was made before the first had failed is no second attempt",
			spans:   spans("try1 server 1 4 FM a", "try2 server 3 6 - a", "server - 0 9 -"),
			found:   []string{"try1 by try1: try1 server"},
			answers: []string{"try1 origin"},
		},
		{
			rule:    "an attempt below another parent is none",
			spans:   spans("try1 one 1 2 FM a", "try2 two 3 4 - a", "one server 1 2 -", "two server 3 4 -", "server - 0 9 -"),
			found:   []string{"try1 by try1: try1 one server"},
			answers: []string{"try1 origin"},
		},
		{
			rule:    "of spans that are only slow the deepest is the origin",
			spans:   spans("db repo 2 8 M", "repo server 1 8 -", "server - 0 9 M"),
			found:   []string{"db by db: db repo server"},
			answers: []string{"db origin", "server symptom"},
		},
		{
			rule:    "what failed is the cause, not what was slow before it",
			spans:   spans("slow server 1 5 M", "broken server 6 7 FM", "server - 0 9 FM"),
			found:   []string{"broken by broken: broken server"},
			answers: []string{"broken origin", "server symptom", "slow symptom"},
		},
		{
			rule:    "what was slow is the cause if nothing below failed",
			spans:   spans("slow server 1 8 M", "server - 0 9 FM"),
			found:   []string{"slow by slow: slow server"},
			answers: []string{"server symptom", "slow origin"},
		},
		{
			rule:    "a rule that matched only the server takes what failed below it",
			spans:   spans("db server 1 2 F", "server - 0 9 FM"),
			found:   []string{"db by server: db server"},
			answers: []string{"db origin", "server symptom"},
		},
		{
			rule:    "of the rules on the way the deepest takes it",
			spans:   spans("db repo 3 4 F", "repo handler 2 5 FM", "handler server 1 6 F", "server - 0 9 FM"),
			found:   []string{"db by repo: db repo handler server"},
			answers: []string{"db origin", "handler symptom", "repo symptom", "server symptom"},
		},
		{
			rule:    "a rule that matched beside the way takes it if no other does",
			spans:   spans("first server 1 2 F", "second server 3 4 FM", "server - 0 9 F"),
			found:   []string{"first by second: first server"},
			answers: []string{"first origin", "second symptom", "server symptom"},
		},
		{
			rule:    "without a rule each is told so",
			spans:   spans("db server 1 2 F", "server - 0 9 F"),
			answers: []string{"db no_rule", "server no_rule"},
		},
		{
			rule:    "a failure that no rule wants does not hide another",
			spans:   spans("one server 1 2 F", "two server 3 4 FM", "server - 0 9 -"),
			found:   []string{"two by two: two server"},
			answers: []string{"one no_rule", "two origin"},
		},
		{
			rule:    "a span that is its own parent has none",
			spans:   spans("self self 0 9 FM", "db self 1 2 FM"),
			found:   []string{"db by db: db self"},
			answers: []string{"db origin", "self symptom"},
		},
		{
			rule:    "two spans that are each other's parents are one failure, with the earlier as its root",
			spans:   spans("a b 1 2 FM", "b a 3 4 FM"),
			found:   []string{"b by b: b a"},
			answers: []string{"a symptom", "b origin"},
		},
		{
			rule:    "what hangs below a circle belongs to it, though it is earlier",
			spans:   spans("leaf a 0 1 FM", "a b 1 2 FM", "b a 3 4 FM"),
			found:   []string{"leaf by leaf: leaf a"},
			answers: []string{"a symptom", "b symptom", "leaf origin"},
		},
		{
			rule:    "a circle of healthy spans ends too",
			spans:   spans("db a 1 2 FM", "a b 0 5 -", "b c 0 6 -", "c a 0 7 -"),
			found:   []string{"db by db: db a"},
			answers: []string{"db origin"},
		},
		{
			rule:    "of spans with one ID the earlier is the parent, and each is decided",
			spans:   spans("db twin 2 3 FM", "twin - 1 8 -", "twin - 0 7 FM"),
			found:   []string{"db by db: db twin"},
			answers: []string{"db origin", "twin symptom"},
		},
		{
			rule:    "spans whose parent is missing are roots of their own",
			spans:   spans("db gone 1 2 FM", "cache gone 3 4 FM"),
			found:   []string{"db by db: db", "cache by cache: cache"},
			answers: []string{"cache origin", "db origin"},
		},
		{
			rule:    "a span without an ID is nobody's parent",
			spans:   spans("- - 0 9 FM", "server - 1 2 FM"),
			found:   []string{"- by -: -", "server by server: server"},
			answers: []string{"- origin", "server origin"},
		},
	} {
		t.Run(test.rule, func(t *testing.T) {
			r := decideAll(test.spans)
			require.Equal(t, test.found, r.found)
			require.Equal(t, test.answers, r.answers())
			r.requireOnce(t, test.spans)
		})
	}
}

func TestOriginKnowsRemoteParent(t *testing.T) {
	r := decideAll(spans("db server 1 2 FM", "server caller 0 9 R"))
	require.Len(t, r.nodes, 1)
	require.True(t, r.nodes[0].Node.Occurrence.RemoteParent)

	r = decideAll(spans("db server 1 2 FM", "server - 0 9 -"))
	require.False(t, r.nodes[0].Node.Occurrence.RemoteParent)
}

func TestPathIsBounded(t *testing.T) {
	nodes := spans("s0 - 0 2000 -")
	for i := 1; i < 1000; i++ {
		nodes = append(nodes, span(fmt.Sprintf("s%d s%d %d %d FM", i, i-1, i, 2000-i)))
	}
	r := decideAll(nodes)
	require.Len(t, r.nodes, 1)
	require.Equal(t, "s999", r.nodes[0].Node.Step.Operation)
	require.Len(t, r.nodes[0].Node.Occurrence.Path, maxPath)
	r.requireOnce(t, nodes)
}

// An origin's details are completed in a copy: whoever made them may hold them.
func TestOccurrenceIsCopied(t *testing.T) {
	n := span("server - 0 9 FM")
	made := n.Occurrence
	decideAll([]*Node{n})
	require.Empty(t, made.Path)
	require.Len(t, n.Occurrence.Path, 1)
}

// TestLargeTrace holds the cost of a trace to a little more than linear, in
// the shapes that are hard.
func TestLargeTrace(t *testing.T) {
	const size = 10_000
	for _, test := range []struct {
		shape  string
		parent func(i int) string
		flags  func(i int) string
		found  int
	}{
		{"a chain that failed", func(i int) string { return fmt.Sprintf("s%d", i-1) }, func(int) string { return "FM" }, 1},
		{"a chain, the ends of which failed", func(i int) string { return fmt.Sprintf("s%d", i-1) }, func(i int) string {
			if i < 2 || i > size-3 {
				return "FM"
			}
			return "-"
		}, 2}, // too far apart to be seen as one
		{"a fan below one that failed", func(int) string { return "s0" }, func(int) string { return "FM" }, maxFan},
		{"a fan below one that is healthy", func(int) string { return "s0" }, func(i int) string {
			if i == 0 {
				return "-"
			}
			return "FM"
		}, size - 1},
		{"one circle", func(i int) string { return fmt.Sprintf("s%d", (i+1)%size) }, func(int) string { return "FM" }, 1},
		{"no parents", func(i int) string { return fmt.Sprintf("x%d", i) }, func(int) string { return "FM" }, size},
	} {
		t.Run(test.shape, func(t *testing.T) {
			nodes := make([]*Node, size)
			for i := range nodes {
				parent := "-"
				if i > 0 || test.shape == "one circle" {
					parent = test.parent(i)
				}
				nodes[i] = span(fmt.Sprintf("s%d %s %d %d %s", i, parent, i, size+i, test.flags(i)))
			}
			slices.Reverse(nodes)
			began := time.Now()
			r := decideAll(nodes)
			// It takes a few dozen milliseconds; were it quadratic, it would take minutes.
			require.Less(t, time.Since(began), 20*time.Second)
			require.Len(t, r.found, test.found)
			r.requireOnce(t, nodes)
		})
	}
}
