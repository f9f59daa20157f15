package celrule

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// checkout is the span that most tests look at.
func checkout() tracetest.SpanStub {
	return tracetest.SpanStub{
		Name:      "POST /checkout",
		SpanKind:  trace.SpanKindServer,
		StartTime: noon,
		EndTime:   noon.Add(1500 * time.Millisecond),
		Status:    sdktrace.Status{Code: codes.Error, Description: "payment refused"},
		Attributes: []attribute.KeyValue{
			attribute.String("http.route", "/checkout"),
			attribute.Int("http.response.status_code", 502),
			attribute.String("server.port", "8443"),
			attribute.String("size", "500"),
			attribute.Float64("ratio", 0.5),
			attribute.Bool("retry", true),
			attribute.StringSlice("tags", []string{"a", "b"}),
			attribute.Int64Slice("tries", []int64{1, 2}),
		},
		Events: []sdktrace.Event{
			{Name: "retry", Time: noon, Attributes: []attribute.KeyValue{attribute.Int("attempt", 2)}},
			{Name: "exception", Time: noon, Attributes: []attribute.KeyValue{
				attribute.String("exception.type", "*net.OpError"),
				attribute.String("exception.message", "dial tcp: context canceled"),
				attribute.Bool("exception.escaped", true),
			}},
		},
		Resource: resource.NewSchemaless(
			attribute.String("service.name", "checkout"),
			attribute.String("deployment.environment.name", "production"),
		),
		InstrumentationScope: instrumentation.Scope{Name: "otelhttp", Version: "0.72.0"},
	}
}

// recordedOtherwise are attributes that were recorded as another type than
// their convention has.
var recordedOtherwise = []attribute.KeyValue{
	attribute.Int("error.type", 504),
	attribute.String("net.peer.port", "5432"),
	attribute.String("exception.escaped", "True"),
	attribute.Int("gen_ai.request.temperature", 1),
	attribute.String("gen_ai.request.top_p", "0.5"),
	attribute.String("url.full", "https://user:secret@API.example.com:8443/v1"),
}

// TestMeaning holds what expressions mean. Each must be true, and none may fail.
func TestMeaning(t *testing.T) {
	for _, tt := range []struct{ rule, when string }{
		{"span fields", `span.name == "POST /checkout" && span.kind == "SERVER" && span.status == "ERROR" && span.status_message == "payment refused"`},
		{"times", `span.duration == duration("1500ms") && span.end - span.start == span.duration && span.start.getFullYear() == 2026`},
		{"ids are hexadecimal", `span.trace_id == "00000000000000000000000000000000" && span.span_id.size() == 16`},
		{"resource and scope", `resource.attributes["service.name"] == "checkout" && scope.name == "otelhttp" && scope.version == "0.72.0"`},
		{"the exception event", `exception.type == "*net.OpError" && exception.message.endsWith("canceled") && exception.stacktrace == "" && exception.escaped`},
		{"a text that was not recorded is not there", `has(exception.type) && !has(exception.stacktrace)`},
		{"events", `span.events.exists(e, e.name == "retry" && e.attributes["attempt"] == 2) && span.events.size() == 3`},
		{"event times", `span.events.exists(e, e.time == timestamp("2026-03-01T12:00:00Z"))`},
		{"attributes by index and by field", `span.attributes["ratio"] == 0.5 && span.attributes.ratio == 0.5 && span.attributes.retry`},
		{"numbers compare across types", `span.attributes["http.response.status_code"] == 502.0 && span.attributes.ratio < 1`},
		{"lists", `"a" in span.attributes.tags && span.attributes.tags[1] == "b" && 2 in span.attributes.tries`},
		{"in a list", `span.attributes["http.response.status_code"] in [500, 502] && span.kind in ["SERVER", "CLIENT"]`},
		{"presence", `has(span.attributes.retry) && "http.route" in span.attributes && !("x" in span.attributes) && !has(span.attributes.x)`},
		{"macros over keys", `span.attributes.exists(k, k.startsWith("http.")) && !span.attributes.all(k, k == "x") && span.attributes.size() == 14`},
		{"optional fields", `span.attributes[?"x"].orValue("none") == "none" && span.attributes[?"ratio"].hasValue()`},
		{"well-known texts recorded as numbers", `span.attributes["error.type"] == "504" && span.attributes["error.type"] != 504 && "504" == span.attributes["error.type"]`},
		{"they can be searched", `span.attributes["error.type"].startsWith("5") && span.attributes["error.type"].endsWith("4") && span.attributes["error.type"].contains("0") && span.attributes["error.type"].matches("^5..$") && hasPrefixAny(span.attributes["error.type"], ["4", "5"])`},
		{"they are no numbers", `!(span.attributes["error.type"] > 1) && span.attributes["error.type"] in ["503", "504"] && !(span.attributes["error.type"] in [504])`},
		{"old names have a type too", `span.attributes["net.peer.port"] == 5432 && span.attributes["net.peer.port"] > 5000`},
		{"so have truth values", `span.attributes["exception.escaped"] && span.attributes["exception.escaped"] == true`},
		{"and real numbers", `span.attributes["gen_ai.request.temperature"] == 1.0 && span.attributes["gen_ai.request.top_p"] < 0.6`},
		{"and those of resources", `resource.attributes["process.pid"] == 17 && resource.attributes["host.id"] == "99"`},
		{"and those of events", `span.events.exists(e, e.attributes["http.response.status_code"] == 503)`},
		{"a field is read as an index is", `span.attributes.retry && has(span.attributes.retry)`},
		{"well-known numbers recorded as text", `span.attributes["server.port"] == 8443 && span.attributes["server.port"] in [8443]`},
		{"only well-known ones", `span.attributes["size"] == "500" && span.attributes["size"] != 500`},
		{"a function of an attribute", `span.attributes["http.route"].startsWith("/check") && span.attributes["http.route"].matches("^/c.*t$")`},

		{"case", `span.name.lowerAscii() == "post /checkout" && "a".upperAscii() == "A" && span.status_message.lowerAscii().contains("refused")`},
		{"parts of a text", `span.name.split(" ")[1] == "/checkout" && span.name.substring(5) == span.attributes["http.route"] && span.name.charAt(0) == "P" && span.name.indexOf("/") == 5 && span.name.lastIndexOf("c") == 9`},
		{"changed texts", `span.name.replace("/", "") == "POST checkout" && " a ".trim() == "a" && ["a", "b"].join("-") == "a-b" && "ab".reverse() == "ba" && strings.quote("a") == '"a"'`},
		{"formatted", `"%s took %d ms".format([span.name, span.duration.getMilliseconds()]) == "POST /checkout took 1500 ms"`},
		{"lists as sets", `span.attributes.tags.hasAny(["b", "c"]) && span.attributes.tags.hasAll(["a"]) && !span.attributes.tags.hasOnly(["a"]) && ["a", "b"].hasExactly(span.attributes.tags)`},
		{"sorted lists", `[3, 1, 2].sort() == [1, 2, 3] && span.attributes.tries.sortBy(n, -n) == [2, 1] && [1, 1].distinct() == [1] && [1, 2, 3].slice(1, 2) == [2] && [[1], [2]].flatten() == [1, 2] && lists.range(2) == [0, 1]`},
		{"numbers", `math.greatest(1, 3, 2) == 3 && math.least(span.attributes.ratio, 1.0) == 0.5 && math.ceil(1.2) == 2.0 && math.abs(-1) == 1 && math.round(1.5) == 2.0`},

		{"a timeout", `!isTimeout(exception) && isTimeout(exception) == false`},
		{"the class of a status", `httpStatusClass(span) == "5xx" && httpStatusClass(span) != "4xx" && httpStatusClass(span) in ["4xx", "5xx"] && httpStatusClass(span).startsWith("5")`},
		{"patterns", `matchesAny(span.name, ["^GET", "checkout$"]) && !matchesAny(span.name, ["^GET", "^PUT"]) && !matchesAny(span.name, [])`},
		{"patterns of an element", `span.events.exists(e, matchesAny(e.name, ["^re"])) && ["abc"].exists(t, t.matches("b"))`},
		{"prefixes", `hasPrefixAny(span.name, ["GET ", "POST "]) && !hasPrefixAny(span.name, ["GET "]) && !hasPrefixAny(span.name, []) && hasPrefixAny(span.name, [""])`},
		{"prefixes that are no constants", `hasPrefixAny(span.name, [span.attributes.x, "POST"]) || hasPrefixAny(span.name, ["PO" + "ST"])`},
		{"a host", `host(span.attributes["url.full"]) == "api.example.com" && "api.example.com" == host(span.attributes["url.full"]) && host(span.attributes["url.full"]) in ["a", "api.example.com"]`},
		{"a host is in lower case", `host(span.attributes["url.full"]) != "API.example.com" && host("HTTP://A") == "a"`},
		{"no host", `host(span.name) == "" && host(span.attributes["http.route"]) == "" && host("") == ""`},

		{"absent in a function of texts", `!(span.attributes.x.lowerAscii() == "a") && span.attributes.x.lowerAscii() != "a" && !span.attributes.x.split(",").exists(p, p == "a") && !(span.attributes.x.replace("a", "b") == "b")`},
		{"absent in a function of lists", `!span.attributes.x.hasAny(["a"]) && !(span.attributes.x.sort() == [1]) && span.attributes.x.distinct() != [1] && !(["a", span.attributes.x].join() == "a")`},
		{"absent in a function of numbers", `!(math.greatest(span.attributes.x, 1) == 1) && math.abs(span.attributes.x) != 1`},
		{"absent in a format", `!("%s".format([span.attributes.x]) == "a") && "%d".format([span.attributes.size]) != "500"`},
		{"absent positions", `!(span.name.charAt(99) == "a") && span.name.substring(99) != "a" && span.name.substring(3, 1) != "a" && !(span.attributes.tags.slice(1, 9) == ["b"])`},
		{"absent in patterns and prefixes", `!matchesAny(span.attributes.x, ["a", ""]) && !hasPrefixAny(span.attributes.x, ["a", ""]) && (matchesAny(span.attributes.x, [""]) == false)`},
		{"the host of something absent", `host(span.attributes.x) == "" && host(span.attributes.x) != "a" && host(resource.attributes.x) == ""`},

		{"another type in patterns and prefixes", `!matchesAny(span.attributes.ratio, [""]) && !hasPrefixAny(span.attributes.retry, ["t", ""])`},
		{"the host of another type", `host(span.attributes.ratio) == "" && host(span.attributes.tags) == ""`},
		{"another type in a function of texts", `!(span.attributes.retry.lowerAscii() == "true") && span.attributes.ratio.upperAscii() != "A"`},
		{"another type in a function of lists", `!(span.attributes.retry.sort() == [1]) && !(span.attributes.size.hasAny(["5"])) && !([1, span.attributes.size].sort() == [1]) && !([span.attributes.ratio].join() == "a") && !(span.attributes.retry.distinct() == [true])`},

		{"absent ==", `!(span.attributes.x == "a") && !(span.attributes.x == 1) && !("a" == span.attributes.x)`},
		{"absent == absent", `!(span.attributes.x == span.attributes.y) && span.attributes.x != span.attributes.y`},
		{"absent !=", `span.attributes.x != "a" && !!(span.attributes.x != "a") && "a" != span.attributes.x`},
		{"absent <", `!(span.attributes.x < 1) && !(span.attributes.x >= 1) && !(1 < span.attributes.x) && !(1 >= span.attributes.x)`},
		{"absent in", `!(span.attributes.x in ["a"]) && !("a" in span.attributes.x)`},
		{"absent as a condition", `!span.attributes.x && !(span.attributes.x && true) && !(span.attributes.x || false)`},
		{"absent in a function", `!span.attributes.x.startsWith("a") && !span.attributes.x.matches("a") && !(size(span.attributes.x) > 0)`},
		{"absent in arithmetic", `!(span.attributes.x + 1 > 0) && span.attributes.x + 1 != 2`},
		{"absent in a choice", `!((span.attributes.x ? 1 : 2) == 1) && (span.attributes.x == 1 ? 1 : 2) == 2`},
		{"absent in a macro", `!span.attributes.x.exists(e, e == 1) && !["a"].exists(e, e == span.attributes.x) && ["a"].all(e, e != span.attributes.x)`},
		{"absent at an index", `!(span.attributes.tags[7] == "a") && span.attributes.tags[7] != "a"`},
		{"absent of the resource", `resource.attributes["x"] != "a" && !(resource.attributes["x"] == "a")`},
		{"absent inside a comparison of truth values", `(span.attributes.x == 1) == false`},

		{"another type ==", `!(span.attributes.size == 500) && span.attributes.size != 500`},
		{"another type <", `!(span.attributes.size < 600) && !(600 > span.attributes.size) && !(span.attributes.tags < 1)`},
		{"another type in a function", `!span.attributes.retry.startsWith("t") && !span.attributes.ratio.contains("5")`},
		{"another type as a condition", `!(span.attributes.size && true)`},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			set, err := Compile([]Rule{{Name: "r", When: tt.when}}, nil)
			require.NoError(t, err)
			stub := checkout()
			stub.Attributes = append(stub.Attributes, recordedOtherwise...)
			stub.Events = append([]sdktrace.Event{{Name: "message", Attributes: []attribute.KeyValue{
				attribute.String("http.response.status_code", "503"),
			}}}, stub.Events...)
			stub.Resource, _ = resource.Merge(stub.Resource, resource.NewSchemaless(attribute.String("process.pid", "17"), attribute.Int("host.id", 99)))
			sp := stub.Snapshot()
			require.Equal(t, Match{Verdict: Matched, Rule: 0}, set.MatchPlain(sp), "%+v", set.Stats(0))
			require.Equal(t, Match{Verdict: Matched, Rule: 0}, set.Match(sp))
			require.Zero(t, set.Stats(0).Errors)
		})
	}
}

// TestFailure holds what counts as a failure of a rule: it matches nothing,
// says so, and harms no other rule.
func TestFailure(t *testing.T) {
	long := make([]string, 300)
	stub := checkout()
	stub.Attributes = append(stub.Attributes, attribute.StringSlice("long", long))
	for _, tt := range []struct{ rule, when, text string }{
		{"a division by zero", `1 / (span.attributes.ratio == 0.5 ? 0 : 1) == 1`, "division by zero"},
		{"a text that is no number", `int(span.name) > 1`, "type conversion error"},
		{"a number that cannot be held", `span.attributes["http.response.status_code"] * 9223372036854775807 > 1`, "integer overflow"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			set, err := Compile([]Rule{{Name: "fails", When: tt.when}, {Name: "next", When: `span.status == "ERROR"`}}, nil)
			require.NoError(t, err)
			require.Equal(t, Match{Verdict: Matched, Rule: 1}, set.Match(stub.Snapshot()))
			require.EqualValues(t, 1, set.Stats(0).Errors)
			require.Contains(t, set.Stats(0).LastError, tt.text)
			require.Equal(t, Stats{Matches: 1}, set.Stats(1))
		})
	}
}

// TestUnlessFailure holds that a rule whose unless fails does not match.
func TestUnlessFailure(t *testing.T) {
	set, err := Compile([]Rule{{Name: "r", When: "true", Unless: "int(span.name) > 1"}}, nil)
	require.NoError(t, err)
	require.Equal(t, Match{Verdict: Passed}, set.Match(checkout().Snapshot()))
	require.EqualValues(t, 1, set.Stats(0).Errors)
}

// TestPanic holds that a panic while a rule is evaluated is a failure of that
// rule, and goes no further.
func TestPanic(t *testing.T) {
	set, err := Compile([]Rule{{Name: "broken", When: `size(span.name) == 99`}, {Name: "next", When: "true"}}, nil)
	require.NoError(t, err)
	set.rules[0].when.program = nil
	require.Equal(t, Match{Verdict: Matched, Rule: 1}, set.Match(checkout().Snapshot()))
	require.EqualValues(t, 1, set.Stats(0).Errors)
	require.Contains(t, set.Stats(0).LastError, "panic: ")
}

// TestFirstMatchWins holds the verdicts over several rules.
func TestFirstMatchWins(t *testing.T) {
	const yes, never = `span.status == "ERROR"`, `span.status == "OK"`
	for _, tt := range []struct {
		rule  string
		rules []Rule
		want  Match
	}{
		{"none", nil, Match{Rule: -1}},
		{"none that holds", []Rule{{When: never}}, Match{Rule: -1}},
		{"the first of two", []Rule{{When: never}, {When: yes}, {When: yes}}, Match{Verdict: Matched, Rule: 1}},
		{"excluded", []Rule{{When: never}, {When: yes, Unless: yes}}, Match{Verdict: Excluded, Rule: 1}},
		{"excluded twice", []Rule{{When: yes, Unless: yes}, {When: yes, Unless: yes}}, Match{Verdict: Excluded, Rule: 0}},
		{"excluded by one, matched by a later one", []Rule{{When: yes, Unless: yes}, {When: yes, Unless: never}}, Match{Verdict: Matched, Rule: 1}},
		{"a rule that goes on, and the next", []Rule{{When: yes, Continue: true}, {When: yes}, {When: yes}}, Match{Verdict: Matched, More: []int{1}}},
		{"several that go on", []Rule{{When: yes, Continue: true}, {When: never}, {When: yes, Continue: true}, {When: yes, Unless: yes}, {When: yes, Continue: true}}, Match{Verdict: Matched, More: []int{2, 4}}},
		{"one that goes on but does not match", []Rule{{When: never, Continue: true}, {When: yes}}, Match{Verdict: Matched, Rule: 1}},
		{"off", []Rule{{When: yes, Mode: string(Off)}, {When: yes}}, Match{Verdict: Matched, Rule: 0}},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			for i := range tt.rules {
				tt.rules[i].Name = string(rune('a' + i))
			}
			set, err := Compile(tt.rules, nil)
			require.NoError(t, err)
			require.Equal(t, tt.want, set.Match(checkout().Snapshot()))
			require.Equal(t, tt.want, set.MatchPlain(checkout().Snapshot()))
		})
	}
}

// TestBuiltin holds what the built-in rules take for an occurrence.
func TestBuiltin(t *testing.T) {
	set, err := Compile(Builtin(), nil)
	require.NoError(t, err)
	server := func(attrs ...attribute.KeyValue) tracetest.SpanStub {
		return tracetest.SpanStub{SpanKind: trace.SpanKindServer, Attributes: attrs, EndTime: time.Unix(100, 0)}
	}
	client := func(attrs ...attribute.KeyValue) tracetest.SpanStub {
		stub := server(attrs...)
		stub.SpanKind = trace.SpanKindClient
		return stub
	}
	with := func(stub tracetest.SpanStub, code codes.Code, events ...sdktrace.Event) tracetest.SpanStub {
		stub.Status.Code, stub.Events = code, events
		return stub
	}
	status := func(n int) attribute.KeyValue { return attribute.Int("http.response.status_code", n) }
	recorded := event("exception", typed("runtime.boundsError"), saying("index out of range"))
	handled := event("exception", typed("*net.OpError"), saying("refused"))
	escaped := attribute.Bool("exception.escaped", true)
	newest, older := attribute.Key("rpc.response.status_code"), attribute.Key("rpc.grpc.status_code")
	for _, tt := range []struct {
		rule string
		span tracetest.SpanStub
		want string
	}{
		{"a healthy span is none", server(status(200)), ""},
		{"an error", with(server(status(503)), codes.Error), "errors"},
		{"a 5xx without an error", server(status(500)), "server-5xx"},
		{"by its old name", server(attribute.Int("http.status_code", 500)), "server-5xx"},
		{"recorded as text", server(attribute.String("http.status_code", "502")), "server-5xx"},
		{"not if the application says that it is well", with(server(status(500)), codes.Ok), ""},
		{"a 4xx is the client's mistake", server(status(404)), ""},
		{"a client that got a 5xx", client(status(503)), "client-5xx"},
		{"a server that failed, by gRPC's code", server(newest.String("UNAVAILABLE")), "grpc-server"},
		{"by its number", server(older.Int(13)), "grpc-server"},
		{"by its number as text", server(newest.String("2")), "grpc-server"},
		{"by its number under the new name", server(newest.Int(14)), "grpc-server"},
		{"by its number as text under the old one", server(older.String("15")), "grpc-server"},
		{"a code that says what the client did wrong", server(newest.String("NOT_FOUND")), ""},
		{"as a number", server(older.Int(5)), ""},
		{"on the client's side it is an error", client(newest.String("NOT_FOUND")), "grpc-client"},
		{"as a number", client(older.Int(5)), "grpc-client"},
		{"OK is none", client(newest.String("OK")), ""},
		{"as a number", client(older.Int(0)), ""},
		{"nor is what the client canceled", client(older.Int(1)), ""},
		{"nor what the application calls well", with(client(newest.String("NOT_FOUND")), codes.Ok), ""},
		{"an exception that escaped", server(escaped), "panics"},
		{"not if the application says that it is well", with(server(escaped), codes.Ok), ""},
		{"a panic that was recovered from", with(server(), codes.Unset, recorded), "panics"},
		{"not if the application says that it is well", with(server(), codes.Ok, recorded), ""},
		{"a panic of any type that ended the span", with(server(), codes.Unset, at(handled, time.Unix(100, 1))), "panics"},
		{"an exception that was handled is none", with(server(), codes.Unset, at(handled, time.Unix(99, 0))), ""},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			m := set.Match(tt.span.Snapshot())
			require.Equal(t, m, set.MatchPlain(tt.span.Snapshot()))
			got := ""
			if m.Verdict == Matched {
				got = set.Rule(m.Rule).Name
			}
			require.Equal(t, tt.want, got)
		})
	}
	for _, code := range []codes.Code{codes.Unset, codes.Ok} {
		require.Empty(t, set.general.byStatus[code].always, "a span that did not fail is not looked at for any of them")
	}
	healthy := server().Snapshot()
	require.Zero(t, testing.AllocsPerRun(100, func() { set.Match(healthy) }))
}

// TestResources holds that a set keeps up with many resources, and goes on
// from one to another.
func TestResources(t *testing.T) {
	set, err := Compile([]Rule{{Name: "r", When: `resource.attributes["n"] == 7`}}, nil)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for n := range 3 * maxResources {
				sp := tracetest.SpanStub{Resource: resource.NewSchemaless(attribute.Int("n", n))}.Snapshot()
				want := Match{Rule: -1}
				if n == 7 {
					want = Match{Verdict: Matched}
				}
				for range 3 {
					assert.Equal(t, want, set.Match(sp))
					set.Prepare(sp.Resource())
				}
			}
		})
	}
	wg.Wait()
	require.LessOrEqual(t, len(set.resources.known.Load().byPointer), maxResources)
	require.LessOrEqual(t, len(set.resources.known.Load().byContent), maxResources)
	require.Equal(t, Match{Rule: -1}, set.Match(tracetest.SpanStub{}.Snapshot()), "a span without a resource")
	set.Prepare(nil)
	require.Equal(t, Match{Rule: -1}, set.Match(tracetest.SpanStub{}.Snapshot()))
}

// What CEL had to be asked about passed the conditions, though it came to nothing.
func TestPassed(t *testing.T) {
	for _, tt := range []struct {
		when string
		want Match
	}{
		{`span.status == "OK"`, Match{Rule: -1}},
		{`span.status == "ERROR" && span.name.size() > 1000`, Match{Verdict: Passed}},
		{`span.status == "OK" && span.name.size() > 1000`, Match{Rule: -1}},
	} {
		set, err := Compile([]Rule{{Name: "r", When: tt.when}}, nil)
		require.NoError(t, err)
		require.Equal(t, tt.want, set.Match(checkout().Snapshot()), tt.when)
		require.Equal(t, Match{Rule: -1}, set.MatchPlain(checkout().Snapshot()), tt.when)
	}
}

// A set takes over what is the same, with all that it counted.
func TestCompileAgain(t *testing.T) {
	rules := someRules(100)
	rules = append(rules, Rule{Name: "all", When: `span.status == "ERROR"`, Sinks: []string{"jira"}})
	old, err := Compile(rules, []string{"jira"})
	require.NoError(t, err)
	sp := checkout().Snapshot()
	require.Equal(t, Matched, old.Match(sp).Verdict)
	at := old.Match(sp).Rule

	changed := slices.Clone(rules)
	changed[3].When += " && span.kind == \"CLIENT\""
	changed[at], changed[0] = changed[0], changed[at] // order is no part of a rule
	next, err := old.Compile(changed, []string{"jira"})
	require.NoError(t, err)
	same := 0
	for i, r := range next.rules {
		if r == old.rules[i] || r == old.rules[at] || r == old.rules[0] {
			same++
		}
	}
	require.Equal(t, len(rules)-1, same)
	require.Equal(t, int64(2), next.Stats(0).Matches)
	require.Zero(t, next.Stats(3).Matches)
	next.Match(sp)
	require.Equal(t, int64(3), old.Stats(at).Matches, "the old set goes on meanwhile")

	_, err = old.Compile(rules, []string{"slack"})
	require.ErrorContains(t, err, `there is no sink "jira"`, "what else has changed is looked at")
}
