package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spanticket/spanticket/sinks"
)

// judge returns nil for 2xx, and else what the engine should do: Standard
// Webhooks 1.0, section "Delivery success and failure".
func judge(resp *http.Response, now time.Time) *sinks.Error {
	code := resp.StatusCode
	if code >= 200 && code < 300 {
		return nil
	}
	e := &sinks.Error{Reason: sinks.Rejected, Err: errors.New(strings.TrimSpace("answered " + strconv.Itoa(code) + " " + http.StatusText(code)))}
	switch {
	case code >= 300 && code < 400:
		e.Err = fmt.Errorf("%w%s: redirects are not followed; set the URL to the final address", e.Err, target(resp))
	case code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusProxyAuthRequired:
		e.Reason = sinks.Unauthorized
	case code == http.StatusGone:
		e.Err = fmt.Errorf("%w: the endpoint is gone; take it out of the configuration", e.Err)
	case code == http.StatusTooManyRequests:
		e.Reason, e.RetryAfter = sinks.RateLimited, retryAfter(resp.Header, now)
	case code == http.StatusBadGateway, code == http.StatusServiceUnavailable, code == http.StatusGatewayTimeout:
		e.Reason, e.RetryAfter = sinks.Transient, retryAfter(resp.Header, now)
		if e.RetryAfter > 0 {
			e.Reason = sinks.RateLimited
		}
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly,
		code >= 500 && code < 600 && code != http.StatusNotImplemented:
		e.Reason = sinks.Transient
	}
	return e
}

// target says which host a redirect leads to; its path may carry a token.
func target(resp *http.Response) string {
	u, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || u.Host == "" {
		return ""
	}
	return fmt.Sprintf(", to %q", u.Scheme+"://"+u.Host)
}

// maxPause keeps an absurd Retry-After from overflowing; the engine has a cap
// of its own.
const maxPause = 24 * time.Hour

// retryAfter reads Retry-After (RFC 9110, section 10.2.3): seconds, or a date,
// which counts from the server's own Date where it sends one.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil {
		return time.Duration(min(seconds, uint64(maxPause/time.Second))) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(at.Sub(now), 0), maxPause)
}
