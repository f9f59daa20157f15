package autoticket

import (
	"cmp"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/capture"
	"github.com/spanticket/spanticket/internal/coalesce"
)

// crowds remember, while a storm is thinned out, of what failures that look alike, or
// are kin, were occurrences when one of them was taken.
type crowds struct {
	alike, kin map[uint64]crowd
	kinOf      map[uint64]uint64        // of looks for which there is no room
	waiting    map[uint64]capture.Stand // by look or kin: the one that was taken is not decided yet
	bytes      int                      // that the occurrences hold
	until      time.Time                // when they are forgotten, as the storm is over
}

type crowd struct {
	occurrence *correlate.Occurrence
	by         source // whose rules took it
}

const (
	// maxCrowds bounds each kind of them, and maxCrowdBytes what their occurrences hold.
	// There are more looks.
	maxCrowds     = 512
	maxCrowdBytes = 24 << 20
	maxLooks      = 4096
	// keepCrowds is how long a trace of the storm may take after its end.
	keepCrowds = 30 * time.Second
)

func (c *crowds) begin() {
	if c.alike == nil {
		c.alike, c.kin, c.kinOf, c.waiting = map[uint64]crowd{}, map[uint64]crowd{}, map[uint64]uint64{}, map[uint64]capture.Stand{}
	}
}

// note remembers the first of a look, and of a kin. What there is no room for is
// counted with its kin, of which less is kept.
func (c *crowds) note(s capture.Stand, o *correlate.Occurrence, by source) {
	c.begin()
	_, alike := c.alike[s.Look]
	_, kin := c.kin[s.Kin]
	size := coalesce.SizeOf(o)
	if !alike && len(c.alike) < maxCrowds && c.bytes+size <= maxCrowdBytes {
		c.alike[s.Look] = crowd{o, by}
		c.bytes += size
		alike, size = true, 0
	}
	if !alike && len(c.kinOf) < maxLooks {
		c.kinOf[s.Look] = s.Kin
	}
	if kin || len(c.kin) >= maxCrowds {
		return
	}
	if size > 0 {
		o = coalesce.Light(o)
		size = coalesce.SizeOf(o)
	}
	if c.bytes+size <= maxCrowdBytes {
		c.kin[s.Kin] = crowd{o, by}
		c.bytes += size
	}
}

// thin decides how much of a storm is taken from now on. When it is over, those that
// were left out since the last one of their look was taken are counted.
func (s *stages) thin(now time.Time) {
	s.gate.Thin.Adjust(now, func(stand capture.Stand) { s.countRest(stand, now) })
	switch {
	case s.gate.Thin.Active():
		s.crowds.until = now.Add(keepCrowds)
	case s.crowds.alike != nil && now.After(s.crowds.until):
		s.crowds = crowds{}
	}
}

// countAll counts all that were left out so far.
func (s *stages) countAll(now time.Time) {
	s.gate.Thin.Drain(func(stand capture.Stand) { s.countRest(stand, now) })
}

// standFor counts those whose failures were too many to tell apart when an occurrence of
// their rule and operation was taken. Their spans are decided.
func (s *stages) standFor(stand capture.Stand, o *correlate.Occurrence, by source, now time.Time) {
	if stand.Look == 0 {
		return
	}
	s.crowds.note(stand, o, by)
	s.countUnlike(crowd{o, by}, stand.Unlike, now)
	for _, key := range []uint64{stand.Look, stand.Kin} {
		if late, ok := s.crowds.waiting[key]; ok {
			delete(s.crowds.waiting, key)
			s.countRest(late, now)
		}
	}
}

func (s *stages) countUnlike(c crowd, n int64, now time.Time) {
	if n == 0 {
		return
	}
	s.counters.Occurrences.Add(n)
	for _, rule := range append([]int{c.by.rule}, c.by.more...) {
		o := *c.occurrence
		o.Rule = c.by.set.Rule(rule).Name
		s.countsOf(&o, now).AddUnlike(&o, c.by.set, rule, n)
	}
}

// countRest counts failures of which none was taken since. Their spans are decided.
// Those of which nothing is remembered wait for the trace of the one that was taken. If
// it never comes, what fails like it is a symptom, or no rule takes it.
func (s *stages) countRest(stand capture.Stand, now time.Time) {
	if c, ok := s.crowds.alike[stand.Look]; ok {
		s.counters.Occurrences.Add(stand.Like)
		for _, rule := range append([]int{c.by.rule}, c.by.more...) {
			o := *c.occurrence
			s.count(&o, c.by.set, rule, true, nil, stand.Like-1, now)
		}
		return
	}
	kin := stand.Kin
	if kin == 0 {
		kin = s.crowds.kinOf[stand.Look]
	}
	if c, ok := s.crowds.kin[kin]; ok && kin != 0 {
		s.countUnlike(c, stand.Like+stand.Unlike, now)
		return
	}
	s.crowds.begin()
	key := cmp.Or(stand.Look, stand.Kin)
	if late, ok := s.crowds.waiting[key]; ok || len(s.crowds.waiting) < 2*maxCrowds {
		late.Look, late.Kin = stand.Look, stand.Kin
		late.Like += stand.Like
		late.Unlike += stand.Unlike
		s.crowds.waiting[key] = late
	}
}
