package celrule

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
)

func TestCanceledAndTimedOut(t *testing.T) {
	with := func(key string, v any) correlate.Occurrence {
		return correlate.Occurrence{Attributes: []correlate.Attribute{{Key: key, Value: v}}}
	}
	exception := func(typ, message string) correlate.Occurrence {
		return correlate.Occurrence{Exception: correlate.Exception{Type: typ, Message: message}}
	}
	for _, test := range []struct {
		rule               string
		o                  correlate.Occurrence
		canceled, timedOut bool
	}{
		{"Go's cancellation", exception("*errors.errorString", "context canceled"), true, false},
		{"what was done stands before it", exception("*url.Error", `Get "http://a/b": context canceled`), true, false},
		{"the description alone says it", correlate.Occurrence{Message: "pay: context canceled"}, true, false},
		{"but not beside an exception that says something else", correlate.Occurrence{Message: "pay: context canceled", Exception: correlate.Exception{Type: "*pg.Error", Message: "no such table"}}, false, false},
		{"a message that only mentions it", exception("*app.Error", "order 5 was refused: request canceled, see the log of payment"), false, false},
		{"a client's own timeout is called a cancellation by net/http", exception("*url.Error", "net/http: request canceled (Client.Timeout exceeded while awaiting headers)"), false, true},
		{"a deadline", exception("context.deadlineExceededError", "context deadline exceeded"), false, true},
		{"gRPC's client", exception("*status.Error", "rpc error: code = Canceled desc = context canceled"), true, false},
		{"gRPC's status as a number", with("rpc.grpc.status_code", int64(1)), true, false},
		{"and by name", with("rpc.response.status_code", "CANCELLED"), true, false},
		{"gRPC's deadline", with("rpc.response.status_code", "DEADLINE_EXCEEDED"), false, true},
		{"HTTP's status of a client that went away", with("http.response.status_code", int64(499)), true, false},
		{"a gateway's timeout", with("http.status_code", int64(504)), false, true},
		{"an HTTP status is no gRPC status", with("http.response.status_code", int64(1)), false, false},
		{"Python", exception("asyncio.exceptions.CancelledError", ""), true, false},
		{"Java", exception("java.util.concurrent.CancellationException", "Task was cancelled"), true, false},
		{"JavaScript", exception("AbortError", "The operation was aborted"), true, false},
		{"C#", exception("System.Threading.Tasks.TaskCanceledException", "A task was canceled."), true, false},
		{"C#'s timeout", exception("System.Threading.Tasks.TaskCanceledException", "The request was canceled due to the configured HttpClient.Timeout of 5 seconds; the operation timed out"), false, true},
		{"PostgreSQL", exception("*pq.Error", "pq: canceling statement due to user request"), true, false},
		{"a failure", exception("*app.Error", "card declined"), false, false},
		{"nothing", correlate.Occurrence{}, false, false},
	} {
		t.Run(test.rule, func(t *testing.T) {
			require.Equal(t, test.canceled, Canceled(&test.o), "canceled")
			require.Equal(t, test.timedOut, TimedOut(&test.o), "timed out")
		})
	}
}

func TestMinds(t *testing.T) {
	set, err := Compile([]Rule{
		{Name: "failed", When: `span.status == "ERROR"`},
		{Name: "slow", When: `span.kind == "SERVER" && span.duration > duration("2s")`},
		{Name: "all", When: `span.status == "ERROR"`, Canceled: true},
	}, nil)
	require.NoError(t, err)
	require.False(t, set.Minds(0))
	require.True(t, set.Minds(1), "slow is slow")
	require.True(t, set.Minds(2))
}
