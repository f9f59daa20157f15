package assemble

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// linked returns a span of another trace that continues one of trace 1.
func linked(trace int, text, to string) *Node {
	n := inTrace(trace, text)
	if to != "" {
		n.Links = []Link{{Trace: traceID(1), Span: spanID(to)}}
	}
	return n
}

func TestEcho(t *testing.T) {
	consumer := []*Node{
		linked(2, "db consume 2 3 FM", ""),
		linked(2, "consume - 2 4 FM", "send"),
	}
	for _, test := range []struct {
		rule    string
		spans   []*Node
		found   []string
		answers []string
	}{
		{
			rule:    "who sent a message and fails because its consumer did is a symptom",
			spans:   append(consumer[:2:2], span("server - 0 5 FM")),
			found:   []string{"db by db: db consume"},
			answers: []string{"consume symptom", "db origin", "server late_symptom"},
		},
		{
			rule:    "so is what failed on the way to it",
			spans:   append(consumer[:2:2], span("wait server 1 5 FM"), span("server - 0 6 FM")),
			found:   []string{"db by db: db consume"},
			answers: []string{"consume symptom", "db origin", "server late_symptom", "wait late_symptom"},
		},
		{
			rule:    "a call that it made to another is a failure of its own",
			spans:   append(consumer[:2:2], span("call server 1 5 FM a"), span("server - 0 6 FM")),
			found:   []string{"db by db: db consume", "call by call: call server"},
			answers: []string{"call origin", "consume symptom", "db origin", "server symptom"},
		},
		{
			rule:    "so is what began after the message was taken",
			spans:   append(consumer[:2:2], span("check server 4 5 FM"), span("server - 0 6 FM")),
			found:   []string{"db by db: db consume", "check by check: check server"},
			answers: []string{"check origin", "consume symptom", "db origin", "server symptom"},
		},
		{
			rule:    "a consumer that went well explains nothing",
			spans:   []*Node{linked(2, "consume - 2 4 -", "send"), span("server - 0 5 FM")},
			found:   []string{"server by server: server"},
			answers: []string{"server origin"},
		},
	} {
		t.Run(test.rule, func(t *testing.T) {
			r := newRecorder(process)
			for _, n := range test.spans {
				r.Advance(n.End)
				r.end(n, n.End)
			}
			r.CloseAll(at(9))
			require.Equal(t, test.found, r.found)
			require.Equal(t, test.answers, r.answers())
			r.requireForgotten(t, at(100))
		})
	}
}

func TestEchoesAreBounded(t *testing.T) {
	for _, limit := range []int{4, 200} {
		limits := process
		limits.Traces = limit
		r := newRecorder(limits)
		for i := 2; i < 100; i++ {
			r.end(linked(i, "consume - 2 3 FM", "send"), at(3))
			require.LessOrEqual(t, len(r.traces), limit)
		}
		if limit > 100 {
			require.Len(t, r.traces[traceID(1)].echoes, maxEchoes)
		}
		r.requireForgotten(t, at(100))
	}
}

func TestLinksAreTold(t *testing.T) {
	r := newRecorder(process)
	r.end(linked(2, "db consume 2 3 FM", ""), at(3))
	r.end(linked(2, "consume - 2 4 -", "send"), at(4))
	require.Len(t, r.nodes, 1)
	o := r.nodes[0].Node.Occurrence
	require.Len(t, o.Links, 1)
	require.Equal(t, traceID(1).String(), o.Links[0].TraceID)
	require.Equal(t, spanID("send").String(), o.Links[0].SpanID)
}
