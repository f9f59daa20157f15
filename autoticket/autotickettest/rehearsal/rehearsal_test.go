package rehearsal

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/autoticket"
)

var begin = time.Date(2024, 5, 6, 7, 0, 0, 0, time.UTC)

// failing returns a span of a service, that failed at a time.
func failing(service, name string, id byte, at time.Duration) sdktrace.ReadOnlySpan {
	return tracetest.SpanStub{
		Name:        name,
		SpanContext: trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{id}, SpanID: trace.SpanID{id}}),
		SpanKind:    trace.SpanKindServer,
		StartTime:   begin.Add(at), EndTime: begin.Add(at + time.Second),
		Status:   sdktrace.Status{Code: codes.Error},
		Resource: resource.NewSchemaless(attribute.String("service.name", service)),
	}.Snapshot()
}

func TestATicketStandsOnceWhateverTheSinks(t *testing.T) {
	out, err := Run(t.Context(), autoticket.Config{}, []string{"b", "a"}, []sdktrace.ReadOnlySpan{
		failing("shop", "GET /", 1, 0), failing("shop", "GET /", 2, time.Minute),
	}, false)
	require.NoError(t, err)
	require.Len(t, out.Tickets, 1)
	require.Equal(t, []string{"a", "b"}, out.Tickets[0].Sinks)
	require.EqualValues(t, 2, out.Tickets[0].Count, "as it was at the end, not when the ticket was last told")
	require.Equal(t, 1, out.Problems)
}

func TestWhatIsForgottenIsAnotherTicket(t *testing.T) {
	const year = 365 * 24 * time.Hour
	out, err := Run(t.Context(), autoticket.Config{}, []string{"a"}, []sdktrace.ReadOnlySpan{
		failing("shop", "GET /", 1, 0), failing("bank", "GET /", 3, year/2), failing("shop", "GET /", 2, year),
	}, false)
	require.NoError(t, err)
	require.Len(t, out.Tickets, 3)
	require.Equal(t, out.Tickets[0].Signature, out.Tickets[2].Signature)
	require.EqualValues(t, 1, out.Tickets[0].Count)
	require.Equal(t, 3, out.Problems)
}

func TestEachServiceByItself(t *testing.T) {
	rules := []autoticket.Rule{{Name: "errors", When: `span.status == "ERROR"`}, {Name: "none", When: `span.name == "none"`}}
	out, err := Run(t.Context(), autoticket.Config{Rules: rules}, []string{"a"}, []sdktrace.ReadOnlySpan{
		failing("shop", "GET /", 1, time.Second), failing("bank", "GET /", 1, 0),
	}, true)
	require.NoError(t, err)
	require.Len(t, out.Tickets, 2, "the same IDs, but another process")
	require.Equal(t, "bank", out.Tickets[0].Service)
	require.EqualValues(t, 2, out.Stats.Spans)
	require.EqualValues(t, 2, out.Stats.Rules[0].Matches)
	require.EqualValues(t, 2, out.Stats.Decisions["opened"])
}

func TestCheck(t *testing.T) {
	stats, err := Check(autoticket.Config{RuleYAML: []byte("version: 1\nrules:\n  - {name: x, when: 'true', sinks: [a]}\n")}, []string{"a"})
	require.NoError(t, err)
	require.Equal(t, "x", stats.Rules[0].Name)
	_, err = Check(autoticket.Config{RuleYAML: []byte("version: 1\nrules:\n  - {name: x, when: 'true', sinks: [b]}\n")}, []string{"a"})
	require.ErrorContains(t, err, `rule "x"`)
}

func TestSinkNames(t *testing.T) {
	fsys := fstest.MapFS{
		"a.yaml":     {Data: []byte("version: 1\nrules:\n  - {name: x, when: 'true', sinks: [jira, '\"team-\" + span.name']}\n  - {name: y, when: 'true', sinks: [chat]}\n")},
		"b.yaml":     {Data: []byte("version: 1\ndefaults: {sinks: [pager, jira]}\nrules:\n  - {name: z, when: 'true'}\n")},
		"none.yaml":  {Data: []byte("version: 1\nrules:\n  - {name: z, when: 'true'}\n")},
		"c/0.yaml":   {Data: []byte("version: 1\ndefaults: {sinks: [mail]}\n")},
		"c/1.yaml":   {Data: []byte("version: 1\nrules:\n  - {name: z, when: 'true'}\n")},
		"broken.yml": {Data: []byte("{")},
	}
	for _, row := range []struct {
		rule     string
		patterns []string
		want     []string
	}{
		{"those that rules name, without expressions", []string{"a.yaml"}, []string{"chat", "jira"}},
		{"of all files, defaults too", []string{"[ab].yaml"}, []string{"chat", "jira", "pager"}},
		{"what files share", []string{"c/*.yaml"}, []string{"mail"}},
		{"rules that name none", []string{"none.yaml"}, []string{"else"}},
		{"a file that is broken", []string{"broken.yml"}, []string{"else"}},
		{"a file that is not there", []string{"gone.yaml"}, []string{"else"}},
	} {
		require.Equal(t, row.want, SinkNames(fsys, row.patterns, "else"), row.rule)
	}
}
