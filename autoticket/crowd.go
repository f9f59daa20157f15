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
	bytes      int                      // that their occurrences hold
	waiting    map[uint64]capture.Stand // by look or kin: the one that was taken is not decided yet
	until      time.Time                // when they are forgotten, as the storm is over
}

type crowd struct {
	occurrence *correlate.Occurrence // nil if there was no room for it
	by         source                // whose rules took it
}

const (
	// maxCrowds bounds the occurrences of each kind of them that are held.
	maxCrowds = 1024
	// maxLookBytes bounds what the occurrences of looks hold, and maxCrowdBytes those of
	// all.
	maxLookBytes  = 20 << 20
	maxCrowdBytes = 24 << 20
	// maxLooks bounds the looks of which is known that they are occurrences.
	maxLooks = 8192
	// keepCrowds is how long a trace of the storm may take after its end.
	keepCrowds = 30 * time.Second
)

func (c *crowds) begin() {
	if c.alike == nil {
		c.alike, c.kin, c.bytes = map[uint64]crowd{}, map[uint64]crowd{}, 0
	}
	if c.waiting == nil {
		c.waiting = map[uint64]capture.Stand{}
	}
}

// note remembers the first of a look, and of a kin. Of a kin no more is needed than what
// a flood is counted by.
func (c *crowds) note(s capture.Stand, o *correlate.Occurrence, by source) {
	c.begin()
	size := coalesce.SizeOf(o)
	if _, ok := c.kin[s.Kin]; s.Kin != 0 && !ok && len(c.kin) < maxCrowds {
		kin, n := o, size
		if c.bytes+n > maxLookBytes {
			kin = coalesce.Light(o)
			n = coalesce.SizeOf(kin)
		}
		if c.bytes+n <= maxCrowdBytes {
			c.kin[s.Kin] = crowd{kin, by}
			c.bytes += n
			if kin == o {
				size = 0 // it is held
			}
		}
	}
	if _, ok := c.alike[s.Look]; s.Look == 0 || ok || len(c.alike) >= maxLooks {
		return
	}
	c.alike[s.Look] = crowd{}
	if len(c.alike) <= maxCrowds && c.bytes+size <= maxLookBytes {
		c.alike[s.Look] = crowd{o, by}
		c.bytes += size
	}
}

// thin decides how much of a storm is taken from now on. When it is over, those that
// were left out since the last one of their look was taken are counted.
func (s *stages) thin(now time.Time) {
	if s.gate.Thin.Adjust(now, func(stand capture.Stand) { s.countRest(stand, now) }) {
		s.crowds.alike, s.crowds.kin = nil, nil // those of this storm are to come
	}
	switch {
	case s.gate.Thin.Active():
		s.crowds.until = now.Add(keepCrowds)
	case (s.crowds.alike != nil || s.crowds.waiting != nil) && now.After(s.crowds.until):
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
	if stand == (capture.Stand{}) {
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
	c, ok := s.crowds.alike[stand.Look]
	switch {
	case ok && c.occurrence != nil:
		s.counters.Occurrences.Add(stand.Like)
		for _, rule := range append([]int{c.by.rule}, c.by.more...) {
			o := *c.occurrence
			s.count(&o, c.by.set, rule, true, nil, stand.Like-1, now)
		}
		return
	case ok: // there were too many looks
		stand.Unlike, stand.Like = stand.Unlike+stand.Like, 0
	}
	if c, ok := s.crowds.kin[stand.Kin]; ok && stand.Like == 0 {
		s.countUnlike(c, stand.Unlike, now)
		return
	}
	s.crowds.begin()
	key := cmp.Or(stand.Look, stand.Kin)
	if late, ok := s.crowds.waiting[key]; ok || len(s.crowds.waiting) < maxLooks {
		late.Look, late.Kin = stand.Look, stand.Kin
		late.Like += stand.Like
		late.Unlike += stand.Unlike
		s.crowds.waiting[key] = late
	}
}
