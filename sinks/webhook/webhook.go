// Package webhook is a sink that posts tickets to an HTTP endpoint, signed as
// Standard Webhooks 1.0 asks
// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
//
// The body is a JSON object:
//
//	type       what happened: spanticket.ticket.opened, .updated, .resolved or .reopened
//	timestamp  when it happened, RFC 3339
//	data       the [sinks.Ticket]
//
// With [Config.CloudEvents] it is a CloudEvents 1.0.2 event in JSON instead, in
// structured mode (HTTP protocol binding, section 3.2), with the same type and
// data.
//
// # What a receiver does
//
// It verifies webhook-signature over the raw body, refuses a webhook-timestamp
// that is more than some minutes off, answers 2xx within 15 seconds, and works
// later. It ignores a webhook-id that it has seen: a call whose outcome is
// unknown may be sent again, with the same webhook-id for the same change. The
// webhook-id is a hash of the ticket's key, the event, and what tells two such
// events of one ticket apart:
//
//	opened             OpenedAt
//	resolved           ResolvedAt
//	updated, reopened  Count and LastSeen
//
// So an opening that is sent again with newer counts has the same webhook-id,
// and an update with newer counts is another.
package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spanticket/spanticket/internal/outbound"
	"github.com/spanticket/spanticket/sinks"
)

// Config says where a [Sink] posts to and how it signs.
type Config struct {
	// URL is the endpoint: https, or http to this machine. It may carry a
	// token, so no error shows more of it than the host. User information in it
	// is refused. Required.
	//
	// The operator names the endpoint, so it may be at a private address; do not
	// take it from anyone who must not reach one.
	URL string

	// Secrets returns the signing secrets, each "whsec_" and the base64 of 24 to
	// 64 random bytes. Each signs, so that a receiver may know the old or the new
	// one during a rotation. It is called for every request, concurrently, and
	// its error is shown to operators: it must not carry a secret. Required.
	Secrets func() ([]string, error)

	// CloudEvents sends CloudEvents in place of the plain body.
	CloudEvents bool

	// AllowHTTP accepts an http URL to another machine. The signature does not
	// keep anyone on the way from reading the tickets.
	AllowHTTP bool

	// Timeout bounds one request, with its answer.
	//
	// Defaults to 15 s.
	Timeout time.Duration

	// Transport sends the requests. It must support [net/http/httptrace], as
	// [http.Transport] does; where it does not, every request without an answer
	// counts as sent, and is [sinks.Unknown].
	//
	// Defaults to a transport of its own that verifies TLS and uses the proxy
	// that the environment names.
	Transport http.RoundTripper
}

// Sink posts tickets to one endpoint. It is a [sinks.Updater], and [sinks.Accounted]
// by its URL, and reports the quota that answers tell ([sinks.QuotaOf]); it is no
// [sinks.Finder], because an endpoint cannot be asked: the receiver tells
// repetitions by their webhook-id. It may be used concurrently.
//
// It follows no redirect. Its errors carry neither a secret nor the URL's path
// or query. They have these reasons:
//
//	Transient     no connection, 408, 425, 5xx
//	RateLimited   429, and 502, 503 or 504 with Retry-After
//	Unauthorized  401, 403, 407, and secrets that are missing or malformed
//	Rejected      every other answer but 2xx: 3xx, 4xx, 501
//	Unknown       the request was sent and no answer came
type Sink struct {
	url         *url.URL
	secrets     func() ([]string, error)
	cloudEvents bool
	timeout     time.Duration
	transport   http.RoundTripper // no http.Client: it reads where a redirect leads, and quotes URLs
	traced      bool              // the transport is known to call the hooks of httptrace
}

// New returns a sink that posts as c says. It dials nothing and does not ask
// for the secrets yet. It returns every problem of c at once.
func New(c Config) (*Sink, error) {
	endpoint, errs := parse(c.URL, c.AllowHTTP)
	if c.Secrets == nil {
		errs = append(errs, errors.New("webhook: Config.Secrets is nil: give a function that returns the signing secrets"))
	}
	if c.Timeout < 0 {
		errs = append(errs, fmt.Errorf("webhook: Config.Timeout is %v: give a duration, or 0 for 15s", c.Timeout))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if c.Timeout == 0 {
		c.Timeout = 15 * time.Second
	}
	own := c.Transport == nil
	if own {
		c.Transport = outbound.NewTransport(2)
	}
	return &Sink{
		url: endpoint, secrets: c.Secrets, cloudEvents: c.CloudEvents, timeout: c.Timeout,
		transport: c.Transport, traced: own,
	}, nil
}

// File posts the ticket. The receipt's ID is the key.
func (s *Sink) File(ctx context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	if err := s.post(ctx, t, sinks.EventOpened); err != nil {
		return sinks.Receipt{}, err
	}
	return sinks.Receipt{ID: t.Key}, nil
}

// Update posts the ticket as it is now, and returns r.
func (s *Sink) Update(ctx context.Context, r sinks.Receipt, t sinks.Ticket) (sinks.Receipt, error) {
	return r, s.post(ctx, t, sinks.EventUpdated)
}

// Account says that sinks with the same URL share its limits. Of the URL it shows the
// host.
func (s *Sink) Account() sinks.Account {
	return sinks.Account{ID: sinks.AccountID(s.url.Host, s.url.String())}
}

// parse checks the URL. What is wrong with it is said without quoting it.
func parse(raw string, allowHTTP bool) (*url.URL, []error) {
	if raw == "" {
		return nil, []error{errors.New("webhook: Config.URL is empty: name the endpoint")}
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, []error{errors.New("webhook: Config.URL is not a URL (it is not shown, because it may carry a token)")}
	}
	var errs []error
	if u.User != nil {
		errs = append(errs, errors.New("webhook: Config.URL has user information: take it out; requests are signed instead"))
	}
	switch u.Scheme {
	case "https":
	case "http":
		if !allowHTTP && !outbound.Loopback(u.Hostname()) {
			errs = append(errs, fmt.Errorf("webhook: Config.URL sends tickets to %s unencrypted: use https, or set AllowHTTP", u.Hostname()))
		}
	default:
		errs = append(errs, errors.New("webhook: Config.URL must start with https:// or http://"))
		return nil, errs
	}
	if u.Hostname() == "" {
		errs = append(errs, errors.New("webhook: Config.URL has no host"))
	}
	return u, errs
}
