package enrich_test

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/enrich"
)

const (
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	spanID  = "00f067aa0ba902b7"
)

// ended is when the operation of traced ended: 1785576600 s.
var ended = time.Date(2026, 8, 1, 9, 30, 0, 0, time.UTC)

// traced is a problem with one sample, which was exported.
func traced() correlate.Problem {
	return correlate.Problem{
		Scope:   correlate.Scope{Service: "checkout", Environment: "production"},
		Samples: []correlate.Sample{{Time: ended, Duration: 2 * time.Second, TraceID: traceID, SpanID: spanID, Exported: true}},
	}
}

func linkOf(t require.TestingT, template string, p correlate.Problem) string {
	l, err := enrich.NewLink("trace", template)
	require.NoError(t, err)
	facts, err := l.Enrich(context.Background(), p)
	require.NoError(t, err)
	require.Len(t, facts.Links, 1)
	require.Equal(t, "trace", facts.Links[0].Name)
	require.Empty(t, facts.Missing)
	return facts.Links[0].URL
}

func TestLinkPlaceholders(t *testing.T) {
	odd := traced()
	odd.Scope = correlate.Scope{Service: "a b/c?d=e&f#g+h%i..é\"", Environment: ""}
	old := traced()
	old.Samples[0].Time = time.Time{}
	for _, test := range []struct {
		rule     string
		template string
		problem  correlate.Problem
		want     string
	}{
		{"IDs stand as they are", "https://h/{trace_id}/{span_id}", traced(), "https://h/" + traceID + "/" + spanID},
		{"the window is padded by five minutes, from the start to the end of the operation", "https://h/?a={start_ms}&b={end_ms}", traced(), "https://h/?a=1785576298000&b=1785576900000"},
		{"the window in seconds", "https://h/?a={start_s}&b={end_s}", traced(), "https://h/?a=1785576298&b=1785576900"},
		{"a time that no URL can say is zero", "https://h/{start_ms}/{end_s}", old, "https://h/0/0"},
		{"service and environment are those of the scope", "https://h/{environment}/{service}", traced(), "https://h/production/checkout"},
		{"values are escaped for every place", "https://h/{service}?s={service}#{service}", odd,
			"https://h/a%20b%2Fc%3Fd%3De%26f%23g%2Bh%25i..%C3%A9%22?s=a%20b%2Fc%3Fd%3De%26f%23g%2Bh%25i..%C3%A9%22#a%20b%2Fc%3Fd%3De%26f%23g%2Bh%25i..%C3%A9%22"},
		{"an empty environment leaves nothing", "https://h/x{environment}y", odd, "https://h/xy"},
		{"a placeholder may stand twice, and beside another", "http://h:8080/{trace_id}{trace_id}{span_id}", traced(), "http://h:8080/" + traceID + traceID + spanID},
		{"a page that is the same for all", "https://h/dashboard", traced(), "https://h/dashboard"},
		{"braces that are text", "https://h/?q=%7B{trace_id}%7D", traced(), "https://h/?q=%7B" + traceID + "%7D"},
	} {
		t.Run(test.rule, func(t *testing.T) {
			require.Equal(t, test.want, linkOf(t, test.template, test.problem))
		})
	}
}

func TestLinkSample(t *testing.T) {
	sample := func(id string, exported bool) correlate.Sample {
		return correlate.Sample{Time: ended, TraceID: id, SpanID: spanID, Exported: exported}
	}
	for _, test := range []struct {
		rule     string
		template string
		samples  []correlate.Sample
		want     string // URL
		missing  string
	}{
		{"the newest exported sample counts", "https://h/{trace_id}", []correlate.Sample{sample("a1", true), sample("b2", true)}, "https://h/b2", ""},
		{"an older one that was exported is better than a newer that was not", "https://h/{trace_id}", []correlate.Sample{sample("a1", true), sample("b2", true), sample("c3", false)}, "https://h/b2", ""},
		{"when none was exported there is no link", "https://h/{trace_id}", []correlate.Sample{sample("a1", false), sample("b2", false)}, "", "trace link: not exported (sampled out)"},
		{"nor to a span", "https://h/{span_id}", []correlate.Sample{sample("a1", false)}, "", "trace link: not exported (sampled out)"},
		{"a page that is not about a trace needs no export", "https://h/{service}", []correlate.Sample{sample("a1", false)}, "https://h/checkout", ""},
		{"without a trace there is no link to one", "https://h/{trace_id}", []correlate.Sample{sample("", true)}, "", "trace link: no trace was recorded"},
		{"without a sample there is no link", "https://h/{service}", nil, "", "trace link: no sample was kept"},
	} {
		t.Run(test.rule, func(t *testing.T) {
			l, err := enrich.NewLink("trace", test.template)
			require.NoError(t, err)
			p := traced()
			p.Samples = test.samples
			facts, err := l.Enrich(t.Context(), p)
			require.NoError(t, err)
			if test.missing != "" {
				require.Equal(t, enrich.Facts{Missing: []string{test.missing}}, facts)
				return
			}
			require.Equal(t, test.want, facts.Links[0].URL)
			require.Empty(t, facts.Missing)
		})
	}
}

func TestNewLinkErrors(t *testing.T) {
	for _, test := range []struct {
		rule     string
		name     string
		template string
		want     []string // parts of the error
	}{
		{"a template is needed", "trace", "", []string{"no http or https URL"}},
		{"a name is needed", "", "https://h/", []string{"needs a name"}},
		{"an unknown placeholder is named, with those there are", "trace", "https://h/{traceid}", []string{"{traceid}", "{trace_id}", "{environment}"}},
		{"all unknown ones are named", "trace", "https://h/{a}/{b}", []string{"{a}", "{b}"}},
		{"an empty placeholder is unknown", "trace", "https://h/{}", []string{"unknown placeholder {}"}},
		{"all faults come at once", "", "https://h/{a}", []string{"needs a name", "{a}"}},
		{"a brace that is not closed", "trace", "https://h/{trace_id", []string{`"{" at offset 10`}},
		{"a brace that is not opened", "trace", "https://h/trace_id}", []string{`"}" at offset 18`}},
		{"a brace in braces", "trace", "https://h/{{trace_id}}", []string{`"{" at offset 10`}},
		{"another scheme", "trace", "javascript:alert({trace_id})", []string{"no http or https URL"}},
		{"no scheme", "trace", "//h/{trace_id}", []string{"no http or https URL"}},
		{"no host", "trace", "https:///{trace_id}", []string{"no host"}},
		{"only a port", "trace", "https://:8080/{trace_id}", []string{"no host"}},
		{"no URL", "trace", "https://h:port/{trace_id}", []string{"no URL"}},
		{"a broken escape", "trace", "https://h/%zz{trace_id}", []string{"no URL"}},
		{"an escape that a value would complete", "trace", "https://h/%4{trace_id}", []string{"write %25"}},
		{"a placeholder in the host", "trace", "https://{service}.example.com/", []string{"the scheme or the host"}},
		{"a placeholder after the host", "trace", "https://h{service}", []string{"the scheme or the host"}},
		{"a placeholder in the scheme", "trace", "http{service}://h/", []string{"no http or https URL"}},
		{"credentials", "trace", "https://user:secret@h/{trace_id}", []string{"credentials"}},
		{"spaces", "trace", "https://h/a b/{trace_id}", []string{"' ' must be percent-encoded"}},
		{"what could leave a link", "trace", "https://h/{trace_id}\"><", []string{"must be percent-encoded"}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			l, err := enrich.NewLink(test.name, test.template)
			require.Nil(t, l)
			for _, part := range test.want {
				require.ErrorContains(t, err, part)
			}
			require.NotContains(t, err.Error(), "secret")
		})
	}
}

func TestTraceLinkTemplates(t *testing.T) {
	for _, test := range []struct {
		template string
		want     string
	}{
		{enrich.Jaeger("http://localhost:16686"), "http://localhost:16686/trace/" + traceID + "?uiFind=" + spanID},
		{enrich.Jaeger("https://example.com/jaeger/"), "https://example.com/jaeger/trace/" + traceID + "?uiFind=" + spanID},
		{enrich.Zipkin("http://localhost:9411/"), "http://localhost:9411/zipkin/traces/" + traceID},
		{enrich.Datadog("https://app.datadoghq.com"), "https://app.datadoghq.com/apm/trace/" + traceID},
		{enrich.Honeycomb("https://ui.honeycomb.io", "acme", "{environment}", "{service}"),
			"https://ui.honeycomb.io/acme/environments/production/datasets/checkout/trace?trace_id=" + traceID + "&span=" + spanID + "&trace_start_ts=1785576298&trace_end_ts=1785576900"},
		{enrich.Honeycomb("https://ui.honeycomb.io", "a/b", "{other}", "c d"),
			"https://ui.honeycomb.io/a%2Fb/environments/%7Bother%7D/datasets/c%20d/trace?trace_id=" + traceID + "&span=" + spanID + "&trace_start_ts=1785576298&trace_end_ts=1785576900"},
	} {
		t.Run(test.template, func(t *testing.T) {
			require.Equal(t, test.want, linkOf(t, test.template, traced()))
		})
	}
}

// Grafana reads its panes as JSON in the query.
func TestTempoPanes(t *testing.T) {
	u, err := url.Parse(linkOf(t, enrich.Tempo("https://grafana.example.com/", `tempo "eu" & {1}`, 3), traced()))
	require.NoError(t, err)
	require.Equal(t, "/explore", u.Path)
	require.Equal(t, "3", u.Query().Get("orgId"))
	require.Equal(t, "1", u.Query().Get("schemaVersion"))
	var panes map[string]any
	require.NoError(t, json.Unmarshal([]byte(u.Query().Get("panes")), &panes))
	require.Equal(t, map[string]any{"a": map[string]any{
		"datasource": `tempo "eu" & {1}`,
		"queries": []any{map[string]any{
			"refId":      "A",
			"datasource": map[string]any{"type": "tempo", "uid": `tempo "eu" & {1}`},
			"queryType":  "traceql",
			"query":      traceID,
		}},
		"range": map[string]any{"from": "1785576298000", "to": "1785576900000"},
	}}, panes)
}

// FuzzLink holds that a template which NewLink takes leads, whatever comes from
// spans, to an http or https URL on the host that the template names.
func FuzzLink(f *testing.F) {
	f.Add(enrich.Jaeger("http://localhost:16686"), traceID, "checkout")
	f.Add(enrich.Tempo("https://grafana.example.com", "tempo", 1), traceID, "a\"b")
	f.Add(enrich.Honeycomb("https://ui.honeycomb.io", "acme", "{environment}", "{service}"), "", "//evil.example.com")
	f.Add("https://h/%{service}", traceID, "41")
	f.Add("https://h?{service}", "x", "@evil.example.com/")
	f.Add("https://h\\{service}", "x", ".evil.example.com")
	f.Add("https://[::1]:80/{trace_id}#{service}", "\x00\xff", "é")
	f.Add("{}{{}", "", "")
	f.Fuzz(func(t *testing.T, template, id, service string) {
		l, err := enrich.NewLink("trace", template)
		if err != nil {
			require.Nil(t, l)
			return
		}
		p := traced()
		p.Samples[0].TraceID, p.Scope.Service = id, service
		facts, err := l.Enrich(t.Context(), p)
		require.NoError(t, err)
		if len(facts.Links) == 0 {
			require.Empty(t, id, "a trace with an ID has a link")
			return
		}
		target := facts.Links[0].URL
		u, err := url.Parse(target)
		require.NoError(t, err)
		require.Contains(t, []string{"http", "https"}, u.Scheme)
		require.Nil(t, u.User)
		_, authority, _ := strings.Cut(template, "://")
		if end := strings.IndexAny(authority, "/?#"); end >= 0 {
			authority = authority[:end]
		}
		require.Equal(t, authority, u.Host)
		for _, c := range []byte(target) {
			require.True(t, c > ' ' && c < 0x7f, "%q in %q", c, target)
		}
	})
}
