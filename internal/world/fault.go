package world

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// number gives changes their versions.
func (w *World) number() {
	slices.SortFunc(w.Changes, func(a, b Change) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Service, b.Service)) })
	w.of = make([][]int, len(w.Services))
	running := make([]string, len(w.Services))
	for i := range w.Changes {
		c := &w.Changes[i]
		w.of[c.Service] = append(w.of[c.Service], i)
		c.Version = fmt.Sprintf("1.%d.0", len(w.of[c.Service]))
		c.Previous = cmp.Or(running[c.Service], "1.0.0")
		if c.Until.IsZero() {
			running[c.Service] = c.Version
		}
	}
}

// spoil makes one of the deployments a bad one.
func (w *World) spoil(r *rand.Rand, k Kind) {
	for {
		i := r.IntN(len(w.Changes))
		c := &w.Changes[i]
		was := *c
		if c.Fault >= 0 || w.overlaps(i, c.At, 5*time.Hour) {
			continue
		}
		f := Fault{Kind: k, Change: i, Service: c.Service, Operation: -1, From: c.At, Known: r.Float64() < 0.1}
		ops := w.Services[c.Service].Operations
		switch k {
		case Crash:
			f.share = between(r, 0.3, 1)
		case Leak:
			f.share = 1
			f.limit = time.Duration(math.Exp(between(r, math.Log(10), math.Log(110))) * float64(time.Minute))
			f.Known = r.Float64() < 0.4 // timeouts, most of them
		case Route:
			f.Operation, f.share = r.IntN(len(ops)), between(r, 0.2, 1)
		case Tenant:
			f.Operation, f.share, f.burst = r.IntN(min(2, len(ops))), between(r, 0.02, 0.15), r.Float64() < 0.5
		case Canary:
			f.share = between(r, 0.3, 1)
			c.Canary, c.Trial, c.Rollout = between(r, 0.03, 0.1), 0, minutes(r, 1, 3)
		case Dependency:
			caller, op := w.caller(r, c.Service)
			if caller < 0 {
				continue
			}
			f.Service, f.Operation, f.share = caller, op, between(r, 0.1, 0.8)
			f.Known = r.Float64() < 0.3
		}
		if f.Until = f.From; w.during(f) {
			*c = was
			continue
		}
		f.Until = time.Time{}
		c.Fault = len(w.Faults)
		w.push(f)
		first, _, ok := w.Notice(len(w.Faults) - 1)
		if !ok { // nobody calls what is broken
			*c = was
			w.pop()
			continue
		}
		until := first.Add(minutes(r, 30, 90))
		w.Faults[len(w.Faults)-1].Until = until
		c.Until = until
		return
	}
}

// push adds a fault, and pop takes the last one away.
func (w *World) push(f Fault) {
	w.hit[f.Service] = append(w.hit[f.Service], len(w.Faults))
	w.Faults = append(w.Faults, f)
}

func (w *World) pop() {
	last := len(w.Faults) - 1
	of := w.hit[w.Faults[last].Service]
	w.hit[w.Faults[last].Service] = of[:len(of)-1]
	w.Faults = w.Faults[:last]
}

// overlaps reports whether something else happens to what a change would break,
// so that nobody could say which of them it was.
func (w *World) overlaps(i int, at time.Time, d time.Duration) bool {
	for j, c := range w.Changes {
		if j != i && c.Service == w.Changes[i].Service && (c.At.Sub(at) >= 0 && c.At.Sub(at) < d || c.Fault >= 0 && at.Sub(c.At) >= 0 && at.Sub(c.At) < d) {
			return true
		}
	}
	return false
}

// caller returns an operation that calls a service.
func (w *World) caller(r *rand.Rand, service int) (caller, op int) {
	for _, s := range r.Perm(len(w.Services)) {
		for i, o := range w.Services[s].Operations {
			if o.Calls == service {
				return s, i
			}
		}
	}
	return -1, -1
}

// strike makes something go wrong that nobody deployed.
func (w *World) strike(r *rand.Rand, k Kind) {
	for {
		s := r.IntN(len(w.Services))
		ops := w.Services[s].Operations
		f := Fault{Kind: k, Change: -1, Service: s, Operation: r.IntN(len(ops)), From: w.busy(r)}
		switch k {
		case Traffic:
			f.Operation, f.surge, f.Known = -1, between(r, 3, 8), r.Float64() < 0.5
			f.share = between(r, 0.1, 0.6)
		case Provider:
			f.share, f.Known = between(r, 0.2, 1), r.Float64() < 0.5
		case Hour:
			f.From = f.From.Truncate(24 * time.Hour).Add(time.Duration(r.IntN(24)) * time.Hour)
			f.share, f.Known = between(r, 0.05, 0.5), r.Float64() < 0.7
		case Data:
			f.share, f.Known = between(r, 0.01, 0.2), r.Float64() < 0.3
		}
		if w.during(f) {
			continue
		}
		w.push(f)
		first, _, ok := w.Notice(len(w.Faults) - 1)
		if !ok {
			w.pop()
			continue
		}
		w.Faults[len(w.Faults)-1].Until = first.Add(minutes(r, 20, 120))
		return
	}
}

// during reports whether another fault of the service goes on.
func (w *World) during(f Fault) bool {
	for _, g := range w.Faults {
		if g.Service == f.Service && f.From.After(g.From.Add(-4*time.Hour)) && f.From.Before(g.Until.Add(4*time.Hour)) {
			return true
		}
	}
	return false
}

// fails returns the share of requests of an operation that a fault makes fail at a
// time, in processes of the version that has it, or in all.
func (w *World) fails(f *Fault, op int, t time.Time) float64 {
	if t.Before(f.From) || !f.Until.IsZero() && t.After(f.Until.Add(2*time.Minute)) || f.Operation >= 0 && op != f.Operation {
		return 0
	}
	switch {
	case f.burst: // who comes for half an hour now and then
		at := t.Unix() + int64(w.hash(f.Service, op, f.From.Unix(), 6)%1800)
		if h := w.hash(f.Service, op, at/1800, 7); h%10 >= 4 {
			return 0
		}
		return min(1, 2*f.share)
	case f.Kind == Leak:
		return w.exhausted(f, t)
	case f.surge > 0:
		return f.share * min(1, float64(t.Sub(f.From))/float64(8*time.Minute))
	}
	return f.share
}

// exhausted returns the share of requests that fail in processes that have run
// out of something. Each started at its own time and runs out at its own; before
// that it is slow for a while, and then it is killed and begins anew.
func (w *World) exhausted(f *Fault, t time.Time) (share float64) {
	c := w.Changes[f.Change]
	n := w.Services[f.Service].Replicas
	for i := range n {
		started := c.At.Add(c.Rollout * time.Duration(i) / time.Duration(n))
		limit := time.Duration(float64(f.limit) * (0.85 + 0.3*float64(w.hash(f.Service, i, 0, 8)%1000)/1000))
		age := t.Sub(started)
		if age < 0 {
			continue
		}
		age %= limit + 2*time.Minute
		switch slow := limit * 85 / 100; {
		case age >= limit:
			share++ // it is down until it has started again
		case age > slow:
			share += 0.3 * float64(age-slow) / float64(limit-slow)
		}
	}
	return share / float64(n)
}
