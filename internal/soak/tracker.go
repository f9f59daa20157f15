package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/spanticket/spanticket/sinks"
)

// tracker is a system that keeps tickets by their keys, with its troubles.
type tracker struct {
	trouble
	keyed bool // filing twice is filing once

	mu      sync.Mutex
	tickets map[string]*ticket
	twice   []string // keys that were filed while there was an open ticket
}

type ticket struct {
	open  bool
	filed int
}

// slowness is how long a slow answer takes.
const slowness = 100 * time.Millisecond

var trackerTroubles = []string{"", "", "slow", "refuse", "limit", "forbid", "hang", "late", "drop", "panic"}

// ServeHTTP files, finds and updates.
func (t *tracker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind, over := t.trouble.now()
	wait := func() {
		select {
		case <-over:
		case <-r.Context().Done():
		}
	}
	switch kind {
	case "refuse":
		http.Error(w, "out of order", http.StatusServiceUnavailable)
		return
	case "limit", "forbid":
		w.Header().Set("Retry-After", "1")
		status := http.StatusTooManyRequests
		if kind == "forbid" {
			status = http.StatusForbidden
		}
		http.Error(w, "too many", status)
		return
	case "hang":
		wait()
		panic(http.ErrAbortHandler)
	case "slow":
		time.Sleep(slowness)
	}
	if r.Context().Err() != nil {
		return // who asked has gone, and may ask again
	}
	status := t.do(r.Method, r.PathValue("key"), r.URL.Query().Get("state"))
	switch kind {
	case "late": // it is done, and who asked has gone
		wait()
		panic(http.ErrAbortHandler)
	case "drop":
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(status)
}

func (t *tracker) do(method, key, state string) (status int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	is := t.tickets[key]
	switch method {
	case http.MethodPost:
		if is == nil {
			is = new(ticket)
			t.tickets[key] = is
		} else if is.open && !t.keyed {
			t.twice = append(t.twice, key)
		}
		is.open = state != string(sinks.Resolved)
		is.filed++
		return http.StatusCreated
	case http.MethodPut:
		if is == nil && t.keyed {
			return http.StatusOK
		}
		if is == nil {
			return http.StatusGone
		}
		is.open = state != string(sinks.Resolved)
		return http.StatusOK
	}
	if is == nil {
		return http.StatusNotFound
	}
	return http.StatusOK
}

// has returns how many tickets there are, and the keys of those that are open.
func (t *tracker) has() (n int, open []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, is := range t.tickets {
		if is.open {
			open = append(open, key)
		}
	}
	return len(t.tickets), open
}

// client is a sink that files in a tracker.
type client struct {
	url  string
	http *http.Client
	of   *tracker
}

func (c *client) call(ctx context.Context, method, key, state string) (status int, err error) {
	if kind, _ := c.of.trouble.now(); kind == "panic" {
		panic("a sink of the host's own")
	}
	req, err := http.NewRequestWithContext(ctx, method, c.url+key+"?state="+state, nil)
	if err != nil {
		return 0, &sinks.Error{Reason: sinks.Rejected, Err: err}
	}
	res, err := c.http.Do(req)
	if err != nil {
		return 0, &sinks.Error{Reason: sinks.Unknown, Err: err}
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusTooManyRequests, http.StatusForbidden:
		after, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		return 0, &sinks.Error{Reason: sinks.RateLimited, RetryAfter: time.Duration(after) * time.Second, Err: errors.New(res.Status)}
	case http.StatusServiceUnavailable:
		return 0, &sinks.Error{Reason: sinks.Transient, Err: errors.New(res.Status)}
	case http.StatusGone:
		return 0, &sinks.Error{Reason: sinks.Rejected, Err: fmt.Errorf("%s: %s", key, res.Status)}
	}
	return res.StatusCode, nil
}

// File implements [sinks.Sink].
func (c *client) File(ctx context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	_, err := c.call(ctx, http.MethodPost, t.Key, string(t.State))
	return sinks.Receipt{ID: t.Key}, err
}

// Update implements [sinks.Updater].
func (c *client) Update(ctx context.Context, r sinks.Receipt, t sinks.Ticket) (sinks.Receipt, error) {
	_, err := c.call(ctx, http.MethodPut, r.ID, string(t.State))
	return r, err
}

// finder is a sink whose tracker can be asked.
type finder struct{ *client }

// Find implements [sinks.Finder].
func (f finder) Find(ctx context.Context, key string) (sinks.Receipt, bool, error) {
	status, err := f.call(ctx, http.MethodGet, key, "")
	return sinks.Receipt{ID: key}, status == http.StatusOK, err
}

// pager is a sink whose tracker knows tickets by their keys.
type pager struct{ *client }

// Keyed implements [sinks.Keyed].
func (pager) Keyed() {}
