package outbox

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/limit"
	"github.com/spanticket/spanticket/sinks"
)

// Options is how one sink is delivered to. Every field but PerHour is required.
type Options struct {
	Rate        rate.Limit    // calls per second
	Burst       int           // calls at once
	PerHour     int           // calls in any hour; 0 for what the sink documents
	Concurrency int           // calls under way
	Timeout     time.Duration // of a call
	Attempts    int           // calls that may fail before a delivery is parked
	MinBackoff  time.Duration // after the first that failed
	MaxBackoff  time.Duration // between two attempts
	ParkUnknown bool          // park, do not file again, when an outcome is unknown and there is no Finder
}

// target is a sink with what the outbox knows of it.
type target struct {
	name    string
	sink    sinks.Sink
	finder  sinks.Finder
	deduper sinks.Deduper
	updater sinks.Updater
	limits  sinks.Limits
	opts    Options
	account *account
	rates   limit.Limits  // of the account's calls, as this sink is configured
	strict  bool          // a call must be made soon after it was taken
	limiter *rate.Limiter // what this process may do, whatever others leave to it
	slots   chan struct{} // one for each call that has not returned
	pressed bool          // there was not room for all at the last claim
	rest    time.Time     // near a limit nothing was found, and nothing is asked before

	mu      sync.Mutex
	held    time.Time // no call before
	refusal Refusal   // the credential, while the sink refuses it
}

func newTarget(name string, s sinks.Sink, o Options) *target {
	t := &target{name: name, sink: s, opts: o, limiter: rate.NewLimiter(o.Rate, o.Burst), slots: make(chan struct{}, o.Concurrency)}
	t.finder, _ = sinks.As[sinks.Finder](s)
	t.deduper, _ = sinks.As[sinks.Deduper](s)
	t.updater, _ = sinks.As[sinks.Updater](s)
	if _, ok := sinks.As[sinks.Keyed](s); ok {
		t.opts.ParkUnknown = false // to file again is to file once
	}
	if l, ok := sinks.As[sinks.Limited](s); ok {
		t.limits = l.Limits()
	}
	return t
}

func (t *target) capabilities() correlate.Capabilities {
	return correlate.Capabilities{Find: t.finder != nil, Update: t.updater != nil, Dedupe: t.deduper != nil}
}

// room returns how many calls of a class may start now.
func (t *target) room(c limit.Class, now time.Time) int {
	t.mu.Lock()
	held := now.Before(t.held)
	t.mu.Unlock()
	if held {
		return 0
	}
	return min(cap(t.slots)-len(t.slots), int(t.limiter.TokensAt(now)), t.account.room(t.rates, c, now))
}

// hold keeps every delivery to the sink back until then.
func (t *target) hold(until time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if until.After(t.held) {
		t.held = until
	}
}

// Refusal says of a sink that it refuses its credential.
type Refusal struct {
	Sink  string
	Why   string // the error of the last call
	Since time.Time
	Count int64 // calls
}

// authorized notes whether the credential of the sink worked. An error that says
// nothing of it changes nothing.
func (t *target) authorized(err error, why string, now time.Time) {
	reason, _ := sinks.ReasonOf(err)
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err == nil, reason == sinks.Rejected:
		t.refusal = Refusal{}
	case reason == sinks.Unauthorized:
		if t.refusal.Count == 0 {
			t.refusal = Refusal{Sink: t.name, Since: now}
		}
		t.refusal.Why = why
		t.refusal.Count++
	}
}

// Refusals returns the sinks that refuse their credentials, in order.
func (o *Outbox) Refusals() (all []Refusal) {
	for _, name := range o.names {
		t := o.targets[name]
		t.mu.Lock()
		if t.refusal.Count > 0 {
			all = append(all, t.refusal)
		}
		t.mu.Unlock()
	}
	return all
}

// grace is how long a call may take to return once its context has ended.
const grace = time.Second

var (
	// errAbandoned says that a sink broke the rule to return when its context ends.
	errAbandoned = errors.New("the sink did not return when its time was over")
	// errExited says that a sink ended its goroutine.
	errExited = errors.New("the sink called runtime.Goexit")
)

// call runs one call of the sink under its timeout. A panic is a transient
// failure. A call that does not return is left alone, and keeps its slot.
func (t *target) call(ctx context.Context, fn func(context.Context) (sinks.Receipt, error)) (sinks.Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, t.opts.Timeout)
	type result struct {
		receipt sinks.Receipt
		err     error
	}
	done := make(chan result, 1)
	go func() {
		defer cancel()
		defer func() { <-t.slots }()
		r := result{err: errExited}
		defer func() {
			if v := recover(); v != nil {
				r = result{err: &sinks.Error{Reason: sinks.Transient, Err: fmt.Errorf("the sink panicked: %v", v)}}
			}
			done <- r
		}()
		receipt, err := fn(ctx)
		r = result{receipt, outOfTime(ctx, sound(err))}
	}()
	select {
	case r := <-done:
		return r.receipt, r.err
	case <-ctx.Done():
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.receipt, r.err
	case <-timer.C:
		return sinks.Receipt{}, &sinks.Error{Reason: sinks.Unknown, Err: errAbandoned}
	}
}

// sound returns an error that can be asked what it means. One that panics does
// so here, where that counts as a panic of the sink.
func sound(err error) error {
	if e, ok := err.(*sinks.Error); ok && e == nil {
		return nil // a nil pointer in an error: nothing went wrong
	}
	if err != nil {
		_, _ = sinks.ReasonOf(err)
		_ = err.Error()
	}
	return err
}

// outOfTime makes the outcome of a call unknown when it ended with its
// context and the sink did not say more. The error need not wrap the
// context's: many put only its text into theirs.
func outOfTime(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	if _, ok := errors.AsType[*sinks.Error](err); ok {
		return err
	}
	return &sinks.Error{Reason: sinks.Unknown, Err: err}
}
