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
		e.Reason, e.RetryAfter = sinks.RateLimited, sinks.RetryAfter(resp.Header, now)
	case code == http.StatusBadGateway, code == http.StatusServiceUnavailable, code == http.StatusGatewayTimeout:
		e.Reason, e.RetryAfter = sinks.Transient, sinks.RetryAfter(resp.Header, now)
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
