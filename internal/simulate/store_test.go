package simulate

import (
	"context"
	"errors"

	"github.com/spanticket/spanticket/correlate"
)

var errStore = errors.New("the store is out of reach")

// fault is how the next call of a store goes.
type fault int

const (
	works     fault = iota
	lost            // it has no effect, and fails
	unheard         // it has an effect, and its answer is lost
	numFaults       // no fault
)

// store is a store as one engine reaches it. Leases go by its own clock, as those
// of a store that many share do.
type store struct {
	*correlate.Memory
	w    *world
	next fault
	out  bool // no call reaches it
}

// do makes a call, as the fault that is set has it. That counts for one call.
func (s *store) do(call func() error) error {
	f := s.next
	s.next = works
	if f == lost || s.out {
		return errStore
	}
	if err := call(); err != nil || f == works {
		return err
	}
	return errStore
}

func (s *store) Update(ctx context.Context, key correlate.Key, fn correlate.UpdateFunc) error {
	return s.do(func() error { return s.Memory.Update(ctx, key, fn) })
}

func (s *store) Claim(ctx context.Context, c correlate.Claim) (ds []correlate.Delivery, err error) {
	c.Now = s.w.now
	err = s.do(func() error {
		ds, err = s.Memory.Claim(ctx, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	return ds, nil
}

func (s *store) Settle(ctx context.Context, d correlate.Delivery, o correlate.Outcome, fn correlate.UpdateFunc) error {
	return s.do(func() error { return s.Memory.Settle(ctx, d, o, fn) })
}

func (s *store) List(ctx context.Context, p correlate.Page) (rs []correlate.Record, err error) {
	err = s.do(func() error {
		rs, err = s.Memory.List(ctx, p)
		return err
	})
	return rs, err
}

var _ correlate.Store = (*store)(nil)
