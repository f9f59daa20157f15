package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/spanticket/spanticket/sinks"
	"github.com/spanticket/spanticket/sinks/sinktest"
	"github.com/spanticket/spanticket/sinks/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Two secrets, and what a URL may hold: none may appear in an error.
const (
	secret    = "whsec_b25lIHNlY3JldCBvZiBhIHRlc3QsIDMyIGJ5dGVzIQ=="
	oldSecret = "whsec_YW5vdGhlciBzZWNyZXQgb2YgdGhlIHRlc3QsIG9sZA=="
	pathToken = "T0123ABCD"
	token     = "tok-5a1f9c"
)

func secrets() ([]string, error) { return []string{secret, oldSecret}, nil }

func ticket() sinks.Ticket {
	first := time.Date(2026, 3, 1, 2, 47, 11, 0, time.UTC)
	return sinks.Ticket{
		Key: "spt:5f0c2a", Event: sinks.EventOpened, State: sinks.Open, Severity: "error", Title: "charge-card fails",
		Namespace: "shop", Service: "check out", Environment: "production", Operation: "POST /pay",
		Count: 5, FirstSeen: first, LastSeen: first.Add(time.Minute), OpenedAt: first.Add(time.Second),
	}
}

func newSink(t *testing.T, c webhook.Config) *webhook.Sink {
	t.Helper()
	if c.Secrets == nil {
		c.Secrets = secrets
	}
	s, err := webhook.New(c)
	require.NoError(t, err)
	return s
}

// receiver is an endpoint that keeps what it was sent.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	header []http.Header
	body   [][]byte
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			http.Error(w, "no body", http.StatusBadRequest)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.header, r.body = append(r.header, req.Header), append(r.body, body)
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(r.Close)
	return r
}

// verify is a receiver's check, written from the specification.
func verify(t *testing.T, h http.Header, body []byte, secret string) {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	require.NoError(t, err)
	id, stamp := h.Get("webhook-id"), h.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), time.Unix(seconds, 0), time.Minute)
	require.NotContains(t, id, ".")
	mac := hmac.New(sha256.New, key)
	_, err = io.WriteString(mac, id+"."+stamp+"."+string(body))
	require.NoError(t, err)
	require.Contains(t, strings.Split(h.Get("webhook-signature"), " "), "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

func TestSink(t *testing.T) {
	for name, cloudEvents := range map[string]bool{"plain": false, "CloudEvents": true} {
		t.Run(name, func(t *testing.T) {
			sinktest.Run(t, func(t *testing.T) sinks.Sink {
				return newSink(t, webhook.Config{URL: newReceiver(t).URL, CloudEvents: cloudEvents})
			})
		})
	}
}

func TestSafety(t *testing.T) {
	for name, cloudEvents := range map[string]bool{"plain": false, "CloudEvents": true} {
		t.Run(name, func(t *testing.T) {
			sinktest.RunSafety(t, func(t *testing.T) sinktest.Outlet {
				r := newReceiver(t)
				return sinktest.Outlet{
					Sink: newSink(t, webhook.Config{URL: r.URL, CloudEvents: cloudEvents}),
					Arrived: func() (out []sinktest.Arrival) {
						r.mu.Lock()
						defer r.mu.Unlock()
						for i, body := range r.body {
							var b struct{ Data sinks.Ticket }
							require.NoError(t, json.Unmarshal(body, &b))
							verify(t, r.header[i], body, secret)
							out = append(out, sinktest.Arrival{Raw: body, Header: r.header[i], Texts: []string{b.Data.Title, b.Data.Text()}})
						}
						r.header, r.body = nil, nil
						return out
					},
				}
			})
		})
	}
}

func TestPlainRequest(t *testing.T) {
	r := newReceiver(t)
	got, err := newSink(t, webhook.Config{URL: r.URL}).File(t.Context(), ticket())
	require.NoError(t, err)
	require.Equal(t, sinks.Receipt{ID: "spt:5f0c2a"}, got)

	h, body := r.header[0], r.body[0]
	require.Equal(t, "application/json", h.Get("Content-Type"))
	require.Equal(t, "spanticket", h.Get("User-Agent"))
	verify(t, h, body, secret)
	verify(t, h, body, oldSecret)
	var b struct {
		Type      string
		Timestamp time.Time
		Data      sinks.Ticket
	}
	require.NoError(t, json.Unmarshal(body, &b))
	require.Equal(t, "spanticket.ticket.opened", b.Type)
	require.Equal(t, ticket().OpenedAt, b.Timestamp)
	require.Equal(t, ticket(), b.Data)
}

func TestCloudEventRequest(t *testing.T) {
	r := newReceiver(t)
	resolved := ticket()
	resolved.Event, resolved.State, resolved.ResolvedAt = sinks.EventResolved, sinks.Resolved, resolved.LastSeen.Add(time.Hour)
	receipt := sinks.Receipt{ID: "spt:5f0c2a"}
	got, err := newSink(t, webhook.Config{URL: r.URL, CloudEvents: true}).Update(t.Context(), receipt, resolved)
	require.NoError(t, err)
	require.Equal(t, receipt, got)

	h, body := r.header[0], r.body[0]
	require.Equal(t, "application/cloudevents+json", h.Get("Content-Type"))
	verify(t, h, body, secret)
	var b map[string]any
	require.NoError(t, json.Unmarshal(body, &b))
	require.Equal(t, "spt:5f0c2a", b["data"].(map[string]any)["key"])
	delete(b, "data")
	require.Equal(t, map[string]any{
		"specversion": "1.0", "id": h.Get("webhook-id"), "source": "/spanticket/shop/production/check%20out",
		"type": "spanticket.ticket.resolved", "subject": "spt:5f0c2a", "time": "2026-03-01T03:48:11Z",
		"datacontenttype": "application/json",
	}, b)
}

func TestWebhookID(t *testing.T) {
	r := newReceiver(t)
	s := newSink(t, webhook.Config{URL: r.URL})
	id := func(change func(*sinks.Ticket)) string {
		sent := ticket()
		change(&sent)
		_, err := s.Update(t.Context(), sinks.Receipt{ID: sent.Key}, sent)
		require.NoError(t, err)
		return r.header[len(r.header)-1].Get("webhook-id")
	}
	newer := func(t *sinks.Ticket) { t.Count, t.LastSeen = 9, t.LastSeen.Add(time.Minute) }
	as := func(e sinks.Event, more ...func(*sinks.Ticket)) func(*sinks.Ticket) {
		return func(t *sinks.Ticket) {
			t.Event = e
			if e == sinks.EventResolved {
				t.ResolvedAt = t.FirstSeen.Add(time.Hour)
			}
			for _, f := range more {
				f(t)
			}
		}
	}
	otherKey := func(t *sinks.Ticket) { t.Key = "spt:other" }
	later := func(t *sinks.Ticket) {
		t.OpenedAt, t.ResolvedAt = t.OpenedAt.Add(time.Hour), t.ResolvedAt.Add(time.Hour)
	}
	zone := func(t *sinks.Ticket) { t.LastSeen = t.LastSeen.In(time.FixedZone("x", 3600)) }
	for _, c := range []struct {
		rule string
		a, b func(*sinks.Ticket)
		same bool
	}{
		{"an opening sent again is the same", as(sinks.EventOpened), as(sinks.EventOpened), true},
		{"an opening with newer counts is the same", as(sinks.EventOpened), as(sinks.EventOpened, newer), true},
		{"an opening at another time is another", as(sinks.EventOpened), as(sinks.EventOpened, later), false},
		{"a resolution with newer counts is the same", as(sinks.EventResolved), as(sinks.EventResolved, newer), true},
		{"a second resolution is another", as(sinks.EventResolved), as(sinks.EventResolved, later), false},
		{"an update sent again is the same", as(sinks.EventUpdated), as(sinks.EventUpdated), true},
		{"an update in another time zone is the same", as(sinks.EventUpdated), as(sinks.EventUpdated, zone), true},
		{"an update with newer counts is another", as(sinks.EventUpdated), as(sinks.EventUpdated, newer), false},
		{"a reopening is no update", as(sinks.EventUpdated), as(sinks.EventReopened), false},
		{"another ticket is another", as(sinks.EventOpened), as(sinks.EventOpened, otherKey), false},
		{"a call without an event is by its method", as(sinks.EventUpdated), as(""), true},
	} {
		t.Run(c.rule, func(t *testing.T) {
			a, b := id(c.a), id(c.b)
			require.Regexp(t, `^msg_[a-z2-7]{32}$`, a)
			require.Equal(t, c.same, a == b, "%s and %s", a, b)
		})
	}
}

func TestSecretsAreAskedForEachTime(t *testing.T) {
	r := newReceiver(t)
	current := secret
	s := newSink(t, webhook.Config{URL: r.URL, Secrets: func() ([]string, error) { return []string{current}, nil }})
	for i, want := range []string{secret, oldSecret} {
		current = want
		_, err := s.File(t.Context(), ticket())
		require.NoError(t, err)
		verify(t, r.header[i], r.body[i], want)
	}
}

func TestConfigProblemsComeAtOnce(t *testing.T) {
	_, err := webhook.New(webhook.Config{Timeout: -1})
	require.ErrorContains(t, err, "Config.URL is empty")
	require.ErrorContains(t, err, "Config.Secrets is nil")
	require.ErrorContains(t, err, "Config.Timeout is -1ns")
}

func TestURL(t *testing.T) {
	for _, c := range []struct {
		rule, url string
		allow     bool
		want      string // in the error; none when it is accepted
	}{
		{rule: "https", url: "https://hooks.example/x"},
		{rule: "a private address is the operator's choice", url: "https://10.0.0.7/x"},
		{rule: "http to this machine", url: "http://127.0.0.1:8080/x"},
		{rule: "http to this machine over IPv6", url: "http://[::1]:8080/x"},
		{rule: "http to localhost", url: "http://localhost/x"},
		{rule: "http elsewhere, allowed", url: "http://hooks.example/x", allow: true},
		{rule: "http elsewhere", url: "http://hooks.example/" + token, want: "sends tickets to hooks.example unencrypted: use https, or set AllowHTTP"},
		{rule: "a name that looks like localhost", url: "http://localhost.evil.example/", want: "unencrypted"},
		{rule: "another scheme", url: "ftp://hooks.example/" + token, want: "must start with https://"},
		{rule: "no scheme", url: "hooks.example/" + token, want: "must start with https://"},
		{rule: "no host", url: "https:///" + token, want: "has no host"},
		{rule: "user information", url: "https://user:" + token + "@hooks.example/", want: "has user information"},
		{rule: "not a URL", url: "https://user:" + token + "@hooks.example:port/", want: "is not a URL"},
		{rule: "two problems", url: "http://user:" + token + "@hooks.example/", want: "unencrypted"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			_, err := webhook.New(webhook.Config{URL: c.url, Secrets: secrets, AllowHTTP: c.allow})
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), token)
		})
	}
}
