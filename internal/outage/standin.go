package outage

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/coalesce"
	"github.com/spanticket/spanticket/internal/ledger"
	"github.com/spanticket/spanticket/internal/observe"
	"github.com/spanticket/spanticket/internal/outbox"
	"github.com/spanticket/spanticket/sinks"
)

const (
	// maxProblems and maxProblemBytes bound what a stand-in keeps. Beyond it, what is
	// new waits for the store.
	maxProblems     = 8192
	maxProblemBytes = 32 << 20
)

// Fit returns those of the sinks in which may be filed without the store: a key is
// enough to file in them once, and it is known.
func Fit(all map[string]sinks.Sink) map[string]sinks.Sink {
	fit := map[string]sinks.Sink{}
	for name, s := range all {
		_, keyed := sinks.As[sinks.Keyed](s)
		_, updates := sinks.As[sinks.Updater](s)
		if keyed && updates {
			fit[name] = s
		}
	}
	return fit
}

// StandIn files while the store is out of reach, in sinks that know a ticket by its
// key. It decides as the ledger does that it stands in for, as far as that is known
// here, but resolves nothing: other engines may see what has gone quiet here.
//
// Count and HandOver belong to one goroutine. The outbox is used as any other.
type StandIn struct {
	Outbox *outbox.Outbox

	store  correlate.Memory
	ledger *ledger.Ledger
	names  []string // of its sinks
	began  time.Time
}

// Config is what a stand-in is made of. Every field is required.
type Config struct {
	Ledger *ledger.Ledger        // that it stands in for
	Outbox outbox.Config         // of the outbox that it stands in for
	Sinks  map[string]sinks.Sink // that Fit
	// Options are those of a sink's deliveries.
	Options func(name string) outbox.Options
	Known   []correlate.Record // of problems
}

// New returns a stand-in. The error says what it could not make sense of; it works
// all the same.
func New(ctx context.Context, c Config, now time.Time) (*StandIn, error) {
	s := &StandIn{names: slices.Sorted(maps.Keys(c.Sinks)), began: now}
	s.store.MaxRecords, s.store.MaxBytes = maxProblems, maxProblemBytes
	s.ledger = c.Ledger.StandIn(&s.store)
	o := c.Outbox
	o.Store, o.Scopes, o.Parked = &s.store, s.ledger.Scopes, new(observe.Parked)
	s.Outbox = outbox.New(o, c.Sinks, func(name string) outbox.Options {
		opts := c.Options(name)
		opts.Attempts = 1 << 30 // what is given up is given up where people see it
		return opts
	})
	var failed error
	scopes := s.ledger.Scopes()
	for _, r := range c.Known {
		if !slices.Contains(scopes, r.Key.Scope) {
			continue // others look after it
		}
		p, err := correlate.DecodeProblem(r)
		if err == nil {
			err = s.ledger.Remember(ctx, p, s.names, now)
		}
		if err != nil {
			failed = fmt.Errorf("outage: %w", err)
		}
	}
	return s, failed
}

// Count counts a batch that waits for the store. It reports whether there may be
// something to deliver.
func (s *StandIn) Count(ctx context.Context, b coalesce.Batch, now time.Time) (bool, error) {
	b.Writer, b.Number = "", 0 // nobody asks whether it was counted
	// They are redacted in place, and what is found is counted when it is stored.
	b.Sample.Attributes, b.Sample.Resource = maps.Clone(b.Sample.Attributes), maps.Clone(b.Sample.Resource)
	change, err := s.ledger.Apply(ctx, b, now)
	return change != correlate.ChangeNone && change != correlate.ChangeBelow && change != correlate.ChangeCounted, err
}

// Report brings the tickets for many up to date with what was counted.
func (s *StandIn) Report(ctx context.Context, now time.Time) error { return s.ledger.Report(ctx, now) }

// HandOver gives what was filed to the ledger whose store is back, and has all that
// waited, and resolves what that does not know of. No call of the outbox may be under
// way; after it those that it has queued may be. It is called again when the store
// failed, and goes on where it was.
func (s *StandIn) HandOver(ctx context.Context, to *ledger.Ledger, now time.Time) error {
	for _, p := range s.problems(ctx) {
		if p.State == correlate.Resolved && !p.ResolvedAt.Before(s.began) {
			continue // it was closed by the call before
		}
		key := correlate.Key{Scope: p.Scope, Kind: correlate.KindProblem, ID: p.ID}
		var tried []string
		known := true
		for _, f := range p.Filings {
			if !slices.Contains(s.names, f.Sink) || !s.sent(f) {
				continue
			}
			tried = append(tried, f.Sink)
			var err error
			if known, err = to.TakeOver(ctx, key, f.Sink, now); err != nil {
				return err
			}
		}
		if !known {
			if err := s.ledger.Close(ctx, key, tried, now); err != nil {
				return err
			}
			continue
		}
		if err := s.store.Update(ctx, key, forget); err != nil {
			return fmt.Errorf("outage: forgetting %s: %w", p.ID, err)
		}
	}
	return nil
}

// setBack is how far the clock may have been set back meanwhile. To take over what was
// sent just before changes nothing.
const setBack = 2 * time.Minute

// sent reports whether the sink may have been sent something by the stand-in.
func (s *StandIn) sent(f correlate.Filing) bool {
	return f.Unknown || !f.SentAt.Before(s.began.Add(-setBack)) || len(f.Pending) > 0 && f.Receipt != correlate.Receipt{}
}

func forget(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
	return correlate.Record{}, nil, nil
}

// Left returns how many problems are still to be resolved after HandOver.
func (s *StandIn) Left(ctx context.Context) (n int) {
	for _, p := range s.problems(ctx) {
		if slices.ContainsFunc(p.Filings, func(f correlate.Filing) bool { return slices.Contains(s.names, f.Sink) && len(f.Pending) > 0 }) {
			n++
		}
	}
	return n
}

// problems returns those of the stand-in's own scopes.
func (s *StandIn) problems(ctx context.Context) (all []correlate.Problem) {
	for _, scope := range s.ledger.Scopes() {
		_ = ledger.EachProblem(ctx, &s.store, scope, func(p correlate.Problem) { all = append(all, p) }) // memory fails only when ctx ends
	}
	return all
}
