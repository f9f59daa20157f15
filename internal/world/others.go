package world

import (
	"math/rand/v2"
	"slices"
	"time"
)

// strike makes something go wrong that nobody deployed.
func (w *World) strike(r *rand.Rand, k Kind) {
	for {
		f := w.mishap(r, k)
		if w.during(f) {
			continue
		}
		w.push(f)
		at := len(w.Faults) - 1
		first, _, ok := w.Notice(at)
		if !ok {
			w.pop()
			continue
		}
		w.Faults[at].Until = later(f.Until, first.Add(minutes(r, 20, 120)))
		w.inVain(r, at, first)
		return
	}
}

// mishap returns something that may go wrong.
func (w *World) mishap(r *rand.Rand, k Kind) Fault {
	s := r.IntN(len(w.Services))
	svc := w.Services[s]
	f := Fault{Kind: k, Change: -1, Service: s, Operation: r.IntN(len(svc.Operations)), From: w.when(r, s)}
	f.Peer = "provider"
	if len(svc.Uses) > 0 && r.Float64() < 0.5 {
		f.Peer = svc.Uses[r.IntN(len(svc.Uses))]
	}
	called := svc.Operations[f.Operation].Calls
	switch k {
	case Traffic, Storm:
		f.Operation, f.Peer = -1, ""
		f.surge, f.share, f.Known, f.ramp = between(r, 3, 8), between(r, 0.1, 0.6), r.Float64() < 0.5, 10*time.Minute
		if k == Storm {
			f.share, f.Known, f.ramp = between(r, 0.3, 0.9), r.Float64() < 0.7, minutes(r, 1, 2)
		}
	case Provider:
		f.share, f.Known = between(r, 0.2, 1), r.Float64() < 0.5
	case Hour:
		f.Peer = ""
		f.From = f.From.Add(time.Hour - time.Second).Truncate(time.Hour)
		f.share, f.daily = between(r, 0.05, 0.5), r.Float64() < 0.5
		f.Known = f.daily || r.Float64() < 0.5
	case Data:
		f.Peer = ""
		f.share, f.Known = between(r, 0.01, 0.2), r.Float64() < 0.3
	case Certificate:
		if f.From = f.From.Truncate(time.Minute); r.Float64() < 0.4 {
			f.From = f.From.Truncate(24 * time.Hour)
		}
		f.share, f.Known = 1, r.Float64() < 0.1
		if called >= 0 {
			f.Peer = w.Services[called].Name
		}
	case DNS:
		f.share, f.Known, f.ramp = between(r, 0.3, 1), r.Float64() < 0.3, minutes(r, 5, 30)
		if called >= 0 {
			f.Peer = w.Services[called].Name
		}
	case Quota:
		f.Peer, f.share, f.Known = "provider", 1, r.Float64() < 0.3
	case Region:
		f.Operation, f.Peer = -1, ""
		f.share, f.Known = between(r, 0.2, 0.5), r.Float64() < 0.3
		f.also = slices.DeleteFunc(r.Perm(len(w.Services))[:7], func(i int) bool { return i == s })
	case Ongoing:
		c := w.Changes[r.IntN(len(w.Changes))]
		f.Service = c.Service
		f.Operation = r.IntN(len(w.Services[c.Service].Operations))
		f.Peer, f.From = "provider", c.At.Add(-minutes(r, 2, 20))
		f.share, f.Known, f.ramp = between(r, 0.2, 1), r.Float64() < 0.5, minutes(r, 10, 40)
	case Untold:
		f.share, f.Known = between(r, 0.2, 1), r.Float64() < 0.1
		f.Peer = ""
	}
	if f.Until = f.From; k == Quota {
		f.Until = f.From.Truncate(24 * time.Hour).Add(24 * time.Hour)
	}
	return f
}

// when returns a time at which something happens: two of five soon after the
// service was deployed, or one that it calls.
func (w *World) when(r *rand.Rand, service int) time.Time {
	if r.Float64() >= 0.4 {
		return w.busy(r)
	}
	for {
		c := w.Changes[r.IntN(len(w.Changes))]
		if c.Fault < 0 && (c.Service == service || r.Float64() < 0.5 && slices.Contains(w.Services[service].Calls, c.Service)) {
			return c.At.Add(minutes(r, 0, 110)).Truncate(time.Second)
		}
	}
}

// inVain may have somebody roll back what was deployed last before a fault, though it is
// not at fault.
func (w *World) inVain(r *rand.Rand, fault int, first time.Time) {
	f := &w.Faults[fault]
	for _, i := range w.of[f.Service] {
		c := &w.Changes[i]
		age := first.Sub(c.At)
		if age < 0 || age > 2*time.Hour || c.Fault >= 0 || c.InVain >= 0 || c.hot || w.overlaps(i, 5*time.Hour) || r.Float64() < 0.5 {
			continue
		}
		c.Until = first.Add(minutes(r, 15, 40))
		c.InVain = fault
		if f.Until = later(f.Until, c.Until.Add(minutes(r, 30, 60))); r.Float64() < 0.3 { // it was over before
			f.Until = c.Until.Add(-minutes(r, 4, 12))
		}
		return
	}
}

// busy returns a time at which something happens that people or traffic bring about.
func (w *World) busy(r *rand.Rand) time.Time {
	for {
		t := w.Start.Add(time.Duration(between(r, 0.1, days-0.5) * 24 * float64(time.Hour)))
		if r.Float64()*1.85 < load(t) {
			return t.Truncate(time.Second)
		}
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
