package autoticket

import (
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/spanticket/spanticket/internal/observe"
)

// warnEvery is how often the log is told that spans are lost.
const warnEvery = time.Minute

// watchman tells the operator of spans that are lost. It belongs to the
// keeper's goroutine.
type watchman struct {
	told int64     // how many were lost when the log was last told
	at   time.Time // when
}

func (w *watchman) look(c *observe.Counters, log *slog.Logger, now time.Time) {
	dropped := c.Dropped()
	var n int64
	for _, count := range dropped {
		n += count
	}
	if n == w.told || now.Sub(w.at) < warnEvery {
		return
	}
	attrs := []any{"new", n - w.told}
	for _, reason := range slices.Sorted(maps.Keys(dropped)) {
		attrs = append(attrs, reason, dropped[reason])
	}
	log.Warn("spanticket: failing spans are dropped", attrs...)
	w.told, w.at = n, now
}
