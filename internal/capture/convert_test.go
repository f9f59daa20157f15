package capture

import (
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/redact"
)

func item(sp sdktrace.ReadOnlySpan) Item { return Item{Span: sp, Rule: -1, Counts: true} }

func TestNode(t *testing.T) {
	g := newGate(t, 1, 1<<20)
	sp := span("POST /pay", 7, codes.Error, func(s *tracetest.SpanStub) {
		s.SpanKind = trace.SpanKindServer
		s.Status.Description = "declined"
		s.Parent = trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{15: 7}, SpanID: trace.SpanID{7: 1}, Remote: true})
		s.InstrumentationScope = instrumentation.Scope{Name: "otelhttp"}
		s.Attributes = []attribute.KeyValue{attribute.String("http.route", "/pay"), attribute.Int("http.response.status_code", 500)}
		s.Resource = resource.NewSchemaless(attribute.String("service.name", "payment"), attribute.String("service.namespace", "shop"), attribute.String("deployment.environment.name", "production"))
	})
	var it Item
	require.True(t, g.Examine(sp, &it))
	var c Converter
	n := c.Node(it)
	require.Equal(t, trace.TraceID{15: 7}, n.Trace)
	require.Equal(t, trace.SpanID{7: 1}, n.Parent)
	require.True(t, n.Remote)
	require.True(t, n.Matched)
	require.Equal(t, correlate.Step{Service: "payment", Operation: "POST /pay", Kind: "SERVER", Failed: true}, n.Step)
	o := n.Occurrence
	require.Equal(t, correlate.Scope{Namespace: "shop", Service: "payment", Environment: "production"}, o.Scope)
	require.Equal(t, "errors", o.Rule)
	require.Equal(t, "ERROR", o.Status)
	require.Equal(t, "declined", o.Message)
	require.Equal(t, "00000000000000000000000000000007", o.TraceID)
	require.Equal(t, "0000000000000007", o.SpanID)
	require.True(t, o.Exported)
	require.Equal(t, "otelhttp", o.Library)
	require.Equal(t, time.Second, o.End.Sub(o.Start))
	require.Equal(t, int64(500), correlate.Attr(o.Attributes, "http.response.status_code"))

	healthy := c.Node(Item{Span: span("get", 7, codes.Ok), Rule: -1})
	require.Equal(t, "get", healthy.Occurrence.Operation)
	require.Empty(t, healthy.Occurrence.Attributes, "of a healthy span only its place is kept")
	require.False(t, healthy.Matched)
}

func TestAttributes(t *testing.T) {
	for _, test := range []struct {
		rule string
		give attribute.Value
		want any
	}{
		{"text", attribute.StringValue("a"), "a"},
		{"a truth", attribute.BoolValue(true), true},
		{"a whole number", attribute.Int64Value(-7), int64(-7)},
		{"a fraction", attribute.Float64Value(0.5), 0.5},
		{"truths", attribute.BoolSliceValue([]bool{true, false}), []bool{true, false}},
		{"whole numbers", attribute.Int64SliceValue([]int64{1, 2}), []int64{1, 2}},
		{"fractions", attribute.Float64SliceValue([]float64{1, 0.5}), []float64{1, 0.5}},
		{"texts", attribute.StringSliceValue([]string{"a", "b"}), []string{"a", "b"}},
		{"bytes become text", attribute.ByteSliceValue([]byte("abc")), "abc"},
		{"a list of anything becomes text", attribute.SliceValue(attribute.IntValue(1), attribute.StringValue("a"), attribute.SliceValue(attribute.BoolValue(true))), `[1,"a",[true]]`},
		{"a map becomes text", attribute.MapValue(attribute.Int("b", 1), attribute.String("a", "x")), `{"a":"x","b":1}`},
		{"nothing is the empty text", attribute.Value{}, ""},
		{"invalid UTF-8 is replaced", attribute.StringValue("a\xffb"), "a\uFFFDb"},
		{"also within a list", attribute.StringSliceValue([]string{"a\xff"}), []string{"a\uFFFD"}},
		{"a long list becomes text, and is cut", attribute.Int64SliceValue(make([]int64, 10_000)), "[" + strings.Repeat("0,", 2047) + "0"},
		{"long text is cut between words", attribute.StringValue(strings.Repeat("word ", 1000)), strings.TrimSuffix(strings.Repeat("word ", 819), " ")},
		{"one long word is cut within a limit", attribute.StringValue(strings.Repeat("x", 1<<20)), strings.Repeat("x", maxValue)},
		{"and between characters", attribute.StringValue(strings.Repeat("漢", 1<<18)), strings.Repeat("漢", maxValue/3)},
	} {
		t.Run(test.rule, func(t *testing.T) {
			got := attributes([]attribute.KeyValue{{Key: "k", Value: test.give}})
			require.Equal(t, "k", got[0].Key)
			if want, ok := test.want.(string); ok {
				require.Equal(t, want, strings.TrimRight(got[0].Value.(string), " "))
				return
			}
			require.Equal(t, test.want, got[0].Value)
		})
	}
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var kvs []attribute.KeyValue
		for range rapid.IntRange(0, 300).Draw(t, "attributes") {
			text := strings.Repeat(rapid.SampledFrom([]string{"x", "word ", "漢", "\xff", ""}).Draw(t, "unit"), rapid.IntRange(0, 5000).Draw(t, "length"))
			kv := attribute.String(text[:min(len(text), 20)], text)
			if rapid.Bool().Draw(t, "list") {
				kv = attribute.StringSlice("list", []string{text, text})
			}
			kvs = append(kvs, kv)
		}
		got := attributes(kvs)
		require.Len(t, got, min(len(kvs), maxAttributes))
		total := 0
		for _, a := range got {
			require.True(t, utf8.ValidString(a.Key))
			switch v := a.Value.(type) {
			case string:
				require.True(t, utf8.ValidString(v))
				total += len(v)
			case []string:
				for _, s := range v {
					require.True(t, utf8.ValidString(s))
					total += len(s)
				}
			}
		}
		// Each invalid byte may become three.
		require.LessOrEqual(t, total, 3*(maxValues+maxAttributes*maxRest+maxValue))
	})
}

func TestClipCopiesWhatItCuts(t *testing.T) {
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	kept := make([]string, 0, 32)
	for range 32 {
		kept = append(kept, clip(strings.Repeat("x", 1<<20), maxValue))
	}
	require.Less(t, int64(heap())-int64(before), int64(8<<20), "32 MiB are not kept")
	runtime.KeepAlive(kept)
}

// The end of a secret is lost when it is cut, and a redactor would not know
// what is left of it.
func TestClipLeavesNoHalfOfASecret(t *testing.T) {
	token := "ghp" + "_" + strings.Repeat("a1B2", 9)
	var r redact.Redactor
	for offset := maxValue - 80; offset <= maxValue; offset++ {
		for _, before := range []string{"token is ", `{"key":"`, "https://host/?t="} {
			text := strings.Repeat("word ", maxValue)[:offset-len(before)] + before + token + " and more"
			require.NotContains(t, r.Text(clip(text, maxValue)), token[:8])
		}
	}
}

func TestOddSpans(t *testing.T) {
	var c Converter
	t.Run("one that ends before it starts took no time", func(t *testing.T) {
		n := c.Node(item(span("get", 1, codes.Error, func(s *tracetest.SpanStub) { s.EndTime = s.StartTime.Add(-time.Hour) })))
		require.Equal(t, n.Start, n.End)
		require.Equal(t, n.Start, n.Occurrence.End)
	})
	t.Run("one without anything", func(t *testing.T) {
		n := c.Node(item(tracetest.SpanStub{}.Snapshot()))
		require.Equal(t, correlate.Step{Service: "unknown_service", Kind: "INTERNAL"}, n.Step)
		require.Equal(t, "UNSET", n.Occurrence.Status)
	})
	t.Run("everything is long", func(t *testing.T) {
		big := strings.Repeat("word ", 1<<18)
		o := c.Node(item(span(big, 1, codes.Error, func(s *tracetest.SpanStub) {
			s.Status.Description = big
			s.InstrumentationScope.Name = big
			s.Events = []sdktrace.Event{{Name: "exception", Attributes: []attribute.KeyValue{
				attribute.String("exception.type", big), attribute.String("exception.message", big), attribute.String("exception.stacktrace", big)}}}
		}))).Occurrence
		for _, test := range []struct {
			s    string
			most int
		}{{o.Operation, maxName}, {o.Message, maxValue}, {o.Library, maxName}, {o.Exception.Type, maxName}, {o.Exception.Message, maxValue}, {o.Exception.Stacktrace, maxStack}} {
			require.InDelta(t, test.most, len(test.s), 5)
			require.LessOrEqual(t, len(test.s), test.most)
		}
	})
}

func TestScope(t *testing.T) {
	str := attribute.String
	for _, test := range []struct {
		rule string
		give []attribute.KeyValue
		want correlate.Scope
	}{
		{"no resource is an unknown service", nil, correlate.Scope{Service: "unknown_service"}},
		{"the SDK's default names the program, which is no identity", []attribute.KeyValue{str("service.name", "unknown_service:checkout.test")}, correlate.Scope{Service: "unknown_service"}},
		{"the stable name of the environment", []attribute.KeyValue{str("service.name", "a"), str("deployment.environment.name", "prod")}, correlate.Scope{Service: "a", Environment: "prod"}},
		{"the older one", []attribute.KeyValue{str("service.name", "a"), str("deployment.environment", "prod")}, correlate.Scope{Service: "a", Environment: "prod"}},
		{"the stable one wins", []attribute.KeyValue{str("deployment.environment", "old"), str("deployment.environment.name", "new"), str("service.name", "a")}, correlate.Scope{Service: "a", Environment: "new"}},
		{"an attribute of another type says nothing", []attribute.KeyValue{attribute.Int("service.name", 7)}, correlate.Scope{Service: "unknown_service"}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			var c Converter
			var r *resource.Resource
			if test.give != nil {
				r = resource.NewSchemaless(test.give...)
			}
			require.Equal(t, test.want, c.Scope(r))
			require.Equal(t, test.want, c.Scope(r), "from the cache")
		})
	}
}

func TestFallback(t *testing.T) {
	c := Converter{Fallback: []correlate.Attribute{{Key: "service.version", Value: "v1.2.3"}, {Key: "vcs.ref.head.revision", Value: "0f1e2d"}}}
	o := c.Node(item(span("get", 1, codes.Error, func(s *tracetest.SpanStub) {
		s.Resource = resource.NewSchemaless(attribute.String("service.version", "2026.3"))
	}))).Occurrence
	require.Equal(t, "2026.3", correlate.Attr(o.Resource, "service.version"), "what the resource says stands")
	require.Equal(t, "0f1e2d", correlate.Attr(o.Resource, "vcs.ref.head.revision"), "where it is silent the process speaks")
}

func TestResourcesAreBounded(t *testing.T) {
	var c Converter
	for i := range 3 * maxResources {
		c.Scope(resource.NewSchemaless(attribute.Int("n", i)))
	}
	require.LessOrEqual(t, len(c.resources), maxResources)
}

func TestAPanicIsAFailure(t *testing.T) {
	g := newGate(t, 1, 1<<20)
	g.End(panicked(codes.Unset))
	n := new(Converter).Node(<-g.Queue())
	require.True(t, n.Step.Failed)
	require.Equal(t, "UNSET", n.Occurrence.Status)
	require.Equal(t, "string", n.Occurrence.Exception.Type)
}

func TestDroppedEventsAreKnown(t *testing.T) {
	it := item(span("get", 1, codes.Error, func(s *tracetest.SpanStub) { s.DroppedEvents = 3 }))
	o := new(Converter).Node(it).Occurrence
	require.Equal(t, 3, o.Dropped)
	require.Equal(t, 3, o.Sample().Dropped)
}

func TestException(t *testing.T) {
	str := attribute.String
	event := func(name string, attrs ...attribute.KeyValue) sdktrace.Event {
		return sdktrace.Event{Name: name, Attributes: attrs}
	}
	for _, test := range []struct {
		rule   string
		events []sdktrace.Event
		attrs  []attribute.KeyValue
		want   correlate.Exception
	}{
		{rule: "nothing was recorded"},
		{
			rule:   "the last exception event counts",
			events: []sdktrace.Event{event("exception", str("exception.type", "a")), event("exception", str("exception.type", "b"), str("exception.message", "m"), str("exception.stacktrace", "s")), event("retry")},
			want:   correlate.Exception{Type: "b", Message: "m", Stacktrace: "s"},
		},
		{
			rule:  "without one, the span's own attributes",
			attrs: []attribute.KeyValue{str("exception.type", "a"), str("exception.message", "m")},
			want:  correlate.Exception{Type: "a", Message: "m"},
		},
		{rule: "error.type where no exception says its type", attrs: []attribute.KeyValue{str("error.type", "timeout")}, want: correlate.Exception{Type: "timeout"}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			var c Converter
			o := c.Node(item(span("get", 1, codes.Error, func(s *tracetest.SpanStub) { s.Events, s.Attributes = test.events, test.attrs }))).Occurrence
			require.Equal(t, test.want, o.Exception)
		})
	}
}

func TestTarget(t *testing.T) {
	var c Converter
	call := func(name string, kind trace.SpanKind, attrs ...attribute.KeyValue) uint64 {
		return c.Node(item(span(name, 1, codes.Error, func(s *tracetest.SpanStub) { s.SpanKind, s.Attributes = kind, attrs }))).Target
	}
	str := attribute.String
	method, url := str("http.request.method", "GET"), str("url.full", "https://a.example/1")
	want := call("GET", trace.SpanKindClient, method, url)
	require.NotZero(t, want)
	for _, test := range []struct {
		rule string
		got  uint64
		same bool
	}{
		{"the same call", call("GET", trace.SpanKindClient, method, url), true},
		{"whatever else it says", call("GET", trace.SpanKindClient, method, str("network.peer.address", "10.0.0.7"), url, attribute.Int("http.request.resend_count", 1)), true},
		{"in any order", call("GET", trace.SpanKindClient, url, method), true},
		{"another name", call("POST", trace.SpanKindClient, method, url), false},
		{"another address", call("GET", trace.SpanKindClient, method, str("url.full", "https://a.example/2")), false},
		{"one thing more", call("GET", trace.SpanKindClient, method, url, attribute.Int("server.port", 8080)), false},
		{"one thing less", call("GET", trace.SpanKindClient, method), false},
		{"the same value of something else", call("GET", trace.SpanKindClient, str("http.method", "GET"), url), false},
	} {
		require.Equal(t, test.same, test.got == want, test.rule)
		require.NotZero(t, test.got, test.rule)
	}
	require.Zero(t, call("GET", trace.SpanKindClient), "what says nothing about its target has none")
	require.Zero(t, call("GET", trace.SpanKindClient, str("peer.service", "a")))
	require.Zero(t, call("GET", trace.SpanKindServer, method, url), "nor has what is no call")
	require.Zero(t, call("GET", trace.SpanKindInternal, method, url))
	require.NotZero(t, call("send", trace.SpanKindProducer, str("messaging.destination.name", "orders")))
}

func BenchmarkNode(b *testing.B) {
	sp := span("POST /pay", 1, codes.Error, func(s *tracetest.SpanStub) {
		for _, k := range []string{"http.request.method", "url.full", "server.address", "d", "e", "f", "g", "h"} {
			s.Attributes = append(s.Attributes, attribute.String(k, "some value"))
		}
		s.SpanKind = trace.SpanKindClient
		s.Events = []sdktrace.Event{{Name: "exception", Attributes: []attribute.KeyValue{attribute.String("exception.type", "*net.OpError"), attribute.String("exception.message", "connection refused")}}}
		s.Resource = resource.NewSchemaless(attribute.String("service.name", "payment"))
	})
	var c Converter
	b.ReportAllocs()
	for b.Loop() {
		c.Node(item(sp))
	}
}
