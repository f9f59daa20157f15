package world

import "time"

// has returns for which share of a version's processes, or of its requests, a fault is there.
func (w *World) has(f *Fault, p part, t time.Time) float64 {
	if f.Change < 0 {
		return 1
	}
	c := w.Changes[f.Change]
	switch {
	case f.Kind == Migration:
		return 1
	case c.Setting != "":
		return min(1, float64(t.Sub(c.At)+bucket)/float64(c.Rollout))
	case f.Service != c.Service: // by how much of what it calls, or of what calls it, is new
		for _, q := range w.versions(c.Service, t) {
			if q.change == f.Change {
				return q.share
			}
		}
		return 0
	case p.change == f.Change, f.Kind == Hotfix && p.change == w.after(f.Change):
		return 1
	case f.Kind == Hotfix && p.change < 0 && p.version != c.Previous: // it has something newer beside it
		return one64(p.version == c.Version || p.version == w.Changes[w.after(f.Change)].Version)
	}
	return 0
}

func one64(b bool) float64 { return float64(one(b)) }

// surges returns how many times the usual traffic comes by a fault.
func (w *World) surges(f *Fault, p part, t time.Time) float64 {
	if f.surge == 0 || t.Before(f.From) || !f.Until.IsZero() && !t.Before(f.Until) {
		return 1
	}
	full := 1.0
	if f.ramp > 0 {
		full = min(1, float64(t.Sub(f.From))/float64(f.ramp))
	}
	return 1 + (f.surge-1)*full*w.has(f, p, t)
}

// fails returns the share of requests of an operation that a fault makes fail at a
// time, in processes of the version that has it, or in all.
func (w *World) fails(f *Fault, op int, t time.Time) float64 {
	if f.Operation >= 0 && op != f.Operation {
		return 0
	}
	if t.Before(f.From) {
		// On the two days before it was over after half an hour.
		if ago := f.From.Sub(t) - 1; f.daily && ago < 48*time.Hour && ago%(24*time.Hour) >= 24*time.Hour-30*time.Minute {
			return f.share
		}
		return 0
	}
	if !f.Until.IsZero() && t.After(f.Until.Add(2*time.Minute)) {
		return 0
	}
	switch {
	case f.burst: // who comes for half an hour now and then
		at := t.Unix() + int64(w.hash(f.Service, op, f.From.Unix(), 6)%1800)
		if h := w.hash(f.Service, op, at/1800, 7); h%10 >= 4 {
			return 0
		}
		return min(1, 2*f.share)
	case f.limit > 0:
		return w.exhausted(f, t)
	case f.ramp > 0:
		return f.share * min(1, float64(t.Sub(f.From)+bucket)/float64(f.ramp))
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
