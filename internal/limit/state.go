package limit

import (
	"cmp"
	"maps"
	"math"
	"time"
)

// State is what is known of an account. Its zero value is that of one of which
// nothing is. Its functions change none that they are given.
type State struct {
	Buckets map[string]time.Time `json:"buckets,omitempty"` // when each will be full again
	Quotas  map[string]Quota     `json:"quotas,omitempty"`  // that answers told
	Taken   time.Time            `json:"taken,omitzero"`    // the last call
	Passed  int                  `json:"passed,omitempty"`  // calls in a row before which a lesser class had to wait

	Pace      float64   `json:"pace,omitempty"` // share of the rates that is used; 0 means all
	PaceAt    time.Time `json:"pace_at,omitzero"`
	LimitedAt time.Time `json:"limited_at,omitzero"` // the last limited answer
	Strikes   int       `json:"strikes,omitempty"`   // limited answers that named no time

	Shut   time.Time `json:"shut,omitzero"`    // no call before
	Why    Reason    `json:"why,omitempty"`    // it is, or was, shut
	Half   bool      `json:"half,omitempty"`   // one call at a time, until one goes well
	Probed time.Time `json:"probed,omitzero"`  // until when that one is waited for
	Fails  int       `json:"fails,omitempty"`  // in a row, of different deliveries
	Failed string    `json:"failed,omitempty"` // the last delivery that did
	Trips  int       `json:"trips,omitempty"`  // how often the breaker opened in a row
}

// Quota is what a system told of one.
type Quota struct {
	Limit int       `json:"limit"` // 0 if it did not say
	Left  int       `json:"left"`
	Until time.Time `json:"until"`
}

// Reason says why an account gets no calls.
type Reason string

const (
	Limited Reason = "limited" // it asked for a pause
	Broken  Reason = "broken"  // calls failed in a row
)

const (
	// Longest bounds every wait: what answers ask for, and what a clock that was
	// wrong may have left behind. It is more than the hour for which trackers count.
	Longest = 75 * time.Minute

	leastPace   = 1.0 / 32
	maxPassed   = 16 // calls, before a lesser class has its turn
	maxQuotas   = 4
	maxBuckets  = 16
	maxDelivery = 256 // bytes of Failed
)

// Limits are those under which calls are taken.
type Limits struct {
	Rates []Rate
	Probe time.Duration // how long the outcome of a single call is waited for
}

// pace is the share of the rates that is used.
func (s State) pace() float64 {
	if !(s.Pace > 0 && s.Pace < 1) { // not a number, too
		return 1
	}
	return max(s.Pace, leastPace)
}

// Sane returns the state without what is over, and without what can only come from
// a clock that was wrong: nothing waits for longer than it ever would.
func (l Limits) Sane(s State, now time.Time) State {
	was := s.Buckets
	s.Buckets = map[string]time.Time{}
	for _, r := range l.Rates {
		r = r.slowed(s.pace())
		if d := r.debt(was[r.Name], now); d > 0 {
			s.Buckets[r.Name] = now.Add(d)
		}
	}
	for name, full := range was {
		if _, known := s.Buckets[name]; !known && full.After(now) && !l.has(name) && len(s.Buckets) < maxBuckets {
			s.Buckets[name] = full // of an engine with other rates
		}
	}
	quotas := s.Quotas
	s.Quotas = nil
	for name, q := range quotas {
		if !q.Until.After(now) || len(s.Quotas) == maxQuotas {
			continue
		}
		if s.Quotas == nil {
			s.Quotas = map[string]Quota{}
		}
		q.Until, q.Left, q.Limit = earlier(q.Until, now.Add(Longest)), max(q.Left, 0), max(q.Limit, 0)
		s.Quotas[name] = q
	}
	s.Shut = earlier(s.Shut, now.Add(Longest))
	s.Probed = earlier(s.Probed, now.Add(l.Probe))
	s.Taken, s.PaceAt, s.LimitedAt = earlier(s.Taken, now), earlier(s.PaceAt, now), earlier(s.LimitedAt, now)
	s.Fails, s.Trips, s.Strikes, s.Passed = bounded(s.Fails), bounded(s.Trips), bounded(s.Strikes), bounded(s.Passed)
	return s
}

func (l Limits) has(name string) bool {
	for _, r := range l.Rates {
		if r.Name == name {
			return true
		}
	}
	return false
}

func earlier(a, b time.Time) time.Time {
	if a.After(b) {
		return b
	}
	return a
}

func bounded(n int) int { return min(max(n, 0), 1<<20) }

// Room returns how many calls of a class may start now.
func (l Limits) Room(s State, c Class, now time.Time) int {
	s = l.Sane(s, now)
	switch {
	case now.Before(s.Shut), s.Half && now.Before(s.Probed):
		return 0
	}
	if l.Overdue(s) {
		c = Open
	}
	n := 1 << 30
	for _, r := range l.Rates {
		n = min(n, r.slowed(s.pace()).room(s.Buckets[r.Name], now, c))
	}
	for _, q := range s.Quotas {
		n = min(n, q.Left-c.reserve(q.Limit, quotaReserve))
	}
	if s.Half {
		n = min(n, 1)
	}
	return max(n, 0)
}

// Paused reports whether there are no calls until a time that the system or the
// breaker has set: nothing but time can change that.
func (l Limits) Paused(s State, now time.Time) bool {
	s = l.Sane(s, now)
	for _, q := range s.Quotas {
		if q.Left == 0 {
			return true
		}
	}
	return now.Before(s.Shut)
}

// Near reports whether there is less room than would do for every class: what
// matters most is to be asked for first.
func (l Limits) Near(s State, now time.Time) bool {
	s = l.Sane(s, now)
	if s.Half || now.Before(s.Shut) || s.Passed > 0 && now.Sub(s.Taken) < time.Minute {
		return true
	}
	for _, r := range l.Rates {
		r = r.slowed(s.pace())
		if r.debt(s.Buckets[r.Name], now) > 0 && 2*r.room(s.Buckets[r.Name], now, Open) <= r.Burst+1 {
			return true
		}
	}
	for _, q := range s.Quotas {
		if q.Left <= 2*Note.reserve(q.Limit, quotaReserve)+1 {
			return true
		}
	}
	return false
}

// Overdue reports whether lesser classes have waited so long that the next call is
// for whatever is oldest. So none waits for ever, and a return that stands behind a
// note does not either.
func (l Limits) Overdue(s State) bool { return s.Passed >= maxPassed }

// Take takes up to n calls of a class, and returns how many. waits says that calls of
// a lesser class may be due, which had to stay back.
func (l Limits) Take(s State, c Class, n int, waits bool, now time.Time) (State, int) {
	n = min(n, l.Room(s, c, now))
	s = l.Sane(s, now)
	if n <= 0 {
		return s, 0
	}
	switch {
	case !waits || l.Overdue(s):
		s.Passed = 0
	default:
		s.Passed += n
	}
	for _, r := range l.Rates {
		full := s.Buckets[r.Name]
		if full.Before(now) {
			full = now
		}
		s.Buckets[r.Name] = full.Add(time.Duration(n) * r.slowed(s.pace()).Every)
	}
	s.Quotas = maps.Clone(s.Quotas)
	for name, q := range s.Quotas {
		q.Left = max(q.Left-n, 0)
		s.Quotas[name] = q
	}
	if s.Half {
		s.Probed = now.Add(l.Probe)
	}
	s.Taken = now
	return s, n
}

// Next returns when there is room for a call of a class, if nothing else happens.
func (l Limits) Next(s State, c Class, now time.Time) time.Time {
	s = l.Sane(s, now)
	next := later(now, s.Shut)
	if s.Half {
		next = later(next, s.Probed)
	}
	if l.Overdue(s) {
		c = Open
	}
	for _, r := range l.Rates {
		next = later(next, r.slowed(s.pace()).next(s.Buckets[r.Name], now, c))
	}
	for _, q := range s.Quotas {
		if q.Left <= c.reserve(q.Limit, quotaReserve) {
			next = later(next, q.Until)
		}
	}
	return next
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Status says in a word how it stands with an account: "closed" is the breaker's, and
// means that calls are made.
func (l Limits) Status(s State, now time.Time) string {
	s = l.Sane(s, now)
	switch {
	case now.Before(s.Shut):
		return string(cmp.Or(s.Why, Broken))
	case s.Half:
		return "half_open"
	default:
		return "closed"
	}
}

// PerMinute returns how many calls a minute there may be in the long run, at the
// pace that is kept.
func (l Limits) PerMinute(s State) float64 {
	least := math.Inf(1)
	for _, r := range l.Rates {
		least = min(least, float64(time.Minute)/float64(r.slowed(s.pace()).Every))
	}
	return least
}
