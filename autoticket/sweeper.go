package autoticket

import (
	"math/rand/v2"
	"time"

	"github.com/spanticket/spanticket/internal/outage"
	"github.com/spanticket/spanticket/internal/sweep"
)

// sweepTick is how soon the other engines are told of a new service.
const sweepTick = 5 * time.Second

// sweeps is the goroutine that tells the engines which share the store which sinks
// this one has, and that looks after what nobody looks after, if it is told to. In
// shadow it parks nothing: what waits, waits.
func (e *Engine) sweeps() {
	c := e.s.config
	after := c.Sweep
	if e.s.shadow {
		after = 0
	}
	s := sweep.New(sweep.Config{
		Store: outage.NewStore(c.Store, storeTimeout, false), Scopes: e.s.ledger.Scopes, Sinks: e.s.sinks, After: after, Engine: randomID(),
		Counters: e.s.deliveries, Parked: e.s.parked, Logger: c.Logger, Jitter: rand.NewPCG(rand.Uint64(), rand.Uint64()),
	})
	tick := time.NewTicker(sweepTick)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			e.sweepOnce(s)
		case <-e.ctx.Done():
			return
		}
	}
}

func (e *Engine) sweepOnce(s *sweep.Sweeper) {
	defer e.recover("what nobody claims is not looked for")
	s.Tick(e.ctx, time.Now())
}
