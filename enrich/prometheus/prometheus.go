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

	// MaxEntries bounds the answers that are kept, the latest, of 300 bytes and their names each;
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
		c.Transport = newTransport(c.Concurrency)
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

// Prefetch implements [deployment.Fetcher]. It sends two requests for a query, and one if there was
// no traffic; of queries beyond MaxEntries it sends none. It fails with one
// [Error] for each [Reason] that occurred, joined, or with that of ctx.
func (r *Rates) Prefetch(ctx context.Context, queries []deployment.Query) error {
	wanted, tooMany := r.wanted(queries, time.Now())
	var (
		all  failures
		next atomic.Int64
		wait sync.WaitGroup
	)
	if tooMany > 0 {
		r.failures.Add(int64(tooMany))
		all.add(&Error{Reason: Unasked, Err: fmt.Errorf("%d queries at once are too many: raise Config.MaxEntries", len(queries))})
	}
	for range min(cap(r.slots), len(wanted)) {
		wait.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(wanted)); i = next.Add(1) - 1 {
				if err := r.fetch(ctx, wanted[i]); err != nil && ctx.Err() == nil {
					r.failures.Add(1)
					all.add(err)
				}
			}
		})
	}
	wait.Wait()
	return errors.Join(ctx.Err(), all.joined())
}

// wanted returns the queries that have to be fetched, each once.
func (r *Rates) wanted(queries []deployment.Query, now time.Time) (wanted []deployment.Query, tooMany int) {
	seen := map[key]bool{}
	for _, q := range queries {
		k := keyOf(q)
		if seen[k] || r.cache.fresh(k, now) {
			continue
		}
		if len(wanted) == r.most {
			tooMany++
			continue
		}
		seen[k] = true
		wanted = append(wanted, q)
	}
	return wanted, tooMany
}

// fetch sees to it that there is an answer to one query, unless ctx ends or it fails.
func (r *Rates) fetch(ctx context.Context, q deployment.Query) *Error {
	k, mine := keyOf(q), make(chan struct{})
	for ctx.Err() == nil && !r.cache.fresh(k, time.Now()) {
		other, busy := r.busy.LoadOrStore(k, mine)
		if busy { // another call is at it
			select {
			case <-other.(chan struct{}):
			case <-ctx.Done():
			}
			continue
		}
		defer close(mine)
		defer r.busy.Delete(k)
		if r.cache.fresh(k, time.Now()) { // another call was
			return nil
		}
		select {
		case r.slots <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		defer func() { <-r.slots }()
		return r.get(ctx, q)
	}
	return nil
}

// get fetches the answer to one query, and keeps it. What the server does not know
// is an answer, too.
func (r *Rates) get(ctx context.Context, q deployment.Query) (err *Error) {
	defer func() {
		if p := recover(); p != nil { // of the host's functions, on a goroutine of ours
			err = &Error{Reason: Unasked, Err: fmt.Errorf("Config.Header or Config.Transport panicked with a value of type %T", p)}
		}
	}()
	now := time.Now()
	a := answer{at: now, final: now.Sub(q.To) >= settled}
	if now.Sub(q.From) >= settled { // else nothing of it has come
		a.count, a.known, err = r.ask(ctx, q)
	}
	if err != nil {
		if err.ofServer() || err.Reason == Paused || ctx.Err() != nil {
			return err // what was fetched before holds
		}
		a = answer{at: now}
	}
	r.cache.put(keyOf(q), a)
	return err
}

// ask asks how often an operation ended and, if it did, how often it failed.
func (r *Rates) ask(ctx context.Context, q deployment.Query) (count deployment.Count, known bool, err *Error) {
	for _, name := range []string{q.Scope.Namespace, q.Scope.Service, q.Scope.Environment, q.Operation, q.Version} {
		if len(name) > maxText {
			return count, false, &Error{Reason: Unasked, Err: fmt.Errorf("a name of %d bytes: at most %d are asked for", len(name), maxText)}
		}
	}
	if q.Scope.Service == "" || q.To.Sub(q.From) < time.Millisecond {
		return count, false, nil
	}
	total, known, err := r.number(ctx, q, false)
	if err != nil || !known || total == 0 {
		return count, known, err
	}
	// Where none failed there is no series of those that did.
	failed, _, err := r.number(ctx, q, true)
	if err != nil {
		return count, false, err
	}
	return deployment.Count{Total: max(total, failed), Failed: failed}, true, nil
}

// number asks for one number.
func (r *Rates) number(ctx context.Context, q deployment.Query, failed bool) (n int64, known bool, err *Error) {
	query, e := render(r.query, q, failed)
	if e != nil {
		return 0, false, &Error{Reason: Unasked, Err: fmt.Errorf("Config.Query: %w", e)}
	}
	if query == "" {
		return 0, false, nil
	}
	enters, tries := r.breaker.enter(time.Now())
	if !enters {
		return 0, false, &Error{Reason: Paused, Err: fmt.Errorf("%s failed too often, and is left alone for a while", r.url.Host)}
	}
	o, pause := gaveUp, time.Duration(0)
	defer func() { r.breaker.leave(tries, o, pause, time.Now()) }()
	n, known, err = r.send(ctx, query, q.To)
	switch {
	case err == nil || !err.ofServer():
		o = wentWell
	case ctx.Err() == nil:
		o, pause = wentWrong, err.pause
	}
	return n, known, err
}

// failures keeps the first error of each reason.
type failures struct {
	mu   sync.Mutex
	errs []error
	seen map[Reason]bool
}

func (f *failures) add(err *Error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen[err.Reason] {
		return
	}
	if f.seen == nil {
		f.seen = map[Reason]bool{}
	}
	f.seen[err.Reason] = true
	f.errs = append(f.errs, err)
}

func (f *failures) joined() error { return errors.Join(f.errs...) }
