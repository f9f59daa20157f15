package deployment

import (
	"slices"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// Answer returns the verdict as it is stored with a problem, and stands on its
// ticket. Of the first suspect it has everything, of the others what identifies
// them and how suspect they are.
func (v Verdict) Answer(now time.Time) correlate.Suspects {
	out := correlate.Suspects{Asked: now}
	for i, s := range v.Suspects {
		d := s.Deployment
		c := correlate.Suspect{
			Scope: d.Scope, Version: d.Version, Revision: d.Revision, ID: d.ID, Name: d.Name, Time: d.Time, Undone: s.Undone, By: d.By,
			Class: string(s.Class), Means: s.Class.Text(), Unhelped: s.Unhelped, Distance: s.Distance, Shared: s.Shared, Delay: s.Delay,
			Before: s.Before.share(), After: s.After.share(), Ratio: s.Ratio,
		}
		if i == 0 {
			c.Changelog, c.Rollback = d.Changelog, d.Rollback
			for _, e := range slices.SortedStableFunc(slices.Values(s.Evidence), func(a, b Evidence) int { return -compareBool(a.For, b.For) }) {
				c.Evidence = append(c.Evidence, e.String())
			}
		}
		out.Ranked = append(out.Ranked, c)
	}
	if len(out.Ranked) == 0 {
		out.Reason = v.Reason.Text()
		if len(v.Cleared) > 0 {
			d := v.Cleared[0].Deployment
			out.Reason += " (" + d.Scope.Service + " " + d.Label() + ")"
		}
	}
	return out
}

// String returns the text, marked if it speaks against the suspect.
func (e Evidence) String() string {
	if e.For {
		return e.Text
	}
	return "but " + e.Text
}

func (c Count) share() correlate.Share {
	return correlate.Share{Failed: c.Failed, Requests: c.Total}
}

// Changed returns when a service was deployed last, as far as that is known: the time when
// it began, when it was done, or when it was rolled back: each replaces processes. It is
// zero if nothing is known.
func (h *History) Changed(scope correlate.Scope, now time.Time) (t time.Time) {
	for d := range h.between(scope, time.Time{}, now) {
		for _, at := range []time.Time{d.Time, d.Done, d.Undone} {
			if !at.After(now) {
				t = latest(t, at)
			}
		}
	}
	return t
}
