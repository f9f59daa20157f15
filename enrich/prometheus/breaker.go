package prometheus

import (
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// So many failures on end make a pause.
	manyFailures = 5
	// The first pause, and the longest. Each that follows is twice as long, and up to a half
	// of each is left out by chance, so that processes do not return at once.
	firstPause = 10 * time.Second
	maxPause   = 5 * time.Minute
)

// breaker leaves a server alone that fails. After a pause one call tries; if it
// succeeds all may. The zero value lets all pass.
type breaker struct {
	mu       sync.Mutex
	failures int
	pause    time.Duration // the latest
	until    time.Time
	trying   bool
}

// enter reports whether a call may be made, and whether it is the one that tries
// after a pause. A call that is made has to leave.
func (b *breaker) enter(now time.Time) (enters, tries bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.failures < manyFailures:
		return true, false
	case b.trying || now.Before(b.until):
		return false, false
	}
	b.trying = true
	return true, true
}

// leave says how a call went, and for how long the server asks to be left alone. Calls
// that were begun before a pause do not make it longer.
func (b *breaker) leave(tries bool, o outcome, least time.Duration, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if tries {
		b.trying = false
	}
	switch o {
	case wentWell:
		b.failures, b.pause = 0, 0
	case wentWrong:
		paused := b.failures >= manyFailures
		if b.failures++; least > 0 {
			b.failures = max(b.failures, manyFailures)
		}
		if b.failures >= manyFailures && (!paused || tries) {
			b.pause = min(max(2*b.pause, firstPause), maxPause)
			wait := b.pause - rand.N(b.pause/2)
			b.until = now.Add(max(wait, min(least, maxPause)))
		}
	}
}

// paused reports whether no calls are made.
func (b *breaker) paused(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failures >= manyFailures && now.Before(b.until)
}

// outcome is how a call went.
type outcome int

const (
	gaveUp   outcome = iota // before anything can be said of the server
	wentWell                // the server answered, whatever it said of the query
	wentWrong
)
