package correlate_test

import (
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
)

// declined returns an occurrence for tests to change.
func declined() correlate.Occurrence {
	return correlate.Occurrence{
		Scope:     correlate.Scope{Namespace: "shop", Service: "checkout", Environment: "production"},
		Rule:      "errors",
		Operation: "POST /orders/{id}",
		Kind:      "SERVER",
		Status:    "ERROR",
		Message:   "order 17 refused",
		Start:     time.Unix(1700000000, 0),
		End:       time.Unix(1700000001, 0),
		TraceID:   "0af7651916cd43dd8448eb211c80319c",
		SpanID:    "b7ad6b7169203331",
		Exception: correlate.Exception{Type: "*payment.DeclinedError", Message: "card 4711 declined"},
		Attributes: []correlate.Attribute{
			{Key: "http.response.status_code", Value: int64(500)},
			{Key: "server.address", Value: "10.0.0.1"},
		},
		Resource: []correlate.Attribute{{Key: "service.instance.id", Value: "a"}, {Key: "service.version", Value: "1.0.0"}},
	}
}

func TestSignSame(t *testing.T) {
	for _, tt := range []struct {
		rule   string
		change func(o *correlate.Occurrence)
	}{
		{"another trace", func(o *correlate.Occurrence) {
			o.TraceID, o.SpanID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
		}},
		{"another time", func(o *correlate.Occurrence) { o.Start, o.End = o.Start.AddDate(1, 0, 0), o.End.AddDate(1, 0, 1) }},
		{"another replica and version", func(o *correlate.Occurrence) {
			o.Resource = []correlate.Attribute{{Key: "service.instance.id", Value: "b"}, {Key: "service.version", Value: "2.0.0"}}
		}},
		{"another number in the message", func(o *correlate.Occurrence) { o.Exception.Message = "card 1234567 declined" }},
		{"another id in the operation", func(o *correlate.Occurrence) { o.Operation = "POST /orders/{id}" }},
		{"another path to the root", func(o *correlate.Occurrence) { o.Path = []correlate.Step{{Service: "web", Operation: "GET /"}} }},
		{"another rule that matched", func(o *correlate.Occurrence) { o.Rule = "payments" }},
		{"attributes in another order", func(o *correlate.Occurrence) { slices.Reverse(o.Attributes) }},
		{"another status description, when there is an exception", func(o *correlate.Occurrence) { o.Message = "" }},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			want := correlate.Signer{}.Sign(declined(), correlate.Spec{})
			o := declined()
			tt.change(&o)
			got := correlate.Signer{}.Sign(o, correlate.Spec{})
			require.Equal(t, want.ID, got.ID, "%s\n%s", want.Explain(), got.Explain())
		})
	}
}

func TestSignDifferent(t *testing.T) {
	for _, tt := range []struct {
		rule   string
		change func(o *correlate.Occurrence)
	}{
		{"namespace", func(o *correlate.Occurrence) { o.Scope.Namespace = "other" }},
		{"service", func(o *correlate.Occurrence) { o.Scope.Service = "payment" }},
		{"environment", func(o *correlate.Occurrence) { o.Scope.Environment = "staging" }},
		{"operation", func(o *correlate.Occurrence) { o.Operation = "POST /carts/{id}" }},
		{"kind", func(o *correlate.Occurrence) { o.Kind = "CLIENT" }},
		{"type of the exception", func(o *correlate.Occurrence) { o.Exception.Type = "*payment.LimitError" }},
		{"words of the message", func(o *correlate.Occurrence) { o.Exception.Message = "card 4711 expired" }},
		{"status code in the message", func(o *correlate.Occurrence) { o.Exception.Message = "bank answered with status 503" }},
		{"stack", func(o *correlate.Occurrence) { o.Exception.Stacktrace = goStack("shop.example/payment.Charge") }},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			a := correlate.Signer{}.Sign(declined(), correlate.Spec{})
			o := declined()
			tt.change(&o)
			b := correlate.Signer{}.Sign(o, correlate.Spec{})
			require.NotEqual(t, a.ID, b.ID, "%s\n%s", a.Explain(), b.Explain())
		})
	}
}

func TestSignScope(t *testing.T) {
	sign := func(namespace, service string) string {
		o := declined()
		o.Scope.Namespace, o.Scope.Service = namespace, service
		return correlate.Signer{}.Sign(o, correlate.Spec{}).ID
	}
	require.NotEqual(t, sign("a/b", "c"), sign("a", "b/c"), "namespace and name do not run together")
}

func TestSignOperation(t *testing.T) {
	for _, tt := range []struct{ operation, want string }{
		{"GET /users/{id}", "GET /users/{id}"},
		{"GET /users/:id", "GET /users/:id"},
		{"GET /users/4711", "GET /users/<*>"},
		{"GET /api/v2/orders/7f0c2b1e-93d4-4a58-8f7e-0d1c2b3a4958/lines/3", "GET /api/v2/orders/<*>/lines/<*>"},
		{"GET /users/ann@example.com", "GET /users/<*>"},
		{"process batch_17", "process batch_<*>"},
		{"kafka-orders-123 publish", "kafka-orders-<*> publish"},
		{"S3.PutObject", "S3.PutObject"},
		{"grpc.health.v1.Health/Check", "grpc.health.v1.Health/Check"},
		{"job 01ARZ3NDEKTSV4RRFFQ69G5FAV", "job <*>"},
		{"SELECT * FROM orders WHERE id = 7", "SELECT * FROM orders WHERE id = <*>"},
		{"GET http://10.0.0.1/a", "GET <*>"},
	} {
		t.Run(tt.operation, func(t *testing.T) {
			o := declined()
			o.Operation = tt.operation
			c := component(t, correlate.Signer{}.Sign(o, correlate.Spec{}), "operation")
			require.Equal(t, tt.want+" (SERVER)", c.Value)
		})
	}
}

func TestSignException(t *testing.T) {
	for _, tt := range []struct {
		rule, exception, errorType string
		want                       string
		used                       bool
	}{
		{"the exception's type", "*payment.DeclinedError", "", "payment.DeclinedError", true},
		{"rather than error.type", "*payment.DeclinedError", "timeout", "payment.DeclinedError", true},
		{"error.type where there is no exception", "", "*payment.DeclinedError", "payment.DeclinedError", true},
		{"error.type that holds a status", "", "503", "", false},
		{"error.type that is not known", "", "_OTHER", "", false},
		{"errors.New", "*errors.errorString", "", "errors.errorString", false},
		{"fmt.Errorf", "*fmt.wrapError", "", "fmt.wrapError", false},
		{"fmt.Errorf with two errors", "*fmt.wrapErrors", "", "fmt.wrapErrors", false},
		{"errors.Join", "*errors.joinError", "", "errors.joinError", false},
		{"error.type where the exception's says nothing", "*fmt.wrapError", "*payment.DeclinedError", "payment.DeclinedError", true},
		{"unless it says nothing either", "*fmt.wrapError", "*errors.errorString", "fmt.wrapError", false},
		{"or holds a status", "*fmt.wrapError", "503", "fmt.wrapError", false},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			o := declined()
			o.Exception.Type = tt.exception
			o.Attributes = []correlate.Attribute{{Key: "error.type", Value: tt.errorType}}
			c := component(t, correlate.Signer{}.Sign(o, correlate.Spec{}), "exception")
			require.Equal(t, tt.want, c.Value)
			require.Equal(t, tt.used, c.Used, c.Why)
		})
	}
}

func TestSignMessage(t *testing.T) {
	attr := func(key string, value any) []correlate.Attribute {
		return []correlate.Attribute{{Key: key, Value: value}}
	}
	for _, tt := range []struct {
		rule, exception, status string
		attributes              []correlate.Attribute
		want                    string
	}{
		{"the exception's first", "card 1 declined", "order refused", nil, "card <*> declined"},
		{"then the status description", "", "order 1 refused", nil, "order <*> refused"},
		{"then error.type", "", "", attr("error.type", "timeout"), "timeout"},
		{"error.type that holds a status", "", "", attr("error.type", "503"), "status 503"},
		{"HTTP status", "", "", attr("http.response.status_code", int64(503)), "status 503"},
		{"HTTP status by its older name", "", "", attr("http.status_code", int64(503)), "status 503"},
		{"RPC status", "", "", attr("rpc.response.status_code", "UNAVAILABLE"), "rpc status UNAVAILABLE"},
		{"RPC status by its older name", "", "", attr("rpc.grpc.status_code", int64(14)), "rpc status UNAVAILABLE"},
		{"database status", "", "", attr("db.response.status_code", "23505"), "database status 23505"},
		{"an attribute of the wrong type is passed over", "", "", attr("http.status_code", []string{"a"}), ""},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			o := declined()
			o.Exception = correlate.Exception{Message: tt.exception}
			o.Message, o.Attributes = tt.status, tt.attributes
			c := component(t, correlate.Signer{}.Sign(o, correlate.Spec{}), "message")
			require.Equal(t, tt.want, c.Value)
			require.Equal(t, tt.want != "", c.Used)
		})
	}
}

// Type and message count, not who recorded them where.
func TestSignEncodings(t *testing.T) {
	const java = "com.shop.DeclinedException: card 1 declined\n\tat com.shop.Payment.charge(Payment.java:10)\n"
	attr := func(value any) []correlate.Attribute { return []correlate.Attribute{{Key: "error.type", Value: value}} }
	for _, tt := range []struct {
		rule string
		same []correlate.Occurrence
	}{
		{"an error in Go", []correlate.Occurrence{
			{Exception: correlate.Exception{Type: "*payment.DeclinedError", Message: "card 1 declined"}},
			{Exception: correlate.Exception{Type: "*payment.DeclinedError", Message: "card 2 declined"}, Message: "card 2 declined"},
			{Exception: correlate.Exception{Type: "*payment.DeclinedError", Message: "card 3 declined"}, Message: "checkout failed", Attributes: attr("declined")},
			{Exception: correlate.Exception{Type: "*payment.DeclinedError"}, Message: "card 4 declined"},
			{Exception: correlate.Exception{Message: "card 5 declined"}, Attributes: attr("*payment.DeclinedError")},
			{Exception: correlate.Exception{Type: "*fmt.wrapError", Message: "card 6 declined"}, Attributes: attr("*payment.DeclinedError")},
			{Message: "card 7 declined", Attributes: attr("*payment.DeclinedError")},
		}},
		{"a type alone", []correlate.Occurrence{
			{Exception: correlate.Exception{Type: "*payment.DeclinedError"}},
			{Attributes: attr("*payment.DeclinedError")},
		}},
		{"a message alone", []correlate.Occurrence{
			{Message: "card 1 declined"},
			{Message: "card 2 declined", Attributes: attr("_OTHER")},
			{Message: "card 2 declined", Attributes: attr("500")},
			{Exception: correlate.Exception{Message: "card 3 declined"}},
			{Exception: correlate.Exception{Type: "*errors.errorString", Message: "card 4 declined"}, Message: "card 4 declined"},
			{Exception: correlate.Exception{Type: "*fmt.wrapError", Message: "card 5 declined"}, Attributes: attr("*errors.errorString")},
		}},
		{"a stack that says both", []correlate.Occurrence{
			{Exception: correlate.Exception{Type: "com.shop.DeclinedException", Message: "card 1 declined", Stacktrace: java}},
			{Exception: correlate.Exception{Message: "card 1 declined", Stacktrace: java}},
			{Exception: correlate.Exception{Stacktrace: java}},
			{Exception: correlate.Exception{Stacktrace: java}, Message: "checkout failed"},
		}},
		{"a description that an SDK has made of both", []correlate.Occurrence{
			{Exception: correlate.Exception{Type: "ValueError", Message: "card 1 declined"}, Message: "ValueError: card 1 declined"},
			{Message: "ValueError: card 2 declined"},
		}},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			var want correlate.Signature
			for i, o := range tt.same {
				o.Operation, o.Kind, o.Status = "POST /orders", "SERVER", "ERROR"
				got := correlate.Signer{}.Sign(o, correlate.Spec{})
				if i == 0 {
					want = got
				}
				require.Equal(t, want.ID, got.ID, "%s\n%s", want.Explain(), got.Explain())
			}
		})
	}
}

// What reads like a type in a text of people is not taken for one.
func TestSignDescription(t *testing.T) {
	for _, description := range []string{"Order 1: declined", "payment: card declined", "dial tcp: Error: refused", "", ": "} {
		s := correlate.Signer{}.Sign(correlate.Occurrence{Message: description}, correlate.Spec{})
		require.False(t, component(t, s, "exception").Used, description)
	}
}

func TestSignUnknownService(t *testing.T) {
	var ids []string
	for _, name := range []string{"", "unknown_service", "unknown_service:checkout", "unknown_service:___go_build"} {
		o := declined()
		o.Scope.Service = name
		s := correlate.Signer{}.Sign(o, correlate.Spec{})
		require.Equal(t, "shop/unknown_service", component(t, s, "service").Value)
		ids = append(ids, s.ID)
	}
	require.Len(t, slices.Compact(ids), 1)
}

func TestSignSpec(t *testing.T) {
	used := func(spec correlate.Spec) (names []string) {
		o := declined()
		o.Exception.Stacktrace = goStack("shop.example/payment.Charge")
		for _, c := range (correlate.Signer{}).Sign(o, spec).Components {
			require.NotEmpty(t, c.Why)
			if c.Used {
				names = append(names, c.Name)
			}
		}
		return names
	}
	require.Equal(t, []string{"service", "environment", "operation", "exception", "message", "frames"}, used(correlate.Spec{}), "by default everything that was recorded")
	require.Equal(t, []string{"service", "environment", "exception"}, used(correlate.Spec{Components: []string{"exception"}}))
	require.Equal(t, []string{"service", "environment"}, used(correlate.Spec{Components: []string{"service"}}))
	require.Equal(t, []string{"service", "environment", "rule", "rule"}, used(correlate.Spec{Values: []string{"a", "b"}}))
	require.Equal(t, []string{"service", "environment", "rule"}, used(correlate.Spec{Values: []string{"a"}, Components: []string{"message"}}))

	sign := func(spec correlate.Spec) string { return correlate.Signer{}.Sign(declined(), spec).ID }
	require.Equal(t, sign(correlate.Spec{Components: []string{"message", "exception"}}), sign(correlate.Spec{Components: []string{"exception", "message"}}),
		"the order in which a rule names components does not matter")
	require.NotEqual(t, sign(correlate.Spec{Values: []string{"ab", "c"}}), sign(correlate.Spec{Values: []string{"a", "bc"}}),
		"values do not run together")
	require.NotEqual(t, sign(correlate.Spec{Values: []string{"a", "b"}}), sign(correlate.Spec{Values: []string{"b", "a"}}))
}

var signatureID = regexp.MustCompile(`^v2[a-z2-7]{26}$`)

// The ID of what is stored must not change without a new version.
func TestSignVersion(t *testing.T) {
	for _, tt := range []struct {
		version, want int
		id            string
	}{
		{0, 2, "v2q33rezq5duwslqmqgbf55joozk"},
		{2, 2, "v2q33rezq5duwslqmqgbf55joozk"},
		{3, 2, "v2q33rezq5duwslqmqgbf55joozk"}, // which is yet to come
		{-1, 2, "v2q33rezq5duwslqmqgbf55joozk"},
		{1, 1, "v1kovpsswacny5fe7gkfkzppxc7n"},
	} {
		s := correlate.Signer{Version: tt.version}.Sign(declined(), correlate.Spec{})
		require.Equal(t, tt.want, s.Version)
		require.Equal(t, tt.id, s.ID)
	}
}

func TestSignEarlier(t *testing.T) {
	o := declined()
	now := correlate.Signer{}
	require.Equal(t, "v1kovpsswacny5fe7gkfkzppxc7n", now.Earlier(o, correlate.Spec{}))
	require.Empty(t, correlate.Signer{Version: 1}.Earlier(o, correlate.Spec{}), "there is none before the first")
	require.Empty(t, now.Earlier(o, correlate.Spec{Components: []string{"dependency", "operation"}}), "nor one of a rule that could not be")
	spec := correlate.Spec{Components: []string{"operation"}, Rule: "slow"}
	require.Equal(t, correlate.Signer{Version: 1}.Sign(o, spec).ID, now.Earlier(o, spec))

	s := now.Sign(o, correlate.Spec{})
	require.Contains(t, s.Explain(), s.ID+" (version 2)\n")
	s.Earlier = now.Earlier(o, correlate.Spec{})
	require.Contains(t, s.Explain(), s.ID+" (version 2; by version 1 it was v1kovpsswacny5fe7gkfkzppxc7n)\n")
}

// What was signed before has components that it has always had.
func TestSignFirstVersion(t *testing.T) {
	o := refused(0)
	s := correlate.Signer{Version: 1}.Sign(o, correlate.Spec{})
	var names []string
	for _, c := range s.Components {
		names = append(names, c.Name)
	}
	require.Equal(t, []string{"service", "environment", "operation", "exception", "message", "frames"}, names)
	require.True(t, component(t, s, "operation").Used)
}

// Whatever is in an occurrence, Sign returns a signature, always the same one,
// which does not keep the occurrence alive.
func TestSignAny(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		o := correlate.Occurrence{
			Scope:     correlate.Scope{Namespace: text.Draw(t, "namespace"), Service: text.Draw(t, "service"), Environment: text.Draw(t, "environment")},
			Operation: text.Draw(t, "operation"),
			Kind:      text.Draw(t, "kind"),
			Message:   text.Draw(t, "status"),
			Exception: correlate.Exception{Type: text.Draw(t, "type"), Message: text.Draw(t, "message"), Stacktrace: text.Draw(t, "stack")},
		}
		spec := correlate.Spec{Components: rapid.SliceOf(rapid.SampledFrom(correlate.ComponentNames())).Draw(t, "components")}
		s := correlate.Signer{}.Sign(o, spec)
		require.Regexp(t, signatureID, s.ID)
		require.Equal(t, s, correlate.Signer{}.Sign(o, spec))
		for _, c := range s.Components {
			require.NotEmpty(t, c.Why, c.Name)
			require.Contains(t, s.Explain(), c.Name)
		}
	})
}

func component(t *testing.T, s correlate.Signature, name string) correlate.Component {
	t.Helper()
	for _, c := range s.Components {
		if c.Name == name {
			return c
		}
	}
	require.Fail(t, "no such component", name)
	return correlate.Component{}
}
