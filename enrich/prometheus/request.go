package prometheus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spanticket/spanticket/internal/outbound"
	"github.com/spanticket/spanticket/redact"
	"github.com/spanticket/spanticket/sinks"
)

// address returns the URL that queries are sent to. What is wrong with it is said
// without quoting it.
func address(c Config) (*url.URL, error) {
	if c.URL == "" {
		return nil, errors.New("prometheus: Config.URL is empty: name the server")
	}
	u, err := url.Parse(c.URL)
	switch {
	case err != nil:
		return nil, errors.New("prometheus: Config.URL is not a URL (it is not shown, because it may carry a token)")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("prometheus: Config.URL must start with https:// or http://")
	case u.Hostname() == "":
		return nil, errors.New("prometheus: Config.URL has no host")
	case u.User != nil:
		return nil, errors.New("prometheus: Config.URL has user information: return it from Config.Header, as Authorization")
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return nil, errors.New("prometheus: Config.URL has a query or a fragment: take it out")
	case u.Scheme == "http" && c.Header != nil && !c.AllowHTTP && !outbound.Loopback(u.Hostname()):
		return nil, fmt.Errorf("prometheus: Config.URL sends what Config.Header returns to %s unencrypted: use https, or set AllowHTTP", u.Hostname())
	}
	return u.JoinPath("api/v1/query"), nil
}

// send sends one query, of which at is the time, and returns the number that is
// the answer; false if the server has no series for it.
func (r *Rates) send(ctx context.Context, query string, at time.Time) (n int64, known bool, _ *Error) {
	limited, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	form := url.Values{
		"query":   {query},
		"time":    {strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', 3, 64)},
		"timeout": {strconv.FormatInt(max(r.timeout.Milliseconds(), 1), 10) + "ms"},
	}
	// In the body, where it is not in the logs of what is on the way.
	req, err := http.NewRequestWithContext(limited, http.MethodPost, r.url.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return 0, false, r.failed(Unasked, errors.New("the URL makes no request"))
	}
	if r.header != nil {
		header, err := r.header(limited)
		if err != nil {
			return 0, false, r.failed(Unauthorized, errors.New("Config.Header failed (its error is not shown, because it may carry a secret)"))
		}
		for name, vs := range header {
			req.Header[http.CanonicalHeaderKey(name)] = slices.Clone(vs)
		}
	}
	secrets := values(req.Header)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "spanticket")

	r.requests.Add(1)
	cause := func(err error) error {
		return outbound.Cause(ctx, limited, r.timeout, err, func(text string) string { return clean(text, secrets) })
	}
	resp, err := r.transport.RoundTrip(req)
	if err != nil {
		return 0, false, r.failed(Unreachable, cause(err))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, outbound.MaxAnswer+1))
	switch {
	case err != nil:
		return 0, false, r.failed(Unreachable, fmt.Errorf("the answer broke off: %w", cause(err)))
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		e := r.failed(r.status(resp, body, secrets))
		if e.Reason == Unreachable {
			e.pause = sinks.RetryAfter(resp.Header, time.Now())
		}
		return 0, false, e
	case len(body) > outbound.MaxAnswer:
		return 0, false, r.failed(Malformed, fmt.Errorf("the answer has more than %d KiB: does the query sum up all series?", outbound.MaxAnswer>>10))
	}
	n, known, reason, err := read(body)
	if err != nil {
		return 0, false, r.failed(reason, errors.New(clean(err.Error(), secrets)))
	}
	return n, known, nil
}

func (r *Rates) failed(reason Reason, err error) *Error {
	return &Error{Reason: reason, Err: fmt.Errorf("ask %s: %w", r.url.Host, err)}
}

// status says what an answer other than 2xx means.
func (r *Rates) status(resp *http.Response, body []byte, secrets []string) (Reason, error) {
	code := resp.StatusCode
	err := errors.New(strings.TrimSpace("answered " + strconv.Itoa(code) + " " + http.StatusText(code)))
	switch {
	case code >= 300 && code < 400:
		return Unreachable, fmt.Errorf("%w%s: redirects are not followed; set the URL to the final address", err, target(resp))
	case code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusProxyAuthRequired:
		return Unauthorized, err
	case code == http.StatusNotFound, code == http.StatusMethodNotAllowed, code == http.StatusGone:
		return Unreachable, fmt.Errorf("%w: is there an API of Prometheus, which takes POST?", err)
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests, code >= 500:
		return Unreachable, err
	}
	if text := complaint(body); text != "" {
		err = fmt.Errorf("%w: %s", err, clean(text, secrets))
	}
	return Refused, err
}

// target says which host a redirect leads to; its path may carry a token.
func target(resp *http.Response) string {
	u, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || u.Host == "" {
		return ""
	}
	return fmt.Sprintf(", to %q", u.Scheme+"://"+u.Host)
}

// values returns what a header says, which is taken for secret, as a whole and in its
// parts.
func values(header http.Header) []string {
	var out []string
	for _, vs := range header {
		for _, v := range vs {
			out = append(append(out, v), strings.Fields(v)...)
		}
	}
	if user, password, ok := (&http.Request{Header: header}).BasicAuth(); ok {
		out = append(out, user, password)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// clean returns a text without what is secret in it.
func clean(text string, secrets []string) string {
	redactor := redact.Redactor{Secrets: func() ([]string, error) { return secrets, nil }}
	redacted := redactor.Text(text)
	for _, s := range secrets {
		if len(s) > 3 { // which the redactor leaves if they are short
			redacted = strings.ReplaceAll(redacted, s, "[secret]")
		}
	}
	return redacted
}
