package celrule

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
)

// TestDefaultTitle holds what a ticket is called if its rule does not say.
func TestDefaultTitle(t *testing.T) {
	for _, row := range []struct{ rule, typ, message, status, want string }{
		{"type and message", "*net.OpError", "dial tcp: refused", "", "GET /: net.OpError: dial tcp: refused"},
		{"a type that says nothing is left out", "*errors.errorString", "boom", "", "GET /: boom"},
		{"the type alone", "*net.OpError", "", "", "GET /: net.OpError"},
		{"without an exception, what the status says", "", "", "pool exhausted", "GET /: pool exhausted"},
		{"with nothing, the operation", "", "", "", "GET /"},
		{"a Go type keeps its package, not its path", "*github.com/acme/pay/v2.DeclinedError", "declined", "", "GET /: v2.DeclinedError: declined"},
		{"a Java type is shortened", "com.acme.pay.DeclinedException", "declined", "", "GET /: DeclinedException: declined"},
		{"a message that begins with its type does so once", "com.acme.pay.DeclinedException", "com.acme.pay.DeclinedException: declined", "", "GET /: DeclinedException: declined"},
		{"the first line of a message", "ValueError", "bad value\nat line 2", "", "GET /: ValueError: bad value"},
		{"the innermost cause of a nested one", "a.b.CauseException",
			"Servlet threw exception [Failed; nested exception is a.b.CauseException: no host] with root cause", "", "GET /: CauseException: no host"},
	} {
		o := &correlate.Occurrence{Operation: "GET /", Message: row.status, Exception: correlate.Exception{Type: row.typ, Message: row.message}}
		require.Equal(t, row.want, defaultTitle(o, new(correlate.Problem), asItIs), row.rule)
	}
	start := time.Now()
	for _, row := range []struct {
		rule string
		o    correlate.Occurrence
		want string
	}{
		{"what was answered", correlate.Occurrence{Status: "ERROR", Attributes: []correlate.Attribute{{Key: "http.response.status_code", Value: int64(503)}}}, "GET /: status 503"},
		{"how long it took, if it went well", correlate.Occurrence{Status: "UNSET", Start: start, End: start.Add(4200 * time.Millisecond)}, "GET /: took 4.2s"},
		{"of a failure that says nothing, nothing", correlate.Occurrence{Status: "ERROR", Start: start, End: start.Add(time.Second)}, "GET /"},
	} {
		row.o.Operation = "GET /"
		require.Equal(t, row.want, defaultTitle(&row.o, new(correlate.Problem), asItIs), row.rule)
	}

	dependency := &correlate.Problem{Signature: correlate.Signature{Components: []correlate.Component{
		{Name: "dependency", Value: "postgresql db/orders is not available", Used: true}, {Name: "operation", Value: "SELECT (CLIENT)"},
	}}}
	require.Equal(t, "postgresql db/orders is not available: connection refused", defaultTitle(&correlate.Occurrence{Operation: "SELECT", Message: "connection refused"}, dependency, asItIs),
		"what many operations call is the problem")
}

// asItIs scrubs nothing.
func asItIs(s string) string { return s }
