// Package prometheus has the rates by which deployments are judged ([deployment.Rates]) from a Prometheus server,
// or another one with its query API: Thanos, Mimir, Cortex, VictoriaMetrics. It is for fleets whose metrics reach
// further back than what the engine has counted itself, or cover services that it does not run in.
//
// # What is asked
//
// How often an operation ended in a window, and how often it failed: two instant queries, made from a template
// ([Config.Query], text/template). It has:
//
//	{{.Service}} {{.Namespace}} {{.Environment}}  of the process
//	{{.Version}}    service.version; empty for all
//	{{.Operation}}  the name of the span; empty for all of the service
//	{{.Method}}     of HTTP, and
//	{{.Route}}      its route, if the operation is called "GET /orders/{id}", as the conventions have it for servers
//	{{.Failed}}     true in the second query, which counts those that failed
//	{{.Window}}     as PromQL has it, such as 1800s; the query is evaluated at the end of it
//	{{.From}} {{.To}}  of the window, as [time.Time]
//	{{join .Namespace "/" .Service}}  a text of several
//	{{regex .Service}}                as a text for =~, in which nothing has a meaning
//
// Texts print as string literals of PromQL, with their quotes, so that a template says service_name={{.Service}};
// whatever they hold, they end where they should. Where a template makes nothing nothing is asked, and the count
// is not known. The answer has to be a vector of one series, or a scalar.
//
// # What is assumed
//
// [Promoted], the default, sums up increase(http_server_request_duration_seconds_count) by the labels
// service_name, service_namespace, service_version, deployment_environment_name, http_request_method, http_route
// and http_response_status_code; failed is what answered 5xx. The first four are resource attributes, which
// Prometheus makes labels if its configuration says so (otlp: promote_resource_attributes), and the Collector's
// exporter with resource_to_telemetry_conversion. Where they are not [TargetInfo] takes them from job and
// target_info. What a process does not say of itself, as its namespace, is not asked for: then services of one
// name are counted together.
//
// An operation that is not called like an HTTP route (a job, a query, a call of another service) is not known to
// these templates. A template of your own can have more, by .Operation.
//
// # What an answer means
//
// No series is "not known", and a series that did not grow is "no calls". Of those that failed no series means
// none, if there is one of all. NaN, infinite and negative numbers, several series, and answers with a warning, as
// those of which Thanos did not reach all parts, are not known.
//
// increase() is an estimate: what happened between the last sample before a series ended, or its first, and that
// end or beginning is extrapolated or lost, so that each series may be off by what it counts in two scrape
// intervals. A series that begins with its first failure loses what it had counted by its first scrape. Of rare
// failures it says too little, and never that there were some where there were none. Of a window that began less
// than two minutes ago nothing is known yet; one that ends now lacks what was not scraped, and is fetched again
// after half a minute.
//
// # Limits and cost
//
// A problem asks about a dozen queries for each deployment near it: two requests each, 4 at a time
// ([Config.Concurrency]), each within [Config.Timeout]; answers beyond 64 KiB are refused. What has come is kept
// for [Config.MaxAge], the latest [Config.MaxEntries]; names of more than 512 bytes are not asked for. After five
// failures on end the server is left alone for 5 to 10 seconds, then twice as long with each attempt up to five
// minutes, or as it asks by Retry-After; one request at a time tries whether it is back. Redirects are not
// followed. Nothing waits for the server but [Rates.Prefetch].
package prometheus
