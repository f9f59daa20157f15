package deployment

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// The names under which attributes tell of a deployment: that of the semantic
// conventions first, then those that it had before, then those that people set
// by hand. Where a span announces a deployment, its own attributes say of which service, and
// those of its resource who announces it.
var (
	serviceKeys     = []string{"deployment.service", "service.name"}
	namespaceKeys   = []string{"deployment.namespace", "service.namespace"}
	environmentKeys = []string{"deployment.environment.name", "deployment.environment"}
	versionKeys     = []string{"deployment.version", "service.version"}
	revisionKeys    = []string{"vcs.ref.head.revision", "vcs.repository.ref.revision", "deployment.git_sha", "deployment.revision", "git.commit.sha"}
	idKeys          = []string{"deployment.id"}
	nameKeys        = []string{"deployment.name"}
	statusKeys      = []string{"deployment.status"}
	byKeys          = []string{"deployment.triggered_by", "deployment.deployer", "deployment.by"}
	timeKeys        = []string{"deployment.timestamp", "deployment.time"}
	changelogKeys   = []string{"deployment.changelog_url", "changelog_url", "vcs.change.url.full"}
	rollbackKeys    = []string{"deployment.rollback_command", "rollback_command"}
	regionKeys      = []string{"deployment.region", "cloud.region"}
)

// linkKeys are attributes that are links, and what tickets call them.
var linkKeys = []struct{ key, name string }{
	{"cicd.pipeline.run.url.full", "pipeline run"},
	{"cicd.pipeline.task.run.url.full", "pipeline task"},
	{"vcs.repository.url.full", "repository"},
	{"deployment.url", "deployment"},
}

// FromAttributes reads a deployment from attributes: those of a resource, or of
// a span that announces one. What is missing, or of another type than it should be, stays
// empty; nothing is bounded or redacted yet, which [Tracker.Note] does.
func FromAttributes(attrs []correlate.Attribute) Deployment {
	d := Deployment{
		Scope: correlate.Scope{
			Namespace:   correlate.AttrString(attrs, namespaceKeys...),
			Service:     correlate.AttrString(attrs, serviceKeys...),
			Environment: correlate.AttrString(attrs, environmentKeys...),
		},
		Version:   known(correlate.AttrString(attrs, versionKeys...)),
		Revision:  known(correlate.AttrString(attrs, revisionKeys...)),
		ID:        correlate.AttrString(attrs, idKeys...),
		Name:      correlate.AttrString(attrs, nameKeys...),
		Region:    correlate.AttrString(attrs, regionKeys...),
		By:        correlate.AttrString(attrs, byKeys...),
		Changelog: correlate.AttrString(attrs, changelogKeys...),
		Rollback:  correlate.AttrString(attrs, rollbackKeys...),
	}
	d.Status, _ = ParseStatus(correlate.AttrString(attrs, statusKeys...))
	for _, key := range timeKeys {
		if t, ok := timeOf(correlate.Attr(attrs, key)); ok {
			d.Time = t
			break
		}
	}
	for _, l := range linkKeys {
		if u := correlate.AttrString(attrs, l.key); u != "" {
			d.Links = append(d.Links, Link{Name: l.name, URL: u})
		}
	}
	return d
}

// known returns a version, or nothing if it says that there is none.
func known(version string) string {
	switch strings.ToLower(strings.TrimSpace(version)) {
	case "unknown", "(devel)", "(unknown)", "none", "null", "n/a":
		return ""
	}
	return version
}

// timeOf reads a time: a text in RFC 3339 or near to it, or a number of seconds,
// milliseconds, microseconds or nanoseconds since 1970, told apart by their size.
func timeOf(v any) (time.Time, bool) {
	switch v := v.(type) {
	case int64:
		return unix(v)
	case float64:
		if v != v || math.Abs(v) >= 1<<62 {
			return time.Time{}, false
		}
		if math.Abs(v) < 1e11 {
			return unixMilli(int64(math.Round(v * 1e3)))
		}
		return unix(int64(v))
	case string:
		v = strings.TrimSpace(v)
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return unix(n)
		}
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 MST", "2006-01-02T15:04:05"} {
			if t, err := time.Parse(layout, v); err == nil && t.Year() > 1 {
				return t.UTC(), true
			}
		}
	}
	return time.Time{}, false
}

func unix(n int64) (time.Time, bool) {
	switch {
	case n <= 0:
		return time.Time{}, false
	case n < 1e11:
		return time.Unix(n, 0).UTC(), true
	case n < 1e14:
		return unixMilli(n)
	case n < 1e17:
		return time.UnixMicro(n).UTC(), true
	}
	return time.Unix(0, n).UTC(), true
}

func unixMilli(n int64) (time.Time, bool) { return time.UnixMilli(n).UTC(), n > 0 }
