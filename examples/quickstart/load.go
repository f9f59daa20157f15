package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	orderEvery = 20 * time.Millisecond
	maxOrders  = 1000
)

// load is the customers: they order at a steady pace, whether or not the shop
// keeps up.
type load struct {
	client *http.Client
	url    string
	seen   watched[tally]
}

// tally counts what customers saw.
type tally struct {
	sent, good int
	failed     int   // answered with 5xx
	lost       int   // answered otherwise, or not at all
	why        error // of the first that was not answered
}

func newLoad(url string) *load {
	return &load{client: &http.Client{Transport: new(http.Transport), Timeout: 5 * time.Second}, url: url}
}

// run sends orders until ctx ends or there were maxOrders, and returns when all
// are answered.
func (l *load) run(ctx context.Context) {
	var waiting sync.WaitGroup
	defer waiting.Wait()
	pace := time.NewTicker(orderEvery)
	defer pace.Stop()
	from := orders()
	for i := range maxOrders {
		select {
		case <-pace.C:
		case <-ctx.Done():
			return
		}
		// What was sent is waited for: an order that is cut off would be
		// counted by the services and not here.
		waiting.Go(func() { l.order(context.WithoutCancel(ctx), from[i%len(from)]) })
	}
}

func (l *load) order(ctx context.Context, o order) {
	l.seen.change(func(t *tally) { t.sent++ })
	status, err := l.send(ctx, o)
	l.seen.change(func(t *tally) {
		switch {
		case err == nil && status < 400:
			t.good++
		case err == nil && status >= 500:
			t.failed++
		default:
			t.lost++
			if t.why == nil {
				t.why = err
			}
		}
	})
}

func (l *load) send(ctx context.Context, o order) (status int, err error) {
	body, err := json.Marshal(o)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := l.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

// tally returns what customers saw so far.
func (l *load) tally() (t tally) {
	l.seen.view(func(now tally) { t = now })
	return t
}
