package celrule

import (
	"net/url"
	"strings"
	"testing"

	"cel.dev/cel-go/common/types"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
)

// TestHost holds what the host of a URL is.
func TestHost(t *testing.T) {
	for _, tt := range []struct{ rule, url, want string }{
		{"of a URL", "https://api.example.com/v1/orders?x=1#y", "api.example.com"},
		{"in lower case", "HTTPS://API.Example.COM", "api.example.com"},
		{"without its port", "http://shop.example.com:8080/", "shop.example.com"},
		{"without credentials", "postgres://user:p%40ss@db.internal:5432/shop", "db.internal"},
		{"credentials with an at sign", "http://a@b@host/", "host"},
		{"an address in brackets", "http://[2001:DB8::1]:443/x", "2001:db8::1"},
		{"an address", "http://10.0.0.1/", "10.0.0.1"},
		{"a bare host", "db.internal", "db.internal"},
		{"a bare host with a port", "db.internal:5432", "db.internal"},
		{"a bare host with a path", "example.com/path", "example.com"},
		{"a bare address with a port", "[::1]:80", "::1"},
		{"a bare address without brackets", "fe80::1", "fe80::1"},
		{"without a scheme", "//cdn.example.com/x.js", "cdn.example.com"},
		{"a scheme in a scheme", "jdbc:postgresql://db:5432/shop", "db"},
		{"of several hosts the first", "mongodb://a:1,b:2/x", "a"},
		{"a name with a dot at its end", "http://example.com./", "example.com"},
		{"letters of other scripts stay", "http://MÜNCHEN.de/", "mÜnchen.de"},
		{"a port that is none", "http://host:abc/", ""},
		{"a scheme without slashes", "mailto:someone", ""},
		{"a scheme and a path", "file:/etc/passwd", ""},
		{"no host in the URL", "file:///etc/passwd", ""},
		{"a path", "/v1/orders", ""},
		{"a socket", "unix:///var/run/x.sock", ""},
		{"words", "hello world", ""},
		{"nothing", "", ""},
		{"a bracket that is not closed", "http://[::1/", ""},
		{"what is in brackets is no address", "http://[host]/", ""},
		{"two colons", "http://a:1:2/", ""},
		{"a host that does not end", strings.Repeat("a", 2000), ""},
		{"a long path", "http://host/" + strings.Repeat("a", 2000), "host"},
	} {
		require.Equal(t, tt.want, lowerASCII(hostOf(tt.url)), tt.rule)
	}
}

// FuzzHost holds that a host is part of its text, and that of a URL is what
// net/url says.
func FuzzHost(f *testing.F) {
	for _, s := range []string{"https://u:p@Host.example:80/x", "[::1]:80", "host:80", "//h", "a//b", "http://%41.b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		host := hostOf(s)
		require.Contains(t, s, host)
		lower := lowerASCII(host)
		require.True(t, isLowerOf(lower, host))
		require.Equal(t, lower, lowerASCII(lower))
		u, err := url.Parse(s)
		if err != nil || u.Scheme == "" || u.Host == "" || len(s) > maxAuthority || strings.ContainsAny(s, `\,%`) || host == "" {
			return
		}
		require.Equal(t, strings.TrimSuffix(u.Hostname(), "."), host)
	})
}

// TestStatusClass holds which class a status has, of a live span and of an
// occurrence that was made of it.
func TestStatusClass(t *testing.T) {
	const current, old = "http.response.status_code", "http.status_code"
	for _, tt := range []struct {
		rule  string
		attrs []attribute.KeyValue
		want  string
	}{
		{"the least", []attribute.KeyValue{attribute.Int(current, 100)}, "1xx"},
		{"below it", []attribute.KeyValue{attribute.Int(current, 99)}, ""},
		{"found", []attribute.KeyValue{attribute.Int(current, 200)}, "2xx"},
		{"elsewhere", []attribute.KeyValue{attribute.Int(current, 302)}, "3xx"},
		{"not found", []attribute.KeyValue{attribute.Int(current, 404)}, "4xx"},
		{"the greatest", []attribute.KeyValue{attribute.Int(current, 599)}, "5xx"},
		{"above it", []attribute.KeyValue{attribute.Int(current, 600)}, ""},
		{"as text", []attribute.KeyValue{attribute.String(current, "503")}, "5xx"},
		{"by its old name", []attribute.KeyValue{attribute.Int(old, 503)}, "5xx"},
		{"by both", []attribute.KeyValue{attribute.Int(old, 503), attribute.Int(current, 404)}, "4xx"},
		{"the old one if the current one is none", []attribute.KeyValue{attribute.Int(current, 0), attribute.String(old, "503")}, "5xx"},
		{"a real number is none", []attribute.KeyValue{attribute.Float64(current, 503)}, ""},
		{"a word is none", []attribute.KeyValue{attribute.String(current, "5xx")}, ""},
		{"none", nil, ""},
	} {
		kept := []correlate.Attribute{}
		for _, kv := range tt.attrs {
			kept = append(kept, correlate.Attribute{Key: string(kv.Key), Value: kv.Value.AsInterface()})
		}
		require.Equal(t, tt.want, statusClassOf(tt.attrs), tt.rule)
		require.Equal(t, tt.want, (&attributes{kept: kept}).statusClass(), tt.rule)
	}
}

// TestTimedOut holds what is taken for a timeout.
func TestTimedOut(t *testing.T) {
	for _, tt := range []struct {
		rule, typ, message string
		want               bool
	}{
		{"Go: a context", "context.deadlineExceededError", "", true},
		{"Go: a wrapped context", "*fmt.wrapError", "get user: context deadline exceeded", true},
		{"Go: the network", "*net.OpError", "dial tcp 10.0.0.1:80: i/o timeout", true},
		{"Go: a file or a connection", "*poll.DeadlineExceededError", "", true},
		{"Go: an HTTP client", "*url.Error", "Get \"http://x\": net/http: request canceled (Client.Timeout exceeded while awaiting headers)", true},
		{"Go: a handshake", "net/http.tlsHandshakeTimeoutError", "", true},
		{"Go: response headers", "*url.Error", "net/http: timeout awaiting response headers", true},
		{"gRPC: its status", "DEADLINE_EXCEEDED", "", true},
		{"gRPC: Go's error", "*status.Error", "rpc error: code = DeadlineExceeded desc = stream", true},
		{"Java", "java.net.SocketTimeoutException", "", true},
		{"Java: a future", "java.util.concurrent.TimeoutException", "", true},
		{"Java: its message", "java.io.IOException", "Read timed out", true},
		{"Java: a nested class", "com.acme.Client$CallTimeoutException", "", true},
		{"Kotlin", "kotlinx.coroutines.TimeoutCancellationException", "", true},
		{"Spring", "org.springframework.dao.QueryTimeoutException", "", true},
		{"Python", "TimeoutError", "", true},
		{"Python: asyncio", "asyncio.exceptions.TimeoutError", "", true},
		{"Python: sockets", "socket.timeout", "", true},
		{"Python: requests", "requests.exceptions.ReadTimeout", "", true},
		{"Python: subprocesses", "subprocess.TimeoutExpired", "", true},
		{"Python: Google's clients", "google.api_core.exceptions.DeadlineExceeded", "", true},
		{"JavaScript: a code", "ETIMEDOUT", "", true},
		{"JavaScript: undici", "UND_ERR_CONNECT_TIMEOUT", "", true},
		{"JavaScript: axios", "AxiosError", "timeout of 1000ms exceeded", true},
		{"JavaScript: a signal", "DOMException", "The operation was aborted due to timeout", true},
		{".NET", "System.TimeoutException", "", true},
		{"PostgreSQL", "*pgconn.PgError", "ERROR: canceling statement due to statement timeout (SQLSTATE 57014)", true},
		{"MySQL", "*mysql.MySQLError", "Error 1205: Lock wait timeout exceeded; try restarting transaction", true},
		{"SQL Server", "SqlException", "Execution Timeout Expired.", true},
		{"the convention's example", "timeout", "", true},
		{"a gateway", "", "504 Gateway Time-out", true},
		{"cancelled is not timed out", "*errors.errorString", "context canceled", false},
		{"refused", "*net.OpError", "connect: connection refused", false},
		{"in the middle of a type", "com.acme.TimeoutConfigurationException", "", false},
		{"a package is not its type", "com.acme.timeout.ParseException", "", false},
		{"the word alone", "", "timeout must be positive", false},
		{"nothing", "", "", false},
		{"too far down a message", "", strings.Repeat(" ", maxMessage) + "timed out", false},
	} {
		require.Equal(t, tt.want, timedOut(tt.typ, tt.message), tt.rule)
	}
}

// TestTimeoutPhrases holds that every phrase is found, wherever it stands and however it is written.
func TestTimeoutPhrases(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		phrase := rapid.SampledFrom(timeoutPhrases).Draw(t, "phrase")
		require.Equal(t, phrase, lowerASCII(phrase))
		before := rapid.StringN(0, 20, 60).Draw(t, "before")
		if rapid.Bool().Draw(t, "upper") {
			phrase = strings.ToUpper(phrase)
		}
		require.True(t, timedOut("", before+phrase))
	})
}

// TestFunctionErrors holds what is said of wrong arguments.
func TestFunctionErrors(t *testing.T) {
	for _, tt := range []struct{ rule, when, want string }{
		{"a pattern that is none", `matchesAny(span.name, ["a", "("])`, "1:29: missing closing ): `(`"},
		{"a pattern that is no constant", `matchesAny(span.name, ["a", span.name])`,
			`1:33: the patterns of matchesAny must be a list of constants (it is matchesAny(text, ["pattern", ...]))`},
		{"a list that is no constant", `matchesAny(span.name, span.attributes.x)`,
			`1:38: the patterns of matchesAny must be a list of constants (it is matchesAny(text, ["pattern", ...]))`},
		{"no list", `matchesAny(span.name, "a")`, `1:11: 'matchesAny' does not take (string, string) (it is matchesAny(text, ["pattern", ...]))`},
		{"patterns that are too large together", `matchesAny(span.name, ["` + strings.Repeat("a", 600) + `", "` + strings.Repeat("b", 600) + `"])`,
			"1:628: these patterns are too large: together they take more than 1024 steps"},
		{"another variable", `isTimeout(span)`, "1:10: 'isTimeout' does not take (span) (it is isTimeout(exception))"},
		{"a number for a text", `host(1) == "a"`, "1:5: 'host' does not take (int) (it is host(url))"},
		{"a number in a list", `hasPrefixAny(span.name, [1])`, `1:13: 'hasPrefixAny' does not take (string, list(int)) (it is hasPrefixAny(text, ["prefix", ...]))`},
		{"no argument", `httpStatusClass() == "5xx"`, "1:16: 'httpStatusClass' does not take () (it is httpStatusClass(span))"},
		{"a slip in a name", `isTimeuot(exception)`, "1:10: undeclared name 'isTimeuot' (did you mean isTimeout?)"},
		{"another case", `span.name.lowerASCII() == "a"`, "1:21: undeclared name 'lowerASCII' (did you mean lowerAscii?)"},
		{"a clause that format does not know", `"%q".format([1]) == "a"`, `1:12: could not parse formatting clause: unrecognized formatting clause "q"`},
	} {
		_, errs := compile(matching, tt.when, types.BoolType, nil)
		require.Len(t, errs, 1, tt.rule)
		errs[0].Field, errs[0].Rule = "when", "r"
		require.Equal(t, `rule "r": when:`+tt.want, errs[0].Error(), tt.rule)
	}
}

// TestTextOrExpression holds what is taken for an expression where both may stand.
func TestTextOrExpression(t *testing.T) {
	for _, tt := range []struct {
		rule, text string
		want       bool
	}{
		{"a variable", `problem.count > 5 ? "critical" : "error"`, true},
		{"a function of a variable as a whole", `isTimeout(exception) ? "warning" : "error"`, true},
		{"another", `httpStatusClass (span)`, true},
		{"a function of an attribute", `host(span.attributes["url.full"])`, true},
		{"a quote", `"a" + "b"`, true},
		{"words", `the host(s) of the span`, false},
	} {
		require.Equal(t, tt.want, isExpression(tt.text), tt.rule)
	}
}
