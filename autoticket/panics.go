package autoticket

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

const (
	// minRest and maxRest bound the wait before a loop runs again that has panicked.
	minRest = 10 * time.Millisecond
	maxRest = time.Second
	// tellPanicEvery is how often the log is told of the same harm.
	tellPanicEvery = time.Minute
)

// panics tells the log of the library's defects, not more often than helps. Its zero
// value has told nothing.
type panics struct {
	mu   sync.Mutex
	told map[string]time.Time // of each harm, of which there are as many as calls of recover
}

// tells reports whether the log is to be told of a harm now.
func (p *panics) tells(harm string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	last, ok := p.told[harm]
	if since := now.Sub(last); ok && 0 <= since && since < tellPanicEvery {
		return false
	}
	if p.told == nil {
		p.told = map[string]time.Time{}
	}
	p.told[harm] = now
	return true
}

// panicked counts a panic of the library's own goroutines, and tells the log of it.
func (s *stages) panicked(harm string, v any) {
	s.counters.Panics.Add(1)
	if s.panics.tells(harm, time.Now()) {
		s.config.Logger.Error("spanticket: a defect in the library: "+harm, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
	}
}

// recover keeps a defect of the library from the host. It is deferred.
func (s *stages) recover(harm string) {
	if v := recover(); v != nil {
		s.panicked(harm, v)
	}
}

// recover keeps a defect of the library from the host. It is deferred.
func (e *Engine) recover(harm string) {
	if v := recover(); v != nil {
		e.s.panicked(harm, v)
	}
}

// again runs a loop, which returns when ctx has ended, and runs it again whenever it
// has panicked: one thing that goes wrong must not be the last that is done. What the
// loop is to remember is not a variable of its own.
func (e *Engine) again(ctx context.Context, harm string, loop func()) {
	rest := minRest
	for {
		began := time.Now()
		if e.sound(harm, loop) {
			return
		}
		if time.Since(began) > maxRest {
			rest = minRest
		}
		select {
		case <-time.After(rest):
		case <-ctx.Done():
			e.sound(harm, loop) // it ends what there is to end
			return
		}
		rest = min(2*rest, maxRest)
	}
}

// sound reports whether fn has returned without a panic.
func (e *Engine) sound(harm string, fn func()) (ok bool) {
	defer e.recover(harm)
	fn()
	return true
}
