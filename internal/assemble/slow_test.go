package assemble

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
)

// services returns spans whose names are "service.operation".
func services(texts ...string) []*Node {
	nodes := spans(texts...)
	for _, n := range nodes {
		n.Step.Service, _, _ = strings.Cut(n.Step.Operation, ".")
	}
	return nodes
}

func TestSlowest(t *testing.T) {
	for _, test := range []struct {
		rule  string
		spans []*Node
		want  string
	}{
		{"a slow operation that calls nothing is the origin itself", services("a.get - 0 10 MS"), "a.get"},
		{"what took most of its time is", services("a.db a.get 1 9 -", "a.log a.get 9 10 -", "a.get - 0 10 MS"), "a.db"},
		{"however deep", services("a.sql a.db 2 9 -", "a.db a.get 1 9 -", "a.get - 0 10 MS"), "a.sql"},
		{"many that are slow together leave it with what made them", services("a.1 a.get 0 3 -", "a.2 a.get 3 6 -", "a.3 a.get 6 9 -", "a.get - 0 10 MS"), "a.get"},
		{"the callee, if it was slow", services("b.get a.call 2 9 -", "a.call a.get 1 10 -", "a.get - 0 10 MS"), "b.get"},
		{"or if its answer was slow on the way", services("b.get a.call 4 6 -", "a.call a.get 1 10 -", "a.get - 0 10 MS"), "b.get"},
		{
			"unless calls of others were too: then who made them",
			services("b.get a.b 4 5 -", "a.b a.get 1 10 MS", "c.get a.c 12 13 -", "a.c a.get 11 18 -", "a.get - 0 20 -"), "a.get",
		},
		{
			"which does not hold for others that were quick",
			services("b.get a.b 4 5 -", "a.b a.get 1 10 MS", "c.get a.c 11 12 -", "a.c a.get 11 12 -", "a.get - 0 20 -"), "b.get",
		},
		{
			"of two that took about the same time at once, the one below which there is more",
			services("a.handle a.get 1 10 -", "b.get a.call 2 9 -", "a.call a.get 1 9 -", "a.get - 0 10 MS"), "b.get",
		},
		{"a call without its callee is itself", services("a.call a.get 1 10 -", "a.get - 0 10 MS"), "a.call"},
		{"what a rule wants for another reason is itself", services("a.db a.get 1 9 -", "a.get - 0 10 M"), "a.get"},
		{"what failed for another reason is itself", services("a.db a.get 1 9 -", "a.get - 0 10 FM"), "a.get"},
	} {
		t.Run(test.rule, func(t *testing.T) {
			r := decideAll(test.spans)
			require.Len(t, r.nodes, 1)
			require.Equal(t, test.want, r.nodes[0].Node.Step.Operation)
			r.requireOnce(t, test.spans)
		})
	}
}

// Where whole traces come in, a slow span finds what ended before it.
func TestRecent(t *testing.T) {
	r := newRecorder(whole)
	end := func(trace int, text string) {
		n := services(text)[0]
		n.Trace = traceID(trace)
		if n.counts() {
			r.mark.Add(n.Trace)
		}
		r.Add(n, n.End)
	}
	end(1, "a.db a.get 1 9 -")
	end(2, "a.db a.get 1 9 -")
	require.Empty(t, r.traces, "nothing has failed")
	end(1, "a.get - 0 10 MS")
	r.Advance(at(13))
	require.Equal(t, []string{"a.db by a.get: a.db a.get"}, r.found)
	require.Len(t, r.recent.traces, 1)
	r.Advance(at(20))
	require.Zero(t, r.recent.held, "a healthy trace is let go")
	require.Empty(t, r.recent.traces)
	require.Empty(t, r.recent.queue)
	end(2, "a.get - 0 21 MS")
	r.Advance(at(30))
	require.Equal(t, "a.get by a.get: a.get", r.found[1])
	r.requireForgotten(t, at(100))
}

func TestRecentIsBounded(t *testing.T) {
	limits := whole
	limits.Spans = 8
	r := newRecorder(limits)
	text := strings.Repeat("x", 64<<10)
	for i := range 3000 {
		n := inTrace(i/20, "db server 1 2 -")
		n.Occurrence = &correlate.Occurrence{Message: text}
		r.Add(n, at(2))
		require.LessOrEqual(t, r.recent.held, int64(maxRecent))
		require.LessOrEqual(t, len(r.recent.traces[n.Trace]), limits.Spans/2)
	}
	require.NotEmpty(t, r.recent.traces)
	r.requireForgotten(t, at(100))
	require.Zero(t, r.recent.held)
}
