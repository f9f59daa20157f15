package autoticket_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/enrich"
	"github.com/spanticket/spanticket/sinks"
)

// attributesOf returns attributes of every type, with canaries in names and values.
func attributesOf(p *planted, what string, names ...string) []attribute.KeyValue {
	in := func(place string) string { return p.in(what + ": " + place) }
	out := []attribute.KeyValue{
		attribute.String(in("key"), "value"),
		attribute.String("note", "a note with "+in("string")+" in it"),
		attribute.String("bare", in("string without more")),
		attribute.StringSlice("list", []string{"first", in("element of a list"), "last"}),
		attribute.ByteSlice("bytes", []byte("bytes "+in("bytes")+" more")),
		attribute.Slice("mixed", attribute.IntValue(1), attribute.StringValue(in("element of a mixed list"))),
		attribute.Map("map", attribute.String("inner", in("value of a map")), attribute.Map("deep", attribute.String(in("key of a map"), "x"), attribute.ByteSlice("bytes", []byte(in("bytes in a map"))))),
		attribute.String("json", `{"a":[{"b":`+strconv.Quote(in("JSON"))+`}]}`),
		attribute.String("multi", "line one\nline two "+in("second line")+"\n\tline three"),
		attribute.String("encoded", "payload="+base64.StdEncoding.EncodeToString([]byte("begin "+in("base64")+" end"))),
		attribute.String("escaped", "next="+url.QueryEscape("begin "+in("percent-encoding")+" end")),
		attribute.String("hidden", hide(in("what cannot be seen"))),
		attribute.Stringer("stringer", stringer(in("stringer"))),
	}
	if p.kind == "card" {
		if n, err := strconv.ParseInt(in("number"), 10, 64); err == nil {
			out = append(out, attribute.Int64("number", n), attribute.Int64Slice("numbers", []int64{n}))
		}
	}
	if what == "span" {
		out = append(out, attribute.String("cut", straddle(in("value that is cut"), 4<<10)))
	}
	for _, name := range names {
		out = append(out, attribute.String(name, in(name)))
	}
	return out
}

// straddle returns a text in the middle of whose secret a cut at n bytes is.
func straddle(s string, n int) string {
	return strings.Repeat("retry of it. ", n/13+1)[:n-len(s)/2-1] + " " + s
}

// hide puts a character without width into the middle of a text.
func hide(s string) string { return s[:len(s)/2] + "\u200b" + s[len(s)/2:] }

type stringer string

func (s stringer) String() string { return string(s) }

func canaryResource(p *planted) *resource.Resource {
	return resource.NewSchemaless(attributesOf(p, "resource", "service.name", "service.namespace", "deployment.environment.name",
		"service.version", "service.instance.id", "host.name", "k8s.pod.name", "vcs.ref.head.revision", "vcs.repository.url.full",
		"cicd.pipeline.run.url.full", "process.command_line", "container.image.name")...)
}

// failEverywhere makes spans and log records that fail, with canaries in all that
// they can say.
func failEverywhere(p *planted, traces *sdktrace.TracerProvider, logs *sdklog.LoggerProvider) {
	tracer := traces.Tracer(p.in("name of a scope"), trace.WithInstrumentationVersion(p.in("version of a scope")),
		trace.WithSchemaURL("https://schema.example/"+url.PathEscape(p.in("schema URL"))), trace.WithInstrumentationAttributes(attributesOf(p, "scope")...))
	state, _ := trace.ParseTraceState("vendor=" + strings.Map(func(r rune) rune {
		if r == ',' || r == '=' || r < ' ' || r > '~' {
			return '_'
		}
		return r
	}, p.in("tracestate")))
	remote := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1, 2, 3}, SpanID: trace.SpanID{4, 5}, TraceFlags: trace.FlagsSampled, TraceState: state, Remote: true})
	ctx, root := tracer.Start(trace.ContextWithRemoteSpanContext(context.Background(), remote), "POST /pay/"+p.in("name of the root"),
		trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attributesOf(p, "root", "url.path", "url.query", "url.full", "http.url", "http.target", "http.route",
			"http.request.header.authorization", "http.request.header.cookie", "user_agent.original", "enduser.id", "user.email", "client.address")...))
	ctx, sp := tracer.Start(ctx, "charge "+p.in("span name"), trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attributesOf(p, "span", "db.query.text", "db.statement", "db.query.parameter.0", "db.connection_string", "server.address", "peer.service",
			"error.type", "error.message", "exception.message", "messaging.destination.name", "rpc.service", "process.command_args", "code.stacktrace")...),
		trace.WithLinks(trace.Link{SpanContext: remote, Attributes: attributesOf(p, "link")}))
	sp.AddEvent("retry "+p.in("event name"), trace.WithAttributes(attributesOf(p, "event")...))
	sp.AddEvent("exception", trace.WithAttributes(
		attribute.String("exception.type", "*pay."+p.in("exception type")), attribute.String("exception.message", "declined: "+p.in("exception message")),
		attribute.String("exception.stacktrace", "main.pay("+p.in("stack trace")+")\n\t/src/pay.go:42 +0x1f\nmain.main()\n\t/src/main.go:7\n")))
	logger := logs.Logger("payments")
	logger.Emit(ctx, record(p, "log record in a span"))
	autoticket.RecordError(sp, errors.Join(errors.New(p.in("recorded error")), errors.New(strings.Repeat("retry of it ", 19)+p.in("long error"))))
	sp.SetStatus(codes.Error, "failed with "+p.in("status description"))
	sp.End()
	root.SetStatus(codes.Error, "")
	root.End()

	_, held := tracer.Start(context.Background(), "draft", trace.WithAttributes(attribute.Bool("draft", true)))
	held.SetStatus(codes.Error, "held with "+p.in("status of a held one"))
	held.End()
	_, literal := tracer.Start(context.Background(), "literal", trace.WithAttributes(attribute.String("literal", p.kind)))
	literal.SetStatus(codes.Error, straddle(p.in("status that is cut"), 4<<10))
	literal.End()
	logs.Logger(p.in("name of a logger"), log.WithInstrumentationAttributes(attributesOf(p, "logger")...)).Emit(context.Background(), record(p, "log record"))
	func() {
		defer func() { _ = recover() }()
		_, sp := tracer.Start(context.Background(), "panics")
		defer sp.End()
		panic(p.in("panic of the application"))
	}()
}

func record(p *planted, what string) log.Record {
	var r log.Record
	r.SetTimestamp(time.Now())
	r.SetSeverity(log.SeverityError)
	r.SetSeverityText(p.in(what + ": severity"))
	r.SetEventName("pay." + p.in(what+": event name"))
	r.SetBody(attribute.MapValue(attribute.String("msg", "declined "+p.in(what+": body")), attribute.Slice("list", attribute.StringValue(p.in(what+": list in the body")))))
	r.AddAttributes(
		attribute.String("note", p.in(what+": attribute")), attribute.ByteSlice("bytes", []byte(p.in(what+": bytes"))), attribute.String(p.in(what+": key"), "x"),
		attribute.Map("map", attribute.String("inner", p.in(what+": map"))),
		attribute.String("exception.message", p.in(what+": exception message")), attribute.String("exception.stacktrace", p.in(what+": stack trace")))
	return r
}

// literalRule is a rule whose texts are secrets of its author's.
func literalRule(p *planted) autoticket.Rule {
	quoted := func(place string) string { return strconv.QuoteToASCII(p.in("rule: " + place)) }
	return autoticket.Rule{
		Name: "literal-" + p.kind, When: `span.attributes["literal"] == "` + p.kind + `"`, Title: quoted("title"), Labels: []string{quoted("label"), `"area:" + span.name`},
		Team: quoted("team"), Severity: quoted("severity"), Runbook: strconv.QuoteToASCII("https://bot:" + url.QueryEscape(p.in("rule: user of a runbook")) + "@runbooks.example/?q=" + url.QueryEscape(p.in("rule: runbook"))),
	}
}

func canaryRules(f flock) []autoticket.Rule {
	var rules []autoticket.Rule
	for _, p := range f {
		rules = append(rules, literalRule(p))
	}
	return append(rules, []autoticket.Rule{
		{Name: "draft", When: `span.attributes["draft"] == true`, Title: `"draft " + span.status_message`, Mode: "draft"},
		{
			Name: "broken", When: `span.attributes["json"].size() > 100000 || int(span.attributes["note"]) > 1`,
		},
		{
			Name: "errors", When: `span.status == "ERROR"`, Title: `"failed: " + exception.message + " in " + span.name`,
			Labels: []string{`span.status_message`, `span.attributes["note"]`}, Team: `string(resource.attributes["service.name"])`,
			Severity: `exception.type`, Runbook: `"https://runbooks.example/" + span.name`, Sinks: []string{`span.name`},
		},
	}...)
}

func canaryEnrichers(f flock) map[string]enrich.Enricher {
	return map[string]enrich.Enricher{
		"facts": enrich.Func(func(context.Context, correlate.Problem) (enrich.Facts, error) {
			p := f.turn("facts")
			return enrich.Facts{
				Facts:   []sinks.Fact{{Name: "owner", Value: p.in("fact")}, {Name: p.in("name of a fact"), Value: "x"}},
				Links:   canaryLinks(p),
				Missing: []string{"nobody knows " + p.in("what is missing")},
			}, nil
		}),
		"fails": enrich.Func(func(context.Context, correlate.Problem) (enrich.Facts, error) {
			return enrich.Facts{}, errors.New(f.next("error of an enricher"))
		}),
		"panics": enrich.Func(func(context.Context, correlate.Problem) (enrich.Facts, error) { panic(f.next("panic of an enricher")) }),
		"dials": enrich.Func(func(context.Context, correlate.Problem) (enrich.Facts, error) {
			return enrich.Facts{}, dial(f.turn("an enricher dials"), "URL that an enricher dials")
		}),
	}
}

func canaryLinks(p *planted) []sinks.Link {
	return []sinks.Link{
		{Name: p.in("name of a link"), URL: "https://grafana.example/"}, {Name: "query", URL: "https://grafana.example/?q=" + url.QueryEscape(p.in("query of a link"))},
		{Name: "token", URL: "https://grafana.example/?token=" + url.QueryEscape(p.in("token of a link"))}, {Name: "path", URL: "https://grafana.example/x/" + url.PathEscape(p.in("path of a link")) + "/y"},
		{Name: "fragment", URL: "https://grafana.example/#access_token=" + url.QueryEscape(p.in("fragment of a link"))},
		{Name: "user", URL: (&url.URL{Scheme: "https", Host: "grafana.example", User: url.UserPassword("bot", p.in("user of a link"))}).String()},
	}
}

// dial returns the error of net/http for a URL that nobody answers at.
func dial(p *planted, place string) error {
	u := url.URL{Scheme: "http", Host: "127.0.0.1:1", User: url.UserPassword("bot", p.in(place+": user")), Path: "/hook/" + p.in(place+": path"), RawQuery: "q=" + url.QueryEscape(p.in(place+": query"))}
	resp, err := http.Get(u.String())
	if err == nil {
		err = resp.Body.Close()
	}
	return err
}
