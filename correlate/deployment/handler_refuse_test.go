package deployment

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
)

func TestRefused(t *testing.T) {
	edit := func(key, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(key, value) }
	}
	for _, c := range []struct {
		rule, from string
		body       string // empty means the sample
		change     func(*http.Request)
		config     func(*HandlerConfig)
		code       int
	}{
		{rule: "a wrong signature", from: "github", change: edit("X-Hub-Signature-256", "sha256="+strings.Repeat("00", 32)), code: 401},
		{rule: "one that is none", from: "github", change: edit("X-Hub-Signature-256", "sha256=zz"), code: 401},
		{rule: "of a weaker kind", from: "github", change: edit("X-Hub-Signature-256", "sha1=757107ea0eb2509fc211221cce984b8a37570b6d"), code: 401},
		{rule: "no signature", from: "github", change: func(r *http.Request) { r.Header.Del("X-Hub-Signature-256") }, code: 401},
		{rule: "the signature of another body", from: "github", change: func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("{}")) }, code: 401},
		{rule: "a sender without a secret", from: "github", config: func(c *HandlerConfig) { c.GitHub = nil }, code: 401},
		{rule: "a wrong token", from: "gitlab", change: edit("X-Gitlab-Token", "guess"), code: 401},
		{rule: "a wrong token of Flux", from: "flux", change: edit("X-Signature", "sha512=00"), code: 401},
		{rule: "a shared secret where one signs", from: "flux", change: func(r *http.Request) {
			r.Header.Del("X-Signature")
			r.Header.Set("Authorization", "Bearer "+testSecret)
		}, code: 401},
		{rule: "a wrong shared secret", from: "plain", change: edit("Authorization", "Bearer guess"), code: 401},
		{rule: "an empty one", from: "plain", change: edit("Authorization", "Bearer "), code: 401},
		{rule: "another scheme", from: "plain", change: edit("Authorization", "Digest "+testSecret), code: 401},
		{rule: "GET, which is Argo CD's default", from: "plain", change: func(r *http.Request) { r.Method = http.MethodGet }, code: 405},
		{rule: "a form", from: "github", change: edit("Content-Type", "application/x-www-form-urlencoded"), code: 415},
		{rule: "no type", from: "plain", change: func(r *http.Request) { r.Header.Del("Content-Type") }, code: 415},
		{rule: "events in batches", from: "cdevents", change: edit("Content-Type", "application/cloudevents-batch+json"), code: 415},
		{rule: "what would have to be unpacked", from: "plain", change: edit("Content-Encoding", "gzip"), code: 415},
		{rule: "no JSON", from: "plain", body: `{"service":`, code: 400},
		{rule: "another kind of JSON", from: "plain", body: `[1]`, code: 400},
		{rule: "nothing", from: "plain", body: `null`, code: 400},
		{rule: "a field of another type", from: "github", body: `{"deployment_status":7}`, code: 400},
		{rule: "without what it is about", from: "github", body: `{}`, code: 400},
		{rule: "likewise", from: "flux", body: `{}`, code: 400},
		{rule: "of no service", from: "plain", body: `{"version":"2"}`, code: 422},
		{rule: "of the future", from: "plain", body: `{"service":"payment","version":"2","time":"2027-01-01T00:00:00Z"}`, code: 422},
		{rule: "a year old", from: "plain", body: `{"service":"payment","version":"2","time":"2025-03-01T00:00:00Z"}`, code: 422},
		{rule: "a version of 10 KB", from: "plain", body: `{"service":"payment","version":"` + strings.Repeat("9", 10<<10) + `"}`, code: 422},
		{rule: "a length of 1 GB", from: "plain", change: func(r *http.Request) { r.ContentLength = 1 << 30 }, code: 413},
		{rule: "1 GB without a length", from: "plain", change: func(r *http.Request) {
			r.ContentLength = -1
			r.Body = io.NopCloser(io.LimitReader(endless{}, 1<<30))
		}, code: 413},
		{rule: "while the store is away", from: "plain", config: func(c *HandlerConfig) { c.Tracker = NewTracker(Config{Store: away{}}) }, code: 503},
	} {
		t.Run(c.rule, func(t *testing.T) {
			inMarch(t, func(t *testing.T) {
				h, tracker := newHandler(t, c.config)
				name := map[string]string{"flux": "flux-kustomization"}[c.from]
				if name == "" {
					name = c.from
				}
				body := []byte(c.body)
				if c.body == "" {
					body = sample(t, name)
				}
				r := request(c.from, body)
				if c.change != nil {
					c.change(r)
				}
				w := serve(h, r)
				require.Equal(t, c.code, w.Code, w.Body.String())
				require.NotContains(t, w.Body.String(), testSecret)
				require.Less(t, w.Body.Len(), 200)
				require.Zero(t, tracker.Stats().Noted)
			})
		})
	}
}

// endless is a body that goes on.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestWhatIsSentAgain(t *testing.T) {
	inMarch(t, func(t *testing.T) {
		h, tracker := newHandler(t, nil)
		body := sample(t, "github")
		require.Equal(t, "taken\n", serve(h, request("github", body)).Body.String())
		again := request("github", body)
		again.Header.Set("X-GitHub-Delivery", "another") // which is not signed
		require.Equal(t, "known: this was delivered before\n", serve(h, again).Body.String())
		require.Equal(t, Stats{Noted: 1}, tracker.Stats())
		require.Equal(t, HandlerStats{Taken: 1, Replayed: 1}, h.Stats())

		plain := sample(t, "plain")
		for range 2 {
			require.Equal(t, "taken\n", serve(h, request("plain", plain)).Body.String(), "what is not signed may be said twice, and changes nothing")
		}
		require.Equal(t, Stats{Noted: 2, Known: 1}, tracker.Stats())

		for i := range 3 * maxReplays {
			h.replays.add([32]byte{byte(i), byte(i >> 8), byte(i >> 16)})
		}
		require.Len(t, h.replays.known, maxReplays, "what is remembered is bounded")
	})
}

func TestWhatFailedMayBeSentAgain(t *testing.T) {
	inMarch(t, func(t *testing.T) {
		store := &failing{Store: newDurable(), fails: true}
		h, _ := newHandler(t, func(c *HandlerConfig) { c.Tracker = NewTracker(Config{Store: store}) })
		require.Equal(t, http.StatusServiceUnavailable, serve(h, request("github", sample(t, "github"))).Code)
		store.fails = false
		require.Equal(t, "taken\n", serve(h, request("github", sample(t, "github"))).Body.String())
	})
}

type failing struct {
	correlate.Store
	fails bool
}

func (f *failing) Update(ctx context.Context, key correlate.Key, fn correlate.UpdateFunc) error {
	if f.fails {
		return errors.New("away")
	}
	return f.Store.Update(ctx, key, fn)
}

func TestStandardWebhooksOfGitLab(t *testing.T) {
	inMarch(t, func(t *testing.T) {
		h, _ := newHandler(t, nil)
		send := func(at time.Time) int {
			r := request("gitlab", sample(t, "gitlab"))
			r.Header.Del("X-Gitlab-Token")
			id, stamp := "msg_1", fmt.Sprint(at.Unix())
			key, err := signingKey(testKey)
			require.NoError(t, err)
			m := hmac.New(sha256.New, key)
			m.Write([]byte(id + "." + stamp + "."))
			m.Write(sample(t, "gitlab"))
			r.Header.Set("Webhook-Id", id)
			r.Header.Set("Webhook-Timestamp", stamp)
			r.Header.Set("Webhook-Signature", "v1a,AAAA v1,AAAA v1,"+base64.StdEncoding.EncodeToString(m.Sum(nil)))
			return serve(h, r).Code
		}
		require.Equal(t, http.StatusOK, send(time.Now()))
		require.Equal(t, http.StatusUnauthorized, send(time.Now().Add(-6*time.Minute)), "one that was recorded")
		require.Equal(t, http.StatusUnauthorized, send(time.Now().Add(6*time.Minute)))
	})
}

// GitHub's documentation has a test vector.
func TestSignatureVector(t *testing.T) {
	vector := "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
	require.True(t, signed(vector, []string{"It's a Secret to Everybody"}, []byte("Hello, World!"), "sha256"))
	require.False(t, signed(vector, []string{"It's a Secret to Nobody"}, []byte("Hello, World!"), "sha256"))
	require.False(t, signed(vector, nil, []byte("Hello, World!"), "sha256"))
}

func TestResolve(t *testing.T) {
	inMarch(t, func(t *testing.T) {
		h, tracker := newHandler(t, func(c *HandlerConfig) {
			c.Resolve = func(d Deployment) (Deployment, bool) {
				d.Scope.Namespace = "shop"
				return d, d.Source != "gitlab"
			}
		})
		require.Equal(t, "taken\n", serve(h, request("github", sample(t, "github"))).Body.String())
		require.Contains(t, serve(h, request("gitlab", sample(t, "gitlab"))).Body.String(), "ignored")
		require.NoError(t, tracker.Refresh(t.Context(), time.Now()))
		require.Len(t, tracker.History().Of(payment), 1)
		require.Equal(t, 1, tracker.History().Len())
	})
}

func TestTooManyAtOnceAndWithinAMinute(t *testing.T) {
	inMarch(t, func(t *testing.T) {
		h, _ := newHandler(t, func(c *HandlerConfig) { c.Tracker = NewTracker(Config{Store: newDurable(), PerMinute: 4}) })
		for range maxRunning {
			h.slots <- struct{}{}
		}
		require.Equal(t, http.StatusServiceUnavailable, serve(h, request("plain", sample(t, "plain"))).Code)
		for range maxRunning {
			<-h.slots
		}
		require.Equal(t, http.StatusOK, serve(h, request("plain", sample(t, "plain"))).Code)
		w := serve(h, request("plain", []byte(`{"service":"payment","namespace":"shop","environment":"production","version":"3"}`)))
		require.Equal(t, http.StatusServiceUnavailable, w.Code)
		require.Equal(t, "30", w.Header().Get("Retry-After"))
	})
}

// A body that comes byte by byte is waited for ten seconds.
func TestASlowBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := newHandler(t, nil)
		client, server := net.Pipe()
		s := &http.Server{Handler: h}
		go s.Serve(&oneConn{conn: server, done: make(chan struct{})})
		go fmt.Fprintf(client, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\nContent-Length: 1000\r\n\r\n{", testSecret)
		began := time.Now()
		answer := make([]byte, 32)
		n, err := io.ReadAtLeast(client, answer, 12)
		require.NoError(t, err)
		require.Equal(t, "HTTP/1.1 408", string(answer[:12]), string(answer[:n]))
		require.Equal(t, bodyTime, time.Since(began))
		client.Close()
		s.Close()
	})
}

// oneConn is a listener that has one connection.
type oneConn struct {
	conn net.Conn
	done chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	if c := l.conn; c != nil {
		l.conn = nil
		return c, nil
	}
	<-l.done
	return nil, net.ErrClosed
}
func (l *oneConn) Close() error   { close(l.done); return nil }
func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }

func TestNewHandler(t *testing.T) {
	_, err := NewHandler(HandlerConfig{GitHub: []string{""}, GitLab: []string{"whsec_?"}, Shared: []string{"short"}})
	for _, want := range []string{"Tracker is missing", "GitHub: secret 1 has 0 bytes", "GitLab: secret 1 is not base64", "Shared: secret 1 has 5 bytes"} {
		require.ErrorContains(t, err, want)
	}
	require.NotContains(t, err.Error(), "short")
	_, err = NewHandler(HandlerConfig{Tracker: NewTracker(Config{})})
	require.ErrorContains(t, err, "no secret")
}
