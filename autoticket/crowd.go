package autoticket

import (
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// crowds remember, while a storm is thinned out, of what failures that look alike were
// occurrences when one of them was taken.
type crowds map[uint64]crowd

type crowd struct {
	occurrence *correlate.Occurrence
	by         source // whose rules took it
}

// maxCrowds bounds them, and so the occurrences that they hold.
const maxCrowds = 512

// note remembers the first of a look.
func (c *crowds) note(look uint64, o *correlate.Occurrence, by source) {
	if _, ok := (*c)[look]; ok || len(*c) >= maxCrowds {
		return
	}
	if *c == nil {
		*c = crowds{}
	}
	(*c)[look] = crowd{o, by}
}

// thin decides how much of a storm is taken from now on. When it is over, those that
// were left out since the last one of their look was taken are counted.
func (s *stages) thin(now time.Time) {
	s.gate.Thin.Adjust(now, func(look uint64, n int64) { s.countRest(look, n, now) })
	if !s.gate.Thin.Active() {
		s.crowds = nil
	}
}

// countAll counts all that were left out so far.
func (s *stages) countAll(now time.Time) {
	s.gate.Thin.Drain(func(look uint64, n int64) { s.countRest(look, n, now) })
}

// countRest counts n failures of a look. Their spans are decided.
func (s *stages) countRest(look uint64, n int64, now time.Time) {
	c, ok := s.crowds[look]
	if !ok {
		return // what fails like this is a symptom, or no rule takes it
	}
	s.counters.Occurrences.Add(n)
	for _, rule := range append([]int{c.by.rule}, c.by.more...) {
		o := *c.occurrence
		s.count(&o, c.by.set, rule, true, nil, n-1, now)
	}
}
