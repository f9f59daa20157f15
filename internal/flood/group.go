package flood

import "time"

// groups counts the new signatures of groups, and has their floods.
type groups struct {
	limit   Rate
	most    int // groups that are counted
	floods  int // floods at a time
	counts  map[uint64]window
	flooded map[uint64]*flooded
}

// window counts the new signatures of a group, by the minute and the hour of the
// clock.
type window struct {
	minute           int64
	inMinute, inHour int32
}

// full counts a new signature of a group, and reports whether it is one too many.
// There may be no room to count it.
func (g *groups) full(id uint64, now time.Time) bool {
	w, ok := g.counts[id]
	if !ok && len(g.counts) >= g.most {
		return false
	}
	if g.counts == nil {
		g.counts = map[uint64]window{}
	}
	switch m := minuteOf(now); {
	case m/60 != w.minute/60:
		w = window{minute: m}
	case m != w.minute:
		w.minute, w.inMinute = m, 0
	}
	w.inMinute++
	w.inHour++
	g.counts[id] = w
	return int(w.inMinute) > g.limit.Minute || int(w.inHour) > g.limit.Hour
}

// past counts a signature of a group that was new at a time, if that is in the hour
// that is counted.
func (g *groups) past(id uint64, at time.Time) {
	w, ok := g.counts[id]
	if !ok && len(g.counts) >= g.most {
		return
	}
	switch m := minuteOf(at); {
	case !ok || m/60 > w.minute/60:
		w = window{minute: m, inMinute: 1, inHour: 1}
	case m/60 < w.minute/60:
		return
	default:
		switch {
		case m > w.minute:
			w.minute, w.inMinute = m, 1
		case m == w.minute:
			w.inMinute++
		}
		w.inHour++
	}
	if g.counts == nil {
		g.counts = map[uint64]window{}
	}
	g.counts[id] = w
}

// resume goes on with a flood that was busy at a time.
func (g *groups) resume(id uint64, busy time.Time) {
	if f := g.open(id, busy); f != nil && busy.After(f.busy) {
		f.busy = busy
	}
}

// flood returns the flood of a group, if there is one and it is not over.
func (g *groups) flood(id uint64, now time.Time) *flooded {
	f := g.flooded[id]
	if f != nil && f.over(now) {
		delete(g.flooded, id)
		return nil
	}
	return f
}

// begin begins the flood of a group with a signature. It reports false if there are
// too many floods.
func (g *groups) begin(id, sig uint64, now time.Time) bool {
	f := g.open(id, now)
	if f == nil {
		return false
	}
	f.add(sig, now)
	return true
}

// open returns the flood of a group, which begins if there is none, or nil if there are
// too many floods.
func (g *groups) open(id uint64, now time.Time) *flooded {
	f := g.flooded[id]
	if f != nil {
		return f
	}
	if len(g.flooded) >= g.floods {
		return nil
	}
	if g.flooded == nil {
		g.flooded = map[uint64]*flooded{}
	}
	f = &flooded{heavy: NewHeavy(heavyCounters), busy: now, limit: max(1, min(g.limit.Minute, g.limit.Hour/60)/10)}
	g.flooded[id] = f
	return f
}

// sweep forgets floods that are over and what was counted in another hour.
func (g *groups) sweep(now time.Time) {
	for id, f := range g.flooded {
		if f.over(now) {
			delete(g.flooded, id)
		}
	}
	hour := minuteOf(now) / 60
	for id, w := range g.counts {
		if w.minute/60 != hour {
			delete(g.counts, id)
		}
	}
}

// flooded is a group whose new signatures are counted as one.
type flooded struct {
	heavy    *Heavy
	limit    int       // new signatures in a minute with which it goes on
	busy     time.Time // when that was so last
	minute   int64
	fresh    int // new signatures in the minute
	promoted int // in the minute
}

// add counts an occurrence of a signature, and reports whether that has come so
// often that it leaves the flood.
func (f *flooded) add(sig uint64, now time.Time) (leaves bool) {
	if m := minuteOf(now); m != f.minute {
		f.minute, f.fresh, f.promoted = m, 0, 0
	}
	least, fresh := f.heavy.Add(sig)
	if fresh {
		if f.fresh++; f.fresh >= f.limit {
			f.busy = now
		}
	}
	if least < promoteAt || f.promoted >= maxPromotion {
		return false
	}
	f.promoted++
	f.heavy.Remove(sig)
	return true
}

// over reports whether the flood is over. A clock that was set back does not keep it.
func (f *flooded) over(now time.Time) bool {
	return now.Sub(f.busy) >= calm || f.busy.Sub(now) >= calm
}
