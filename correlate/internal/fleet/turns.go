package fleet

import (
	"context"
	"sync"

	"github.com/spanticket/spanticket/correlate"
)

// Turns has the updates of one record, by one process, follow each other: they
// would only make each other start again. Its zero value is ready to use.
type Turns struct {
	mu    sync.Mutex
	turns map[correlate.Key]*turn
}

type turn struct {
	taken chan struct{} // has room for one
	users int           // who have it or wait for it
}

// Take waits for the turn at a record. The caller calls done when it has made
// its update, or has given up. The error is that of ctx.
func (t *Turns) Take(ctx context.Context, key correlate.Key) (done func(), err error) {
	t.mu.Lock()
	if t.turns == nil {
		t.turns = make(map[correlate.Key]*turn)
	}
	own := t.turns[key]
	if own == nil {
		own = &turn{taken: make(chan struct{}, 1)}
		t.turns[key] = own
	}
	own.users++
	t.mu.Unlock()

	select {
	case own.taken <- struct{}{}:
		return func() { <-own.taken; t.leave(key, own) }, nil
	case <-ctx.Done():
		t.leave(key, own)
		return nil, ctx.Err()
	}
}

func (t *Turns) leave(key correlate.Key, own *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if own.users--; own.users == 0 {
		delete(t.turns, key)
	}
}
