package correlate_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
)

// What clients of many kinds say of what they called.
func TestDependencyMessages(t *testing.T) {
	for _, tt := range []struct {
		rule     string
		away     bool
		messages []string
	}{
		{"Go's net", true, []string{
			"dial tcp 10.0.0.7:5432: connect: connection refused",
			"dial tcp: lookup db.internal on 10.96.0.10:53: no such host",
			"dial tcp: lookup db.internal: server misbehaving",
			"dial tcp 10.0.0.7:443: connect: no route to host",
			"dial tcp 10.0.0.7:443: connect: network is unreachable",
			"dial tcp 10.0.0.7:443: i/o timeout",
			"dial unix /run/app.sock: connect: no such file or directory",
			"read tcp 10.0.0.4:51234->10.0.0.7:443: read: connection reset by peer",
			"write tcp 10.0.0.4:51234->10.0.0.7:443: write: broken pipe",
			"write tcp 10.0.0.4:51234->10.0.0.7:443: use of closed network connection",
			`Get "https://api.example.com/v1": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
			`Get "https://api.example.com/v1": net/http: TLS handshake timeout`,
			`Get "https://api.example.com/v1": tls: failed to verify certificate: x509: certificate has expired or is not yet valid`,
			`Post "https://api.example.com/v1": EOF`,
			"EOF",
			"unexpected EOF",
			"http2: server sent GOAWAY and closed the connection; LastStreamID=1, ErrCode=NO_ERROR",
		}},
		{"gRPC", true, []string{
			`rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial tcp: missing address"`,
			"rpc error: code = DeadlineExceeded desc = stream terminated by RST_STREAM with error code: CANCEL",
			"io.grpc.StatusRuntimeException: UNAVAILABLE: io exception",
			"14 UNAVAILABLE: No connection established",
			"<_InactiveRpcError of RPC that terminated with: status = StatusCode.UNAVAILABLE details = \"failed to connect to all addresses\">",
		}},
		{"databases", true, []string{
			"pq: sorry, too many clients already",
			"FATAL: the database system is starting up (SQLSTATE 57P03)",
			"FATAL: remaining connection slots are reserved for non-replication superuser connections",
			"failed to connect to `user=shop database=orders`: hostname resolving error",
			"psycopg2.OperationalError: server closed the connection unexpectedly",
			"SQLSTATE[HY000] [2002] Connection refused",
			"SQLSTATE[08006] [7] could not translate host name",
			"Error 1040: Too many connections",
			"ERROR 2013 (HY000): Lost connection to MySQL server during query",
			"(2006, 'MySQL server has gone away')",
			"Can't connect to MySQL server on 'db.internal' (115)",
			"driver: bad connection",
			"conn closed",
			"Communications link failure. The last packet sent successfully to the server was 0 milliseconds ago.",
			"HikariPool-1 - Connection is not available, request timed out after 30000ms.",
			"Unable to acquire JDBC Connection",
			"QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00",
			"A network-related or instance-specific error occurred while establishing a connection to SQL Server.",
			"ORA-12541: TNS:no listener",
			"server selection error: server selection timeout, current topology: { Type: ReplicaSetNoPrimary }",
			"MongoServerSelectionError: connect ECONNREFUSED 127.0.0.1:27017",
			"gocql: no hosts available in the pool",
			"All host(s) tried for query failed (tried: cassandra.internal:9042)",
			"elastic: no Elasticsearch node available: no living connections",
			"LOADING Redis is loading the dataset in memory",
			"CLUSTERDOWN The cluster is down",
			"redis: connection pool timeout",
			"Could not get a connection from the pool",
		}},
		{"brokers", true, []string{
			"kafka: client has run out of available brokers to talk to",
			"kafka server: There is no leader for this topic-partition as we are in the middle of a leadership election: LEADER_NOT_AVAILABLE",
			"NoBrokersAvailable",
			"Local: Broker transport failure",
			`Exception (504) Reason: "channel/connection is not open"`,
			`Exception (320) Reason: "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'"`,
			"nats: no servers available for connection",
			"nats: no responders available for request",
		}},
		{"Java, Python and JavaScript", true, []string{
			"java.net.ConnectException: Connection refused (Connection refused)",
			"java.net.UnknownHostException: payment.internal",
			"PKIX path building failed: unable to find valid certification path to requested target",
			"Read timed out",
			"CircuitBreaker 'payment' is OPEN and does not permit further calls",
			"HTTPConnectionPool(host='payment', port=8080): Max retries exceeded with url: /pay (Caused by NewConnectionError('Failed to establish a new connection: [Errno 111] Connection refused'))",
			"('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))",
			"[Errno -2] Name or service not known",
			"connect ECONNREFUSED 10.0.0.7:8080",
			"getaddrinfo ENOTFOUND payment.internal",
			"getaddrinfo EAI_AGAIN payment.internal",
			"socket hang up",
			"timeout of 5000ms exceeded",
			"fetch failed",
		}},
		{"proxies and statuses in texts", true, []string{
			"upstream connect error or disconnect/reset before headers. reset reason: connection failure",
			"no healthy upstream",
			"unexpected status code 503",
			"Request failed with status code 502",
			"http status: 504",
			"503 Service Unavailable",
			"circuit breaker is open",
		}},
		{"what was asked was wrong", false, []string{
			`ERROR: duplicate key value violates unique constraint "orders_pkey" (SQLSTATE 23505)`,
			`ERROR: relation "orders" does not exist (SQLSTATE 42P01)`,
			"ERROR: canceling statement due to statement timeout (SQLSTATE 57014)",
			"ERROR: canceling statement due to lock timeout",
			"Error 1205: Lock wait timeout exceeded; try restarting transaction",
			"Error 1213: Deadlock found when trying to get lock; try restarting transaction",
			"failed to connect to `host=db user=shop`: server error (FATAL: password authentication failed for user \"shop\" (SQLSTATE 28P01))",
			"Access denied for user 'shop'@'10.0.0.4' (using password: YES)",
			"sql: no rows in result set",
			"redis: nil",
			"WRONGTYPE Operation against a key holding the wrong kind of value",
			"rpc error: code = NotFound desc = order 17 not found",
			"rpc error: code = InvalidArgument desc = connection refused is not a state",
			"rpc error: code = Unauthenticated desc = token expired",
			"Request failed with status code 404",
			"unexpected status 401 Unauthorized",
			"context canceled",
			"json: cannot unmarshal string into Go value of type int",
			"invalid character '<' looking for beginning of value",
			"card declined",
			"exit status 1",
			"order status 1503",
			"",
		}},
	} {
		for _, message := range tt.messages {
			o := correlate.Occurrence{Kind: "CLIENT", Attributes: attrs("peer.service", "peer"), Exception: correlate.Exception{Message: message}}
			c := component(t, correlate.Signer{}.Sign(o, correlate.Spec{}), "dependency")
			require.Equal(t, tt.away, c.Used, "%s: %s [%s]", tt.rule, message, c.Why)
			if tt.away {
				require.Equal(t, "peer is not available", c.Value, message)
			}
			o.Exception, o.Message = correlate.Exception{}, strings.ToUpper(message)
			if message != "unexpected EOF" && !strings.Contains(message, "RST_STREAM") {
				require.Equal(t, tt.away, component(t, correlate.Signer{}.Sign(o, correlate.Spec{}), "dependency").Used, "in upper case, as a status description: %s", message)
			}
		}
	}
	for message, want := range map[string]string{
		"unexpected status 500":                        "peer fails with status 500",
		"rpc error: code = Internal desc = nil map":    "peer fails with status INTERNAL",
		"rpc error: code = Unknown desc = cannot pay":  "peer fails with status UNKNOWN",
		"Request failed with status code 500: timeout": "peer fails with status 500",
	} {
		o := correlate.Occurrence{Kind: "CLIENT", Attributes: attrs("peer.service", "peer"), Exception: correlate.Exception{Message: message}}
		require.Equal(t, want, component(t, correlate.Signer{}.Sign(o, correlate.Spec{}), "dependency").Value)
	}
}

func TestDependencyTypes(t *testing.T) {
	for _, tt := range []struct {
		away  bool
		types []string
	}{
		{true, []string{
			"*net.OpError", "*net.DNSError", "x509.UnknownAuthorityError", "*tls.CertificateVerificationError", "context.deadlineExceededError",
			"java.net.ConnectException", "java.net.SocketTimeoutException", "java.net.UnknownHostException", "java.io.EOFException", "javax.net.ssl.SSLHandshakeException",
			"org.apache.http.NoHttpResponseException", "io.github.resilience4j.circuitbreaker.CallNotPermittedException", "io.netty.channel.ConnectTimeoutException",
			"com.mysql.cj.jdbc.exceptions.CommunicationsException", "java.sql.SQLTransientConnectionException", "redis.clients.jedis.exceptions.JedisConnectionException",
			"ConnectionRefusedError", "ConnectionResetError", "BrokenPipeError", "socket.gaierror", "socket.timeout", "requests.exceptions.ConnectionError",
			"requests.exceptions.ReadTimeout", "urllib3.exceptions.MaxRetryError", "redis.exceptions.ConnectionError", "pymongo.errors.ServerSelectionTimeoutError",
			"kafka.errors.NoBrokersAvailable", "ECONNREFUSED", "ETIMEDOUT", "UND_ERR_CONNECT_TIMEOUT", "MongoNetworkError", "ServiceUnavailable",
			"System.Net.Sockets.SocketException", "Polly.CircuitBreaker.BrokenCircuitException", "connection_error", "secure_connection_error", "RabbitMQ.Client.Exceptions.BrokerUnreachableException",
		}},
		{false, []string{
			"*errors.errorString", "*fmt.wrapError", "*pq.Error", "*pgconn.PgError", "java.lang.NullPointerException", "java.io.IOException", "ValueError",
			"javax.persistence.LockTimeoutException", "javax.persistence.QueryTimeoutException", "LockWaitTimeoutError", "psycopg2.errors.UniqueViolation",
			"KeyError", "TypeError", "Exception", "Error", "", "*url.Error", "ErrorException",
		}},
	} {
		for _, typ := range tt.types {
			o := correlate.Occurrence{Kind: "CLIENT", Attributes: attrs("peer.service", "peer"), Exception: correlate.Exception{Type: typ, Message: "cannot pay"}}
			c := component(t, correlate.Signer{}.Sign(o, correlate.Spec{}), "dependency")
			require.Equal(t, tt.away, c.Used, "%s [%s]", typ, c.Why)
			o.Exception, o.Attributes = correlate.Exception{}, append(o.Attributes, attrs("error.type", typ)...)
			require.Equal(t, tt.away, component(t, correlate.Signer{}.Sign(o, correlate.Spec{}), "dependency").Used, "as error.type: %s", typ)
		}
	}
}

// Only the beginning of a message is read.
func TestDependencyLongMessage(t *testing.T) {
	sign := func(message string) bool {
		o := correlate.Occurrence{Kind: "CLIENT", Attributes: attrs("peer.service", "peer"), Exception: correlate.Exception{Message: message}}
		return component(t, correlate.Signer{}.Sign(o, correlate.Spec{}), "dependency").Used
	}
	require.True(t, sign(strings.Repeat("word ", 800)+"connection refused"))
	require.False(t, sign(strings.Repeat("word ", 1000)+"connection refused"))
	require.False(t, sign(strings.Repeat("word ", 1000)+": EOF"))
}

func FuzzDependency(f *testing.F) {
	for _, seed := range []string{"connection refused", "sqlstate 08006", "SQLSTATE[", "status code", "status: 50", "code = Unavail", "unexpected EOF"} {
		f.Add(seed, "java.net.ConnectException", "https://u:p@h:1/", "db-1:5432")
	}
	f.Fuzz(func(t *testing.T, message, typ, url, host string) {
		for _, o := range []correlate.Occurrence{
			{Kind: "CLIENT", Attributes: attrs("url.full", url, "error.type", typ), Message: message},
			{Kind: "CLIENT", Attributes: attrs("db.system.name", typ, "server.address", host, "db.namespace", url), Exception: correlate.Exception{Type: typ, Message: message}},
			{Kind: "PRODUCER", Attributes: attrs("messaging.destination.name", host), Exception: correlate.Exception{Type: typ, Message: message}},
		} {
			s := correlate.Signer{}.Sign(o, correlate.Spec{})
			require.Equal(t, s, correlate.Signer{}.Sign(o, correlate.Spec{}))
			c := component(t, s, "dependency")
			require.NotEmpty(t, c.Why)
		}
	})
}
