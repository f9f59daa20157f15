package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/spanticket/spanticket/internal/outbound"
	"github.com/spanticket/spanticket/sinks"
)

// post sends one change of a ticket.
func (s *Sink) post(ctx context.Context, t sinks.Ticket, otherwise sinks.Event) error {
	failed := func(r sinks.Reason, err error) error {
		return &sinks.Error{Reason: r, Err: fmt.Errorf("webhook: post ticket %s to %s: %w", t.Key, s.url.Host, err)}
	}
	if err := ctx.Err(); err != nil {
		return failed(sinks.Transient, err)
	}
	e := newEvent(t, otherwise)
	contentType, encode := "application/json", e.plain
	if s.cloudEvents {
		contentType, encode = "application/cloudevents+json", e.cloudEvent
	}
	body, err := encode()
	if err != nil {
		return failed(sinks.Rejected, err)
	}
	secrets, err := s.secrets()
	if err != nil {
		return failed(sinks.Transient, fmt.Errorf("get the signing secrets: %w", err))
	}
	keys, err := keys(secrets)
	if err != nil {
		return failed(sinks.Unauthorized, err)
	}

	sent := progress{traced: s.traced}
	limited, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(sent.trace(limited), http.MethodPost, s.url.String(), bytes.NewReader(body))
	if err != nil {
		return failed(sinks.Rejected, errors.New("the URL makes no request"))
	}
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("User-Agent", "spanticket")
	req.Header.Set("webhook-id", e.id)
	req.Header.Set("webhook-timestamp", timestamp)
	req.Header.Set("webhook-signature", sign(keys, e.id, timestamp, body))

	resp, err := s.transport.RoundTrip(req)
	if err != nil {
		cause := outbound.Cause(ctx, limited, s.timeout, err, func(text string) string { return scrub(text, secrets) })
		if sent.maybe() {
			return failed(sinks.Unknown, fmt.Errorf("no answer: %w", cause))
		}
		return failed(sinks.Transient, cause)
	}
	defer resp.Body.Close()
	// Reading lets the connection be used again; what goes wrong with it does
	// not matter, because the status has decided. The text itself is not shown:
	// it may echo the URL, or a secret that the receiver knows.
	_, _ = io.CopyN(io.Discard, resp.Body, outbound.MaxAnswer)
	sinks.ReportQuota(ctx, sinks.QuotaOf(resp.Header, time.Now()))
	if e := judge(resp, time.Now()); e != nil {
		e.Err = fmt.Errorf("webhook: post ticket %s to %s: %w", t.Key, s.url.Host, e.Err)
		return e
	}
	return nil
}

// progress says how far a request has come. Its hooks run on the transport's
// goroutines.
type progress struct {
	traced bool // the transport is known to call the hooks
	state  atomic.Int32
}

const (
	connecting = 1 + iota // and nothing, or not everything, was written
	writing               // the receiver may have it all
)

// trace returns a context that follows the request. The transport may take a
// second connection when nothing was written to the first.
func (p *progress) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { p.state.Store(connecting) },
		// WroteRequest alone would come too late: the receiver may have read the
		// body, and the deadline passed, before the hook runs.
		WroteHeaders: func() { p.state.Store(writing) },
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err != nil {
				p.state.Store(connecting)
			}
		},
	})
}

// maybe reports whether the receiver may have the whole request.
func (p *progress) maybe() bool {
	state := p.state.Load()
	return state == writing || state == 0 && !p.traced
}
