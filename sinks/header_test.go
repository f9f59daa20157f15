package sinks_test

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/sinks"
)

// noon is the client's clock; the server's may be another.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// headers reads lines as they stand in an answer.
func headers(lines string) http.Header {
	h := http.Header{}
	for line := range strings.Lines(lines) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			h.Add(key, strings.TrimSpace(value))
		}
	}
	return h
}

func TestQuotaOf(t *testing.T) {
	for _, test := range []struct {
		rule, headers string
		want          sinks.Quota
	}{
		{"GitHub: seconds since 1970, and which resource", `
			x-ratelimit-limit: 5000
			x-ratelimit-remaining: 4999
			x-ratelimit-used: 1
			x-ratelimit-reset: 1795264200
			x-ratelimit-resource: core`, sinks.Quota{Of: "core", Limit: 5000, Remaining: 4999, Reset: 30 * time.Minute}},
		{"GitLab: RateLimit-Reset is since 1970", `
			RateLimit-Limit: 2000
			RateLimit-Observed: 1990
			RateLimit-Remaining: 10
			RateLimit-Reset: 1795262460`, sinks.Quota{Limit: 2000, Remaining: 10, Reset: time.Minute}},
		{"Jira Cloud: a date in ISO 8601, without seconds", `
			X-RateLimit-Limit: 100
			X-RateLimit-Remaining: 0
			X-RateLimit-Reset: 2026-11-21T12:05Z
			RateLimit-Reason: jira-burst-based`, sinks.Quota{Limit: 100, Reset: 5 * time.Minute}},
		{"Jira Data Center: a bucket that is filled in intervals", `
			X-RateLimit-Limit: 25
			X-RateLimit-Remaining: 3
			X-RateLimit-Interval-Seconds: 60
			X-RateLimit-FillRate: 10
			retry-after: 0`, sinks.Quota{Limit: 25, Remaining: 3, Reset: time.Minute}},
		{"Linear: milliseconds since 1970; the scarcer of two, in calls like this one", `
			X-RateLimit-Requests-Limit: 5000
			X-RateLimit-Requests-Remaining: 4000
			X-RateLimit-Requests-Reset: 1795264200000
			X-Complexity: 50
			X-RateLimit-Complexity-Limit: 250000
			X-RateLimit-Complexity-Remaining: 1049
			X-RateLimit-Complexity-Reset: 1795262430000`, sinks.Quota{Of: "complexity", Limit: 5000, Remaining: 20, Reset: 30 * time.Second}},
		{"Linear: requests", `
			X-RateLimit-Requests-Limit: 5000
			X-RateLimit-Requests-Remaining: 4000
			X-RateLimit-Requests-Reset: 1795264200000`, sinks.Quota{Of: "requests", Limit: 5000, Remaining: 4000, Reset: 30 * time.Minute}},
		{"PagerDuty: seconds from now", `
			ratelimit-limit: 960
			ratelimit-remaining: 959
			ratelimit-reset: 57`, sinks.Quota{Limit: 960, Remaining: 959, Reset: 57 * time.Second}},
		{"Zendesk: both names", `
			X-Rate-Limit: 700
			X-Rate-Limit-Remaining: 699
			ratelimit-limit: 700
			ratelimit-remaining: 699
			ratelimit-reset: 41`, sinks.Quota{Limit: 700, Remaining: 699, Reset: 41 * time.Second}},
		{"Slack tells by Retry-After alone", "Retry-After: 30", sinks.Quota{}},
		{"Opsgenie: throttled for a period", `
			X-RateLimit-State: THROTTLED
			X-RateLimit-Reason: ACCOUNT
			X-RateLimit-Period-In-Sec: 60`, sinks.Quota{Reset: time.Minute}},
		{"Opsgenie: not throttled", "X-RateLimit-State: OK\nX-RateLimit-Period-In-Sec: 60", sinks.Quota{}},
		{"Sentry: the longest of what holds for errors", "X-Sentry-Rate-Limits: 60:transaction:key, 30:default;error:organization:quota, 2700:security:project", sinks.Quota{Reset: 30 * time.Second}},
		{"Sentry: no category means all", "X-Sentry-Rate-Limits: 60::organization, 5:error:key", sinks.Quota{Reset: time.Minute}},
		{"Sentry: not for errors", "X-Sentry-Rate-Limits: 60:replay;attachment:key", sinks.Quota{}},
		{"ServiceNow does not say what is left", "X-RateLimit-Limit: 1000\nX-RateLimit-Reset: 1795264200\nX-RateLimit-Rule: all", sinks.Quota{}},
		{"Azure DevOps", "X-RateLimit-Resource: tfs\nX-RateLimit-Limit: 200\nX-RateLimit-Remaining: 5\nX-RateLimit-Reset: 1795262410", sinks.Quota{Of: "tfs", Limit: 200, Remaining: 5, Reset: 10 * time.Second}},
		{"IETF: fields with policies", `
			RateLimit-Policy: "minute";q=100;w=60, "day";q=5000;w=86400
			RateLimit: "minute";r=50;t=30, "day";r=40`, sinks.Quota{Of: "day", Limit: 5000, Remaining: 40, Reset: 24 * time.Hour}},
		{"IETF: drafts before", "RateLimit: limit=100, remaining=50, reset=5", sinks.Quota{Limit: 100, Remaining: 50, Reset: 5 * time.Second}},
		{"IETF: drafts before that, with the policy in the limit", "RateLimit-Limit: 10, 10;w=1, 50;w=60\nRateLimit-Remaining: 9\nRateLimit-Reset: 1", sinks.Quota{Limit: 10, Remaining: 9, Reset: time.Second}},

		{"the server's clock is an hour behind: its Date counts", `
			Date: Sat, 21 Nov 2026 11:00:00 GMT
			X-RateLimit-Remaining: 1
			X-RateLimit-Reset: 1795258860`, sinks.Quota{Remaining: 1, Reset: time.Minute}},
		{"seconds from now do not", `
			Date: Sat, 21 Nov 2026 11:00:00 GMT
			RateLimit-Remaining: 1
			RateLimit-Reset: 60`, sinks.Quota{Remaining: 1, Reset: time.Minute}},
		{"by how much one is over", "RateLimit-Remaining: -5\nRateLimit-Reset: 60", sinks.Quota{Reset: time.Minute}},
		{"a window that is over says nothing", "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1700000000", sinks.Quota{}},
		{"nor does one without an end", "X-RateLimit-Limit: 5\nX-RateLimit-Remaining: 0", sinks.Quota{}},
		{"nor one that ended before it began", "RateLimit-Remaining: 0\nRateLimit-Reset: -60", sinks.Quota{}},
		{"the far future is a day", "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 9999-12-31T23:59:59Z", sinks.Quota{Reset: 24 * time.Hour}},
		{"a year is a day", "RateLimit-Remaining: 0\nRateLimit-Reset: 31536000", sinks.Quota{Reset: 24 * time.Hour}},
		{"more digits than a number has", "RateLimit-Remaining: 99999999999999999999999\nRateLimit-Reset: 99999999999999999999999", sinks.Quota{Remaining: math.MaxInt32, Reset: 24 * time.Hour}},
		{"no number", "RateLimit-Remaining: NaN\nRateLimit-Reset: 5", sinks.Quota{}},
		{"no time", "RateLimit-Remaining: 5\nRateLimit-Reset: NaN", sinks.Quota{}},
		{"infinity", "RateLimit-Remaining: 5\nRateLimit-Reset: Inf", sinks.Quota{}},
		{"hexadecimal", "RateLimit-Remaining: 0x5\nRateLimit-Reset: 5", sinks.Quota{}},
		{"a name that cannot be shown", "X-RateLimit-Resource: a b\nX-RateLimit-Remaining: 1\nX-RateLimit-Reset: 5", sinks.Quota{Remaining: 1, Reset: 5 * time.Second}},
		{"nothing", "", sinks.Quota{}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			require.Equal(t, test.want, sinks.QuotaOf(headers(test.headers), noon))
		})
	}
}

func TestRetryAfter(t *testing.T) {
	for _, test := range []struct {
		rule, headers string
		want          time.Duration
	}{
		{"seconds", "Retry-After: 120", 2 * time.Minute},
		{"parts of one", "Retry-After: 0.5", time.Second / 2},
		{"a date, by the server's clock", "Date: Sat, 21 Nov 2026 11:00:00 GMT\nRetry-After: Sat, 21 Nov 2026 11:00:30 GMT", 30 * time.Second},
		{"a date, by the client's", "Retry-After: Sat, 21 Nov 2026 12:00:30 GMT", 30 * time.Second},
		{"a Date that is none", "Date: yesterday\nRetry-After: Sat, 21 Nov 2026 12:00:30 GMT", 30 * time.Second},
		{"a date that is over", "Retry-After: Sat, 21 Nov 2026 11:00:30 GMT", 0},
		{"less than none", "Retry-After: -1", 0},
		{"a year", "Retry-After: 31536000", 24 * time.Hour},
		{"no number", "Retry-After: NaN", 0},
		{"words", "Retry-After: soon", 0},
		{"nothing", "", 0},
	} {
		t.Run(test.rule, func(t *testing.T) {
			require.Equal(t, test.want, sinks.RetryAfter(headers(test.headers), noon))
		})
	}
}

// Whatever an answer says, what comes of it is within bounds.
func FuzzQuotaOf(f *testing.F) {
	f.Add("5000", "1", "1795264200", `"a";r=1;t=2`, "60:error:key", "Sat, 21 Nov 2026 11:00:00 GMT")
	f.Add("-1", "NaN", "2026-11-21T12:05Z", "limit=1, remaining=2, reset=3", "::::", "")
	f.Fuzz(func(t *testing.T, limit, remaining, reset, field, sentry, date string) {
		h := http.Header{}
		for _, begin := range []string{"X-RateLimit-", "RateLimit-", "X-RateLimit-Complexity-"} {
			h.Set(begin+"Limit", limit)
			h.Set(begin+"Remaining", remaining)
			h.Set(begin+"Reset", reset)
		}
		h.Set("X-Complexity", limit)
		h.Set("RateLimit", field)
		h.Set("RateLimit-Policy", field)
		h.Set("X-Sentry-Rate-Limits", sentry)
		h.Set("Date", date)
		h.Set("Retry-After", reset)
		q := sinks.QuotaOf(h, noon)
		require.GreaterOrEqual(t, q.Limit, 0)
		require.GreaterOrEqual(t, q.Remaining, 0)
		for _, d := range []time.Duration{q.Reset, sinks.RetryAfter(h, noon)} {
			require.GreaterOrEqual(t, d, time.Duration(0))
			require.LessOrEqual(t, d, 24*time.Hour)
		}
		require.LessOrEqual(t, len(q.Of), 40)
	})
}
