package autoticket

import (
	"context"
	"errors"
	"time"

	"github.com/spanticket/spanticket/internal/coalesce"
	"github.com/spanticket/spanticket/internal/outage"
	"github.com/spanticket/spanticket/internal/outbox"
)

// standIn files while the store is out of reach. The keeper owns it: it has what
// waits for the store counted here too, and when the store has all of that, the
// stand-in leaves, and hands over what it has filed once its last call is over.
type standIn struct {
	*outage.StandIn
	e          *Engine
	dispatcher *dispatcher
	stop       context.CancelFunc
	landed     chan struct{} // closed when it has left and no call is under way
}

// maxClosing bounds how long a stand-in tries to resolve what the store knows
// nothing of.
const maxClosing = time.Hour

// standIn starts one, if there is a sink that it may file in.
func (e *Engine) standIn() *standIn {
	s := e.s
	if len(s.fit) == 0 || s.shadow {
		return nil
	}
	o, err := outage.New(e.ctx, outage.Config{
		Ledger: s.ledger, Outbox: s.outbox.Config, Sinks: s.fit, Known: s.store.Known(),
		Options: func(name string) outbox.Options { return s.config.Delivery[name].options() },
	}, time.Now())
	if err != nil {
		s.config.Logger.Warn("spanticket: what is known of a problem is not used while the store is out of reach", "error", err)
	}
	i := &standIn{StandIn: o, e: e, landed: make(chan struct{})}
	i.dispatcher = newDispatcher(o.Outbox.Claim, i.carryOut, func(error, time.Time) {})
	ctx, stop := context.WithCancel(e.ctx)
	i.stop = stop
	e.running.Go(func() {
		defer close(i.landed)
		i.dispatcher.run(ctx)
	})
	return i
}

func (i *standIn) carryOut(j outbox.Job) {
	defer i.e.recover("a ticket waits until the store is back")
	_, _ = i.e.s.deliver(i.e.ctx, i.Outbox, j, time.Now) // memory fails only when the engine ends
}

// count counts batches.
func (i *standIn) count(batches ...coalesce.Batch) {
	defer i.e.recover("occurrences wait until the store is back")
	var failed error
	for _, b := range batches {
		if _, err := i.Count(i.e.ctx, b, time.Now()); err != nil {
			failed = err
		}
	}
	if err := errors.Join(failed, i.Report(i.e.ctx, time.Now())); err != nil && i.e.ctx.Err() == nil {
		i.e.s.config.Logger.Warn("spanticket: occurrences are counted when the store is back", "error", err)
	}
	i.dispatcher.wake()
}

// handOver gives what was filed to the store. It reports whether that is done.
func (i *standIn) handOver() (done bool, err error) {
	select {
	case <-i.landed:
	default:
		return false, nil
	}
	if err := i.HandOver(i.e.ctx, i.e.s.ledger, time.Now()); err != nil {
		return false, err
	}
	if i.Left(i.e.ctx) > 0 {
		i.e.running.Go(i.close)
	}
	i.e.wakeDispatcher()
	return true, nil
}

// close resolves what the store knows nothing of.
func (i *standIn) close() {
	ctx, cancel := context.WithTimeout(i.e.ctx, maxClosing)
	defer cancel()
	for i.Left(ctx) > 0 {
		jobs, _, _ := i.Outbox.Claim(ctx, time.Now())
		for _, j := range jobs {
			i.carryOut(j)
		}
		select {
		case <-time.After(claimEvery):
		case <-ctx.Done():
			return
		}
	}
}
