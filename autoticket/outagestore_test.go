package autoticket_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

// outage is a store in memory that can be put out of reach.
type outage struct {
	correlate.Memory
	refuses, hangs atomic.Bool
	full           atomic.Bool // it takes no new record
}

func (s *outage) reach(ctx context.Context) error {
	switch {
	case s.refuses.Load():
		return errors.New("connection refused")
	case s.hangs.Load():
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

func (s *outage) Update(ctx context.Context, key correlate.Key, fn correlate.UpdateFunc) error {
	if err := s.reach(ctx); err != nil {
		return err
	}
	return s.Memory.Update(ctx, key, func(cur correlate.Record, found bool) (correlate.Record, []correlate.Delivery, error) {
		next, add, err := fn(cur, found)
		if err == nil && !found && s.full.Load() {
			err = correlate.ErrStoreFull
		}
		return next, add, err
	})
}

func (s *outage) Claim(ctx context.Context, c correlate.Claim) ([]correlate.Delivery, error) {
	if err := s.reach(ctx); err != nil {
		return nil, err
	}
	return s.Memory.Claim(ctx, c)
}

func (s *outage) Settle(ctx context.Context, d correlate.Delivery, o correlate.Outcome, fn correlate.UpdateFunc) error {
	if err := s.reach(ctx); err != nil {
		return err
	}
	return s.Memory.Settle(ctx, d, o, fn)
}

func (s *outage) List(ctx context.Context, p correlate.Page) ([]correlate.Record, error) {
	if err := s.reach(ctx); err != nil {
		return nil, err
	}
	return s.Memory.List(ctx, p)
}

// problems returns what is in the store.
func (s *outage) problems(t *testing.T) (all []correlate.Problem) {
	records, err := s.Memory.List(t.Context(), correlate.Page{Kind: correlate.KindProblem, Max: 1000})
	require.NoError(t, err)
	for _, r := range records {
		p, err := correlate.DecodeProblem(r)
		require.NoError(t, err)
		all = append(all, p)
	}
	return all
}

// pager is a system that knows an alert by its key while it is open. It may be
// filed in by several engines.
type pager struct {
	mu      sync.Mutex
	open    map[string]sinks.Ticket
	alerts  int // that ever were
	files   int
	updates []sinks.Ticket
	down    bool
	hold    chan struct{} // calls that come wait for it to be closed
}

func (p *pager) call(ctx context.Context, t sinks.Ticket, file bool) (sinks.Receipt, error) {
	p.mu.Lock()
	hold := p.hold
	p.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return sinks.Receipt{}, &sinks.Error{Reason: sinks.Unknown, Err: ctx.Err()}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		return sinks.Receipt{}, errors.New("502")
	}
	if file {
		p.files++
	} else {
		p.updates = append(p.updates, t)
	}
	if p.open == nil {
		p.open = map[string]sinks.Ticket{}
	}
	if t.State == sinks.Resolved {
		delete(p.open, t.Key)
		return sinks.Receipt{ID: t.Key}, nil
	}
	if _, ok := p.open[t.Key]; !ok {
		p.alerts++
	}
	p.open[t.Key] = t
	return sinks.Receipt{ID: t.Key}, nil
}

func (p *pager) File(ctx context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	return p.call(ctx, t, true)
}

func (p *pager) Update(ctx context.Context, _ sinks.Receipt, t sinks.Ticket) (sinks.Receipt, error) {
	return p.call(ctx, t, false)
}

func (*pager) Keyed() {}

func (p *pager) state() (open, alerts, files int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open), p.alerts, p.files
}

func (p *pager) set(fn func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fn()
}
