package render

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

// flooded returns what is known of signatures of n failures, of which one thing varies.
func flooded(fold correlate.Fold, n int, spec correlate.Spec, vary func(o *correlate.Occurrence, value string)) *correlate.Flood {
	f := &correlate.Flood{Fold: fold}
	for i := range n {
		o := correlate.Occurrence{Scope: correlate.Scope{Service: "checkout"}, Operation: "GET /orders", Exception: correlate.Exception{Type: "acme.NotFound", Message: "no such order"}}
		value := strings.Map(func(r rune) rune { return 'a' + (r - '0') }, fmt.Sprint(i)) + "ish"
		spec := spec
		if len(spec.Values) > 0 {
			spec.Values = []string{value}
		} else {
			vary(&o, value)
		}
		f.Add(correlate.Signer{}, &o, spec)
		if i < 2 {
			f.Show(correlate.Signer{}, &o, spec)
		}
	}
	return f
}

func TestFlood(t *testing.T) {
	message := func(o *correlate.Occurrence, value string) { o.Exception.Message = "no order " + value + " here" }
	for _, tt := range []struct {
		rule   string
		flood  *correlate.Flood
		title  string
		remedy string
	}{
		{"the message varies", flooded(correlate.FoldOperation, 100, correlate.Spec{}, message),
			"100 different values of exception.message in GET /orders: counted as one problem",
			`leave out what varies (message): signature: [operation, exception] in rule "errors"`},
		{"the operation varies", flooded(correlate.FoldRule, 100, correlate.Spec{}, func(o *correlate.Occurrence, value string) { o.Operation = "GET " + value }),
			"100 different values of span.name: counted as one problem",
			`leave out what varies (operation): signature: [exception, message] in rule "errors"`},
		{"a rule's own value varies", flooded(correlate.FoldOperation, 100, correlate.Spec{Values: []string{"x"}}, nil),
			"100 different values of value 1 of the rule's signature in GET /orders: counted as one problem",
			`give rule "errors" a signature without what varies`},
		{"there is nothing else to go by", flooded(correlate.FoldOperation, 100, correlate.Spec{Components: []string{"message"}}, message),
			"100 different values of exception.message in GET /orders: counted as one problem",
			`keep what varies out of exception.message where it is recorded, or give rule "errors" a signature of its own`},
		{"no room for any more", flooded(correlate.FoldService, 100, correlate.Spec{}, message),
			"100 different values of exception.message in service checkout: counted as one problem",
			"look for what fails at so many places at once"},
	} {
		p := correlate.Problem{Rule: "errors", Scope: correlate.Scope{Service: "checkout"}, Flood: tt.flood}
		ticket := sinks.Ticket{Operation: "GET /orders"}
		flood(p, &ticket)
		require.Equal(t, tt.title, ticket.Title, tt.rule)
		require.Equal(t, sinks.Fact{Name: "what to do", Value: tt.remedy}, ticket.Facts[len(ticket.Facts)-1], tt.rule)
		require.Equal(t, "100 different ones, counted here as one", ticket.Facts[0].Value, tt.rule)
		require.Len(t, ticket.Why, 3, tt.rule)
	}
}

func TestRoughly(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 128: "128", 129: "about 130", 4_999_321: "about 5,000,000", 994: "about 990", 12_345: "about 12,000"} {
		require.Equal(t, want, roughly(n))
	}
}
