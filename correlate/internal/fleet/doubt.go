package fleet

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// Doubt is what is not known of a write whose answer was lost. Its zero value is
// none.
type Doubt struct {
	err   error     // what hid it; nil if there is no doubt
	until time.Time // when to give up asking
}

// Any reports whether an answer was lost.
func (d *Doubt) Any() bool { return d.err != nil }

// Rise says that an answer was lost. The first time counts.
func (d *Doubt) Rise(err error, patience time.Duration) {
	if d.err == nil {
		d.err, d.until = err, time.Now().Add(patience)
	}
}

// Pause waits before another attempt, longer each time, up to a quarter of a second. It
// returns an error when ctx or the patience has ended.
func (d *Doubt) Pause(ctx context.Context, attempt int) error {
	if d.err != nil && time.Now().After(d.until) {
		return fmt.Errorf("whether it took effect is not known: %w", d.err)
	}
	bound := min(2*time.Millisecond<<min(attempt, 10), time.Second/4)
	timer := time.NewTimer(rand.N(bound))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		if d.err != nil {
			return fmt.Errorf("%w; whether it took effect is not known: %w", ctx.Err(), d.err)
		}
		return ctx.Err()
	}
}
