package sinktest

import (
	"context"
	"fmt"
	"net/url"

	"github.com/spanticket/spanticket/sinks"
)

// accept files t and fails when the sink does not take it. The what says which
// ticket it was.
func (c *check) accept(what string, t sinks.Ticket) (sinks.Receipt, bool) {
	what = "File of " + what
	var receipt sinks.Receipt
	var err error
	ok := c.call(context.Background(), what, func(ctx context.Context) {
		receipt, err = c.sink.File(ctx, t)
	})
	return receipt, ok && c.taken(what, receipt, err)
}

// update brings the ticket of receipt up to date and fails when the sink does
// not take it.
func (c *check) update(u sinks.Updater, what string, r sinks.Receipt, t sinks.Ticket) (sinks.Receipt, bool) {
	what = fmt.Sprintf("Update (%s) of %s", t.Event, what)
	var receipt sinks.Receipt
	var err error
	ok := c.call(context.Background(), what, func(ctx context.Context) {
		receipt, err = u.Update(ctx, r, t)
	})
	return receipt, ok && c.taken(what, receipt, err)
}

// find looks for key by a method, Find or Dedupe. ok is false when that failed.
func (c *check) find(what string, find func(context.Context, string) (sinks.Receipt, bool, error), key string) (receipt sinks.Receipt, found, ok bool) {
	var err error
	ok = c.call(context.Background(), what, func(ctx context.Context) {
		receipt, found, err = find(ctx, key)
	})
	if ok && err != nil {
		c.failf("%s of %s: %v", what, key, err)
	}
	return receipt, found, ok && err == nil
}

func (c *check) taken(what string, r sinks.Receipt, err error) bool {
	if err != nil {
		c.failf("%s: %v", what, err)
		return false
	}
	if r.ID == "" {
		c.failf("%s returned a receipt without an ID: return the key when the system gives none", what)
		return false
	}
	if r.URL != "" {
		u, err := url.Parse(r.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			c.failf("%s returned a receipt with the URL %q: it must be http or https, absolute, or empty", what, r.URL)
			return false
		}
	}
	return true
}
