package prometheus_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/deployment"
	"github.com/spanticket/spanticket/enrich/prometheus"
)

// asks returns a function that returns what is asked for a query: of all, and of those that failed.
func asks(t require.TestingT, template string) func(deployment.Query) []string {
	var got []string
	r, err := prometheus.New(prometheus.Config{URL: "https://prometheus.example", Query: template, Concurrency: 1, Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		form, err := url.ParseQuery(string(body))
		require.NoError(t, err)
		got = append(got, form.Get("query"))
		return reply(200, vector("1")), nil
	})})
	require.NoError(t, err)
	return func(q deployment.Query) []string {
		got = nil
		require.NoError(t, r.Prefetch(context.Background(), []deployment.Query{q}))
		return got
	}
}

// literals are the strings of a query of PromQL, and the rest is what is between them.
func literals(t require.TestingT, query string) (values []string, rest string) {
	var between strings.Builder
	for query != "" {
		i := strings.IndexAny(query, "\"'`#")
		if i < 0 {
			between.WriteString(query)
			break
		}
		require.Equal(t, byte('"'), query[i], "all literals are in double quotes, and there is no comment")
		between.WriteString(query[:i])
		quoted, err := strconv.QuotedPrefix(query[i:])
		require.NoError(t, err)
		value, err := strconv.Unquote(quoted)
		require.NoError(t, err)
		values = append(values, value)
		between.WriteString("_")
		query = query[i+len(quoted):]
	}
	return values, between.String()
}

const everything = `sum(increase(requests{a={{.Service}},b={{print .Namespace}},c={{len .Version}},d={{.Operation | printf "%v"}},e={{join "x" .Version "\""}},` +
	`f=~{{regex .Environment}},g={{with .Route}}{{slice . 0 1}}{{else}}""{{end}},j={{printf "%d" .Service}},h={{printf "%x" .Method}},i={{with $x := .Service}}{{$x}}{{end}}{{if .Failed}},code="5"{{end}}}[{{.Window}}] offset {{.From.Unix}}s))`

// Whatever a span says, it is a value, and nothing else of the query.
func TestNamesAreValues(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, template := range []string{prometheus.Promoted, prometheus.TargetInfo, everything} {
		ask := asks(t, template)
		harmless := deployment.Query{Scope: correlate.Scope{Namespace: "a", Service: "b", Environment: "c"}, Operation: "GET /", Version: "d", From: at, To: at.Add(time.Hour)}
		var want []string
		for _, query := range ask(harmless) {
			_, rest := literals(t, query)
			want = append(want, rest)
		}
		require.Len(t, want, 2)
		rapid.Check(t, func(t *rapid.T) {
			name := rapid.OneOf(
				rapid.SampledFrom(hostile),
				rapid.StringOfN(rapid.RuneFrom([]rune("\"\\'`#{}[]()\n\x00n$x1é"+string(rune(0xFFFD)))), 1, 20, -1),
				rapid.StringN(1, 20, -1),
				rapid.Map(rapid.SliceOfN(rapid.Byte(), 1, 20), func(b []byte) string { return string(b) }),
			)
			q := deployment.Query{
				Scope:   correlate.Scope{Namespace: name.Draw(t, "namespace"), Service: name.Draw(t, "service"), Environment: name.Draw(t, "environment")},
				Version: name.Draw(t, "version"), Operation: "GET " + name.Draw(t, "route"), From: at, To: at.Add(time.Hour),
			}
			if template == everything {
				q.Version = harmless.Version // of which the length is printed
			}
			for i, query := range ask(q) {
				values, rest := literals(t, query)
				require.Equal(t, want[i], rest)
				if template != prometheus.Promoted {
					continue
				}
				valid := func(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
				require.Equal(t, []string{
					valid(q.Scope.Service), valid(q.Scope.Namespace), valid(q.Scope.Environment), valid(q.Version), "GET", valid(q.Operation[4:]),
				}, values[:6])
			}
		})
	}
}

func TestTemplates(t *testing.T) {
	q := question()
	all := q
	all.Scope.Namespace, all.Scope.Environment, all.Operation, all.Version = "", "", "", ""
	for _, c := range []struct {
		rule, template string
		q              deployment.Query
		want           []string
	}{
		{"by default what is not known is not asked for", prometheus.Promoted, all, []string{
			`sum(increase(http_server_request_duration_seconds_count{service_name="checkout"}[3600s]))`,
			`sum(increase(http_server_request_duration_seconds_count{service_name="checkout",http_response_status_code=~"5.."}[3600s]))`,
		}},
		{"methods that nobody knows are called HTTP", prometheus.Promoted, change(all, func(q *deployment.Query) { q.Operation = "HTTP /" }), []string{
			`sum(increase(http_server_request_duration_seconds_count{service_name="checkout",http_request_method="_OTHER",http_route="/"}[3600s]))`,
			`sum(increase(http_server_request_duration_seconds_count{service_name="checkout",http_request_method="_OTHER",http_route="/",http_response_status_code=~"5.."}[3600s]))`,
		}},
		{"a route without a slash is one", prometheus.Promoted, change(all, func(q *deployment.Query) { q.Operation = "GET {controller}/{id?}" }), []string{
			`sum(increase(http_server_request_duration_seconds_count{service_name="checkout",http_request_method="GET",http_route="{controller}/{id?}"}[3600s]))`,
			`sum(increase(http_server_request_duration_seconds_count{service_name="checkout",http_request_method="GET",http_route="{controller}/{id?}",http_response_status_code=~"5.."}[3600s]))`,
		}},
		{"a command of Redis is none", prometheus.Promoted, change(all, func(q *deployment.Query) { q.Operation = "GET" }), nil},
		{"nor is what begins otherwise", prometheus.Promoted, change(all, func(q *deployment.Query) { q.Operation = "get /" }), nil},
		{"job and target_info", prometheus.TargetInfo, q, []string{
			`sum(increase(http_server_request_duration_seconds_count{job="shop/checkout",http_request_method="POST",http_route="/pay"}[3600s])` + "\n" +
				` * on (job, instance) group_left () max by (job, instance) (max_over_time(target_info{job="shop/checkout",deployment_environment_name="production",service_version="2.0.0"}[3600s])))`,
			`sum(increase(http_server_request_duration_seconds_count{job="shop/checkout",http_request_method="POST",http_route="/pay",http_response_status_code=~"5.."}[3600s])` + "\n" +
				` * on (job, instance) group_left () max by (job, instance) (max_over_time(target_info{job="shop/checkout",deployment_environment_name="production",service_version="2.0.0"}[3600s])))`,
		}},
		{"of your own", "  calls:{{if .Failed}}failed:{{end}}rate{op={{.Operation}}, re=~{{join `^` (regex .Operation) `$`}}} * {{(.To.Sub .From).Seconds}}\n", q, []string{
			`calls:rate{op="POST /pay", re=~"^POST /pay$"} * 3600`, `calls:failed:rate{op="POST /pay", re=~"^POST /pay$"} * 3600`,
		}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			require.Equal(t, c.want, asks(t, c.template)(c.q))
		})
	}
}

func change(q deployment.Query, f func(*deployment.Query)) deployment.Query {
	f(&q)
	return q
}

func TestConfig(t *testing.T) {
	some := func(context.Context) (http.Header, error) { return nil, nil }
	for _, c := range []struct {
		rule   string
		config prometheus.Config
		errs   []string // none means that it is good
	}{
		{"https", prometheus.Config{URL: "https://prometheus.example/team/", Header: some}, nil},
		{"http without credentials", prometheus.Config{URL: "http://prometheus:9090"}, nil},
		{"http on this machine", prometheus.Config{URL: "http://[::1]:9090", Header: some}, nil},
		{"http with credentials, if it is wanted", prometheus.Config{URL: "http://prometheus:9090", Header: some, AllowHTTP: true}, nil},
		{"http with credentials", prometheus.Config{URL: "http://prometheus:9090", Header: some}, []string{"unencrypted"}},
		{"no URL", prometheus.Config{}, []string{"Config.URL is empty"}},
		{"no URL that can be read", prometheus.Config{URL: "https://" + token + "\x00"}, []string{"is not a URL"}},
		{"another scheme", prometheus.Config{URL: "file:///" + token}, []string{"https:// or http://"}},
		{"no host", prometheus.Config{URL: "https:///" + token}, []string{"no host"}},
		{"user information", prometheus.Config{URL: "https://me:" + token + "@prometheus.example"}, []string{"user information"}},
		{"a query", prometheus.Config{URL: "https://prometheus.example?token=" + token}, []string{"a query or a fragment"}},
		{"all that is wrong", prometheus.Config{Timeout: -1, Query: "{{"}, []string{"Config.URL", "Config.Query", "Config.Timeout"}},
		{"a template that says nothing", prometheus.Config{URL: "https://a", Query: " "}, []string{"it is empty"}},
		{"a template that does not tell failures", prometheus.Config{URL: "https://a", Query: "sum(up{service_name={{.Service}}})"}, []string{"the same whether .Failed is true or not"}},
		{"a template with an unknown name", prometheus.Config{URL: "https://a", Query: "{{.Sevice}}"}, []string{"Sevice"}},
		{"a template that joins numbers", prometheus.Config{URL: "https://a", Query: "{{join 1 .Service}}"}, []string{"join takes texts"}},
		{"a template that escapes for others", prometheus.Config{URL: "https://a", Query: "{{html .Service}}"}, []string{"not for PromQL"}},
		{"a template that makes too much", prometheus.Config{URL: "https://a", Query: "{{if .Failed}}1{{end}}" + strings.Repeat("1", 20<<10)}, []string{"16384"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			_, err := prometheus.New(c.config)
			if c.errs == nil {
				require.NoError(t, err)
				return
			}
			for _, text := range c.errs {
				require.ErrorContains(t, err, text)
			}
			require.NotContains(t, err.Error(), token)
		})
	}
}
