package correlate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
)

// attrs makes attributes of keys and values that take turns.
func attrs(pairs ...any) (out []correlate.Attribute) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, correlate.Attribute{Key: pairs[i].(string), Value: pairs[i+1]})
	}
	return out
}

// refused returns one of the ways in which forty routes tell that a database
// is away.
func refused(route int) correlate.Occurrence {
	said := []correlate.Exception{
		{Type: "*net.OpError", Message: "dial tcp 10.2.0.17:5432: connect: connection refused"},
		{Type: "*fmt.wrapError", Message: "store order 4711: read tcp 10.1.0.4:51234->10.2.0.17:5432: i/o timeout"},
		{Type: "*pgconn.ConnectError", Message: "failed to connect to `host=db.internal user=shop`: dial error"},
		{Type: "*errors.errorString", Message: "driver: bad connection"},
		{Type: "*pq.Error", Message: "pq: sorry, too many clients already"},
		{Type: "*pgconn.PgError", Message: "FATAL: terminating connection due to administrator command (SQLSTATE 57P01)"},
		{Type: "context.deadlineExceededError", Message: "context deadline exceeded"},
		{Message: "unexpected EOF"},
	}
	return correlate.Occurrence{
		Scope:      correlate.Scope{Service: "checkout", Environment: "production"},
		Operation:  []string{"SELECT", "INSERT", "UPDATE", "DELETE", "begin"}[route%5] + " shop." + strings.Repeat("t", route/5+1),
		Kind:       []string{"CLIENT", "INTERNAL"}[route%2],
		Status:     "ERROR",
		Exception:  said[route%len(said)],
		Attributes: attrs("db.system.name", "postgresql", "server.address", "db.internal", "server.port", int64(5432), "db.namespace", "orders", "db.query.text", fmt.Sprint("SELECT ", route)),
	}
}

func TestDependencyIsOneProblem(t *testing.T) {
	var all []string
	for route := range 40 {
		o := refused(route)
		s := correlate.Signer{}.Sign(o, correlate.Spec{})
		require.Equal(t, "postgresql db.internal/orders is not available", component(t, s, "dependency").Value, o.Exception.Message)
		for _, name := range []string{"operation", "exception", "message", "frames"} {
			require.False(t, component(t, s, name).Used)
		}
		all = append(all, s.ID)
	}
	require.Len(t, slices.Compact(slices.Clone(all)), 1, "forty routes over one upstream")

	other := refused(3)
	other.Attributes = attrs("db.system.name", "postgresql", "server.address", "db.internal", "db.namespace", "stock")
	require.NotEqual(t, all[0], correlate.Signer{}.Sign(other, correlate.Spec{}).ID, "another upstream")
	other.Attributes = attrs("db.system", "postgresql", "net.peer.name", "DB.internal.", "net.peer.port", int64(5432), "db.name", "orders")
	require.Equal(t, all[0], correlate.Signer{}.Sign(other, correlate.Spec{}).ID, "the same by its older names")
	other.Scope.Service = "stock"
	require.NotEqual(t, all[0], correlate.Signer{}.Sign(other, correlate.Spec{}).ID, "each service has its own problem")

	bad := refused(3)
	bad.Exception = correlate.Exception{Type: "*pgconn.PgError", Message: `ERROR: column "totl" does not exist (SQLSTATE 42703)`}
	s := correlate.Signer{}.Sign(bad, correlate.Spec{})
	require.NotEqual(t, all[0], s.ID, "a bad query among them")
	c := component(t, s, "dependency")
	require.False(t, c.Used)
	require.Equal(t, "postgresql db.internal/orders", c.Value)
	require.Contains(t, c.Why, "has answered")
	require.True(t, component(t, s, "operation").Used)
}

func TestDependencyIdentity(t *testing.T) {
	for _, tt := range []struct {
		rule, kind string
		attributes []correlate.Attribute
		want       string // "" if there is none, and then what of the reason
		why        string
	}{
		{"a service by its name", "CLIENT", attrs("service.peer.name", "payment", "service.peer.namespace", "shop", "server.address", "10.0.0.1"), "shop/payment", ""},
		{"and by the older one", "CLIENT", attrs("peer.service", "payment", "server.address", "payment.internal"), "payment", ""},
		{"a queue", "PRODUCER", attrs("messaging.system", "kafka", "messaging.destination.name", "orders", "server.address", "kafka-3.internal"), "kafka orders", ""},
		{"the template of one for many", "PRODUCER", attrs("messaging.system", "jms", "messaging.destination.template", "/customers/{id}", "messaging.destination.name", "/customers/7"), "jms /customers/{id}", ""},
		{"one that was made for a process is none", "PRODUCER", attrs("messaging.system", "rabbitmq", "messaging.destination.name", "amq.gen-1", "messaging.destination.temporary", true, "server.address", "mq.internal"), "mq.internal", ""},
		{"by the older name", "PRODUCER", attrs("messaging.system", "rabbitmq", "messaging.destination", "orders"), "rabbitmq orders", ""},
		{"a consumer that asks for messages", "CONSUMER", attrs("messaging.system", "kafka", "messaging.destination.name", "orders", "messaging.operation.type", "receive"), "kafka orders", ""},
		{"one that works on a message has failed itself", "CONSUMER", attrs("messaging.system", "kafka", "messaging.destination.name", "orders", "messaging.operation.type", "process"), "", "its own work"},
		{"a database with its usual port", "CLIENT", attrs("db.system.name", "mysql", "server.address", "db.internal", "server.port", int64(3306), "db.namespace", "orders"), "mysql db.internal/orders", ""},
		{"with another", "CLIENT", attrs("db.system.name", "mysql", "server.address", "db.internal", "server.port", int64(3307)), "mysql db.internal:3307", ""},
		{"one database for each tenant", "CLIENT", attrs("db.system.name", "mysql", "server.address", "db.internal", "db.namespace", "tenant_4711"), "mysql db.internal/tenant_<*>", ""},
		{"replicas are told apart", "CLIENT", attrs("db.system.name", "mysql", "server.address", "db-3.internal"), "mysql db-3.internal", ""},
		{"behind an IP address, by its namespace", "CLIENT", attrs("db.system.name", "mysql", "server.address", "10.0.0.7", "db.namespace", "orders"), "mysql orders", ""},
		{"the number of a database names nothing", "CLIENT", attrs("db.system.name", "redis", "server.address", "10.0.0.7", "db.namespace", "0"), "", "only an IP address"},
		{"nor does the system alone", "CLIENT", attrs("db.system.name", "redis"), "", "is not named"},
		{"a proxy beside the process", "CLIENT", attrs("db.system.name", "redis", "server.address", "127.0.0.1", "server.port", int64(6379)), "redis localhost:6379", ""},
		{"the same, by its name, with its usual port", "CLIENT", attrs("db.system.name", "redis", "server.address", "localhost"), "redis localhost:6379", ""},
		{"a loopback address without a port", "CLIENT", attrs("server.address", "::1"), "", "only an IP address"},
		{"a host and a port of its own", "CLIENT", attrs("server.address", "payment.shop.svc.cluster.local", "server.port", int64(8080), "rpc.service", "shop.Payment"), "payment.shop.svc.cluster.local:8080", ""},
		{"the usual one of its scheme", "CLIENT", attrs("server.address", "api.example.com", "server.port", int64(443), "url.scheme", "https"), "api.example.com", ""},
		{"the same, by its URL", "CLIENT", attrs("url.full", "https://user:pw@API.example.com:443/v1/orders/7?x=1"), "api.example.com", ""},
		{"by the older name", "CLIENT", attrs("http.url", "http://api.example.com:8080/v1"), "api.example.com:8080", ""},
		{"by the header", "CLIENT", attrs("http.host", "api.example.com:8443"), "api.example.com:8443", ""},
		{"a port that is in the address", "CLIENT", attrs("server.address", "payment:8080"), "payment:8080", ""},
		{"a port that was recorded as text", "CLIENT", attrs("server.address", "payment", "server.port", "8080"), "payment:8080", ""},
		{"an IP address", "CLIENT", attrs("server.address", "10.0.0.7", "server.port", int64(8080)), "", "only an IP address"},
		{"of version 6", "CLIENT", attrs("url.full", "http://[fd00::17]:8080/"), "", "only an IP address"},
		{"of the socket", "CLIENT", attrs("net.sock.peer.addr", "10.0.0.7"), "", "only an IP address"},
		{"the name of a pod that is its address", "CLIENT", attrs("server.address", "10-0-3-17.shop.pod.cluster.local"), "", "only an IP address"},
		{"of a machine", "CLIENT", attrs("server.address", "ip-10-0-3-17.ec2.internal"), "", "only an IP address"},
		{"a socket in the file system", "CLIENT", attrs("db.system.name", "postgresql", "server.address", "/var/run/postgresql"), "postgresql /var/run/postgresql", ""},
		{"nothing", "CLIENT", nil, "", "is not named"},
		{"a name of another type", "CLIENT", attrs("peer.service", int64(7), "server.address", []string{"a"}), "", "is not named"},
		{"an internal span that tells of a database", "INTERNAL", attrs("db.system", "redis", "server.address", "cache.internal"), "redis cache.internal", ""},
		{"one that has an address may have its own", "INTERNAL", attrs("server.address", "checkout.internal"), "", "no call of something else"},
		{"a server has its own", "SERVER", attrs("server.address", "checkout.internal", "peer.service", "web"), "", "no call of something else"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			o := correlate.Occurrence{Operation: "call", Kind: tt.kind, Attributes: tt.attributes, Exception: correlate.Exception{Message: "connection refused"}}
			c := component(t, correlate.Signer{}.Sign(o, correlate.Spec{}), "dependency")
			require.Equal(t, tt.want != "", c.Used, c.Why)
			require.Contains(t, c.Why, tt.why)
			require.Equal(t, tt.want, strings.TrimSuffix(c.Value, " is not available"))
		})
	}
}

func TestDependencyStatus(t *testing.T) {
	away, answered, none := "peer is not available", "has answered", "nothing says"
	for _, tt := range []struct {
		attribute string
		value     any
		want      string
	}{
		{"http.response.status_code", int64(503), away},
		{"http.status_code", int64(502), away},
		{"http.response.status_code", int64(504), away},
		{"http.response.status_code", int64(522), away},
		{"http.response.status_code", int64(500), "peer fails with status 500"},
		{"http.response.status_code", int64(501), answered},
		{"http.response.status_code", int64(404), answered},
		{"http.response.status_code", int64(429), answered},
		{"http.response.status_code", int64(200), none},
		{"http.response.status_code", int64(7), none},
		{"error.type", "503", away},
		{"error.type", "500", "peer fails with status 500"},
		{"error.type", "422", answered},
		{"error.type", "UNAVAILABLE", away},
		{"error.type", "INTERNAL", "peer fails with status INTERNAL"},
		{"error.type", "NOT_FOUND", answered},
		{"error.type", "timeout", away},
		{"error.type", "name_resolution_error", away},
		{"error.type", "connection_error", away},
		{"error.type", "_OTHER", none},
		{"rpc.response.status_code", "UNAVAILABLE", away},
		{"rpc.grpc.status_code", int64(4), away},
		{"rpc.grpc.status_code", int64(2), "peer fails with status UNKNOWN"},
		{"rpc.grpc.status_code", int64(13), "peer fails with status INTERNAL"},
		{"rpc.grpc.status_code", int64(5), answered},
		{"rpc.grpc.status_code", int64(16), answered},
		{"rpc.grpc.status_code", int64(1), none},
		{"rpc.grpc.status_code", int64(0), none},
		{"rpc.connect_rpc.error_code", "unavailable", away},
		{"rpc.connect_rpc.error_code", "deadline_exceeded", away},
		{"rpc.connect_rpc.error_code", "invalid_argument", answered},
		{"db.response.status_code", "08006", away},
		{"db.response.status_code", "53300", away},
		{"db.response.status_code", "57P03", away},
		{"db.response.status_code", "57014", answered},
		{"db.response.status_code", "23505", answered},
		{"db.response.status_code", "28P01", answered},
		{"db.response.status_code", "00000", none},
		{"db.response.status_code", "HY000", none},
		{"db.response.status_code", "2006", away},
		{"db.response.status_code", int64(1040), away},
		{"db.response.status_code", "1062", answered},
		{"db.response.status_code", "CLUSTERDOWN", away},
		{"db.response.status_code", "503", away},
		{"db.response.status_code", "429", answered},
		{"db.response.status_code", "547", answered},
		{"db.response.status_code", "ORA-12541", away},
		{"db.response.status_code", "ORA-00942", answered},
		{"db.response.status_code", "91", away},
		{"error.type", "57P01", away},
		{"error.type", "42P01", answered},
		{"error.type", "2013", away},
		{"error.type", "EPIPE", away},
		{"db.response.status_code", "WRONGTYPE", answered},
	} {
		t.Run(fmt.Sprint(tt.attribute, "=", tt.value), func(t *testing.T) {
			o := correlate.Occurrence{Operation: "call", Kind: "CLIENT", Attributes: attrs("peer.service", "peer", tt.attribute, tt.value)}
			c := component(t, correlate.Signer{}.Sign(o, correlate.Spec{}), "dependency")
			require.Equal(t, tt.want != answered && tt.want != none, c.Used)
			require.Contains(t, c.Value+" "+c.Why, tt.want)
		})
	}
}

// A consumer is told by its broker that it is away, or by itself that it
// failed.
func TestDependencyOfAConsumer(t *testing.T) {
	o := correlate.Occurrence{Kind: "CONSUMER", Attributes: attrs("peer.service", "broker", "messaging.operation.type", "receive", "error.type", "500")}
	require.False(t, component(t, correlate.Signer{}.Sign(o, correlate.Spec{}), "dependency").Used)
}

// A code counts more than the words around it, and what the call recorded as a
// code more than any text.
func TestDependencyPrecedence(t *testing.T) {
	for _, tt := range []struct {
		rule string
		o    correlate.Occurrence
		want bool
	}{
		{"a status rather than a message", correlate.Occurrence{Message: "connection refused", Attributes: attrs("http.response.status_code", int64(404))}, false},
		{"a status that went well says nothing", correlate.Occurrence{Message: "connection reset by peer", Attributes: attrs("http.response.status_code", int64(200))}, true},
		{"a code in a message rather than its words", correlate.Occurrence{Message: "failed to connect: password authentication failed (SQLSTATE 28P01)"}, false},
		{"a message rather than a type", correlate.Occurrence{Exception: correlate.Exception{Type: "*pgconn.ConnectError", Message: "access denied"}}, false},
		{"the exception's message rather than the status description", correlate.Occurrence{Message: "connection refused", Exception: correlate.Exception{Message: "status 404"}}, false},
		{"which counts where that says nothing", correlate.Occurrence{Message: "connection refused", Exception: correlate.Exception{Message: "cannot pay"}}, true},
		{"and a type where no message says anything", correlate.Occurrence{Exception: correlate.Exception{Type: "java.net.ConnectException", Message: "shop"}}, true},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			tt.o.Kind, tt.o.Attributes = "CLIENT", append(tt.o.Attributes, attrs("peer.service", "peer")...)
			c := component(t, correlate.Signer{}.Sign(tt.o, correlate.Spec{}), "dependency")
			require.Equal(t, tt.want, c.Used, c.Why)
		})
	}
}

func TestDependencySpec(t *testing.T) {
	used := func(spec correlate.Spec) (names []string) {
		for _, c := range (correlate.Signer{}).Sign(refused(0), spec).Components {
			if c.Used {
				names = append(names, c.Name)
			}
		}
		return names
	}
	require.Equal(t, []string{"service", "environment", "dependency"}, used(correlate.Spec{}))
	require.Equal(t, []string{"service", "environment", "operation", "exception"}, used(correlate.Spec{Components: []string{"service", "operation", "exception"}}),
		"a rule that does not name it has none of it")
	require.Equal(t, []string{"service", "environment", "dependency", "operation"}, used(correlate.Spec{Components: []string{"operation", "dependency"}}),
		"one that names it with others has all of them")
	require.Equal(t, []string{"service", "environment", "rule"}, used(correlate.Spec{Values: []string{"a"}}))
}

// Whatever stands on a span, Sign returns the same signature in whichever
// order it stands there.
func TestDependencyAny(t *testing.T) {
	keys := []string{"service.peer.name", "service.peer.namespace", "peer.service", "messaging.system", "messaging.destination.name", "messaging.destination.temporary",
		"messaging.operation.type", "db.system.name", "db.system", "db.namespace", "db.name", "server.address", "server.port", "net.peer.name", "net.peer.port",
		"url.full", "http.url", "http.host", "url.scheme", "network.peer.address", "http.response.status_code", "rpc.grpc.status_code", "db.response.status_code", "error.type"}
	value := rapid.OneOf(rapid.String().AsAny(), rapid.SampledFrom([]any{"localhost", "127.0.0.1", "[::1]:80", "a:b:c", "http://[::1", "https://h:1/", ":", "receive", "0", true,
		int64(503), int64(-1), 1.5, []string{"x"}, "08", "v:"}))
	rapid.Check(t, func(t *rapid.T) {
		o := correlate.Occurrence{
			Kind:      rapid.SampledFrom([]string{"CLIENT", "PRODUCER", "CONSUMER", "INTERNAL", "SERVER", ""}).Draw(t, "kind"),
			Message:   rapid.OneOf(rapid.String(), rapid.StringMatching(`(sqlstate|status|code = |tls: |connect |EOF|[ -~]){0,9}`)).Draw(t, "message"),
			Exception: correlate.Exception{Type: rapid.StringMatching(`[*./a-zA-Z_:$]{0,20}(Error|Timeout|_)*`).Draw(t, "type")},
			Start:     time.Unix(0, 0),
		}
		for _, key := range rapid.SliceOfNDistinct(rapid.SampledFrom(keys), 0, len(keys), rapid.ID).Draw(t, "keys") {
			o.Attributes = append(o.Attributes, correlate.Attribute{Key: key, Value: value.Draw(t, key)})
		}
		s := correlate.Signer{}.Sign(o, correlate.Spec{})
		require.Regexp(t, signatureID, s.ID)
		other := o
		other.Attributes = rapid.Permutation(o.Attributes).Draw(t, "other order")
		require.Equal(t, s, correlate.Signer{}.Sign(other, correlate.Spec{}))
		for _, c := range s.Components {
			if c.Name == "dependency" {
				require.Less(t, len(c.Value), 2<<10)
			}
		}
	})
}

// A storm of a dependency that is away costs as little memory as any.
func TestDependencyAllocations(t *testing.T) {
	for _, tt := range []struct {
		rule       string
		attributes []correlate.Attribute
	}{
		{"a database", attrs("db.system.name", "postgresql", "server.address", "db.internal", "server.port", int64(5433), "db.namespace", "orders", "db.response.status_code", "08006")},
		{"a host", attrs("server.address", "Payment.internal", "server.port", int64(8080), "http.response.status_code", int64(503))},
		{"a URL", attrs("url.full", "https://payment.internal:8443/v1/pay?id=7", "error.type", "*net.OpError")},
		{"a queue", attrs("messaging.system", "kafka", "messaging.destination.name", "orders")},
	} {
		o := correlate.Occurrence{Operation: "call", Kind: "CLIENT", Attributes: tt.attributes, Exception: correlate.Exception{Type: "*net.OpError", Message: "dial tcp 10.0.0.7:5432: connect: connection refused"}}
		require.LessOrEqual(t, leastAllocations(func() { correlate.Signer{}.Sign(o, correlate.Spec{}) }), 2.0, tt.rule)
	}
}
