// Package outbound is what calls of other systems over HTTP have in common.
package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// MaxAnswer is how much of an answer is read, and of its header, in bytes.
const MaxAnswer = 64 << 10

// NewTransport returns a transport with so many connections to a host. It is not
// http.DefaultTransport: the host may have replaced that by one that makes spans of
// the library's own requests.
func NewTransport(connections int) *http.Transport {
	return &http.Transport{
		Proxy: func(r *http.Request) (*url.URL, error) {
			u, err := http.ProxyFromEnvironment(r)
			if err != nil {
				// The cause quotes the proxy's URL with its password.
				return nil, errors.New("the proxy that HTTPS_PROXY or HTTP_PROXY names is not a URL")
			}
			return u, nil
		},
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout:    10 * time.Second,
		IdleConnTimeout:        30 * time.Second,
		MaxIdleConnsPerHost:    connections,
		MaxResponseHeaderBytes: MaxAnswer,
		ForceAttemptHTTP2:      true,
	}
}

// Loopback reports whether a host is this machine, to which what is sent need not be
// encrypted.
func Loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// Cause returns what made a request fail, without its URL and without what scrub takes
// out. limited is its context within ctx, which ends after timeout.
func Cause(ctx, limited context.Context, timeout time.Duration, err error, scrub func(string) string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if limited.Err() != nil {
		return fmt.Errorf("not done after %v: %w", timeout, limited.Err())
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // from a transport that is a client itself; the rest is the URL
	}
	// A malformed answer is quoted.
	if clean := scrub(err.Error()); clean != err.Error() {
		return errors.New(clean)
	}
	return err
}
