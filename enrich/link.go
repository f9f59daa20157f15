package enrich

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

// linkPad is how much earlier and later than the failing operation the time
// window of a link is: what called it, and what it called, may have begun
// before and ended after.
const linkPad = 5 * time.Minute

// Link is an [Enricher] that makes a link to a trace, or to a page of logs or
// metrics, from a template and the newest sample of a problem. Use [NewLink].
// It may be called concurrently, and returns no error.
type Link struct {
	name  string
	parts []linkPart
	// What it holds, so that a sample must have it.
	traceID, spanID bool
}

// NewLink returns a Link with a name, as it stands on the ticket, and a
// template: an http or https URL in which these placeholders are replaced.
//
//	{trace_id}     32 hex digits
//	{span_id}      16 hex digits
//	{start_ms}     five minutes before the operation began, Unix milliseconds
//	{end_ms}       five minutes after it ended, Unix milliseconds
//	{start_s}      the same as {start_ms}, in seconds
//	{end_s}        the same as {end_ms}, in seconds
//	{service}      service name of the problem's scope
//	{environment}  environment of the problem's scope; may be empty
//
// They may stand in the path, the query and the fragment, and what replaces
// them is escaped for any of these. Braces that are no placeholder are written
// as %7B and %7D. [Jaeger], [Tempo], [Honeycomb], [Datadog] and [Zipkin] return
// templates.
//
// A link to a trace leads nowhere when not exported (sampled out): a template
// with {trace_id} or {span_id} uses the newest sample that was exported, and
// where there is none Facts.Missing says so.
//
// The error names every fault of the template.
func NewLink(name, template string) (*Link, error) {
	l := &Link{name: name}
	var errs []error
	if name == "" {
		errs = append(errs, errors.New("a link needs a name"))
	}
	parts, err := parseLink(template)
	if err != nil {
		errs = append(errs, err)
	}
	l.parts = parts
	for _, p := range parts {
		l.traceID = l.traceID || p.field == "trace_id"
		l.spanID = l.spanID || p.field == "span_id"
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("enrich: link %q: %w", name, errors.Join(errs...))
	}
	return l, nil
}

// Enrich implements [Enricher].
func (l *Link) Enrich(_ context.Context, p correlate.Problem) (Facts, error) {
	s, reason := l.sample(p.Samples)
	if reason != "" {
		return Facts{Missing: []string{l.name + " link: " + reason}}, nil
	}
	// The window of a recording may begin before 1970, but no URL can say so.
	start := max(s.Time.Add(-s.Duration-linkPad).UnixMilli(), 0)
	end := max(s.Time.Add(linkPad).UnixMilli(), 0)

	var b strings.Builder
	for _, part := range l.parts {
		switch part.field {
		case "":
			b.WriteString(part.text)
		case "trace_id":
			b.WriteString(escapeAnywhere(s.TraceID))
		case "span_id":
			b.WriteString(escapeAnywhere(s.SpanID))
		case "start_ms":
			b.WriteString(strconv.FormatInt(start, 10))
		case "end_ms":
			b.WriteString(strconv.FormatInt(end, 10))
		case "start_s":
			b.WriteString(strconv.FormatInt(start/1000, 10))
		case "end_s":
			b.WriteString(strconv.FormatInt(end/1000, 10))
		case "service":
			b.WriteString(escapeAnywhere(p.Scope.Service))
		case "environment":
			b.WriteString(escapeAnywhere(p.Scope.Environment))
		}
	}
	return Facts{Links: []sinks.Link{{Name: l.name, URL: b.String()}}}, nil
}

// sample returns the newest sample that the link can lead to, or why there is
// none.
func (l *Link) sample(samples []correlate.Sample) (s correlate.Sample, reason string) {
	if len(samples) == 0 {
		return s, "no sample was kept"
	}
	if !l.traceID && !l.spanID {
		return samples[len(samples)-1], ""
	}
	reason = "not exported (sampled out)"
	for i := len(samples) - 1; i >= 0; i-- {
		s = samples[i]
		switch {
		case l.traceID && s.TraceID == "", l.spanID && s.SpanID == "":
			reason = "no trace was recorded"
		case s.Exported:
			return s, ""
		}
	}
	return s, reason
}

// linkPart is text of a template as it stands, or the name of a placeholder.
type linkPart struct {
	text  string
	field string
}

var linkFields = []string{"trace_id", "span_id", "start_ms", "end_ms", "start_s", "end_s", "service", "environment"}

// parseLink takes a template apart. What it accepts is a good URL whatever
// replaces the placeholders.
func parseLink(template string) ([]linkPart, error) {
	var (
		parts []linkPart
		errs  []error
	)
	for rest := template; rest != ""; {
		i := strings.IndexAny(rest, "{}")
		if i < 0 {
			parts = append(parts, linkPart{text: rest})
			break
		}
		if i > 0 {
			parts = append(parts, linkPart{text: rest[:i]})
		}
		j := strings.IndexAny(rest[i+1:], "{}")
		if rest[i] == '}' || j < 0 || rest[i+1+j] == '{' {
			errs = append(errs, fmt.Errorf("%q at offset %d has no partner", rest[i:i+1], len(template)-len(rest)+i))
			break
		}
		name := rest[i+1 : i+1+j]
		if !slices.Contains(linkFields, name) {
			errs = append(errs, fmt.Errorf("unknown placeholder {%s}; there are {%s}", name, strings.Join(linkFields, "}, {")))
		}
		parts = append(parts, linkPart{field: name})
		rest = rest[i+1+j+1:]
	}
	if len(errs) == 0 {
		if err := checkLink(parts); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return parts, nil
}

// checkLink looks at the URL around the placeholders.
func checkLink(parts []linkPart) error {
	var filled strings.Builder
	for i, p := range parts {
		if p.field != "" {
			filled.WriteString("0") // good in every place
			continue
		}
		// What replaces a placeholder must not become part of an escape.
		if at := strings.LastIndexByte(p.text, '%'); at >= 0 && len(p.text)-at < 3 && i+1 < len(parts) {
			return errors.New(`"%" before a placeholder: write %25`)
		}
		if c := strings.IndexFunc(p.text, mustEscape); c >= 0 {
			return fmt.Errorf("%q must be percent-encoded", []rune(p.text[c:])[0])
		}
		filled.WriteString(p.text)
	}
	u, err := url.Parse(filled.String())
	switch {
	case err != nil:
		return fmt.Errorf("no URL: %w", errors.Unwrap(err)) // without the URL, which the caller has
	case u.Scheme != "http" && u.Scheme != "https":
		return errors.New("no http or https URL")
	case u.Hostname() == "":
		return errors.New("the URL has no host")
	case u.User != nil:
		return errors.New("the URL holds credentials, which would stand on every ticket")
	}
	// Where a link leads is for the template to say, and not for a span.
	first := parts[0].text
	if _, after, ok := strings.Cut(first, "://"); len(parts) > 1 && (!ok || !strings.ContainsAny(after, "/?#")) {
		return errors.New("a placeholder in the scheme or the host")
	}
	return nil
}

// mustEscape reports whether RFC 3986 has no place for r in a URL.
func mustEscape(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"<>\\^`|", r)
}

// escapeAnywhere escapes s for a path, a query and a fragment alike.
func escapeAnywhere(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}
