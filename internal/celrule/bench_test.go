package celrule

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// someRules returns n different rules as fifty teams might write them. All
// apply to the checkout service, and half of them to spans that have no error.
func someRules(n int) []Rule {
	forms := []func(i int) string{
		func(i int) string {
			return fmt.Sprintf(`span.status == "ERROR" && span.attributes["http.route"] == "/api/v1/resource-%d"`, i)
		},
		func(i int) string {
			return fmt.Sprintf(`span.kind == "SERVER" && span.attributes["http.response.status_code"] >= 500 && span.attributes["http.route"] == "/api/v2/resource-%d/{id}"`, i)
		},
		func(i int) string {
			return fmt.Sprintf(`resource.attributes["service.name"] == "checkout" && span.status == "ERROR" && exception.type == "*orders.Error%d"`, i)
		},
		func(i int) string {
			return fmt.Sprintf(`span.name == "GET /orders/%d" && span.duration > duration("%dms")`, i%40, 2000+i)
		},
		func(i int) string {
			return fmt.Sprintf(`span.status == "ERROR" && span.kind == "CLIENT" && span.attributes["server.address"] == "host-%d.internal"`, i)
		},
		func(i int) string { return fmt.Sprintf(`exception.type == "*db.Error%d" && span.status != "ERROR"`, i) },
		func(i int) string {
			return fmt.Sprintf(`span.status == "ERROR" && span.name.startsWith("Job%d.") && exception.message.contains("timeout")`, i)
		},
		func(i int) string {
			return fmt.Sprintf(`span.attributes["messaging.destination.name"] == "queue-%d" && span.attributes["messaging.batch.message_count"] > %d`, i, i)
		},
		func(i int) string {
			return fmt.Sprintf(`span.status == "ERROR" && (span.attributes["rpc.method"] == "Orders/Get%d" || span.attributes["rpc.method"] == "Orders/Put%d")`, i, i)
		},
		func(i int) string {
			return fmt.Sprintf(`span.attributes["app.tenant"] in ["tenant-%d", "tenant-%d"] && span.duration >= duration("3s")`, i, i+1)
		},
	}
	rules := make([]Rule, n)
	for i := range rules {
		rules[i] = Rule{Name: fmt.Sprint("rule-", i), When: forms[i%len(forms)](i)}
		if i%7 == 0 {
			rules[i].Unless = `exception.message.endsWith("context canceled")`
		}
	}
	return rules
}

// last is a span processor that keeps the newest span.
type last struct{ span sdktrace.ReadOnlySpan }

func (l *last) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (l *last) OnEnd(sp sdktrace.ReadOnlySpan)                  { l.span = sp }
func (l *last) Shutdown(context.Context) error                  { return nil }
func (l *last) ForceFlush(context.Context) error                { return nil }

// request is a server span with eight attributes, made by the SDK: those of
// tracetest cost more to read.
func request(status codes.Code, route string) sdktrace.ReadOnlySpan {
	var l last
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSpanProcessor(&l),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "checkout"))),
	)
	endRequest(startRequest(provider.Tracer("otelhttp"), route), status)
	return l.span
}

// healthy is a request that went well, with further attributes.
func healthy(attrs ...attribute.KeyValue) sdktrace.ReadOnlySpan {
	var l last
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(&l))
	sp := startRequest(provider.Tracer("otelhttp"), "/orders/{id}")
	sp.SetAttributes(attrs...)
	endRequest(sp, codes.Unset)
	return l.span
}

func startRequest(tracer trace.Tracer, route string) trace.Span {
	_, sp := tracer.Start(context.Background(), "GET /orders/3",
		trace.WithTimestamp(noon),
		trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(
			attribute.String("http.request.method", "GET"),
			attribute.String("url.scheme", "https"),
			attribute.String("url.path", "/orders/3"),
			attribute.String("server.address", "shop.example.com"),
			attribute.Int("server.port", 443),
			attribute.String("http.route", route),
			attribute.Int("http.response.status_code", 200),
			attribute.String("app.tenant", "tenant-99999"),
		))
	return sp
}

func endRequest(sp trace.Span, status codes.Code) {
	sp.SetStatus(status, "")
	sp.End(trace.WithTimestamp(noon.Add(12 * time.Millisecond)))
}

func mustCompile(t testing.TB, rules []Rule) *Set {
	set, err := Compile(rules, nil)
	require.NoError(t, err)
	return set
}

// A healthy span costs nothing to speak of, whatever the number of rules.
func TestHealthySpansDoNotAllocate(t *testing.T) {
	set := mustCompile(t, someRules(1000))
	sp := request(codes.Unset, "/orders/{id}")
	require.Equal(t, Match{Rule: -1}, set.Match(sp))
	require.Zero(t, testing.AllocsPerRun(100, func() { set.Match(sp) }))
}

// raceDetector says that the test runs under the race detector, which makes
// pools forget at random, and so regular expressions allocate.
var raceDetector = func() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}()

// TestHealthyAllocatesNothing holds that no form that is answered without CEL
// costs a healthy span memory, alone or beside others.
func TestHealthyAllocatesNothing(t *testing.T) {
	forms := []string{
		`span.name.contains("x")`,
		`span.name.endsWith("x")`,
		`span.name.matches("a.b")`,
		`matches(span.name, "a.b")`,
		`span.attributes["url.path"].matches("^/admin/[a-z]+$")`,
		`matchesAny(span.name, ["a.b", "^POST "])`,
		`hasPrefixAny(span.name, ["POST ", "PUT "])`,
		`hasPrefixAny(span.attributes["url.path"], ["/admin"])`,
		`httpStatusClass(span) == "5xx"`,
		`httpStatusClass(span) in ["4xx", "5xx"]`,
		`httpStatusClass(span) != "2xx" && span.kind == "SERVER"`,
		`isTimeout(exception)`,
		`host(span.attributes["url.full"]) == "api.example.com"`,
		`host(span.attributes["url.full"]) in ["a.example.com", "b.example.com"]`,
		`span.attributes["error.type"] == "504"`,
		`span.attributes["error.type"].startsWith("5")`,
		`span.attributes["net.peer.port"] == 80`,
		`span.attributes["gen_ai.request.temperature"] > 1.0`,
		`exception.message.contains("x")`,
		`exception.type in ["A", "B"]`,
		`!("http.route" in span.attributes)`,
		`span.attributes["app.tenant"] != "tenant-99999"`,
	}
	sp := healthy(
		attribute.String("url.full", "https://Shop.Example.com:8443/orders/3"),
		attribute.Int("error.type", 404),
		attribute.String("net.peer.port", "8080"),
		attribute.String("gen_ai.request.temperature", "0.5"),
	)
	all := someRules(100)
	for _, when := range forms {
		all = append(all, Rule{Name: when, When: when})
		set := mustCompile(t, []Rule{{Name: "r", When: when}})
		p := newProbe(sp)
		require.Equal(t, no, set.rules[0].when.condition.eval(&p), when)
		require.Equal(t, Match{Rule: -1}, set.Match(sp), when)
		if !raceDetector || !strings.Contains(when, "atches") {
			require.Zero(t, testing.AllocsPerRun(100, func() { set.Match(sp) }), when)
		}
	}
	set := mustCompile(t, all)
	require.Equal(t, Match{Rule: -1}, set.Match(sp))
	if !raceDetector {
		require.Zero(t, testing.AllocsPerRun(100, func() { set.Match(sp) }))
	}
}

func BenchmarkMatch(b *testing.B) {
	b.Run("span", func(b *testing.B) { // what the rest is measured by
		tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(&last{})).Tracer("otelhttp")
		b.ReportAllocs()
		for b.Loop() {
			endRequest(startRequest(tracer, "/orders/{id}"), codes.Unset)
		}
	})
	for _, n := range []int{1, 100, 1000, 10000} {
		set := mustCompile(b, someRules(n))
		bench := func(name string, sp sdktrace.ReadOnlySpan, want Match) {
			b.Run(fmt.Sprintf("%s/rules=%d", name, n), func(b *testing.B) {
				set.Prepare(sp.Resource())
				require.Equal(b, want, set.Match(sp))
				b.ReportAllocs()
				for b.Loop() {
					set.Match(sp)
				}
			})
		}
		bench("healthy", request(codes.Unset, "/orders/{id}"), Match{Rule: -1})
		if n > 1 {
			last := n - 10 // the last of its form
			bench("error", request(codes.Error, fmt.Sprintf("/api/v1/resource-%d", last)), Match{Verdict: Matched, Rule: last})
		} else {
			bench("error", request(codes.Error, "/api/v1/resource-0"), Match{Verdict: Matched, Rule: 0})
		}
	}
	sp := request(codes.Unset, "/orders/{id}")
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprintf("general/rules=%d", n), func(b *testing.B) { // before the resource is known
			set := mustCompile(b, someRules(n))
			b.ReportAllocs()
			for b.Loop() {
				set.Match(sp)
			}
		})
	}
	for name, when := range map[string]string{
		"residual=1":   `span.name.matches("x.z")`,
		"contains":     `span.name.contains("x.z")`,
		"matchesAny":   `matchesAny(span.name, ["x.z", "^POST /"])`,
		"statusClass":  `httpStatusClass(span) == "5xx"`,
		"host":         `host(span.attributes["server.address"]) == "api.example.com"`,
		"loop":         `span.attributes.exists(k, k == "x")`,
		"residual=CEL": `span.name.lowerAscii() == "x"`,
	} {
		set := mustCompile(b, append(someRules(1000), Rule{Name: "residual", When: when}))
		set.Prepare(sp.Resource())
		b.Run("healthy/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				set.Match(sp)
			}
		})
	}
	set := mustCompile(b, someRules(1000))
	b.Run("plain/rules=1000", func(b *testing.B) {
		for b.Loop() {
			set.MatchPlain(sp)
		}
	})
}

func BenchmarkCompile(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		rules := someRules(n)
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			before := liveBytes()
			var set *Set
			for b.Loop() {
				set = mustCompile(b, rules)
			}
			b.ReportMetric(float64(liveBytes()-before)/(1<<20), "live-MiB")
			runtime.KeepAlive(set)
		})
		set := mustCompile(b, rules)
		b.Run(fmt.Sprintf("reload=%d", n), func(b *testing.B) { // of which one has changed
			changed := slices.Clone(rules)
			for i := 0; b.Loop(); i++ {
				changed[7].Title = fmt.Sprint("title ", i)
				_, err := set.Compile(changed, nil)
				require.NoError(b, err)
			}
		})
		b.Run(fmt.Sprintf("index=%d", n), func(b *testing.B) { // of any resource, for each status
			b.ReportAllocs()
			for b.Loop() {
				newSet(set.rules)
			}
		})
		b.Run(fmt.Sprintf("prepare=%d", n), func(b *testing.B) {
			res := request(codes.Unset, "/orders/{id}").Resource()
			for b.Loop() {
				set.resources.known.Store(nil)
				set.Prepare(res)
			}
		})
	}
}

// BenchmarkDefinitions loads rules that use the definitions of their file.
func BenchmarkDefinitions(b *testing.B) {
	var defs []Definition
	for i := range 50 {
		defs = append(defs, Definition{fmt.Sprint("team_", i), fmt.Sprintf(`resource.attributes["service.name"] in ["shop-%d", "pay-%d"]`, i, i)})
	}
	rules := someRules(1000)
	for i := range rules {
		rules[i].When = fmt.Sprintf("team_%d && %s", i%50, rules[i].When)
		rules[i].Definitions = defs
	}
	b.Run("rules=1000", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			mustCompile(b, rules)
		}
	})
	b.Run("reload=1000", func(b *testing.B) {
		set := mustCompile(b, rules)
		for b.Loop() {
			_, err := set.Compile(rules, nil)
			require.NoError(b, err)
		}
	})
}

// liveBytes returns how much memory is in use.
func liveBytes() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
