package celrule

import (
	"context"
	"fmt"
	"runtime"
	"slices"
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
	set := mustCompile(b, append(someRules(1000), Rule{Name: "residual", When: `span.name.matches("x.z")`}))
	sp := request(codes.Unset, "/orders/{id}")
	b.Run("general/rules=1000", func(b *testing.B) { // before the resource is known
		set := mustCompile(b, someRules(1000))
		b.ReportAllocs()
		for b.Loop() {
			set.Match(sp)
		}
	})
	set.Prepare(sp.Resource())
	b.Run("healthy/residual=1", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			set.Match(sp)
		}
	})
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
		b.Run(fmt.Sprintf("prepare=%d", n), func(b *testing.B) {
			res := request(codes.Unset, "/orders/{id}").Resource()
			for b.Loop() {
				set.resources.known.Store(nil)
				set.Prepare(res)
			}
		})
	}
}

// liveBytes returns how much memory is in use.
func liveBytes() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
