// Package sinktest holds a sink to the rules that stand on [sinks.Sink] and on
// its optional companions. Compare [testing/slogtest].
package sinktest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/spanticket/spanticket/sinks"
)

// Run holds the sinks that newSink returns to every rule, one subtest per
// rule, each with a new sink; newSink may use its t for cleanup. The system
// behind the sink must work and accept tickets. A failure says which rule was
// broken and why there is one.
//
// The rules for [sinks.Finder], [sinks.Deduper], [sinks.Updater], [sinks.Keyed],
// [sinks.Limited] and [sinks.Accounted] apply when [sinks.As] finds the capability; the log says so when it
// does not. A quota that a call reports ([sinks.ReportQuota]) must not be negative.
//
// Run it with the race detector: some ways to keep the caller's memory can
// only be seen by it. Keys are unique to each run, so that it may be used with
// a live system; it leaves some sixty tickets there. [RunSafety] is the part that is not for one.
func Run(t *testing.T, newSink func(t *testing.T) sinks.Sink) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			t.Helper()
			r.hold(t, newSink(t))
		})
	}
}

// callTime bounds one call, and grace is what a sink has to return once its
// context has ended. Both leave room for a busy machine and a slow tracker.
const (
	callTime = 30 * time.Second
	grace    = 5 * time.Second
)

// reporter is what a rule needs of testing.T.
type reporter interface {
	Helper()
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
}

// hold checks one sink against the rule.
func (r rule) hold(t reporter, s sinks.Sink) {
	t.Helper()
	c := &check{sink: s}
	r.check(c)
	c.mu.Lock() // a call that was abandoned may still report
	defer c.mu.Unlock()
	for _, s := range c.notes {
		t.Logf("%s", s)
	}
	for _, s := range c.broken {
		t.Errorf("%s\nrule: %s", s, r.why)
	}
}

// check is one sink under one rule. It may be used concurrently.
type check struct {
	sink sinks.Sink

	mu            sync.Mutex
	notes, broken []string
}

func (c *check) notef(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.notes = append(c.notes, fmt.Sprintf(format, args...))
}

func (c *check) failf(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken = append(c.broken, fmt.Sprintf(format, args...))
}

// call runs f with a deadline. It returns false when f panicked or did not
// return, and what f was to write must then not be read.
func (c *check) call(ctx context.Context, what string, f func(context.Context)) bool {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	ctx = sinks.OnQuota(ctx, func(q sinks.Quota) {
		if q.Limit < 0 || q.Remaining < 0 {
			c.failf("%s reported a quota of %+v", what, q)
		}
	})
	done := make(chan any, 1)
	go func() {
		defer func() { done <- recover() }()
		f(ctx)
	}()
	returned := func(panicked any) bool {
		if panicked != nil {
			c.failf("%s panicked: %v", what, panicked)
		}
		return panicked == nil
	}
	select {
	case p := <-done:
		return returned(p)
	case <-ctx.Done():
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case p := <-done:
		return returned(p)
	case <-timer.C:
		c.failf("%s did not return within %v after its context had ended", what, grace)
		return false
	}
}
