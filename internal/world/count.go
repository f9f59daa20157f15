package world

import (
	"math"
	"math/rand/v2"
	"time"
)

// Count returns how often an operation of a service ended between two times, by
// the service's clock, and how often it failed. No operation (-1) means all; a
// version may be empty, which means all.
func (w *World) Count(service, op int, version string, from, to time.Time) (total, failed int64) {
	s := w.Services[service]
	from, to = from.Add(-s.Skew), to.Add(-s.Skew)
	for t := from.Truncate(bucket); t.Before(to); t = t.Add(bucket) {
		if t.Before(from) || t.Before(w.Start) {
			continue
		}
		for stream, part := range w.versions(service, t) {
			if version != "" && version != part.version {
				continue
			}
			for i := range s.Operations {
				if op < 0 || op == i {
					n, k, b := w.draw(service, i, stream, part, t)
					total += n
					failed += k + b
				}
			}
		}
	}
	return total, failed
}

// part is the traffic of one version.
type part struct {
	version string
	share   float64
	change  int // that brought it, or -1
}

// versions returns what runs of a service at a time: the version before, and the
// one that was deployed last.
func (w *World) versions(service int, t time.Time) [2]part {
	at := -1
	for _, i := range w.of[service] {
		if w.Changes[i].At.After(t) {
			break
		}
		at = i
	}
	if at < 0 {
		return [2]part{{version: "1.0.0", share: 1, change: -1}}
	}
	c := w.Changes[at]
	share := min(1, float64(t.Sub(c.At))/float64(c.Rollout))
	switch age := t.Sub(c.At); {
	case c.Canary > 0 && (c.Trial == 0 || age < c.Trial):
		share *= c.Canary
	case c.Canary > 0:
		share = min(1, max(c.Canary, float64(age-c.Trial)/float64(c.Rollout)))
	}
	if !c.Until.IsZero() && t.After(c.Until) {
		share *= max(0, 1-float64(t.Sub(c.Until))/float64(2*time.Minute))
	}
	return [2]part{{version: c.Previous, share: 1 - share, change: -1}, {version: c.Version, share: share, change: at}}
}

// draw returns what was counted in one bucket: requests, those that failed by
// a fault, and those that fail always.
func (w *World) draw(service, op, stream int, p part, t time.Time) (total, faulty, background int64) {
	if p.share <= 0 {
		return 0, 0, 0
	}
	o := w.Services[service].Operations[op]
	rate, healthy := o.PerMinute*load(t)*p.share*bucket.Minutes(), 1.0
	for _, i := range w.hit[service] {
		f := &w.Faults[i]
		if t.Before(f.From) && !f.daily || !f.Until.IsZero() && t.After(f.Until.Add(time.Hour)) {
			continue
		}
		if share := w.fails(f, op, t); share > 0 || f.surge > 0 {
			rate *= w.surges(f, p, t)
			healthy *= 1 - w.has(f, p, t)*share
		}
	}
	r := rand.New(rand.NewPCG(w.hash(service, op, t.Unix(), stream), w.Seed))
	total = poisson(r, rate)
	faulty = binomial(r, total, 1-healthy)
	return total, faulty, binomial(r, total-faulty, o.Background)
}

// Notice returns when a fault showed first and when it had five times, both by
// the clock of the service that it shows in, and in which versions. It reports false if it does not show
// within half a day.
func (w *World) Notice(fault int) (first, opened time.Time, ok bool) {
	f := &w.Faults[fault]
	skew := w.Services[f.Service].Skew
	seen := int64(0)
	for t := f.From.Truncate(bucket); t.Before(f.From.Add(12 * time.Hour)); t = t.Add(bucket) {
		for op := range w.Services[f.Service].Operations {
			if f.Operation >= 0 && op != f.Operation {
				continue
			}
			for stream, p := range w.versions(f.Service, t) {
				if _, k, _ := w.draw(f.Service, op, stream, p, t); k > 0 {
					if first.IsZero() {
						first = w.within(f.Service, op, t)
					}
					seen += k
				}
			}
		}
		if seen >= 5 {
			return first, t.Add(bucket).Add(skew), true
		}
	}
	return first, first, false
}

// within returns when the first request of an operation failed within a bucket, by the service's clock.
func (w *World) within(service, op int, t time.Time) time.Time {
	offset := time.Duration(w.hash(service, op, t.Unix(), 9) % uint64(bucket))
	return t.Add(offset).Add(w.Services[service].Skew).Truncate(time.Millisecond)
}

// Failure is how often an operation failed by a fault, in one version, within half a
// minute that ends at Until. Times are by the service's clock.
type Failure struct {
	First, Until time.Time
	Operation    int
	Version      string
	Count        int64
}

// Failures returns how a fault shows between two times, by the service's clock, in the order of time.
func (w *World) Failures(fault int, from, to time.Time) (out []Failure) {
	f := &w.Faults[fault]
	skew := w.Services[f.Service].Skew
	for t := from.Add(-skew).Truncate(bucket); t.Before(to.Add(-skew)); t = t.Add(bucket) {
		for op := range w.Services[f.Service].Operations {
			for stream, p := range w.versions(f.Service, t) {
				if _, k, _ := w.draw(f.Service, op, stream, p, t); k > 0 {
					out = append(out, Failure{First: w.within(f.Service, op, t), Until: t.Add(bucket + skew), Operation: op, Version: p.version, Count: k})
				}
			}
		}
	}
	return out
}

// Running returns the versions of a service that run at a time, the older first.
func (w *World) Running(service int, t time.Time) (out []string) {
	for _, p := range w.versions(service, t) {
		if p.share > 0 {
			out = append(out, p.version)
		}
	}
	return out
}

// Daily reports whether a fault was there at the same time on the two days before.
func (f Fault) Daily() bool { return f.daily }

// Failing returns the operation in which a fault shows most, the versions in
// which it does, and how often in that operation, within a time by the service's clock.
func (w *World) Failing(fault int, from, to time.Time) (op int, versions []string, count int64) {
	f := &w.Faults[fault]
	skew := w.Services[f.Service].Skew
	most := int64(-1)
	found := map[string]bool{}
	for i := range w.Services[f.Service].Operations {
		sum := int64(0)
		for t := from.Add(-skew).Truncate(bucket); t.Before(to.Add(-skew)); t = t.Add(bucket) {
			for stream, p := range w.versions(f.Service, t) {
				if _, k, _ := w.draw(f.Service, i, stream, p, t); k > 0 {
					sum += k
					if !found[p.version] {
						found[p.version] = true
						versions = append(versions, p.version)
					}
				}
			}
		}
		if sum > most {
			most, op = sum, i
		}
	}
	return op, versions, most
}

// hash returns numbers that are the same whenever they are asked for.
func (w *World) hash(service, op int, at int64, stream int) uint64 {
	h := w.Seed*0x9E3779B97F4A7C15 + uint64(service)<<48 + uint64(op)<<40 + uint64(stream)<<36 + uint64(at)
	for range 2 {
		h = (h ^ h>>30) * 0xBF58476D1CE4E5B9
		h = (h ^ h>>27) * 0x94D049BB133111EB
	}
	return h ^ h>>31
}

func poisson(r *rand.Rand, mean float64) int64 {
	if mean > 50 {
		return max(0, int64(math.Round(mean+math.Sqrt(mean)*r.NormFloat64())))
	}
	n, p, floor := int64(0), r.Float64(), math.Exp(-mean)
	for p > floor {
		p *= r.Float64()
		n++
	}
	return n
}

func binomial(r *rand.Rand, n int64, p float64) (k int64) {
	if p <= 0 {
		return 0
	}
	if mean := float64(n) * p; n > 200 && mean > 20 && float64(n)-mean > 20 {
		return min(n, max(0, int64(math.Round(mean+math.Sqrt(mean*(1-p))*r.NormFloat64()))))
	}
	if p >= 1 {
		return n
	}
	for skip := math.Log1p(-p); ; k++ { // from one to the next
		if n -= 1 + int64(min(math.Log(1-r.Float64())/skip, 1<<40)); n < 0 {
			return k
		}
	}
}
