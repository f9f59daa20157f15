package world

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// apart is how far apart the deployments of one service are, but for those that belong together.
const apart = 40 * time.Minute

// deploy makes the deployments: nine of ten during working hours, and one of eight a setting.
func (w *World) deploy(r *rand.Rand) {
	for w.repaired(r) < 6 || w.twins(r) < 10 {
	}
	settings := map[string]int{"config": 14, "flag": 12}
	for settings["config"]+settings["flag"] > 0 {
		if c := w.change(r); settings[c.Setting] > 0 && w.put(c) {
			settings[c.Setting]--
		}
	}
	for len(w.Changes) < changes {
		c := w.change(r)
		if c.Setting != "" || !w.put(c) {
			continue
		}
		if r.Float64() < 0.06 { // one change to several services
			for _, other := range r.Perm(len(w.Services))[:2] {
				d := c
				d.Service, d.At = other, c.At.Add(minutes(r, 0, 10))
				w.put(d)
			}
		}
	}
	w.number()
}

// change returns a change of whatever service.
func (w *World) change(r *rand.Rand) Change {
	for {
		c := Change{Service: r.IntN(len(w.Services)), Fault: -1, InVain: -1, Rollout: minutes(r, 1, 12)}
		c.At = w.Start.Add(time.Duration(r.IntN(days)) * 24 * time.Hour).Add(minutes(r, 8*60, 18*60)).Truncate(time.Second)
		if wd := c.At.Weekday(); r.Float64() < 0.1 {
			c.At = c.At.Add(-minutes(r, 0, 8*60))
		} else if wd == time.Saturday || wd == time.Sunday {
			continue
		}
		c.Revision = fmt.Sprintf("%040x", r.Uint64())
		switch how := r.Float64(); {
		case how < 0.1:
			c.Setting, c.Revision, c.Rollout = "config", "", minutes(r, 0.1, 1)
		case how < 0.18:
			c.Setting, c.Revision, c.Rollout = "flag", "", minutes(r, 10, 60)
		case how < 0.26:
			c.Canary, c.Trial = between(r, 0.03, 0.1), minutes(r, 15, 60)
		}
		return c
	}
}

// put adds a change, unless the service has another one about then.
func (w *World) put(c Change) bool {
	if len(w.Changes) >= changes || w.near(c.Service, c.At, apart) {
		return false
	}
	w.Changes = append(w.Changes, c)
	return true
}

// repaired makes a release, one on top of it soon, and a third one later, and returns how often it has.
func (w *World) repaired(r *rand.Rand) (n int) {
	a := w.change(r)
	for a.Setting != "" || a.Canary > 0 {
		a = w.change(r)
	}
	b, c := a, a
	a.hot, a.Rollout = true, minutes(r, 1, 4)
	b.At, b.Revision, b.Rollout = a.At.Add(minutes(r, 5, 25)), fmt.Sprintf("%040x", r.Uint64()), minutes(r, 1, 4)
	c.At, c.Revision = b.At.Add(minutes(r, 40, 80)), fmt.Sprintf("%040x", r.Uint64())
	for _, d := range w.Changes {
		n += one(d.hot)
	}
	if n < 6 && !w.near(a.Service, a.At, 4*time.Hour) {
		w.Changes = append(w.Changes, a, b, c)
		n++
	}
	return n
}

// twins makes two releases in one minute, of a service and one that it calls, and returns
// how many there are of both.
func (w *World) twins(r *rand.Rand) (n int) {
	for i := range w.Changes {
		n += one(w.twin(i) >= 0)
	}
	a := w.change(r)
	calls := w.Services[a.Service].Calls
	if n >= 10 || len(calls) == 0 || a.Setting != "" || a.Canary > 0 {
		return n
	}
	b := a
	b.Service, b.At, b.Revision = calls[r.IntN(len(calls))], a.At.Add(minutes(r, -0.5, 0.5)).Truncate(time.Second), fmt.Sprintf("%040x", r.Uint64())
	if w.near(b.Service, b.At, 6*time.Hour) || w.near(a.Service, a.At, 6*time.Hour) {
		return n
	}
	w.Changes = append(w.Changes, a, b)
	return n + 2
}

// twin returns another change, of a service that calls that of a change or that it calls, in the same
// minute, or -1.
func (w *World) twin(i int) int {
	c := w.Changes[i]
	return slices.IndexFunc(w.Changes, func(d Change) bool {
		return d.Service != c.Service && d.At.Sub(c.At).Abs() < time.Minute && d.Revision != c.Revision &&
			(slices.Contains(w.Services[c.Service].Calls, d.Service) || slices.Contains(w.Services[d.Service].Calls, c.Service))
	})
}

func (w *World) near(service int, at time.Time, d time.Duration) bool {
	return slices.ContainsFunc(w.Changes, func(c Change) bool { return c.Service == service && c.At.Sub(at).Abs() < d })
}

// number puts changes in order, and gives them their versions.
func (w *World) number() {
	slices.SortFunc(w.Changes, func(a, b Change) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Setting, b.Setting))
	})
	w.of = make([][]int, len(w.Services))
	running := make([]string, len(w.Services))
	for i := range w.Changes {
		c := &w.Changes[i]
		c.Previous = cmp.Or(running[c.Service], "1.0.0")
		if c.Setting != "" {
			c.Version = c.Previous
			continue
		}
		w.of[c.Service] = append(w.of[c.Service], i)
		c.Version = fmt.Sprintf("1.%d.0", len(w.of[c.Service]))
		if c.Until.IsZero() {
			running[c.Service] = c.Version
		}
	}
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}
