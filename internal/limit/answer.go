package limit

import (
	"maps"
	"time"

	"github.com/spanticket/spanticket/sinks"
)

// Outcome is what a call says of its account.
type Outcome uint8

const (
	Went    Outcome = iota // it was answered, if only by a refusal of the ticket or the credential
	Stopped                // the system asks for a pause
	Failed                 // no answer, or that it does not work at present
	Unmade                 // the call was taken, and not made
)

// Answer is what is learnt of a call.
type Answer struct {
	Outcome  Outcome
	After    time.Duration // the pause that was asked for; 0 if it was not named
	Quotas   []sinks.Quota // that were told
	Delivery string        // its ID
	Began    time.Time     // when the call did, or a little before
	Flying   int           // other calls of this process that are under way
}

const (
	// A limit that names no time: a minute at least, as GitHub asks, longer each time.
	firstStrike = time.Minute
	lastStrike  = time.Hour

	// The pace after a limited answer, and how it is raised again.
	struck = 0.5
	warned = 0.75 // a pause was named
	raise  = 0.05
	raised = 5 * time.Minute

	// The breaker.
	maxFails  = 5
	firstTrip = 10 * time.Second
	lastTrip  = 5 * time.Minute

	// sameWindow is how exactly two answers must name the end of a window.
	sameWindow = 5 * time.Second
)

// Learn returns the state after an answer. chance, from 0 to below 1, spreads what
// engines do at the same time.
func (l Limits) Learn(s State, a Answer, chance float64, now time.Time) State {
	s = l.Sane(s, now)
	told := time.Duration(0) // until a quota that is used up starts again
	for _, q := range a.Quotas {
		s = s.quota(q, a.Flying, now)
		if q.Remaining <= 0 {
			told = max(told, min(q.Reset, Longest))
		}
	}
	spread := func(d time.Duration, from, to float64) time.Duration {
		return min(time.Duration(float64(d)*(from+(to-from)*chance)), Longest)
	}
	// What began before the last bad news says nothing new.
	fresh := !s.Half || !a.Began.Before(s.Shut)
	switch a.Outcome {
	case Unmade:
		if fresh { // another may go in its place
			s.Probed = time.Time{}
		}
	case Stopped:
		wait := told
		stale := a.Began.Before(s.LimitedAt)
		switch {
		case a.After > 0:
			asked := min(a.After, Longest)
			if s.Half && fresh { // what it named before was not enough
				s.Trips++
				asked = max(asked, min(asked<<min(s.Trips, 4), lastTrip))
			}
			wait = max(wait, spread(asked, 1, 1.1))
			s = s.slower(warned, stale, now)
		case told > 0:
			wait = spread(told, 1, 1.02)
		case stale:
			wait = 0
		default:
			wait = spread(min(firstStrike<<min(s.Strikes, 16), lastStrike), 1, 1.25)
			s.Strikes++
			s = s.slower(struck, stale, now)
		}
		if !stale {
			s.LimitedAt = now
		}
		s = s.shut(Limited, wait, now)
	case Failed:
		switch {
		case s.Half && fresh:
			s.Trips++
			s = s.shut(Broken, spread(min(firstTrip<<min(s.Trips-1, 16), lastTrip), 0.75, 1.25), now)
		case !s.Half && a.Delivery != s.Failed:
			// A delivery that fails again and again may be at fault itself.
			s.Failed = a.Delivery[:min(len(a.Delivery), maxDelivery)]
			if s.Fails++; s.Fails >= maxFails {
				s.Trips++
				s = s.shut(Broken, spread(firstTrip, 0.75, 1.25), now)
			}
		}
	default:
		if !fresh {
			break
		}
		s.Half, s.Fails, s.Trips, s.Failed, s.Probed = false, 0, 0, "", time.Time{}
		if !now.Before(s.Shut.Add(s.Shut.Sub(s.LimitedAt))) { // as long without a limit as with it
			s.Strikes = 0
		}
		if s.pace() < 1 && !now.Before(s.PaceAt.Add(raised)) {
			s.Pace, s.PaceAt = min(s.pace()+raise, 1), now
		}
	}
	return s
}

// shut lets no call through for so long, and then one alone.
func (s State) shut(why Reason, wait time.Duration, now time.Time) State {
	if until := now.Add(wait); until.After(s.Shut) {
		s.Shut, s.Why = until, why
	}
	s.Half, s.Probed, s.Fails, s.Failed = true, time.Time{}, 0, ""
	return s
}

func (s State) slower(by float64, stale bool, now time.Time) State {
	if !stale {
		s.Pace, s.PaceAt = max(s.pace()*by, leastPace), now
	}
	return s
}

// quota notes what an answer told. Within a window the lowest counts, because
// answers overtake each other, unless nothing can be under way any more.
func (s State) quota(q sinks.Quota, flying int, now time.Time) State {
	if q.Reset <= 0 {
		return s
	}
	s.Quotas = maps.Clone(s.Quotas)
	if s.Quotas == nil {
		s.Quotas = map[string]Quota{}
	}
	cur, known := s.Quotas[q.Of]
	if !known && len(s.Quotas) == maxQuotas {
		return s
	}
	next := Quota{Limit: max(q.Limit, 0), Left: max(q.Remaining, 0), Until: now.Add(min(q.Reset, Longest))}
	switch {
	case !known || next.Until.Sub(cur.Until).Abs() > sameWindow:
		next.Left = max(next.Left-flying, 0)
	case now.Sub(s.Taken) < time.Minute:
		next.Left = min(next.Left, cur.Left)
	}
	s.Quotas[q.Of] = next
	return s
}

// Matters reports whether an answer is to be known to other engines before this one
// takes its next calls.
func (l Limits) Matters(s State, a Answer, now time.Time) bool {
	if a.Outcome == Unmade {
		return s.Half
	}
	if a.Outcome != Went || s.Half || s.Fails > 0 || s.pace() < 1 && !now.Before(s.PaceAt.Add(raised)) {
		return true
	}
	for _, q := range a.Quotas {
		if q.Reset > 0 && q.Remaining <= 2*Note.reserve(q.Limit, quotaReserve)+1 {
			return true
		}
	}
	return false
}
