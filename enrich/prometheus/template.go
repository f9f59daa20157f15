package prometheus

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/deployment"
)

// Promoted is the template that is used by default: the names of resource attributes
// are labels of each series, as where Prometheus or the Collector promotes them.
const Promoted = `{{if or (not .Operation) .Route -}}
sum(increase(http_server_request_duration_seconds_count{service_name={{.Service}}
{{- with .Namespace}},service_namespace={{.}}{{end}}
{{- with .Environment}},deployment_environment_name={{.}}{{end}}
{{- with .Version}},service_version={{.}}{{end}}
{{- if .Operation}},http_request_method={{.Method}},http_route={{.Route}}{{end}}
{{- if .Failed}},http_response_status_code=~"5.."{{end}}}[{{.Window}}]))
{{- end}}`

// TargetInfo is the template for servers that promote nothing: version and
// environment are labels of target_info, which has the same job and instance. job is the name of
// the service, with its namespace and a slash before it. Each process needs an instance of its
// own.
const TargetInfo = `{{if or (not .Operation) .Route -}}
{{- $job := .Service}}{{with .Namespace}}{{$job = join . "/" $.Service}}{{end -}}
sum(increase(http_server_request_duration_seconds_count{job={{$job}}
{{- if .Operation}},http_request_method={{.Method}},http_route={{.Route}}{{end}}
{{- if .Failed}},http_response_status_code=~"5.."{{end}}}[{{.Window}}])
 * on (job, instance) group_left () max by (job, instance) (max_over_time(target_info{job={{$job}}
{{- with .Environment}},deployment_environment_name={{.}}{{end}}
{{- with .Version}},service_version={{.}}{{end}}}[{{.Window}}])))
{{- end}}`

// text is what a span or a deployment says. However it is printed it is a string literal
// of PromQL, with its quotes, so that nothing in it is taken for a part of the query.
type text string

// Format implements [fmt.Formatter]: whatever the verb.
func (t text) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(t.literal())) }

// literal returns t as PromQL has it, whose escapes are those of Go.
func (t text) literal() string { return strconv.Quote(strings.ToValidUTF8(string(t), "\uFFFD")) }

// asked is what a template can use.
type asked struct {
	Service, Namespace, Environment, Version text
	Operation                                text // the name of the span
	Method, Route                            text // of HTTP, if the operation is called like those
	Failed                                   bool // only those that failed
	Window                                   string
	From, To                                 time.Time
}

// functions are what a template can call.
var functions = template.FuncMap{
	"join": func(parts ...any) (text, error) {
		var b strings.Builder
		for _, p := range parts {
			switch p := p.(type) {
			case text:
				b.WriteString(string(p))
			case string:
				b.WriteString(p)
			default:
				return "", fmt.Errorf("join takes texts, and not %T", p)
			}
		}
		return text(b.String()), nil
	},
	"regex": func(t text) text { return text(regexp.QuoteMeta(string(t))) },
	// They would take the quotes away.
	"html": notHere, "js": notHere, "urlquery": notHere,
}

func notHere(...any) (string, error) {
	return "", errors.New("it is not for PromQL: texts are quoted as they are")
}

// maxText is how long a name may be that is asked for, and maxQuery the whole query, in bytes.
const (
	maxText  = 512
	maxQuery = 16 << 10
)

// parse returns the template, which it has tried.
func parse(source string) (*template.Template, error) {
	t, err := template.New("Query").Option("missingkey=error").Funcs(functions).Parse(source)
	if err != nil {
		return nil, err
	}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	try := deployment.Query{Scope: correlate.Scope{Namespace: "shop", Service: "checkout", Environment: "production"}, From: at, To: at.Add(time.Hour)}
	some := false
	for _, q := range []deployment.Query{
		try,
		{Scope: try.Scope, Operation: "GET /", From: try.From, To: try.To},
		{Scope: try.Scope, Operation: "charge-card", From: try.From, To: try.To},
		{Scope: try.Scope, Operation: "GET /", Version: "1", From: try.From, To: try.To},
	} {
		total, err := render(t, q, false)
		if err != nil {
			return nil, err
		}
		failed, err := render(t, q, true)
		if err != nil {
			return nil, err
		}
		if total != "" && total == failed {
			return nil, errors.New("it is the same whether .Failed is true or not, so that all would have failed")
		}
		some = some || total != "" && failed != ""
	}
	if !some {
		return nil, errors.New("it is empty, so that nothing would be asked")
	}
	return t, nil
}

// render returns the query to be sent; empty if the template does not ask.
func render(t *template.Template, q deployment.Query, failed bool) (string, error) {
	a := asked{
		Service: text(q.Scope.Service), Namespace: text(q.Scope.Namespace), Environment: text(q.Scope.Environment),
		Version: text(q.Version), Operation: text(q.Operation),
		Failed: failed, Window: window(q.To.Sub(q.From)), From: q.From.UTC(), To: q.To.UTC(),
	}
	a.Method, a.Route = httpNames(q.Operation)
	var b strings.Builder
	if err := t.Execute(&b, a); err != nil {
		return "", err
	}
	query := strings.TrimSpace(b.String())
	if len(query) > maxQuery {
		return "", fmt.Errorf("the query has %d bytes: use at most %d", len(query), maxQuery)
	}
	return query, nil
}

// window writes a duration as PromQL has it.
func window(d time.Duration) string {
	if d%time.Second == 0 {
		return strconv.FormatInt(int64(d/time.Second), 10) + "s"
	}
	return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
}

// methods are those that span names begin with; OpenTelemetry writes HTTP for others.
var methods = []string{"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}

// httpNames takes a span name apart that is a method and a route, as the
// conventions have it for servers. A method alone may as well be a command of Redis.
func httpNames(operation string) (method, route text) {
	m, r, _ := strings.Cut(operation, " ")
	switch {
	case r == "":
	case slices.Contains(methods, m):
		return text(m), text(r)
	case m == "HTTP":
		return "_OTHER", text(r)
	}
	return "", ""
}
