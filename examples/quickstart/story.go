package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spanticket/spanticket/correlate/deployment"
	"github.com/spanticket/spanticket/sinks"
)

const (
	patience    = 60 * time.Second // for the whole story
	maxGoodbyes = 4 * time.Second

	enoughGood   = 150 // orders before the bad deployment
	enoughFailed = 150 // orders before somebody rolls it back
)

// run opens the shop, plays the story and reports on it. The error says which
// of the program's expectations did not hold. If it is to serve, the shop stays
// open until ctx ends.
func run(ctx context.Context, out io.Writer, serve bool) (err error) {
	screen := &screen{w: out}
	story, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("it took longer than %s", patience))
	defer cancel()
	shop, err := openShop(story, screen)
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxGoodbyes)
		defer cancel()
		if e := shop.close(ctx); e != nil {
			err = errors.Join(err, fmt.Errorf("closing the shop: %w", e))
		}
	}()
	if err != nil {
		return err
	}
	played := shop.play(story)
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	// When it did not go as it should, the report shows how it went.
	if err := errors.Join(played, shop.report(ctx)); err != nil {
		return err
	}
	if serve {
		screen.say("\n== The shop stays open until it is interrupted ==\n")
		shop.showAddresses()
		screen.say("\nAn order, for instance:  curl -i -d '{}' %s", shop.load.url)
		<-ctx.Done()
	}
	return nil
}

// play sends customers into the shop, deploys what breaks it, and rolls that
// back.
func (s *shop) play(ctx context.Context) error {
	s.showAddresses()
	s.screen.say("")

	var phase atomic.Value
	phase.Store("customers order")
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() { s.load.run(ctx) })
	running.Go(func() { s.showProgress(ctx, &phase) })

	if err := s.load.seen.await(ctx, func(t tally) bool { return t.good >= enoughGood }); err != nil {
		return fmt.Errorf("waiting for %d good orders: %w", enoughGood, err)
	}

	bad := badPayment()
	s.screen.say("\n>>> payment %s is deployed: %s (its pool has %d connections)\n", bad.version, bad.change, bad.pool)
	phase.Store("payment " + bad.version)
	began := time.Now()
	if err := s.deployPayment(ctx, bad); err != nil {
		return err
	}
	s.payment().announce(ctx, bad.release, deployment.Succeeded, began)
	if err := s.load.seen.await(ctx, func(t tally) bool { return t.failed >= enoughFailed }); err != nil {
		return fmt.Errorf("waiting for %d failed orders: %w", enoughFailed, err)
	}

	good := goodPayment()
	s.screen.say("\n>>> payment is rolled back to %s (its pool has %d connections)\n", good.version, good.pool)
	phase.Store("rolled back")
	began = time.Now()
	if err := s.deployPayment(ctx, good); err != nil {
		return err
	}
	s.payment().announce(ctx, bad.release, deployment.RolledBack, began)
	// All tickets that there will be are filed by then.
	if err := s.flush(ctx); err != nil {
		return err
	}
	if err := s.book.kept.await(ctx, func(all []sinks.Ticket) bool { return settled(all) }); err != nil {
		return fmt.Errorf("waiting for the tickets to be resolved: %w", err)
	}
	return nil
}

// showProgress writes a line a second.
func (s *shop) showProgress(ctx context.Context, phase *atomic.Value) {
	start := time.Now()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			t := s.load.tally()
			seen, failing := s.spans()
			s.screen.say("%3.0fs  %-16s orders %4d, failed %3d   spans %5d, failing %4d",
				time.Since(start).Seconds(), phase.Load(), t.sent, t.failed, seen, failing)
		case <-ctx.Done():
			return
		}
	}
}
