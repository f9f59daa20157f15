package world

import (
	"math"
	"math/rand/v2"
	"time"
)

// spoil makes one of the deployments a bad one.
func (w *World) spoil(r *rand.Rand, k Kind) {
	for range 1 << 20 {
		i := r.IntN(len(w.Changes))
		was := w.Changes[i]
		f, ok := w.damage(r, k, i)
		if ok && w.happens(f, i) {
			return
		}
		w.Changes[i] = was
	}
	panic("world: no occasion for " + string(k))
}

// damage returns what a change would do. It reports false if it cannot, or if so
// much else happens about then that nobody could say what it was.
func (w *World) damage(r *rand.Rand, k Kind, i int) (Fault, bool) {
	c := &w.Changes[i]
	f := Fault{Kind: k, Change: i, Service: c.Service, Operation: -1, From: c.At, Known: r.Float64() < 0.1}
	alone := 5 * time.Hour
	if k == Slow {
		alone = 14 * time.Hour
	}
	wanted := map[Kind]string{Config: "config", Flag: "flag"}[k]
	if c.Fault >= 0 || c.Setting != wanted || c.hot != (k == Hotfix) || !c.hot && w.overlaps(i, alone) || (w.twin(i) >= 0) != (k == Twin) {
		return f, false
	}
	ops := w.Services[c.Service].Operations
	one := func(of int) { f.Operation, f.share = r.IntN(of), between(r, 0.2, 1) }
	switch k {
	case Crash:
		f.share = between(r, 0.3, 1)
	case Leak, Slow:
		from, to := 10.0, 110.0
		if k == Slow {
			from, to = 150, 540
		}
		f.share = 1
		f.limit = time.Duration(math.Exp(between(r, math.Log(from), math.Log(to))) * float64(time.Minute))
		f.Known = r.Float64() < 0.4 // timeouts, most of them
	case Route, Config, Hotfix, Migration:
		one(len(ops))
		if k == Config && r.Float64() < 0.5 {
			f.Operation = -1
		}
	case Flag:
		one(min(3, len(ops)))
	case Tenant:
		f.Operation, f.share, f.burst = r.IntN(min(2, len(ops))), between(r, 0.02, 0.15), r.Float64() < 0.5
	case Canary, Half:
		f.share = between(r, 0.3, 1)
		c.Canary, c.Trial, c.Rollout = between(r, 0.03, 0.1), 0, minutes(r, 1, 3)
		if k == Half {
			c.Canary, c.Rollout = between(r, 0.4, 0.6), minutes(r, 3, 12)
		}
	case Twin:
		one(len(ops))
		if d := w.Changes[w.twin(i)]; r.Float64() < 0.5 && w.calls(d.Service, c.Service) >= 0 {
			f.Service, f.Operation, f.Peer = d.Service, w.calls(d.Service, c.Service), w.Services[c.Service].Name
		}
	case Dependency, Caller:
		caller, op := w.caller(r, c.Service)
		if k == Caller {
			calls := w.Services[c.Service].Calls
			if len(calls) == 0 {
				return f, false
			}
			f.Service, f.share, f.surge = calls[r.IntN(len(calls))], between(r, 0.1, 0.6), between(r, 3, 8)
			f.Known = r.Float64() < 0.5
			break
		}
		if caller < 0 {
			return f, false
		}
		f.Service, f.Operation, f.share = caller, op, between(r, 0.1, 0.8)
		f.Known = r.Float64() < 0.3
		if r.Float64() < 0.7 { // else what fails is what the operation makes of the answer
			f.Peer = w.Services[c.Service].Name
		}
	}
	if f.Until = f.From; k == Slow {
		f.Until = f.From.Add(f.limit)
	}
	return f, !w.during(f)
}

// happens adds a fault, unless it shows in nothing. Somebody rolls it back some time after
// it shows.
func (w *World) happens(f Fault, i int) bool {
	f.Until = time.Time{}
	w.Changes[i].Fault = len(w.Faults)
	w.push(f)
	at := len(w.Faults) - 1
	first, _, ok := w.Notice(at)
	if !ok { // nobody calls what is broken
		w.pop()
		return false
	}
	until := first.Add(time.Duration(30+w.hash(f.Service, f.Operation, f.From.Unix(), 3)%60) * time.Minute)
	switch f.Kind {
	case Hotfix: // it is the third one that repairs it
		last := w.Changes[w.after(w.after(i))]
		w.Faults[at].Until = last.At.Add(last.Rollout)
		return true
	case Migration: // which took much longer to undo
		w.Faults[at].Until = until.Add(time.Hour)
	default:
		w.Faults[at].Until = until
	}
	w.Changes[i].Until = until
	return true
}

// after returns the release of a service after one of it.
func (w *World) after(i int) int {
	of := w.of[w.Changes[i].Service]
	for k := range of {
		if of[k] == i && k+1 < len(of) {
			return of[k+1]
		}
	}
	return i
}

// push adds a fault, and pop takes the last one away.
func (w *World) push(f Fault) {
	for _, s := range append([]int{f.Service}, f.also...) {
		w.hit[s] = append(w.hit[s], len(w.Faults))
	}
	w.Faults = append(w.Faults, f)
}

func (w *World) pop() {
	last := len(w.Faults) - 1
	f := w.Faults[last]
	for _, s := range append([]int{f.Service}, f.also...) {
		w.hit[s] = w.hit[s][:len(w.hit[s])-1]
	}
	w.Faults = w.Faults[:last]
}

// overlaps reports whether the service of a change is changed again within a
// time, or another bad change of it is not long ago.
func (w *World) overlaps(i int, d time.Duration) bool {
	at := w.Changes[i].At
	for j, c := range w.Changes {
		bad := c.Fault >= 0 || c.InVain >= 0
		if j != i && c.Service == w.Changes[i].Service && (c.At.Sub(at) >= 0 && c.At.Sub(at) < d || bad && at.Sub(c.At) >= 0 && at.Sub(c.At) < d) {
			return true
		}
	}
	return false
}

// caller returns an operation that calls a service.
func (w *World) caller(r *rand.Rand, service int) (caller, op int) {
	for _, s := range r.Perm(len(w.Services)) {
		if op := w.calls(s, service); op >= 0 {
			return s, op
		}
	}
	return -1, -1
}

// calls returns the first operation of a service that calls another one, or -1.
func (w *World) calls(caller, service int) int {
	for i, o := range w.Services[caller].Operations {
		if o.Calls == service {
			return i
		}
	}
	return -1
}

// during reports whether another fault of a service that a fault shows in goes on about then.
func (w *World) during(f Fault) bool {
	for _, s := range append([]int{f.Service}, f.also...) {
		for _, i := range w.hit[s] {
			g := w.Faults[i]
			for ago := range onDays(f.daily) {
				for was := range onDays(g.daily) {
					from := f.From.Add(time.Duration(was-ago) * 24 * time.Hour)
					if from.Add(f.Until.Sub(f.From)).After(g.From.Add(-4*time.Hour)) && from.Before(g.Until.Add(4*time.Hour)) {
						return true
					}
				}
			}
		}
	}
	return false
}

// onDays returns on how many days a fault is there.
func onDays(daily bool) int { return 1 + 2*one(daily) }
