package sinktest

import (
	"crypto/rand"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spanticket/spanticket/sinks"
)

var first = time.Date(2026, 3, 1, 2, 47, 11, 0, time.UTC)

// newKey returns a key that no ticket has had.
func newKey() string { return "sinktest:" + strings.ToLower(rand.Text()) }

// minimal returns a ticket with its required fields only.
func minimal(key string) sinks.Ticket {
	return sinks.Ticket{
		Key: key, Signature: "v1:5f0c2a", Event: sinks.EventOpened, State: sinks.Open,
		Rule: "errors", Severity: "error", Title: "sinktest: POST /pay fails",
		Service: "checkout", Operation: "POST /pay",
		Count: 1, FirstSeen: first, LastSeen: first, OpenedAt: first,
		Origin: sinks.Origin{
			Service: "checkout", Operation: "POST /pay",
			TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", SpanID: "00f067aa0ba902b7",
		},
		Path: roomy(sinks.Step{Service: "checkout", Operation: "POST /pay"}),
	}
}

// full returns a ticket with every field. Two calls with one key return equal
// tickets that share no memory.
func full(key string) sinks.Ticket {
	return sinks.Ticket{
		Key: key, Signature: "v1:9b1d77c0", Event: sinks.EventOpened, State: sinks.Open,
		Rule: "checkout-errors", Severity: "critical", Title: "sinktest: charge-card fails",
		Team: "payments", Runbook: "https://runbooks.example/payments", Labels: roomy("payments", "sinktest"),
		Namespace: "shop", Service: "checkout", Environment: "production", Operation: "POST /pay",
		Count: 1204, FirstSeen: first, LastSeen: first.Add(15 * time.Minute), OpenedAt: first.Add(time.Second),
		ResolvedAt: first.Add(10 * time.Minute),
		Origin: sinks.Origin{
			Service: "payments", Operation: "charge-card",
			TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", SpanID: "00f067aa0ba902b7",
		},
		Path: roomy(
			sinks.Step{Service: "payments", Operation: "charge-card"},
			sinks.Step{Service: "checkout", Operation: "POST /pay"},
		),
		Exception: sinks.Exception{
			Type: "*pq.Error", Message: "sorry, too many clients already",
			Stacktrace: "main.charge(0x1)\n\t/src/charge.go:42 +0x1f\nmain.main()\n\t/src/main.go:7\n",
		},
		Impact: sinks.Impact{
			Operations: roomy(sinks.Affected{Service: "checkout", Operation: "POST /pay", Count: 1190, Share: sinks.Share{Failed: 1190, Requests: 9041}}),
			Others:     14, Traces: 1204, Users: 871, Share: sinks.Share{Failed: 1204, Requests: 2210},
		},
		Facts:   roomy(sinks.Fact{Name: "version", Value: "2.14.0"}, sinks.Fact{Name: "instance", Value: "payments-1"}),
		Missing: roomy("owner: no rule matches payments/"),
		Links:   roomy(sinks.Link{Name: "trace", URL: "https://traces.example/4bf92f3577b34da6a3ce929d0e0e4736"}),
		Evidence: roomy(sinks.Sample{
			Time: first.Add(15 * time.Minute), Duration: 1200 * time.Millisecond, Exported: true,
			TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", SpanID: "00f067aa0ba902b7",
			Message: "sorry, too many clients already", Attributes: map[string]string{"server.address": "db-1"},
		}),
		History:  roomy(sinks.Entry{Time: first, What: "opened"}),
		Why:      roomy("rule checkout-errors: 5 within 1m"),
		Previous: sinks.Receipt{ID: "PAY-11", URL: "https://tracker.example/PAY-11"},
		Cut:      roomy("3 of 5 samples"),
	}
}

// huge returns a ticket with a message of a megabyte.
func huge(key string) sinks.Ticket {
	t := minimal(key)
	t.Exception = sinks.Exception{Type: "*big.Error", Message: strings.Repeat("0123456789abcdé\n", 1<<16)}
	return t
}

// fit cuts t to the limits of s, as the engine does before it calls a sink.
func fit(t sinks.Ticket, s sinks.Sink) sinks.Ticket {
	l, ok := sinks.As[sinks.Limited](s)
	if !ok {
		return t
	}
	limits := l.Limits()
	if limits.Title > 0 {
		t.Title = firstRunes(t.Title, limits.Title)
	}
	if limits.Body <= 0 || utf8.RuneCountInString(t.Text()) <= limits.Body {
		return t
	}
	t.Cut = append(t.Cut[:len(t.Cut):len(t.Cut)], "evidence and history")
	t.Evidence, t.History, t.Exception.Stacktrace = nil, nil, ""
	for n := limits.Body; n > 0 && utf8.RuneCountInString(t.Text()) > limits.Body; n /= 2 {
		eachText(reflect.ValueOf(&t).Elem(), "", func(_, s string) string { return firstRunes(s, n) })
	}
	return t
}

func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// roomy returns a slice with capacity to spare, where an append of the sink
// would write.
func roomy[T any](s ...T) []T { return append(make([]T, 0, len(s)+2), s...) }
