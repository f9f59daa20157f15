package outbox

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// jitter spreads attempts, so that what failed together does not come back
// together.
type jitter struct {
	mu  sync.Mutex
	rng *rand.Rand
}

// after returns how long to wait after so many failed attempts: it doubles
// from least, is spread by a quarter either way, and is never more than most.
// The next attempt is stored with the delivery, so nothing is kept here.
func (j *jitter) after(attempts int, least, most time.Duration) time.Duration {
	b := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(least),
		backoff.WithMultiplier(2),
		backoff.WithMaxInterval(most),
		backoff.WithMaxElapsedTime(0),
		backoff.WithRandomizationFactor(0),
	)
	d := b.NextBackOff()
	for range min(attempts-1, 64) {
		d = b.NextBackOff()
	}
	return j.between(min(d, most/5*4), 0.75, 1.25)
}

// between returns d times a number between two.
func (j *jitter) between(d time.Duration, from, to float64) time.Duration {
	j.mu.Lock()
	defer j.mu.Unlock()
	return time.Duration(float64(d) * (from + (to-from)*j.rng.Float64()))
}
