package autoticket

import (
	"time"

	"github.com/spanticket/spanticket/internal/ledger"
)

// tellAgain is how often is told that a sink refuses its credential: the ticket that
// says so is over when nothing was told for an hour.
const tellAgain = 30 * time.Minute

// lookAtSinks tells of sinks that refuse their credentials, in the others. It belongs
// to the keeper's goroutine.
func (s *stages) lookAtSinks(now time.Time) {
	all := s.outbox.Refusals()
	if len(all) == 0 {
		s.refused = nil
		return
	}
	told := s.refused
	s.refused = make(map[string]time.Time, len(all))
	for _, r := range all {
		if at, ok := told[r.Sink]; ok && now.Before(at.Add(tellAgain)) {
			s.refused[r.Sink] = at
			continue
		}
		s.refused[r.Sink] = now
		s.audit.Warn("sink refuses its credential", "sink", r.Sink, "error", r.Why)
		s.ledger.SinkRefused(ledger.SinkRefused(r), now)
	}
}
