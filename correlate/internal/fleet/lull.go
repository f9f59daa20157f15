package fleet

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

const (
	firstLull = time.Second
	// maxLulls bounds the claims that are remembered; beyond, the server is asked.
	maxLulls = 4096
)

// Lull spares the server claims that would find nothing. A claim that found
// nothing is not made again before something that was seen becomes due, this
// process queues or settles something in that scope, or a pause is over, which
// doubles from one second up to a bound. So another process's deliveries are
// found late only if that process, which claims them at once, has died.
type Lull struct {
	max   time.Duration
	mu    sync.Mutex
	woken uint64                     // numbers the calls of Wake
	wakes map[correlate.Scope]uint64 // the last of each scope
	floor uint64                     // stands for scopes that are not in wakes
	found map[lullKey]lull           // claims that found nothing
}

type lullKey struct {
	scope correlate.Scope
	sinks string // and operations
}

type lull struct {
	pause time.Duration // the one before it was spread
	until time.Time     // by the clock of this process
	due   time.Time     // by the clock of claims; zero means nothing was seen
}

// NewLull returns a Lull whose pauses are at most about max long. With max 0 or
// less there are none.
func NewLull(max time.Duration) *Lull {
	return &Lull{max: max, wakes: make(map[correlate.Scope]uint64), found: make(map[lullKey]lull)}
}

func keyOf(c correlate.Claim) lullKey {
	sinks := slices.Sorted(slices.Values(c.Sinks))
	key := strings.Join(sinks, "\x00")
	for _, op := range slices.Sorted(slices.Values(c.Operations)) {
		key += "\x00\x00" + string(op)
	}
	return lullKey{c.Scope, key}
}

// Claim asks the server by ask, unless it would find nothing. Where ask returns no
// delivery, due and free are those of Empty.
func (l *Lull) Claim(ctx context.Context, c correlate.Claim, ask func() (out []correlate.Delivery, due time.Time, free time.Duration, err error)) ([]correlate.Delivery, error) {
	if err := ctx.Err(); err != nil || len(c.Sinks) == 0 || c.Max <= 0 {
		return nil, err
	}
	since, may := l.Begin(c)
	if !may {
		return nil, nil
	}
	out, due, free, err := ask()
	switch {
	case err != nil:
		return nil, fmt.Errorf("for %s: %w", c.Scope, err)
	case len(out) > 0:
		l.Found(c)
	default:
		l.Empty(c, since, due, free)
	}
	return out, nil
}

// Begin is called before a claim. ask says whether the server must be asked;
// then since is given to Empty or Found.
func (l *Lull) Begin(c correlate.Claim) (since uint64, ask bool) {
	if l.max <= 0 {
		return 0, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	p, ok := l.found[keyOf(c)]
	quiet := ok && time.Now().Before(p.until) && (p.due.IsZero() || c.Now.Before(p.due))
	return l.lastWake(c.Scope), !quiet
}

func (l *Lull) lastWake(scope correlate.Scope) uint64 { return max(l.wakes[scope], l.floor) }

// Found says that a claim returned something.
func (l *Lull) Found(c correlate.Claim) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.found, keyOf(c))
}

// Empty says that a claim returned nothing. due is when the first delivery that
// was seen, and is not leased, will be due, by the clock of claims; zero means
// there is none. free is in how long the first lease ends; negative means that
// nothing is leased.
func (l *Lull) Empty(c correlate.Claim, since uint64, due time.Time, free time.Duration) {
	if l.max <= 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := keyOf(c)
	p, ok := l.found[key]
	if l.lastWake(c.Scope) != since || !ok && len(l.found) >= maxLulls {
		return
	}
	p.pause = min(max(2*p.pause, firstLull), l.max)
	wait := p.pause/2 + rand.N(p.pause)
	if free >= 0 {
		wait = min(wait, free)
	}
	p.until, p.due = time.Now().Add(wait), due
	l.found[key] = p
}

// Wake says that this process has changed what is in the outbox of a scope.
func (l *Lull) Wake(scope correlate.Scope) {
	if l.max <= 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.woken++
	if _, ok := l.wakes[scope]; !ok && len(l.wakes) >= maxLulls {
		clear(l.wakes)
		l.floor = l.woken // as if all had been woken: claims under way are not believed
	}
	l.wakes[scope] = l.woken
	for key := range l.found {
		if key.scope == scope {
			delete(l.found, key)
		}
	}
}
