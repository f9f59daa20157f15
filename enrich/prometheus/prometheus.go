package prometheus

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"text/template"
	"time"

	"github.com/spanticket/spanticket/correlate/deployment"
	"github.com/spanticket/spanticket/internal/outbound"
)

const (
	defaultTimeout     = 10 * time.Second
	defaultMaxAge      = 10 * time.Minute
	defaultMaxEntries  = 4096
	defaultConcurrency = 4
)

// Config says which server is asked, and what. What is left out has the default that it
// names.
type Config struct {
	// URL is where the server's API is: https, or http. /api/v1/query is added
	// to it. It has no user information, query or fragment. Required.
	URL string

	// Query is a template of PromQL, as the documentation of the package says. It is tried when
	// it is given. Defaults to [Promoted].
	Query string

	// Header returns headers to be sent, as Authorization or X-Scope-OrgID. It is called
	// for every request, concurrently. What it returns is never printed; nor is its error.
	// Defaults to none.
	Header func(context.Context) (http.Header, error)

	// AllowHTTP sends what Header returns to another machine unencrypted.
	AllowHTTP bool

	// Timeout bounds one request, with its answer. The server is told of it.
	// Defaults to 10 s.
	Timeout time.Duration

	// MaxAge is how long an answer is kept. One whose window ends less than two
	// minutes before it was fetched is fetched again after half a minute, if it is
	// asked for. Defaults to 10 minutes.
	MaxAge time.Duration

	// MaxEntries bounds the answers that are kept, the latest, of about half a KiB each;
	// and the queries of one call of Prefetch. Defaults to 4096.
	MaxEntries int

	// Concurrency bounds the requests at one time. Defaults to 4.
	Concurrency int

	// Transport sends the requests. Defaults to one of its own that verifies TLS and
	// uses the proxy that the environment names.
	Transport http.RoundTripper
}

// Rates has counts from a Prometheus server. It is a [deployment.Fetcher]: Count
// answers from what Prefetch has fetched, and never waits for the server. It may be used
// concurrently.
type Rates struct {
	url       *url.URL
	query     *template.Template
	header    func(context.Context) (http.Header, error)
	timeout   time.Duration
	most      int
	transport http.RoundTripper // no http.Client: it follows redirects, and quotes URLs
	slots     chan struct{}
	busy      sync.Map // from key to a channel that is closed when its answer has come
	cache     *cache
	breaker   breaker

	requests, failures atomic.Int64
}

var _ deployment.Fetcher = (*Rates)(nil)

// Stats counts since the start.
type Stats struct {
	Requests int64 // sent
	Failures int64 // queries that have no answer because of an error
	Entries  int   // answers that are kept now
	Paused   bool  // the server is left alone now
}

// New returns rates of a server. It dials nothing. The error names all that is wrong with
// c.
func New(c Config) (*Rates, error) {
	var errs []error
	endpoint, err := address(c)
	if err != nil {
		errs = append(errs, err)
	}
	if c.Query == "" {
		c.Query = Promoted
	}
	query, err := parse(c.Query)
	if err != nil {
		errs = append(errs, fmt.Errorf("prometheus: Config.Query: %w", err))
	}
	if c.Timeout < 0 || c.MaxAge < 0 || c.MaxEntries < 0 || c.Concurrency < 0 {
		errs = append(errs, errors.New("prometheus: Config.Timeout, MaxAge, MaxEntries and Concurrency are not negative; 0 is the default"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.MaxAge == 0 {
		c.MaxAge = defaultMaxAge
	}
	if c.MaxEntries == 0 {
		c.MaxEntries = defaultMaxEntries
	}
	if c.Concurrency == 0 {
		c.Concurrency = defaultConcurrency
	}
	if c.Transport == nil {
		t := outbound.NewTransport(c.Concurrency)
		t.MaxConnsPerHost = c.Concurrency
		c.Transport = t
	}
	return &Rates{
		url: endpoint, query: query, header: c.Header, timeout: c.Timeout, most: c.MaxEntries, transport: c.Transport,
		slots: make(chan struct{}, c.Concurrency), cache: newCache(c.MaxEntries, c.MaxAge),
	}, nil
}

// Count implements [deployment.Rates]: from what was fetched.
func (r *Rates) Count(q deployment.Query) (deployment.Count, bool) {
	a, ok := r.cache.get(keyOf(q), time.Now())
	return a.count, ok && a.known
}

// Stats returns counts.
func (r *Rates) Stats() Stats {
	return Stats{
		Requests: r.requests.Load(), Failures: r.failures.Load(),
		Entries: r.cache.len(), Paused: r.breaker.paused(time.Now()),
	}
}
