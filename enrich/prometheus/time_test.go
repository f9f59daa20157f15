package prometheus_test

import (
	"io"
	"log"
	"net/http"
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

var quiet = log.New(io.Discard, "", 0)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func reply(code int, body string) *http.Response {
	return &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// hourAgo is a window that is over.
func hourAgo(service string) deployment.Query {
	return deployment.Query{Scope: correlate.Scope{Service: service}, From: time.Now().Add(-2 * time.Hour), To: time.Now().Add(-time.Hour)}
}

func TestAnswersAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		total, asked := "100", 0
		r := newRates(t, prometheus.Config{URL: "https://prometheus.example", MaxEntries: 3, Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			asked++
			body, _ := io.ReadAll(r.Body)
			if strings.Contains(string(body), "5..") {
				return reply(200, none), nil
			}
			return reply(200, vector(total)), nil
		})})
		fetch := func(q deployment.Query) int {
			before := asked
			require.NoError(t, r.Prefetch(t.Context(), []deployment.Query{q}))
			return asked - before
		}
		past, open := hourAgo("a"), deployment.Query{Scope: correlate.Scope{Service: "a"}, From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour)}
		require.Equal(t, 2, fetch(past))
		require.Equal(t, 2, fetch(open))

		time.Sleep(29 * time.Second)
		total = "200"
		require.Zero(t, fetch(open), "it is too soon")
		time.Sleep(time.Second)
		require.Equal(t, 2, fetch(open), "the window was not over")
		n, _ := r.Count(open)
		require.EqualValues(t, 200, n.Total)
		require.Zero(t, fetch(past), "it will not change")

		time.Sleep(10*time.Minute - 31*time.Second)
		n, known := r.Count(past)
		require.True(t, known)
		require.EqualValues(t, 100, n.Total)
		time.Sleep(time.Second)
		_, known = r.Count(past)
		require.False(t, known, "it is too old")
		require.Equal(t, 2, fetch(past))
		n, _ = r.Count(past)
		require.EqualValues(t, 200, n.Total)

		for _, service := range []string{"b", "c", "d", "e"} {
			require.Equal(t, 2, fetch(hourAgo(service)))
			require.LessOrEqual(t, r.Stats().Entries, 3)
		}
		_, known = r.Count(hourAgo("b"))
		require.False(t, known, "the oldest goes")
		_, known = r.Count(hourAgo("c"))
		require.True(t, known)
		require.Zero(t, r.Stats().Failures)
	})
}

// A query that has failed is not asked again at once; an answer that there was holds
// while the server is out of reach.
func TestAnswersOutliveFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		code, body, asked := 200, vector("7"), 0
		r := newRates(t, prometheus.Config{URL: "https://prometheus.example", Transport: roundTripper(func(*http.Request) (*http.Response, error) {
			asked++
			return reply(code, body), nil
		})})
		q := hourAgo("a")
		q.To = time.Now()
		require.NoError(t, r.Prefetch(t.Context(), []deployment.Query{q}))
		time.Sleep(time.Minute)
		code = 502
		requireError(t, r.Prefetch(t.Context(), []deployment.Query{q}), prometheus.Unreachable, "502 Bad Gateway")
		n, known := r.Count(q)
		require.True(t, known)
		require.Equal(t, deployment.Count{Total: 7, Failed: 7}, n)

		code, body = 422, "{}"
		requireError(t, r.Prefetch(t.Context(), []deployment.Query{q}), prometheus.Refused, "422")
		_, known = r.Count(q)
		require.False(t, known)
		asked = 0
		require.NoError(t, r.Prefetch(t.Context(), []deployment.Query{q}))
		require.Zero(t, asked)
		time.Sleep(30 * time.Second)
		code, body = 200, vector("8")
		require.NoError(t, r.Prefetch(t.Context(), []deployment.Query{q}))
		n, _ = r.Count(q)
		require.EqualValues(t, 8, n.Total)
	})
}

func TestServerIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		code, retryAfter := 500, ""
		var asked atomic.Int64
		r := newRates(t, prometheus.Config{URL: "https://prometheus.example", Transport: roundTripper(func(*http.Request) (*http.Response, error) {
			asked.Add(1)
			time.Sleep(time.Millisecond)
			resp := reply(code, vector("0"))
			if retryAfter != "" {
				resp.Header.Set("Retry-After", retryAfter)
			}
			return resp, nil
		})})
		// many asks twenty questions, and returns how many requests that made.
		many := func() (int64, error) {
			before := asked.Load()
			var queries []deployment.Query
			for i := range 20 {
				q := hourAgo("a")
				q.From = q.From.Add(time.Duration(i) * time.Second)
				queries = append(queries, q)
			}
			err := r.Prefetch(t.Context(), queries)
			return asked.Load() - before, err
		}
		// wait returns after how many seconds the next request is made.
		wait := func() (seconds int) {
			for before := asked.Load(); asked.Load() == before; seconds++ {
				time.Sleep(time.Second)
				_, _ = many()
			}
			return seconds
		}
		n, err := many()
		requireError(t, err, prometheus.Unreachable, "500 Internal Server Error")
		require.ErrorContains(t, err, "prometheus.example failed too often, and is left alone for a while")
		require.GreaterOrEqual(t, n, int64(5))
		require.LessOrEqual(t, n, int64(5+3), "those that were on their way")
		require.True(t, r.Stats().Paused)
		for _, pause := range []int{10, 20, 40, 80, 160, 300, 300} {
			before := asked.Load()
			seconds := wait()
			require.GreaterOrEqual(t, seconds, pause/2-1)
			require.LessOrEqual(t, seconds, pause+1)
			require.EqualValues(t, 1, asked.Load()-before, "one request tries")
		}
		code = 200
		before := asked.Load()
		wait()
		require.EqualValues(t, 1, asked.Load()-before)
		require.False(t, r.Stats().Paused)
		n, err = many()
		require.NoError(t, err)
		require.EqualValues(t, 20, n, "it is back")

		time.Sleep(time.Hour)
		code, retryAfter = 429, "120"
		n, _ = many()
		require.LessOrEqual(t, n, int64(4), "it asks to be left alone")
		require.GreaterOrEqual(t, wait(), 119)
		retryAfter = "86400"
		wait()
		require.LessOrEqual(t, wait(), 301, "but not for ever")

		time.Sleep(time.Hour)
		code, retryAfter = 200, ""
		_, err = many()
		require.Error(t, err, "one has tried, and the others not")
		_, err = many()
		require.NoError(t, err)
	})
}

// Questions that the server cannot answer are no reason to ask it nothing else.
func TestRefusalsAreNoOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		r := newRates(t, prometheus.Config{URL: "https://prometheus.example", Concurrency: 1, Transport: roundTripper(func(*http.Request) (*http.Response, error) {
			asked++
			if asked%2 == 0 {
				return reply(200, vector("NaN")), nil
			}
			return reply(400, "{}"), nil
		})})
		var queries []deployment.Query
		for i := range 50 {
			q := hourAgo("a")
			q.From = q.From.Add(time.Duration(i) * time.Second)
			queries = append(queries, q)
		}
		err := r.Prefetch(t.Context(), queries)
		require.ErrorContains(t, err, "400 Bad Request")
		require.ErrorContains(t, err, "NaN")
		require.Len(t, strings.Split(err.Error(), "\n"), 2, "one of each reason")
		require.Equal(t, 50, asked)
		require.Equal(t, prometheus.Stats{Requests: 50, Failures: 50, Entries: 50}, r.Stats())
	})
}
