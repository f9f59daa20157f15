package enrich

import (
	"encoding/json"
	"strconv"
	"strings"
)

// The templates below are what the web interfaces take in 2026. Arguments named
// base are where one is served, "https://jaeger.example.com" for instance. The
// others are names, which are escaped.

// Jaeger returns the template for a trace in the Jaeger UI, for [NewLink].
//
// Source: https://www.jaegertracing.io/docs/latest/frontend-ui/
func Jaeger(base string) string {
	return strings.TrimRight(base, "/") + "/trace/{trace_id}?uiFind={span_id}"
}

// Zipkin returns the template for a trace in the Zipkin UI, for [NewLink]. base
// is without the "/zipkin" under which the UI is served.
func Zipkin(base string) string {
	return strings.TrimRight(base, "/") + "/zipkin/traces/{trace_id}"
}

// Datadog returns the template for a trace in Datadog APM, for [NewLink]. base
// is that of the site: "https://app.datadoghq.com" or "https://us3.datadoghq.com"
// for instance.
//
// Source: https://docs.datadoghq.com/tracing/trace_explorer/trace_view/
func Datadog(base string) string {
	return strings.TrimRight(base, "/") + "/apm/trace/{trace_id}"
}

// Honeycomb returns the template for a trace in Honeycomb, for [NewLink]. base
// is that of the region: "https://ui.honeycomb.io" or
// "https://ui.eu1.honeycomb.io". The other arguments may hold placeholders; the
// dataset of a service has its name, for instance:
//
//	enrich.Honeycomb("https://ui.honeycomb.io", "acme", "{environment}", "{service}")
//
// Source: https://docs.honeycomb.io/investigate/collaborate/share-trace/
func Honeycomb(base, team, environment, dataset string) string {
	return strings.TrimRight(base, "/") + "/" + escapeName(team) +
		"/environments/" + escapeName(environment) +
		"/datasets/" + escapeName(dataset) +
		"/trace?trace_id={trace_id}&span={span_id}&trace_start_ts={start_s}&trace_end_ts={end_s}"
}

// Tempo returns the template for a trace in Grafana Explore, for [NewLink]. base
// is that of Grafana, datasource the UID of the Tempo data source, and org the
// number of the organisation: 1, unless Grafana has several.
//
// Source: https://grafana.com/docs/grafana/latest/explore/get-started-with-explore/
func Tempo(base, datasource string, org int) string {
	type source struct {
		Type string `json:"type"`
		UID  string `json:"uid"`
	}
	type query struct {
		RefID      string `json:"refId"`
		Datasource source `json:"datasource"`
		QueryType  string `json:"queryType"`
		Query      string `json:"query"`
	}
	type span struct {
		From string `json:"from"`
		To   string `json:"to"`
	}
	type pane struct {
		Datasource string  `json:"datasource"`
		Queries    []query `json:"queries"`
		Range      span    `json:"range"`
	}
	// Strings and slices of them always marshal.
	panes, _ := json.Marshal(map[string]pane{"a": {
		Datasource: datasource,
		Queries: []query{{
			RefID:      "A",
			Datasource: source{Type: "tempo", UID: datasource},
			QueryType:  "traceql",
			Query:      "{trace_id}",
		}},
		Range: span{From: "{start_ms}", To: "{end_ms}"},
	}})
	return strings.TrimRight(base, "/") + "/explore?schemaVersion=1&orgId=" + strconv.Itoa(org) +
		"&panes=" + escapeName(string(panes))
}

// escapeName escapes what a template is made of, but for placeholders.
func escapeName(s string) string {
	s = escapeAnywhere(s)
	for _, f := range linkFields {
		s = strings.ReplaceAll(s, "%7B"+f+"%7D", "{"+f+"}")
	}
	return s
}
