package prometheus_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/deployment"
	"github.com/spanticket/spanticket/enrich/prometheus"
	"github.com/spanticket/spanticket/internal/realserver"
)

const scrape = 15 * time.Second

// noon is when checkout 2.0.0 replaces 1.0.0.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// counter is a series: it begins with nothing, grows by perScrape, and is scraped until it ends.
type counter struct {
	labels    map[string]string
	from, to  time.Time
	perScrape float64
}

// openMetrics writes a family of counters, as they are scraped.
func openMetrics(name, typ string, counters []counter) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
	var b strings.Builder
	fmt.Fprintf(&b, "# TYPE %s %s\n", strings.TrimSuffix(name, "_count"), typ)
	for _, c := range counters {
		var labels []string
		for k, v := range c.labels {
			labels = append(labels, fmt.Sprintf(`%s="%s"`, k, escape.Replace(v)))
		}
		for at, n := c.from.Add(scrape/3), 0; !at.After(c.to); at, n = at.Add(scrape), n+1 {
			value := math.Floor(c.perScrape * (float64(n) + 1./3))
			if typ == "gauge" {
				value = 1
			}
			fmt.Fprintf(&b, "%s{%s} %v %d\n", name, strings.Join(labels, ","), value, at.Unix())
		}
	}
	return b.String()
}

// shop is a deployment that makes one route fail: of 40 calls a scrape 30 do.
func shop() string {
	labels := func(service, version, route, code string, promoted bool) map[string]string {
		l := map[string]string{"job": "shop/" + service, "instance": service + "-" + version, "http_request_method": "POST", "http_route": route, "http_response_status_code": code}
		if promoted {
			l["service_name"], l["service_namespace"], l["service_version"], l["deployment_environment_name"] = service, "shop", version, "production"
		}
		return l
	}
	begin, end := noon.Add(-3*time.Hour), noon.Add(2*time.Hour)
	var requests, targets []counter
	for service, promoted := range map[string]bool{"checkout": true, "billing": false} {
		requests = append(requests,
			counter{labels(service, "1.0.0", "/pay", "200", promoted), begin, noon, 40},
			counter{labels(service, "1.0.0", "/cart", "200", promoted), begin, noon, 80},
			counter{labels(service, "2.0.0", "/pay", "200", promoted), noon, end, 10},
			counter{labels(service, "2.0.0", "/pay", "503", promoted), noon, end, 30},
			counter{labels(service, "2.0.0", "/cart", "200", promoted), noon, end, 80},
			counter{labels(service, "2.0.0", "/idle", "200", promoted), noon, end, 0},
		)
		for version, life := range map[string][2]time.Time{"1.0.0": {begin, noon}, "2.0.0": {noon, end}} {
			targets = append(targets, counter{map[string]string{
				"job": "shop/" + service, "instance": service + "-" + version, "service_version": version, "deployment_environment_name": "production",
			}, life[0], life[1], 0})
		}
	}
	// Names that would be something else in a query.
	for i, name := range hostile {
		requests = append(requests, counter{
			map[string]string{"service_name": name, "http_request_method": "GET", "http_route": "/" + name, "http_response_status_code": "200", "service_version": name},
			begin, end, float64(100 * (i + 1)),
		})
	}
	return openMetrics("http_server_request_duration_seconds_count", "histogram", requests) +
		openMetrics("target_info", "gauge", targets) + "# EOF\n"
}

func TestRealServer(t *testing.T) {
	server := realserver.Prometheus(t, shop())
	url := "http://" + server.Addr
	scope := func(service string) correlate.Scope {
		return correlate.Scope{Namespace: "shop", Service: service, Environment: "production"}
	}
	const custom = `sum(increase(http_server_request_duration_seconds_count{service_name=~{{join "(" (regex .Service) ")"}},http_route="/pay"
		{{- with .Version}},service_version={{.}}{{end}}{{if .Failed}},http_response_status_code!~"[1-4].."{{end}}}[{{.Window}}]))`
	hour := float64(time.Hour / scrape)

	for template, service := range map[string]string{prometheus.Promoted: "checkout", prometheus.TargetInfo: "billing", custom: "checkout"} {
		r, err := prometheus.New(prometheus.Config{URL: url, Query: template})
		require.NoError(t, err)
		for _, c := range []struct {
			rule, operation, version string
			from, to                 time.Duration
			total, failed            float64 // each scrape; -1 is not known
			hours                    float64
			generic                  bool // the custom template, too
		}{
			{rule: "a route, before", operation: "POST /pay", from: -time.Hour, total: 40, hours: 1, generic: true},
			{rule: "a route, after", operation: "POST /pay", to: time.Hour, total: 40, failed: 30, hours: 1, generic: true},
			{rule: "a route, over the change", operation: "POST /pay", from: -time.Hour, to: time.Hour, total: 40, failed: 15, hours: 2, generic: true},
			{rule: "the new version", operation: "POST /pay", version: "2.0.0", from: -time.Hour, to: time.Hour, total: 40, failed: 30, hours: 1, generic: true},
			{rule: "the old version, which has ended", operation: "POST /pay", version: "1.0.0", from: -time.Hour, to: time.Hour, total: 40, hours: 1, generic: true},
			{rule: "all of the service", from: 0, to: time.Hour, total: 120, failed: 30, hours: 1},
			{rule: "a route that nobody calls has no calls", operation: "POST /idle", from: time.Minute, to: time.Hour, hours: 1},
			{rule: "a window that is not over", operation: "POST /cart", from: time.Hour, to: 4 * time.Hour, total: 80, hours: 1},
			{rule: "a version that never ran is not known", version: "3.0.0", from: -time.Hour, to: time.Hour, total: -1, generic: true},
			{rule: "what is older than the data is not known", from: -240 * time.Hour, to: -239 * time.Hour, total: -1, generic: true},
			{rule: "an operation that is no route is not known", operation: "charge-card", from: -time.Hour, total: -1},
			{rule: "a method alone is not known", operation: "POST", from: -time.Hour, total: -1},
		} {
			if template == custom && !c.generic {
				continue
			}
			t.Run(fmt.Sprintf("%.60q: %s", template, c.rule), func(t *testing.T) {
				q := deployment.Query{Scope: scope(service), Operation: c.operation, Version: c.version, From: noon.Add(c.from), To: noon.Add(c.to)}
				require.NoError(t, r.Prefetch(t.Context(), []deployment.Query{q}))
				got, known := r.Count(q)
				require.Equal(t, c.total >= 0, known)
				if known {
					// Each series may be off by two scrapes at each of its ends.
					require.InDelta(t, c.total*hour*c.hours, got.Total, 4*c.total, "%v", got)
					require.InDelta(t, c.failed*hour*c.hours, got.Failed, 4*30, "%v", got)
					require.Equal(t, c.failed == 0, got.Failed == 0)
				}
			})
		}
	}

	t.Run("names are what they are", func(t *testing.T) {
		r, err := prometheus.New(prometheus.Config{URL: url})
		require.NoError(t, err)
		for i, name := range hostile {
			q := deployment.Query{Scope: correlate.Scope{Service: name}, Operation: "GET /" + name, Version: name, From: noon.Add(-time.Hour), To: noon}
			require.NoError(t, r.Prefetch(t.Context(), []deployment.Query{q}))
			got, known := r.Count(q)
			require.True(t, known, "%q", name)
			require.InDelta(t, float64(100*(i+1))*hour, got.Total, 2*float64(100*(i+1)), "%q", name)
		}
	})

	t.Run("a query that it refuses", func(t *testing.T) {
		for query, says := range map[string]string{
			`sum(increase({{.Service}}{{if .Failed}}[5m]{{end}}`:                            "parse error",
			`{{if .Failed}}x{{end}} http_server_request_duration_seconds_count *2`:          "series",
			`http_server_request_duration_seconds_count[{{if .Failed}}5m{{else}}6m{{end}}]`: "matrix",
			`{{if .Failed}}"a"{{else}}"b"{{end}}`:                                           "string",
			`vector({{if .Failed}}1{{else}}0{{end}} / 0)`:                                   "NaN",
			`{{if .Failed}}-1{{else}}-2{{end}}`:                                             "no count",
			`target_info * on () target_info * {{if .Failed}}1{{else}}2{{end}}`:             "422 Unprocessable Entity: execution: ",
		} {
			r, err := prometheus.New(prometheus.Config{URL: url, Query: query})
			require.NoError(t, err)
			q := deployment.Query{Scope: scope("checkout"), From: noon, To: noon.Add(time.Hour)}
			require.ErrorContains(t, r.Prefetch(t.Context(), []deployment.Query{q}), says)
			_, known := r.Count(q)
			require.False(t, known)
		}
	})

	t.Run("the deployment is named", func(t *testing.T) {
		r, err := prometheus.New(prometheus.Config{URL: url})
		require.NoError(t, err)
		h := deployment.NewHistory(
			deployment.Deployment{Scope: scope("checkout"), Version: "1.0.0", Time: noon.Add(-48 * time.Hour)},
			deployment.Deployment{Scope: scope("checkout"), Version: "2.0.0", Time: noon},
		)
		c := deployment.Case{Scope: scope("checkout"), Operation: "POST /pay", First: noon.Add(20 * time.Second), Failing: []string{"2.0.0"}}
		now := noon.Add(30 * time.Minute)
		require.NoError(t, r.Prefetch(t.Context(), deployment.Questions(c, h, nil, now)))
		v := deployment.Suspects(c, h, nil, r, now)
		require.Len(t, v.Suspects, 1, "%+v", v)
		s := v.Suspects[0]
		require.Equal(t, deployment.Strong, s.Class)
		require.Equal(t, "2.0.0", s.Deployment.Version)
		require.InDelta(t, 40*hour/2, s.Before.Total, 4*40)
		require.Zero(t, s.Before.Failed)
		require.InDelta(t, 30*hour/2, s.After.Failed, 4*30)
	})

	t.Run("a server that is killed", func(t *testing.T) {
		r, err := prometheus.New(prometheus.Config{URL: url, Timeout: 2 * time.Second})
		require.NoError(t, err)
		q := deployment.Query{Scope: scope("checkout"), From: noon, To: noon.Add(time.Hour)}
		require.NoError(t, r.Prefetch(t.Context(), []deployment.Query{q}))
		want, _ := r.Count(q)
		server.Kill()
		later := q
		later.To = later.To.Add(time.Minute)
		var e *prometheus.Error
		require.ErrorAs(t, r.Prefetch(t.Context(), []deployment.Query{q, later}), &e)
		require.Equal(t, prometheus.Unreachable, e.Reason)
		got, known := r.Count(q)
		require.True(t, known, "what was fetched stays")
		require.Equal(t, want, got)
		server.Start()
		require.NoError(t, r.Prefetch(t.Context(), []deployment.Query{later}))
	})
}

// hostile are names that are something else where they are not quoted.
var hostile = []string{
	`checkout"} or vector(1) #`, `a\`, `\"`, "line\nbreak", "`back`", `'`, `{{.Service}}`, `.*`, "\x00", "\u202e", "😀", "tab\t", `[5m]))`, "é", " ",
}
