package simulate

import (
	"slices"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// unsure is how far the clocks of two engines may be apart.
const unsure = 80 * time.Second

// changed returns when the service was last deployed before a time.
func (w *world) changed(at time.Time) (last time.Time) {
	for _, d := range w.deployed {
		if !d.After(at) {
			last = d
		}
	}
	return last
}

// patient holds a problem to what a deployment may keep back: nothing is filed that
// was seen only while one settled, and nothing waits that was seen after that.
func (w *world) patient(p correlate.Problem) {
	times := w.times[p.ID]
	within := func(at time.Time, margin time.Duration) bool {
		return slices.ContainsFunc(w.deployed, func(d time.Time) bool { return at.Sub(d) >= margin && at.Sub(d) < grace-margin })
	}
	if (p.Episode > 0 || len(p.Filings) > 0) && !slices.ContainsFunc(times, func(at time.Time) bool {
		return !within(at, unsure) || at.Sub(times[0]) >= grace-unsure
	}) {
		w.broken("problem %s has a ticket, and was seen only after a deployment", p.ID)
	}
	if p.Hold == correlate.Settling && p.Count == w.seen[p.ID] && !within(times[len(times)-1], -unsure) {
		w.broken("problem %s waits, and was seen when no deployment settled", p.ID)
	}
}
