package sinks

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxWait bounds what headers ask for, so that a hostile or mistaken one
// overflows nothing. The engine has a bound of its own.
const maxWait = 24 * time.Hour

// RetryAfter reads the header Retry-After of an answer (RFC 9110, section 10.2.3):
// seconds, or a date, which counts from the server's own Date where it sends one,
// and else from now. It is 0 if there is none that can be read, and a day at most.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	return until(h.Get("Retry-After"), serverTime(h, now))
}

// QuotaOf reads what the headers of an answer say of a quota of calls; of several,
// the one with the fewest left. It is the zero Quota if they say nothing that can be
// relied on. It knows
//
//   - X-RateLimit-Limit, -Remaining and -Reset, by which GitHub, Jira and Azure
//     DevOps tell (with X-RateLimit-Resource), and Linear's -Requests- and
//     -Complexity- of them, the latter in calls like the one that was answered
//   - RateLimit-Limit, -Remaining and -Reset: GitLab, PagerDuty, Zendesk, and drafts
//     of the IETF
//   - RateLimit and RateLimit-Policy of the IETF's draft-ietf-httpapi-ratelimit-headers
//   - X-RateLimit-Interval-Seconds of Jira Data Center, X-RateLimit-State of Opsgenie,
//     and X-Sentry-Rate-Limits
//
// A time may be in seconds from now, seconds or milliseconds since 1970, RFC 3339 or
// an HTTP date. What counts from the server's clock counts from its Date, so that it
// may be wrong. Slack tells by [RetryAfter] alone.
func QuotaOf(h http.Header, now time.Time) Quota {
	now = serverTime(h, now)
	var tightest Quota
	for _, q := range quotas(h, now) {
		if q.Reset <= 0 {
			continue
		}
		if tightest.Reset == 0 || q.Remaining < tightest.Remaining || q.Remaining == tightest.Remaining && q.Reset > tightest.Reset {
			tightest = q
		}
	}
	return tightest
}

// serverTime is the server's clock, if it tells.
func serverTime(h http.Header, now time.Time) time.Time {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		return date
	}
	return now
}

func quotas(h http.Header, now time.Time) (all []Quota) {
	for _, begin := range []string{"X-RateLimit-", "RateLimit-", "X-RateLimit-Requests-", "X-RateLimit-Complexity-"} {
		left, ok := calls(h.Get(begin + "Remaining"))
		if !ok {
			continue
		}
		limit, _ := calls(h.Get(begin + "Limit"))
		q := Quota{Limit: limit, Remaining: left, Reset: until(h.Get(begin+"Reset"), now)}
		switch begin {
		case "X-RateLimit-":
			q.Of = name(h.Get("X-RateLimit-Resource"))
			if q.Reset == 0 { // a bucket that is filled in intervals
				q.Reset = until(h.Get("X-RateLimit-Interval-Seconds"), now)
			}
		case "X-RateLimit-Requests-":
			q.Of = "requests"
		case "X-RateLimit-Complexity-":
			q.Of = "complexity"
			if cost, ok := calls(h.Get("X-Complexity")); ok && cost > 1 {
				q.Limit, q.Remaining = q.Limit/cost, q.Remaining/cost
			}
		}
		all = append(all, q)
	}
	if strings.EqualFold(h.Get("X-RateLimit-State"), "THROTTLED") {
		all = append(all, Quota{Reset: until(h.Get("X-RateLimit-Period-In-Sec"), now)})
	}
	all = append(all, sentryQuota(h.Values("X-Sentry-Rate-Limits"), now))
	return append(all, fieldQuotas(h, now)...)
}

// sentryQuota reads "60:error;default:organization, 2700::key": seconds, and the
// categories that must wait. What tickets are sent as is an error; no category means
// all of them.
func sentryQuota(values []string, now time.Time) (q Quota) {
	for item := range strings.SplitSeq(strings.Join(values, ","), ",") {
		parts := strings.Split(strings.TrimSpace(item), ":")
		if len(parts) < 2 {
			continue
		}
		for category := range strings.SplitSeq(parts[1], ";") {
			switch strings.TrimSpace(category) {
			case "", "error", "default":
				q.Reset = max(q.Reset, until(parts[0], now))
			}
		}
	}
	return q
}

// fieldQuotas reads RateLimit: `"hour";r=50;t=30, "day";r=9`, where the window of
// RateLimit-Policy: `"hour";q=100;w=3600` stands in for a t that is missing; and
// the drafts before, `limit=100, remaining=50, reset=5`.
func fieldQuotas(h http.Header, now time.Time) (all []Quota) {
	type policy struct {
		limit  int
		window time.Duration
	}
	policies := map[string]policy{}
	for _, item := range items(h.Values("RateLimit-Policy")) {
		limit, _ := calls(item.parameters["q"])
		policies[item.name] = policy{limit, until(item.parameters["w"], now)}
	}
	older := map[string]string{}
	for _, item := range items(h.Values("RateLimit")) {
		if key, value, ok := strings.Cut(item.name, "="); ok {
			older[strings.TrimSpace(key)] = value
			continue
		}
		left, ok := calls(item.parameters["r"])
		if !ok {
			continue
		}
		p := policies[item.name]
		q := Quota{Of: name(item.name), Limit: p.limit, Remaining: left, Reset: until(item.parameters["t"], now)}
		if q.Reset == 0 {
			q.Reset = p.window
		}
		all = append(all, q)
	}
	if left, ok := calls(older["remaining"]); ok {
		limit, _ := calls(older["limit"])
		all = append(all, Quota{Limit: limit, Remaining: left, Reset: until(older["reset"], now)})
	}
	return all
}

// item is a member of a structured field, as far as it is needed here.
type item struct {
	name       string
	parameters map[string]string
}

func items(values []string) (all []item) {
	const most = 16
	for member := range strings.SplitSeq(strings.Join(values, ","), ",") {
		first, rest, _ := strings.Cut(strings.TrimSpace(member), ";")
		it := item{name: strings.Trim(strings.TrimSpace(first), `"`), parameters: map[string]string{}}
		for parameter := range strings.SplitSeq(rest, ";") {
			key, value, _ := strings.Cut(parameter, "=")
			it.parameters[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
		if all = append(all, it); len(all) == most {
			break
		}
	}
	return all
}

// name returns what a quota is called, if it can be shown.
func name(s string) string {
	const longest = 40
	if len(s) > longest || strings.ContainsFunc(s, func(r rune) bool { return r < '!' || r > '~' }) {
		return ""
	}
	return s
}

// calls reads a count of calls. What is below zero is zero: some say by how much
// one is over. "100, 100;w=60" is 100.
func calls(s string) (int, bool) {
	s, _, _ = strings.Cut(s, ",")
	s, _, _ = strings.Cut(s, ";")
	f, ok := decimal(s)
	return int(min(max(f, 0), math.MaxInt32)), ok
}

// decimal reads a plain number, and nothing else that strconv takes for one.
func decimal(s string) (float64, bool) {
	s = strings.TrimSpace(s)
	if strings.Trim(strings.TrimPrefix(s, "-"), "0123456789.") != "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

const (
	// From here on a number is a time since 1970, and not one from now on.
	epochSeconds = 1e9
	epochMillis  = 1e12
)

// until reads a time, as one from now. It is 0 if it is over or cannot be read, and
// maxWait at most.
func until(s string, now time.Time) time.Duration {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0
	}
	if f, ok := decimal(s); ok {
		switch {
		case f >= epochMillis:
			f = (f - float64(now.UnixMilli())) / 1000
		case f >= epochSeconds:
			f -= float64(now.UnixMilli()) / 1000
		}
		return time.Duration(math.Ceil(min(max(f, 0), maxWait.Seconds()) * 1e9))
	}
	at, err := http.ParseTime(s)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04Z0700"} {
		if err != nil {
			at, err = time.Parse(layout, s)
		}
	}
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxWait)
}
