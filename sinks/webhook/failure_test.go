package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/sinks"
	"github.com/spanticket/spanticket/sinks/webhook"
)

// fails posts a ticket and returns the error, which must have the reason and
// carry nothing that is secret.
func fails(t *testing.T, ctx context.Context, c webhook.Config, want sinks.Reason) error {
	t.Helper()
	if c.URL != "" {
		c.URL += "/" + pathToken + "?token=" + token
	}
	s := newSink(t, c)
	_, err := s.File(ctx, ticket())
	require.Error(t, err)
	reason, _ := sinks.ReasonOf(err)
	require.Equal(t, want, reason, "%v", err)
	for _, text := range []string{err.Error(), fmt.Sprintf("%+v %#v", err, err), fmt.Sprintf("%+v %#v", s, s)} {
		for _, hidden := range []string{secret, oldSecret, strings.TrimPrefix(secret, "whsec_"), pathToken, token} {
			require.NotContains(t, text, hidden)
		}
	}
	require.ErrorContains(t, err, "webhook: post ticket spt:5f0c2a to ")
	return err
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestAnswers(t *testing.T) {
	date := time.Date(2026, 3, 1, 2, 47, 11, 0, time.UTC)
	for _, c := range []struct {
		code       int
		retryAfter string
		reason     sinks.Reason
		pause      time.Duration
		text       string
	}{
		{code: 400, reason: sinks.Rejected, text: "answered 400 Bad Request"},
		{code: 401, reason: sinks.Unauthorized},
		{code: 403, reason: sinks.Unauthorized},
		{code: 404, reason: sinks.Rejected},
		{code: 407, reason: sinks.Unauthorized},
		{code: 408, reason: sinks.Transient},
		{code: 409, reason: sinks.Rejected},
		{code: 410, reason: sinks.Rejected, text: "the endpoint is gone"},
		{code: 413, reason: sinks.Rejected},
		{code: 422, reason: sinks.Rejected},
		{code: 425, reason: sinks.Transient},
		{code: 429, reason: sinks.RateLimited},
		{code: 429, retryAfter: "30", reason: sinks.RateLimited, pause: 30 * time.Second},
		{code: 429, retryAfter: date.Add(90 * time.Second).Format(http.TimeFormat), reason: sinks.RateLimited, pause: 90 * time.Second},
		{code: 429, retryAfter: date.Add(-time.Hour).Format(http.TimeFormat), reason: sinks.RateLimited},
		{code: 429, retryAfter: "-1", reason: sinks.RateLimited},
		{code: 429, retryAfter: "soon", reason: sinks.RateLimited},
		{code: 429, retryAfter: "9999999999999", reason: sinks.RateLimited, pause: 24 * time.Hour},
		{code: 500, reason: sinks.Transient},
		{code: 501, reason: sinks.Rejected},
		{code: 502, reason: sinks.Transient},
		{code: 502, retryAfter: "5", reason: sinks.RateLimited, pause: 5 * time.Second},
		{code: 503, retryAfter: "5", reason: sinks.RateLimited, pause: 5 * time.Second},
		{code: 504, retryAfter: "5", reason: sinks.RateLimited, pause: 5 * time.Second},
		{code: 507, reason: sinks.Transient},
		{code: 304, reason: sinks.Rejected, text: "redirects are not followed"},
		{code: 600, reason: sinks.Rejected},
	} {
		t.Run(fmt.Sprintf("%d %s", c.code, c.retryAfter), func(t *testing.T) {
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				// The clock of the server counts, not that of this machine.
				w.Header().Set("Date", date.Format(http.TimeFormat))
				if c.retryAfter != "" {
					w.Header().Set("Retry-After", c.retryAfter)
				}
				w.WriteHeader(c.code)
				_, _ = fmt.Fprintf(w, "cannot POST %s with secret %s", r.URL, secret)
			})
			err := fails(t, t.Context(), webhook.Config{URL: url}, c.reason)
			_, pause := sinks.ReasonOf(err)
			require.Equal(t, c.pause, pause)
			require.ErrorContains(t, err, c.text)
			require.NotContains(t, err.Error(), "127.0.0.1//", "the URL's path is not shown")
		})
	}
}

func TestSuccess(t *testing.T) {
	for _, code := range []int{200, 201, 202, 204, 299} {
		url := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
		_, err := newSink(t, webhook.Config{URL: url}).File(t.Context(), ticket())
		require.NoError(t, err)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	elsewhere := newReceiver(t)
	for _, code := range []int{301, 302, 303, 307, 308} {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/"+token, code)
		})
		err := fails(t, t.Context(), webhook.Config{URL: url}, sinks.Rejected)
		require.ErrorContains(t, err, fmt.Sprintf("to %q: redirects are not followed", elsewhere.URL))
	}
	require.Empty(t, elsewhere.header)

	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "http://"+token+":x%zz/")
		w.WriteHeader(http.StatusFound)
	})
	require.ErrorContains(t, fails(t, t.Context(), webhook.Config{URL: url}, sinks.Rejected), "answered 302 Found: redirects")
}

// An answer without an end holds nothing up past the timeout, and is a success.
func TestEndlessAnswer(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		chunk := make([]byte, 32<<10)
		for r.Context().Err() == nil {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	_, err := newSink(t, webhook.Config{URL: url}).File(t.Context(), ticket())
	require.NoError(t, err)
}

func TestNoAnswer(t *testing.T) {
	arrived := make(chan struct{}, 1)
	hang := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		arrived <- struct{}{}
		<-r.Context().Done()
	})
	t.Run("the caller's context ends after the request", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-arrived; cancel() }()
		err := fails(t, ctx, webhook.Config{URL: hang}, sinks.Unknown)
		require.ErrorIs(t, err, context.Canceled)
	})
	t.Run("the timeout passes after the request", func(t *testing.T) {
		err := fails(t, t.Context(), webhook.Config{URL: hang, Timeout: 100 * time.Millisecond}, sinks.Unknown)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "not done after 100ms")
	})
	t.Run("the connection breaks after the request", func(t *testing.T) {
		url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			panic(http.ErrAbortHandler)
		})
		require.ErrorIs(t, fails(t, t.Context(), webhook.Config{URL: url}, sinks.Unknown), io.EOF)
	})
	t.Run("the answer is not HTTP", func(t *testing.T) {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, "220 "+secret+" ready\r\n\r\n")
				_ = conn.Close()
			}
		})
		fails(t, t.Context(), webhook.Config{URL: url}, sinks.Unknown)
	})
}

func TestNothingSent(t *testing.T) {
	t.Run("the context has ended before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, fails(t, ctx, webhook.Config{URL: "https://hooks.example"}, sinks.Transient), context.Canceled)
	})
	t.Run("nobody listens", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		require.NoError(t, l.Close())
		fails(t, t.Context(), webhook.Config{URL: "http://" + l.Addr().String()}, sinks.Transient)
	})
	t.Run("the TLS handshake hangs", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		fails(t, t.Context(), webhook.Config{URL: "https://" + l.Addr().String(), Timeout: 100 * time.Millisecond}, sinks.Transient)
	})
	t.Run("the certificate is not trusted", func(t *testing.T) {
		s := httptest.NewUnstartedServer(http.NotFoundHandler())
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.StartTLS()
		defer s.Close()
		require.ErrorContains(t, fails(t, t.Context(), webhook.Config{URL: s.URL}, sinks.Transient), "certificate")
	})
}

func TestTLS(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	_, err := newSink(t, webhook.Config{URL: s.URL, Transport: s.Client().Transport}).File(t.Context(), ticket())
	require.NoError(t, err)
}

// A transport may be a client, whose errors quote the URL.
func TestTransportThatQuotesTheURL(t *testing.T) {
	transport := roundTripper(func(r *http.Request) (*http.Response, error) {
		return nil, &url.Error{Op: "Post", URL: r.URL.String(), Err: errors.New("broken with " + secret)}
	})
	err := fails(t, t.Context(), webhook.Config{URL: "https://hooks.example", Transport: transport}, sinks.Unknown)
	require.ErrorContains(t, err, "no answer: broken with whsec_[secret]")
}

// A transport that does not say what it wrote may have written all of it.
func TestTransportWithoutTrace(t *testing.T) {
	transport := roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("broken") })
	fails(t, t.Context(), webhook.Config{URL: "https://hooks.example", Transport: transport}, sinks.Unknown)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestSecrets(t *testing.T) {
	for _, c := range []struct {
		rule    string
		secrets []string
		err     error
		reason  sinks.Reason
		want    string
	}{
		{"a source that fails may work later", nil, os.ErrNotExist, sinks.Transient, "get the signing secrets: file does not exist"},
		{"none is no signature", nil, nil, sinks.Unauthorized, "Config.Secrets returned none"},
		{"a secret has a prefix", []string{secret, token + "aaaa"}, nil, sinks.Unauthorized, "secret 2 does not start with whsec_"},
		{"a secret is base64", []string{"whsec_" + token + "!"}, nil, sinks.Unauthorized, "secret 1 is not base64"},
		{"a secret is long enough", []string{"whsec_c2hvcnQ="}, nil, sinks.Unauthorized, "secret 1 has 5 bytes"},
		{"a secret is short enough", []string{"whsec_" + strings.Repeat("QUFB", 30)}, nil, sinks.Unauthorized, "secret 1 has 90 bytes"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			r := newReceiver(t)
			err := fails(t, t.Context(), webhook.Config{
				URL: r.URL, Secrets: func() ([]string, error) { return c.secrets, c.err },
			}, c.reason)
			require.ErrorContains(t, err, c.want)
			require.Empty(t, r.header, "nothing is sent unsigned")
		})
	}
}

func TestTicketThatIsNoJSONIsRejected(t *testing.T) {
	bad := ticket()
	bad.FirstSeen = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)
	_, err := newSink(t, webhook.Config{URL: "https://hooks.example"}).File(t.Context(), bad)
	reason, _ := sinks.ReasonOf(err)
	require.Equal(t, sinks.Rejected, reason)
}

// What an answer says of the quota is told on success as on failure, and the account
// shows no token.
func TestQuota(t *testing.T) {
	for _, code := range []int{200, 429} {
		url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("RateLimit", `"posts";r=7;t=60`)
			w.WriteHeader(code)
		})
		var told []sinks.Quota
		s := newSink(t, webhook.Config{URL: url + "/" + token})
		_, err := s.File(sinks.OnQuota(t.Context(), func(q sinks.Quota) { told = append(told, q) }), ticket())
		require.Equal(t, code == 200, err == nil)
		require.Equal(t, []sinks.Quota{{Of: "posts", Remaining: 7, Reset: time.Minute}}, told)
		require.NotContains(t, s.Account().ID, token)
		require.Equal(t, s.Account(), newSink(t, webhook.Config{URL: url + "/" + token}).Account())
		require.NotEqual(t, s.Account(), newSink(t, webhook.Config{URL: url}).Account(), "another endpoint")
	}
}
