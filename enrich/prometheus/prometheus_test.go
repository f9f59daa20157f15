package prometheus_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/deployment"
	"github.com/spanticket/spanticket/enrich/prometheus"
)

const (
	token     = "Zx81-spectrum-Q9"
	pathToken = "tenant-7f3a9c"
)

// vector is an answer of one series.
func vector(value string) string {
	return `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1700000000.123,"` + value + `"]}]}}`
}

const none = `{"status":"success","data":{"resultType":"vector","result":[]}}`

func question() deployment.Query {
	return deployment.Query{Scope: correlate.Scope{Namespace: "shop", Service: "checkout", Environment: "production"}, Operation: "POST /pay", Version: "2.0.0", From: noon, To: noon.Add(time.Hour)}
}

// ofFailed reports whether a query counts those that failed.
func ofFailed(r *http.Request) bool { return strings.Contains(r.FormValue("query"), "5..") }

func newRates(t *testing.T, c prometheus.Config) *prometheus.Rates {
	t.Helper()
	r, err := prometheus.New(c)
	require.NoError(t, err)
	return r
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestRequest(t *testing.T) {
	var asked []string
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/"+pathToken+"/api/v1/query" || r.URL.RawQuery != "" || r.UserAgent() != "spanticket" ||
			r.Header.Get("Authorization") != "Bearer "+token || r.Header.Get("X-Scope-OrgID") != "shop" ||
			r.FormValue("time") != "1772456400.250" || r.FormValue("timeout") != "3000ms" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		asked = append(asked, r.FormValue("query"))
		if ofFailed(r) {
			_, _ = fmt.Fprint(w, vector("11.6"))
			return
		}
		_, _ = fmt.Fprint(w, vector("340.4"))
	})
	r := newRates(t, prometheus.Config{URL: address + "/" + pathToken + "/", Timeout: 3 * time.Second, Header: func(context.Context) (http.Header, error) {
		return http.Header{"authorization": {"Bearer " + token}, "X-Scope-OrgID": {"shop"}, "User-Agent": {"other"}}, nil
	}})
	q := question()
	q.To = q.To.Add(250 * time.Millisecond)
	_, known := r.Count(q)
	require.False(t, known, "nothing was fetched")
	require.NoError(t, r.Prefetch(t.Context(), []deployment.Query{q, q}))
	local := q // the same, in other words
	local.From, local.To = q.From.In(time.FixedZone("", 3600)), q.To.Add(time.Microsecond).Local()
	for _, q := range []deployment.Query{q, local} {
		n, known := r.Count(q)
		require.True(t, known)
		require.Equal(t, deployment.Count{Total: 340, Failed: 12}, n)
	}
	q.Version = "1.0.0"
	_, known = r.Count(q)
	require.False(t, known)
	labels := `service_name="checkout",service_namespace="shop",deployment_environment_name="production",service_version="2.0.0",http_request_method="POST",http_route="/pay"`
	require.Equal(t, []string{
		`sum(increase(http_server_request_duration_seconds_count{` + labels + `}[3600250ms]))`,
		`sum(increase(http_server_request_duration_seconds_count{` + labels + `,http_response_status_code=~"5.."}[3600250ms]))`,
	}, asked)
	require.Equal(t, prometheus.Stats{Requests: 2, Entries: 1}, r.Stats())
}

func TestAnswers(t *testing.T) {
	scalar := `{"status":"success","data":{"resultType":"scalar","result":[1700000000,"7"]}}`
	success := func(rest string) string { return `{"status":"success",` + rest + `}` }
	for _, c := range []struct {
		rule          string
		code          int // 200 if it is 0
		total, failed string
		want          deployment.Count
		known         bool
		reason        prometheus.Reason
		text          string
		header        http.Header
	}{
		{rule: "both", total: vector("10"), failed: vector("3"), want: deployment.Count{Total: 10, Failed: 3}, known: true},
		{rule: "no series of those that failed is none", total: vector("10"), failed: none, want: deployment.Count{Total: 10}, known: true},
		{rule: "no series is not known", total: none, failed: vector("3")},
		{rule: "no calls are no calls", total: vector("0"), failed: "is not asked", known: true},
		{rule: "an estimate rounds", total: vector("9.5"), failed: vector("0.4"), want: deployment.Count{Total: 10}, known: true},
		{rule: "more failures than calls are as many calls", total: vector("10"), failed: vector("10.6"), want: deployment.Count{Total: 11, Failed: 11}, known: true},
		{rule: "a scalar", total: scalar, failed: scalar, want: deployment.Count{Total: 7, Failed: 7}, known: true},
		{rule: "as numbers may be written", total: vector("1e3"), failed: vector("1.5E+1"), want: deployment.Count{Total: 1000, Failed: 15}, known: true},
		{rule: "hints that older servers call warnings", total: success(`"infos":["PromQL info: x"],"warnings":["PromQL info: metric might not be a counter"],"data":{"resultType":"vector","result":[{"metric":{},"value":[1,"4"]}]}`), failed: none, want: deployment.Count{Total: 4}, known: true},

		{rule: "NaN", total: vector("NaN"), reason: prometheus.NoCount, text: "NaN"},
		{rule: "NaN of those that failed", total: vector("10"), failed: vector("NaN"), reason: prometheus.NoCount},
		{rule: "infinite", total: vector("+Inf"), reason: prometheus.NoCount, text: "+Inf"},
		{rule: "less than any number", total: vector("-Inf"), reason: prometheus.NoCount},
		{rule: "negative", total: vector("-0.5"), reason: prometheus.NoCount},
		{rule: "more than a float has", total: vector("1e999"), reason: prometheus.NoCount},
		{rule: "more than anybody counts", total: vector("1e18"), reason: prometheus.NoCount},
		{rule: "several series", total: success(`"data":{"resultType":"vector","result":[{"value":[1,"1"]},{"value":[1,"2"]}]}`), reason: prometheus.NoCount, text: "2 series"},
		{rule: "a histogram", total: success(`"data":{"resultType":"vector","result":[{"metric":{},"histogram":[1,{"count":"3"}]}]}`), reason: prometheus.NoCount, text: "histogram"},
		{rule: "a matrix", total: success(`"data":{"resultType":"matrix","result":[]}`), reason: prometheus.NoCount, text: "matrix"},
		{rule: "a string", total: success(`"data":{"resultType":"string","result":[1,"7"]}`), reason: prometheus.NoCount, text: "string"},
		{rule: "a warning", total: success(`"warnings":["store sidecar-2 is out"],"data":{"resultType":"vector","result":[{"value":[1,"1"]}]}`), reason: prometheus.Incomplete, text: "sidecar-2"},

		{rule: "empty", total: "", reason: prometheus.Malformed},
		{rule: "a page to log in", total: "<html>", reason: prometheus.Malformed, text: "is this its address?"},
		{rule: "cut", total: vector("1")[:60], reason: prometheus.Malformed},
		{rule: "other JSON", total: `{"status":"UP"}`, reason: prometheus.Malformed},
		{rule: "JSON of other types", total: `{"status":"success","data":[1]}`, reason: prometheus.Malformed},
		{rule: "null", total: "null", reason: prometheus.Malformed},
		{rule: "deep", total: strings.Repeat("[", 20_000), reason: prometheus.Malformed},
		{rule: "a number that is none", total: vector("seven"), reason: prometheus.Malformed},
		{rule: "a number that is no string", total: success(`"data":{"resultType":"vector","result":[{"value":[1,7]}]}`), reason: prometheus.Malformed},
		{rule: "a series without a value", total: success(`"data":{"resultType":"vector","result":[{}]}`), reason: prometheus.Malformed},
		{rule: "a value of three", total: success(`"data":{"resultType":"scalar","result":[1,"2","3"]}`), reason: prometheus.Malformed},
		{rule: "an error with 200", total: `{"status":"error","errorType":"bad_data","error":"x"}`, reason: prometheus.Malformed},
		{rule: "too large", total: vector(strings.Repeat(" ", 70<<10)), reason: prometheus.Malformed, text: "64 KiB"},

		{rule: "a query that it cannot run", code: 422, total: `{"status":"error","errorType":"execution","error":"found duplicate series"}`, reason: prometheus.Refused, text: "422 Unprocessable Entity: execution: found duplicate series"},
		{rule: "a query that it cannot read", code: 400, total: `{"status":"error","errorType":"bad_data","error":"1:20: parse error"}`, reason: prometheus.Refused, text: "1:20: parse error"},
		{rule: "what it says is redacted, in one line, and short", code: 400, total: `{"error":"a\nb password=hunter2horse Bearer ` + token + ` ` + strings.Repeat("é", 1000) + `"}`, reason: prometheus.Refused, text: "a b password=[REDACTED"},
		{rule: "no credentials", code: 401, total: "who are you, " + token, reason: prometheus.Unauthorized},
		{rule: "not allowed", code: 403, total: "", reason: prometheus.Unauthorized},
		{rule: "a proxy", code: 407, total: "", reason: prometheus.Unauthorized},
		{rule: "no API", code: 404, total: "", reason: prometheus.Unreachable, text: "is there an API of Prometheus"},
		{rule: "too many requests", code: 429, total: "", reason: prometheus.Unreachable},
		{rule: "it failed", code: 500, total: "", reason: prometheus.Unreachable},
		{rule: "it took too long", code: 503, total: `{"errorType":"timeout"}`, reason: prometheus.Unreachable},
		{rule: "elsewhere", code: 307, total: "", reason: prometheus.Unreachable, header: http.Header{"Location": {"https://evil.example/" + token}}, text: `to "https://evil.example": redirects are not followed`},
		{rule: "nowhere", code: 302, total: "", reason: prometheus.Unreachable, header: http.Header{"Location": {"http://" + token + ":x%zz/"}}, text: "redirects are not followed"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			address := serve(t, func(w http.ResponseWriter, r *http.Request) {
				for k, vs := range c.header {
					w.Header()[k] = vs
				}
				if c.code != 0 {
					w.WriteHeader(c.code)
				}
				body := c.total
				if ofFailed(r) {
					body = c.failed
				}
				_, _ = fmt.Fprint(w, body)
			})
			r := newRates(t, prometheus.Config{URL: address + "/" + pathToken, Header: credentials})
			err := r.Prefetch(t.Context(), []deployment.Query{question()})
			got, known := r.Count(question())
			require.Equal(t, c.known, known)
			require.Equal(t, c.want, got)
			if c.reason == "" {
				require.NoError(t, err)
				return
			}
			requireError(t, err, c.reason, c.text)
			require.EqualValues(t, 1, r.Stats().Failures)
		})
	}
}

func credentials(context.Context) (http.Header, error) {
	return http.Header{"Authorization": {"Bearer " + token}}, nil
}

// requireError checks what an error says, and what it does not.
func requireError(t *testing.T, err error, reason prometheus.Reason, text string) {
	t.Helper()
	var e *prometheus.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, reason, e.Reason, "%v", err)
	require.ErrorContains(t, err, text)
	require.Less(t, len(err.Error()), 600)
	for _, shown := range []string{err.Error(), fmt.Sprintf("%+v %#v", e, e)} {
		for _, hidden := range []string{token, pathToken, "hunter2horse"} {
			require.NotContains(t, shown, hidden)
		}
	}
}

func TestNoAnswer(t *testing.T) {
	q := []deployment.Query{question()}
	t.Run("the server hangs", func(t *testing.T) {
		address := serve(t, func(_ http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			<-r.Context().Done()
		})
		r := newRates(t, prometheus.Config{URL: address, Timeout: 100 * time.Millisecond})
		err := r.Prefetch(t.Context(), q)
		requireError(t, err, prometheus.Unreachable, "not done after 100ms")
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
	t.Run("the answer never ends", func(t *testing.T) {
		address := serve(t, func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			_, _ = fmt.Fprint(w, `{"status":`)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})
		r := newRates(t, prometheus.Config{URL: address, Timeout: 100 * time.Millisecond})
		requireError(t, r.Prefetch(t.Context(), q), prometheus.Unreachable, "the answer broke off: not done after 100ms")
	})
	t.Run("the answer is endless", func(t *testing.T) {
		address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 32<<10)); err != nil {
					return
				}
			}
		})
		requireError(t, newRates(t, prometheus.Config{URL: address}).Prefetch(t.Context(), q), prometheus.Malformed, "64 KiB")
	})
	t.Run("the connection breaks", func(t *testing.T) {
		address := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		requireError(t, newRates(t, prometheus.Config{URL: address}).Prefetch(t.Context(), q), prometheus.Unreachable, "EOF")
	})
	t.Run("the caller gives up", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		address := serve(t, func(_ http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			cancel()
			<-r.Context().Done()
		})
		r := newRates(t, prometheus.Config{URL: address})
		require.ErrorIs(t, r.Prefetch(ctx, q), context.Canceled)
		require.Zero(t, r.Stats().Failures, "that says nothing of the server")
	})
	t.Run("the certificate is not trusted", func(t *testing.T) {
		s := httptest.NewUnstartedServer(http.NotFoundHandler())
		s.Config.ErrorLog = quiet
		s.StartTLS()
		defer s.Close()
		requireError(t, newRates(t, prometheus.Config{URL: s.URL, Header: credentials}).Prefetch(t.Context(), q), prometheus.Unreachable, "certificate")
	})
	t.Run("a transport quotes what it sends", func(t *testing.T) {
		transport := roundTripper(func(r *http.Request) (*http.Response, error) {
			return nil, &url.Error{Op: "Post", URL: r.URL.String(), Err: errors.New("broken with " + r.Header.Get("Authorization"))}
		})
		r := newRates(t, prometheus.Config{URL: "https://prometheus.example/" + pathToken, Header: credentials, Transport: transport})
		requireError(t, r.Prefetch(t.Context(), q), prometheus.Unreachable, "broken with")
	})
	t.Run("the server says what it was sent, in other words", func(t *testing.T) {
		header := http.Header{}
		basic := &http.Request{Header: header}
		basic.SetBasicAuth("me", token)
		address := serve(t, func(w http.ResponseWriter, r *http.Request) {
			_, password, _ := r.BasicAuth()
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprintf(w, `{"errorType":"bad_data","error":"%s is %s of %x"}`, r.Header.Get("Authorization"), password, password)
		})
		r := newRates(t, prometheus.Config{URL: address, Header: func(context.Context) (http.Header, error) { return header, nil }})
		err := r.Prefetch(t.Context(), q)
		requireError(t, err, prometheus.Refused, "bad_data: ")
		require.NotContains(t, err.Error(), strings.TrimPrefix(header.Get("Authorization"), "Basic "))
		require.NotContains(t, err.Error(), fmt.Sprintf("%x", token))
	})
	t.Run("credentials cannot be had", func(t *testing.T) {
		r := newRates(t, prometheus.Config{URL: "https://prometheus.example", Transport: roundTripper(nil), Header: func(context.Context) (http.Header, error) {
			return nil, errors.New("vault has only " + token)
		}})
		requireError(t, r.Prefetch(t.Context(), q), prometheus.Unauthorized, "Config.Header failed")
	})
	t.Run("the host's function panics", func(t *testing.T) {
		r := newRates(t, prometheus.Config{URL: "https://prometheus.example", Concurrency: 1, Transport: roundTripper(func(*http.Request) (*http.Response, error) { panic(token) })})
		requireError(t, r.Prefetch(t.Context(), q), prometheus.Unasked, "panicked with a value of type string")
		requireError(t, r.Prefetch(t.Context(), []deployment.Query{{Scope: question().Scope, From: noon, To: noon.Add(time.Minute)}}), prometheus.Unasked, "panicked")
	})
}

// What cannot be asked is not.
func TestNotAsked(t *testing.T) {
	var asked atomic.Int64
	r := newRates(t, prometheus.Config{URL: "https://prometheus.example", MaxEntries: 2, Transport: roundTripper(func(*http.Request) (*http.Response, error) {
		asked.Add(1)
		return reply(200, none), nil
	})})
	for _, c := range []struct {
		rule   string
		change func(*deployment.Query)
		reason prometheus.Reason
	}{
		{rule: "a name of 10 KB", change: func(q *deployment.Query) { q.Version = strings.Repeat("9", 10<<10) }, reason: prometheus.Unasked},
		{rule: "no service", change: func(q *deployment.Query) { q.Scope.Service = "" }},
		{rule: "no window", change: func(q *deployment.Query) { q.To = q.From }},
		{rule: "a window that ends before it begins", change: func(q *deployment.Query) { q.To = q.From.Add(-time.Hour) }},
		{rule: "a window that has just begun", change: func(q *deployment.Query) { q.From = time.Now().Add(-time.Minute); q.To = time.Now() }},
		{rule: "the future", change: func(q *deployment.Query) { q.From = time.Now().Add(time.Hour); q.To = time.Now().Add(2 * time.Hour) }},
		{rule: "an operation that the template does not know", change: func(q *deployment.Query) { q.Operation = "charge-card" }},
	} {
		t.Run(c.rule, func(t *testing.T) {
			q := question()
			c.change(&q)
			err := r.Prefetch(t.Context(), []deployment.Query{q})
			if c.reason == "" {
				require.NoError(t, err)
			} else {
				requireError(t, err, c.reason, "")
			}
			_, known := r.Count(q)
			require.False(t, known)
		})
	}
	require.Zero(t, asked.Load())
	var many []deployment.Query
	for i := range 5 {
		q := question()
		q.From = q.From.Add(time.Duration(-i) * time.Minute)
		many = append(many, q)
	}
	requireError(t, r.Prefetch(t.Context(), many), prometheus.Unasked, "5 queries at once are too many")
	require.EqualValues(t, 2, asked.Load())
	require.NoError(t, r.Prefetch(t.Context(), nil))
}

// At no time there are more requests than Concurrency, whoever calls.
func TestConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most, asked atomic.Int64
		r := newRates(t, prometheus.Config{URL: "https://prometheus.example", Concurrency: 3, Transport: roundTripper(func(*http.Request) (*http.Response, error) {
			n := now.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			asked.Add(1)
			time.Sleep(time.Second)
			now.Add(-1)
			return reply(200, vector("0")), nil
		})})
		var queries []deployment.Query
		for i := range 30 {
			queries = append(queries, deployment.Query{Scope: correlate.Scope{Service: "a"}, From: time.Now().Add(-time.Hour), To: time.Now().Add(-time.Duration(i+5) * time.Minute)})
		}
		done := make(chan error)
		for range 4 {
			go func() { done <- r.Prefetch(t.Context(), queries) }()
		}
		began := time.Now()
		for range 4 {
			require.NoError(t, <-done)
		}
		require.EqualValues(t, 3, most.Load())
		require.EqualValues(t, 30, asked.Load(), "what another call fetches is not fetched again")
		require.Less(t, time.Since(began), 20*time.Second)
		for _, q := range queries {
			_, known := r.Count(q)
			require.True(t, known)
		}
	})
}
