package correlate

import (
	"slices"
	"time"
)

// A problem's recent counts are kept in at most this many buckets. They cover
// the threshold's window, and never less than rateWindow.
const (
	maxBuckets = 60
	rateWindow = time.Minute
)

// window returns how long counts are kept, and the width of a bucket.
func (t Threshold) window() (span, width time.Duration) {
	span = max(t.Within, rateWindow)
	return span, max(time.Second, span/maxBuckets)
}

// count adds a batch to the bucket of its last occurrence and drops buckets
// that are too old to matter.
func (p *Problem) count(b Batch) {
	span, width := b.Threshold.window()
	start := b.Last.Truncate(width)
	i, found := slices.BinarySearchFunc(p.Recent, start, func(b Bucket, t time.Time) int { return b.Start.Compare(t) })
	if !found {
		p.Recent = slices.Insert(p.Recent, i, Bucket{Start: start})
	}
	p.Recent[i].Count += b.Count
	oldest := p.LastSeen.Add(-span - width)
	p.Recent = slices.DeleteFunc(p.Recent, func(b Bucket) bool { return b.Start.Before(oldest) })
	if n := len(p.Recent) - 2*maxBuckets; n > 0 { // after a change of the rule's window
		p.Recent = slices.Delete(p.Recent, 0, n)
	}
}

// CountWithin returns how many occurrences were counted in the time before
// now. It counts by buckets, so that it may include what is older by up to a
// sixtieth of the rule's window, but at least a second.
func (p Problem) CountWithin(d time.Duration, now time.Time) int64 {
	_, width := p.Answers.Threshold.window()
	oldest := now.Add(-d - width)
	var n int64
	for _, b := range p.Recent {
		if b.Start.After(oldest) {
			n += b.Count
		}
	}
	return n
}

// leastAge keeps the first few occurrences of a problem from looking like a
// storm.
const leastAge = 10 * time.Second

// Rate returns the occurrences per minute over the rule's window or, while the
// problem is younger than that, over its age, but at least over ten seconds.
func (p Problem) Rate() float64 {
	if len(p.Recent) == 0 {
		return 0
	}
	span, _ := p.Answers.Threshold.window()
	age := min(span, max(leastAge, p.LastSeen.Sub(p.Recent[0].Start)))
	return float64(p.CountWithin(age, p.LastSeen)) / age.Minutes()
}
