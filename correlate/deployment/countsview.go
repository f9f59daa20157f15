package deployment

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// view is what was counted up to one time. Its answers do not change.
type view struct {
	counts *Counts
	now    time.Time

	mu     sync.Mutex
	scopes map[correlate.Scope]scopeView
	opened []Traffic // what was not given to Add
	added  int64     // when that was asked for
}

// scopeView is what is known of a service.
type scopeView struct {
	tallies []*tally
	live    bool // this process counts for it, up to now
}

// viewsLast is how long a view is good: many problems may open at once.
const viewsLast = time.Second

// At returns the counts as they are now, for one call of [Suspects]: they do not change while it asks.
func (c *Counts) At(now time.Time) Rates { return c.at(now) }

func (c *Counts) at(now time.Time) *view {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = latest(c.now, now)
	if v := c.cached; v != nil && !now.Before(v.now) && now.Sub(v.now) < viewsLast {
		return v
	}
	v := &view{counts: c, now: now, scopes: map[correlate.Scope]scopeView{}, added: -1}
	c.cached = v
	return v
}

// Count implements [Rates], as of the time that was told last.
func (c *Counts) Count(q Query) (Count, bool) {
	c.mu.Lock()
	now := c.now
	c.mu.Unlock()
	return c.at(now).Count(q)
}

// Count implements [Rates].
func (v *view) Count(q Query) (Count, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	of, found := v.scopes[q.Scope]
	if !found {
		of = v.look(q.Scope)
		v.scopes[q.Scope] = of
	}
	if !q.From.Before(v.now) {
		return Count{}, false
	}
	w := window{from: q.From, to: q.To}
	if !w.to.Before(v.now) {
		w.to = v.now.Add(time.Hour) // what was counted up to now is not cut
	}
	var since, until time.Time
	var sum estimate
	version := false
	for _, t := range of.tallies {
		since, until = earliest(since, t.since), latest(until, t.until)
		if q.Version != "" && (t.version == "" || !sameVersion(t.version, q.Version)) {
			continue
		}
		version = true
		s := t.all
		if q.Operation != "" {
			var ok bool
			if s, ok = t.of(q.Operation, q.From); !ok {
				return Count{}, false
			}
		}
		sum.add(w.count(s, t.since, t.until))
	}
	if of.live {
		until = latest(until, v.now)
	}
	if !version || !until.After(w.from) || !w.to.After(since) {
		return Count{}, false
	}
	return sum.count(), true
}

// look returns what is known of a service, and notes that it was asked for.
func (v *view) look(asked correlate.Scope) (out scopeView) {
	c := v.counts
	c.mu.Lock()
	for range 8 { // as long as a minute ends meanwhile, whose counts would be there twice
		if v.added == c.added || c.config.Open == nil {
			break
		}
		added := c.added
		c.mu.Unlock()
		v.opened = c.config.Open()
		v.added = added
		c.mu.Lock()
	}
	defer c.mu.Unlock()
	scope := c.scope(asked)
	if _, known := c.asked[scope]; known || len(c.asked) < maxAsked {
		c.asked[scope] = v.now
	}
	if k := c.read[scope]; k != nil {
		out.live = k.counts(c.writer, v.now)
		for _, t := range k.records {
			out.tallies = append(out.tallies, t.versions...)
		}
	}
	for rel, b := range c.sent {
		if rel.scope == scope {
			out.tallies, out.live = append(out.tallies, b.tally), true
		}
	}
	own := map[release]*tally{}
	for rel, t := range c.own {
		if rel.scope == scope {
			own[rel] = t.clone()
		}
	}
	for _, t := range v.opened {
		if c.scope(t.Scope) == scope {
			c.add(own, t)
		}
	}
	for _, t := range own {
		out.tallies, out.live = append(out.tallies, t), true
	}
	return out
}

// window is from when to when it is counted.
type window struct{ from, to time.Time }

// estimate is what was counted in a window, and what was in times that it cuts.
type estimate struct{ total, failed float64 }

func (e *estimate) add(o estimate) { e.total, e.failed = e.total+o.total, e.failed+o.failed }

func (e estimate) count() Count {
	return Count{Total: int64(math.Round(e.total)), Failed: int64(math.Round(min(e.failed, e.total)))}
}

// count counts a series of processes that were there between two times. See
// [Counts] for what becomes of times that are cut.
func (w window) count(s series, since, until time.Time) (e estimate) {
	first, _ := slices.BinarySearchFunc(s, w.from, func(c cell, at time.Time) int { return c.start().Add(wide * time.Minute).Compare(at.Add(1)) })
	from, to := w.from.Add(time.Minute-1).Unix()/60, w.to.Unix()/60 // minutes that are not cut
	var cut []cell
	for _, c := range s[first:] {
		at := int64(c.key >> 1)
		if at > to {
			break
		}
		if at < from || at+int64(c.minutes()/time.Minute) > to {
			cut = append(cut, c)
			continue
		}
		e.total += float64(c.total)
		e.failed += float64(c.failed)
	}
	cut = slices.DeleteFunc(cut, func(c cell) bool {
		if w.share(c, since, until) < 1 {
			return false
		}
		e.total += float64(c.total)
		e.failed += float64(c.failed)
		return true
	})
	rate, compared := e.failed/e.total, e.total > 0
	for _, c := range cut {
		calls := w.share(c, since, until) * float64(c.total)
		e.total += calls
		if compared {
			e.failed += min(calls*rate, float64(c.failed))
		} else {
			e.failed += w.share(c, since, until) * float64(c.failed)
		}
	}
	return e
}

// share returns which part of a cell's time is in the window.
func (w window) share(c cell, since, until time.Time) float64 {
	from, to := c.start(), c.start().Add(c.minutes())
	if a, b := latest(from, since), earliest(to, until); b.After(a) { // else clocks differ
		from, to = a, b
	}
	in := earliest(to, w.to).Sub(latest(from, w.from))
	switch all := to.Sub(from); {
	case in <= 0:
		return 0
	case in >= all:
		return 1
	default:
		return float64(in) / float64(all)
	}
}
