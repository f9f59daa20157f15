package assemble

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/correlate"
)

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(seconds int) time.Time { return epoch.Add(time.Duration(seconds) * time.Second) }

func spanID(name string) (id trace.SpanID) {
	if name != "-" {
		copy(id[:], name)
	}
	return id
}

func traceID(n int) (id trace.TraceID) {
	copy(id[8:], strconv.Itoa(n))
	id[0] = 1
	return id
}

// span reads "name parent start end flags target". The parent "-" is none. The
// flags are F for failed, T for timed out, C for canceled, M for matched, I for
// a rule that minds cancellations, S for one about slowness, R for a remote parent and - for none; the
// target may be left out.
func span(text string) *Node {
	f := strings.Fields(text)
	start, err1 := strconv.Atoi(f[2])
	end, err2 := strconv.Atoi(f[3])
	if err1 != nil || err2 != nil {
		panic("not a span: " + text)
	}
	n := &Node{
		Trace: traceID(1), Span: spanID(f[0]), Parent: spanID(f[1]), Remote: strings.Contains(f[4], "R"),
		Step:  correlate.Step{Service: "shop", Operation: f[0], Failed: strings.Contains(f[4], "F")},
		Start: at(start), End: at(end), Matched: strings.Contains(f[4], "M"), Minds: strings.Contains(f[4], "I"),
		Slow: strings.Contains(f[4], "S"), TimedOut: strings.Contains(f[4], "T"), Canceled: strings.Contains(f[4], "C"),
	}
	if n.counts() {
		n.Occurrence = &correlate.Occurrence{Operation: f[0], Start: n.Start, End: n.End}
	}
	if len(f) > 5 {
		for _, c := range []byte(f[5]) {
			n.Target = n.Target<<8 | uint64(c)
		}
	}
	return n
}

func spans(texts ...string) []*Node {
	var nodes []*Node
	for _, text := range texts {
		nodes = append(nodes, span(text))
	}
	return nodes
}

// recorder is a table and what came out of it.
type recorder struct {
	*Table
	mark    *Mark
	found   []string // "origin by span: path"
	nodes   []Found
	decided map[*Node][]correlate.Reason
	order   []*Node
}

func newRecorder(l Limits) *recorder {
	r := &recorder{mark: new(Mark), decided: map[*Node][]correlate.Reason{}}
	r.Table = NewTable(l, r.mark,
		func(f Found, _ time.Time) {
			var path []string
			for _, s := range f.Node.Occurrence.Path {
				path = append(path, s.Operation)
			}
			r.nodes = append(r.nodes, f)
			r.found = append(r.found, f.Node.Step.Operation+" by "+f.By.Step.Operation+": "+strings.Join(path, " "))
		},
		func(n *Node, reason correlate.Reason, _ *Node) {
			r.order = append(r.order, n)
			r.decided[n] = append(r.decided[n], reason)
		})
	return r
}

// end does what the gate and the engine do with a span that ends.
func (r *recorder) end(n *Node, now time.Time) {
	if n.counts() {
		r.mark.Add(n.Trace)
	} else if !r.mark.Has(n.Trace) {
		return
	}
	r.Add(n, now)
}

// answers returns what became of each span that counts, as "name reason".
func (r *recorder) answers() []string {
	var out []string
	for _, n := range r.order {
		for _, reason := range r.decided[n] {
			out = append(out, n.Step.Operation+" "+string(reason))
		}
	}
	slices.Sort(out)
	return out
}

// requireOnce fails unless each node that counts was decided exactly once.
func (r *recorder) requireOnce(t require.TestingT, nodes []*Node) {
	counting := 0
	for _, n := range nodes {
		if n.counts() {
			counting++
			require.Len(t, r.decided[n], 1, "decisions for %s", n.Step.Operation)
		}
	}
	require.Len(t, r.order, counting)
	origins := 0
	for _, n := range r.order {
		if r.decided[n][0] == correlate.Origin {
			origins++
		}
	}
	require.Len(t, r.found, origins, "one failure for each origin")
}

// roomy has limits that nothing here reaches; only CloseAll decides.
var roomy = Limits{Traces: 100, Spans: 1 << 20, Wait: time.Hour, Linger: time.Hour, Whole: true}

// decideAll returns what became of the spans of one trace.
func decideAll(nodes []*Node) *recorder {
	r := newRecorder(roomy)
	for _, n := range nodes {
		if n.counts() {
			r.mark.Add(n.Trace)
		}
	}
	// The table follows a trace from its first failure on.
	for _, counts := range []bool{true, false} {
		for _, n := range nodes {
			if n.counts() == counts {
				r.Add(n, at(0))
			}
		}
	}
	r.CloseAll(at(1))
	return r
}
