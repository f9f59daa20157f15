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
// from least up to most, and is then spread by a quarter either way.
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
	return j.spread(d)
}

func (j *jitter) spread(d time.Duration) time.Duration {
	j.mu.Lock()
	defer j.mu.Unlock()
	return time.Duration(float64(d) * (0.75 + 0.5*j.rng.Float64()))
}
