package assemble

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/correlate"
)

var (
	process = Limits{Traces: 4, Spans: 100, Wait: 10 * time.Second}
	whole   = Limits{Traces: 4, Spans: 100, Wait: 10 * time.Second, Linger: 2 * time.Second, Whole: true}
)

func TestTable(t *testing.T) {
	// A step is a span that ends, at its end, or "@" and the second that comes.
	for _, test := range []struct {
		rule    string
		limits  Limits
		steps   []string
		found   []string
		answers []string
		open    int
	}{
		{
			rule:   "a trace is open until its root ends",
			limits: process,
			steps:  []string{"db server 1 2 FM", "@5"},
			open:   1,
		},
		{
			rule:    "it is decided when the root ends",
			limits:  process,
			steps:   []string{"db server 1 2 FM", "server - 0 3 FM"},
			found:   []string{"db by db: db server"},
			answers: []string{"db origin", "server symptom"},
		},
		{
			rule:    "a span with a remote parent is a local root",
			limits:  process,
			steps:   []string{"db server 1 2 FM", "server caller 0 3 R"},
			found:   []string{"db by db: db server"},
			answers: []string{"db origin"},
		},
		{
			rule:   "but not where the spans of all processes meet",
			limits: whole,
			steps:  []string{"db server 1 2 FM", "server caller 0 3 R", "@11"},
			open:   1,
		},
		{
			rule:    "there the true root ends it, after a while",
			limits:  whole,
			steps:   []string{"db server 1 2 FM", "server caller 0 3 R", "page - 0 4 -", "caller page 0 5 FM", "@6"},
			found:   []string{"db by db: db server caller page"},
			answers: []string{"caller symptom", "db origin"},
		},
		{
			rule:    "the while does not begin again with each root of a trace that has many",
			limits:  whole,
			steps:   []string{"a - 0 2 FM", "b - 0 3 FM", "@4"},
			found:   []string{"a by a: a", "b by b: b"},
			answers: []string{"a origin", "b origin"},
		},
		{
			rule:    "a call that timed out waits for its callee, which may take its time",
			limits:  whole,
			steps:   []string{"call server 0 2 FMT a", "server - 0 3 FM", "@6", "db callee 0 7 -", "callee call 0 8 -", "@10"},
			found:   []string{"db by call: db callee call server"},
			answers: []string{"call origin", "server symptom"},
		},
		{
			rule:    "but no longer than a trace waits at all",
			limits:  whole,
			steps:   []string{"call server 0 2 FMT a", "server - 0 3 FM", "@12", "callee call 1 13 -", "@20"},
			found:   []string{"call by call: call server"},
			answers: []string{"call origin", "server symptom"},
		},
		{
			rule:    "without a root it is decided when the wait is over",
			limits:  process,
			steps:   []string{"db repo 1 2 FM", "repo server 1 3 FM", "@12"},
			found:   []string{"db by db: db repo"},
			answers: []string{"db origin", "repo symptom"},
		},
		{
			rule:    "a symptom that ends after the decision is no second failure",
			limits:  process,
			steps:   []string{"db repo 1 2 FM", "repo server 1 3 FM", "@12", "server - 0 14 FM", "@40"},
			found:   []string{"db by db: db repo"},
			answers: []string{"db origin", "repo symptom", "server late_symptom"},
		},
		{
			rule:    "nor is one above a healthy span that ended late",
			limits:  process,
			steps:   []string{"db repo 1 2 FM", "@12", "repo handler 1 13 -", "handler server 1 14 -", "server - 0 15 FM", "@40"},
			found:   []string{"db by db: db"},
			answers: []string{"db origin", "server late_symptom"},
		},
		{
			rule:    "nor is one just below what failed",
			limits:  process,
			steps:   []string{"server - 0 3 FM", "async server 2 4 FM", "below async 2 5 FM", "@40"},
			found:   []string{"server by server: server"},
			answers: []string{"async late_symptom", "below late_symptom", "server origin"},
		},
		{
			rule:    "nor is one below a call that was retried",
			limits:  process,
			steps:   []string{"try1 server 1 2 FM a", "try2 server 3 4 - a", "server - 0 5 -", "remote try1 1 6 FM", "@40"},
			answers: []string{"remote late_symptom", "try1 retried"},
		},
		{
			rule:    "a late failure that belongs to none is a new one",
			limits:  process,
			steps:   []string{"db server 1 2 FM", "server - 0 3 -", "mail worker 3 5 FM", "worker server 3 5 FM", "@6"},
			found:   []string{"db by db: db server", "mail by mail: mail worker"},
			answers: []string{"db origin", "mail origin", "worker symptom"},
		},
		{
			rule:    "what no rule wanted does not hide a late failure that one wants",
			limits:  process,
			steps:   []string{"db server 1 2 F", "@12", "server - 0 13 FM"},
			found:   []string{"server by server: server"},
			answers: []string{"db no_rule", "server origin"},
		},
		{
			rule:   "a healthy span after the decision opens nothing",
			limits: process,
			steps:  []string{"server - 0 3 FM", "async server 2 4 -", "@5"},
			found:  []string{"server by server: server"}, answers: []string{"server origin"},
		},
		{
			rule:   "the end of one request leaves another of the same trace to its own end",
			limits: process,
			steps:  []string{"db1 s1 1 2 F", "db2 s2 1 2 F", "s1 page 0 3 FMR", "@4"},
			found:  []string{"db1 by s1: db1 s1"}, answers: []string{"db1 origin", "s1 symptom"},
			open: 1,
		},
		{
			rule:    "so that the rule on each server takes what failed below it",
			limits:  process,
			steps:   []string{"db1 s1 1 2 F", "db2 s2 1 2 F", "s1 page 0 3 FMR", "s2 page 0 5 FMR"},
			found:   []string{"db1 by s1: db1 s1", "db2 by s2: db2 s2"},
			answers: []string{"db1 origin", "db2 origin", "s1 symptom", "s2 symptom"},
		},
		{
			rule:    "a request that the process makes to itself is one failure",
			limits:  process,
			steps:   []string{"db inner 3 4 FM", "inner client 2 5 FMR", "client outer 1 6 FM", "outer - 0 7 FM"},
			found:   []string{"db by db: db inner"},
			answers: []string{"client late_symptom", "db origin", "inner symptom", "outer late_symptom"},
		},
		{
			rule:    "when there are too many spans, those that are there are decided",
			limits:  Limits{Traces: 4, Spans: 3, Wait: 10 * time.Second},
			steps:   []string{"a server 0 1 FM", "b server 0 2 FM", "c server 0 3 FM", "d server 0 4 FM", "server - 0 5 FM"},
			found:   []string{"a by a: a", "b by b: b", "c by c: c", "d by d: d"},
			answers: []string{"a origin", "b origin", "c origin", "d origin", "server late_symptom"},
		},
	} {
		t.Run(test.rule, func(t *testing.T) {
			r := newRecorder(test.limits)
			var nodes []*Node
			for _, step := range test.steps {
				if second, ok := strings.CutPrefix(step, "@"); ok {
					d, err := time.ParseDuration(second + "s")
					require.NoError(t, err)
					r.Advance(epoch.Add(d))
					continue
				}
				n := span(step)
				nodes = append(nodes, n)
				r.Advance(n.End)
				r.end(n, n.End)
			}
			require.Equal(t, test.found, r.found)
			require.Equal(t, test.answers, r.answers())
			require.Equal(t, test.open, r.Len())
			r.CloseAll(at(50))
			r.requireOnce(t, nodes)
			r.requireForgotten(t, at(100))
		})
	}
}

// requireForgotten fails unless the table and its marks are empty by then.
func (r *recorder) requireForgotten(t require.TestingT, now time.Time) {
	r.Advance(now)
	require.Zero(t, r.Next())
	require.Empty(t, r.traces)
	require.Zero(t, r.held)
	require.Zero(t, r.mark.used.Load())
	for i := range r.mark.slots {
		if n := r.mark.slots[i].Load(); n != 0 {
			require.Zero(t, n, "marks in slot %d", i)
		}
	}
}

// inTrace returns the span in a trace of its own.
func inTrace(n int, text string) *Node {
	s := span(text)
	s.Trace = traceID(n)
	return s
}

func TestTableMakesRoom(t *testing.T) {
	r := newRecorder(process)
	var nodes []*Node
	for i := range 20 {
		n := inTrace(i, fmt.Sprintf("db%d server 0 %d FM", i, i))
		nodes = append(nodes, n)
		r.end(n, at(0).Add(time.Duration(i)*time.Millisecond))
		require.LessOrEqual(t, len(r.traces), process.Traces)
	}
	require.Len(t, r.found, 16, "the oldest are decided early")
	require.Equal(t, "db0 by db0: db0", r.found[0])
	r.CloseAll(at(1))
	require.Len(t, r.found, 20)
	r.requireOnce(t, nodes)
	r.requireForgotten(t, at(100))
}

func TestTableForgetsTheDecidedFirst(t *testing.T) {
	r := newRecorder(process)
	r.end(inTrace(1, "a server 0 1 FM"), at(1))
	r.end(inTrace(2, "b - 0 1 FM"), at(1)) // decided at once
	for i := 3; i < 6; i++ {
		r.end(inTrace(i, "c server 0 1 FM"), at(2))
	}
	require.Equal(t, []string{"b by b: b"}, r.found)
	require.True(t, r.mark.Has(traceID(1)))
	require.False(t, r.mark.Has(traceID(2)))
}

func TestTableNext(t *testing.T) {
	r := newRecorder(process)
	require.Zero(t, r.Next())
	r.end(inTrace(1, "a server 0 1 FM"), at(1))
	r.end(inTrace(2, "b server 0 3 FM"), at(3))
	require.Equal(t, at(11), r.Next(), "when the first wait is over")
	r.end(inTrace(1, "server - 0 4 -"), at(4))
	require.Equal(t, at(13), r.Next(), "the other one's")
	r.Advance(at(13))
	require.Equal(t, at(14), r.Next(), "when the first is forgotten")
	r.Advance(at(14))
	require.Equal(t, at(23), r.Next())
	r.Advance(at(23))
	require.Zero(t, r.Next())
}

// A trace is decided as of when it was due, however late Advance is called.
func TestTableAdvancesInOrder(t *testing.T) {
	var when []time.Time
	m := new(Mark)
	table := NewTable(process, m, func(_ Found, now time.Time) { when = append(when, now) }, func(*Node, correlate.Reason, *Node) {})
	for i, second := range []int{5, 1, 3} {
		n := inTrace(i, "a server 0 1 FM")
		m.Add(n.Trace)
		table.Add(n, at(second))
	}
	table.Advance(at(1000))
	require.Equal(t, []time.Time{at(11), at(13), at(15)}, when)
	require.Empty(t, table.traces)
}

// A connection or a batch job may be one trace for days.
func TestLongLivedTrace(t *testing.T) {
	r := newRecorder(Limits{Traces: 4, Spans: 128, Wait: time.Minute})
	const n = 20_000
	for i := range n {
		now := epoch.Add(time.Duration(i) * 10 * time.Millisecond)
		r.Advance(now)
		r.end(span(fmt.Sprintf("db%d job%d 1 2 F", i, i)), now)
		r.end(span(fmt.Sprintf("job%d worker 0 2 FM", i)), now)
		e := r.traces[traceID(1)]
		require.LessOrEqual(t, e.spans, 128)
		require.LessOrEqual(t, len(e.known)+len(e.older), maxKnown)
	}
	r.end(span("worker - 0 9 FM"), epoch.Add(n*10*time.Millisecond))
	require.Len(t, r.found, n, "each child is a failure of its own, and the root that fails at last is none")
	require.Contains(t, r.answers(), "worker late_symptom")
	r.requireForgotten(t, epoch.Add(time.Hour))
}

// What was decided longest ago is forgotten first: the parents of what was
// decided just now are still to end.
func TestLongLivedTraceKnowsItsNewest(t *testing.T) {
	r := newRecorder(Limits{Traces: 4, Spans: 2, Wait: time.Hour})
	for i := range 2 * maxKnown {
		r.end(span(fmt.Sprintf("db%d job%d 1 2 FM", i, i)), at(1))
		r.end(span(fmt.Sprintf("fs%d job%d 1 2 FM", i, i)), at(1)) // no room for more
		r.end(span(fmt.Sprintf("job%d worker 0 3 FM", i)), at(1))
	}
	late := 0
	for _, reasons := range r.decided {
		if reasons[0] == correlate.LateSymptom {
			late++
		}
	}
	require.Equal(t, 2*maxKnown, late, "each job is a symptom of its database's failure")
}

// However many traces go on for long, what is remembered of all is bounded.
func TestRelationsAreBounded(t *testing.T) {
	const traces, each = 300, 1200
	r := newRecorder(Limits{Traces: traces, Spans: 128, Wait: time.Hour})
	for i := range traces {
		e := r.follow(traceID(i), at(1))
		for k := range each {
			r.learn(e, trace.SpanID{1, byte(k), byte(k >> 8)}, member)
		}
	}
	sum := 0
	for _, e := range r.traces {
		sum += len(e.known) + len(e.older)
	}
	require.Equal(t, sum, r.relations)
	require.LessOrEqual(t, sum, maxRelations+traces*leastKnown)
	r.CloseAll(at(2))
	r.Advance(at(1 << 20))
	require.Empty(t, r.traces)
	require.Zero(t, r.relations)
}

// A flood of large spans in traces that do not end is bounded as a whole.
func TestTableBoundsBytes(t *testing.T) {
	r := newRecorder(Limits{Traces: 4096, Spans: 2048, Wait: time.Hour})
	stack := strings.Repeat("x", 16<<10)
	var nodes []*Node
	for i := range 10_000 {
		n := inTrace(i%1000, fmt.Sprintf("s%d server 0 1 FM", i))
		n.Occurrence.Exception.Stacktrace = stack
		n.Occurrence.Attributes = []correlate.Attribute{{Key: "k", Value: stack}, {Key: "l", Value: []string{stack}}}
		nodes = append(nodes, n)
		r.end(n, at(1))
		require.LessOrEqual(t, r.held, int64(maxHeld))
	}
	require.NotEmpty(t, r.found)
	require.NotZero(t, r.Len())
	r.CloseAll(at(2))
	r.requireOnce(t, nodes)
	require.Zero(t, r.held)
}

func BenchmarkDecide(b *testing.B) {
	for _, size := range []int{4, 100, 2000} {
		b.Run(fmt.Sprintf("spans=%d", size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				nodes := spans("s0 - 0 9 FM")
				for i := 1; i < size; i++ {
					nodes = append(nodes, span(fmt.Sprintf("s%d s%d %d 9000 FM", i, i/2, i)))
				}
				b.StartTimer()
				link(nodes).failures()
			}
		})
	}
}
