package correlate

import (
	"slices"
	"time"
)

// Change is what an input made of a problem.
type Change string

const (
	ChangeNone     Change = "none"            // nothing to tell anybody
	ChangeBelow    Change = "below_threshold" // counted; no ticket yet
	ChangeOpened   Change = "opened"
	ChangeReopened Change = "reopened"
	ChangeHeld     Change = "held"         // counted on a problem that is open and has no ticket of its own; Hold says why
	ChangeCounted  Change = "deduplicated" // counted on a problem that is open
	ChangeUpdated  Change = "updated"      // counted, and time to tell the sinks
	ChangeResolved Change = "resolved"
	ChangeNoted    Change = "noted" // to be stored, and told with whatever is told next
)

const (
	maxSamples = 4
	maxHistory = 40

	// The sinks are told of an open problem that goes on after a minute, then
	// after two, four and so on: a ticket says that it grows, and soon whether
	// it is one failure or a storm, without becoming a stream.
	firstUpdate = time.Minute
	maxUpdate   = 24 * time.Hour

	keepWatching = 24 * time.Hour
	keepResolved = 30 * 24 * time.Hour
)

// Batch is what was seen of one signature since the last time.
type Batch struct {
	Scope     Scope
	Signature Signature
	Rule      string
	Threshold Threshold
	Quiet     time.Duration
	Count     int64
	First     time.Time // end of the earliest occurrence
	Last      time.Time // end of the latest
	Sample    Sample    // the latest
	Impact    Impact
	Flood     *Flood    // of the signatures that are counted as this one; nil if it is one
	Admission Admission // whether a new problem may have a ticket now

	// Writer says who counts the batch, and Number which of its batches it is, from
	// 1, so that it is counted once however often it is tried (see Problem.Counted).
	// Zero means that nobody asks.
	Writer string
	Number int64
}

// Key returns the key of the problem's record.
func (b Batch) Key() Key { return Key{Scope: b.Scope, Kind: KindProblem, ID: b.Signature.ID} }

// Observe counts a batch on a problem; the zero Problem is one that was never
// seen. It is a pure function: p is not changed, and the slices that policy
// changes in place are copied. On ChangeOpened, ChangeReopened and ChangeHeld
// the caller sets the answers of the rule and, unless the problem is held,
// queues the deliveries, in the same atomic step.
func (p Problem) Observe(b Batch, now time.Time) (Problem, Change) {
	p = p.clone()
	b.First, b.Last, b.Sample.Time = possible(b.First, now), possible(b.Last, now), possible(b.Sample.Time, now)
	stale := p.State == Resolved && !b.Last.After(p.LastSeen)
	if p.ID == "" {
		p.ID, p.Scope, p.State, p.FirstSeen = b.Signature.ID, b.Scope, Watching, b.First
	}
	p.Signature, p.Rule = b.Signature, b.Rule
	p.Count += b.Count
	if b.First.Before(p.FirstSeen) {
		p.FirstSeen = b.First
	}
	if b.Last.After(p.LastSeen) {
		p.LastSeen = b.Last
	}
	p.count(b)
	p.Impact = p.Impact.Merge(b.Impact)
	if b.Flood != nil && p.State == Resolved && !stale {
		p.Flood = nil // it was of the episode before
	}
	p.Flood = p.Flood.Merge(b.Flood)
	if b.Admission.Upstream.known() {
		p.Upstream = b.Admission.Upstream
	}

	if p.State == Open {
		p.keepSample(b.Sample)
		if p.Hold != "" {
			return p.open(b, now)
		}
		if now.Before(p.nextUpdate()) {
			return p, ChangeCounted
		}
		p.UpdatedAt = now
		p.Updates++
		return p, ChangeUpdated
	}

	p.Answers.Threshold, p.Answers.Quiet = b.Threshold, b.Quiet
	// A batch that comes late, from a replica that could not reach the store,
	// lies outside the window that ends now, and may reach the threshold alone.
	// But what is older than the quiet that resolved a problem is not a return.
	seen := max(b.Count, p.CountWithin(b.Threshold.Within, p.LastSeen))
	if stale || seen < b.Threshold.Count {
		p.keepSample(b.Sample)
		return p, ChangeBelow
	}
	if p.State == Resolved {
		p.Samples, p.Bare = nil, false // they are of the episode before
	}
	p.State, p.OpenedAt, p.BeganAt = Open, now, b.First
	for _, r := range p.Recent {
		if r.Start.Before(p.BeganAt) && !r.Start.Before(p.LastSeen.Add(-b.Threshold.Within)) {
			p.BeganAt = r.Start
		}
	}
	p.keepSample(b.Sample)
	return p.open(b, now)
}

// open gives a problem its ticket, or holds it.
func (p Problem) open(b Batch, now time.Time) (Problem, Change) {
	p.hold(p.admit(b, now), now)
	if p.Hold == Known && b.Admission.Learning {
		p.Usual = max(p.Usual, p.Rate())
	}
	if p.Hold != "" {
		return p, ChangeHeld
	}
	change := ChangeOpened
	if p.Episode > 0 {
		change = ChangeReopened
	}
	p.Episode++
	p.OpenedAt, p.UpdatedAt, p.Updates = now, now, 0
	p.note(now, string(change))
	return p, change
}

// possible returns a time that a span may have ended at. One that is yet to
// come, by a clock that is wrong, would keep the problem open until then; one
// before there were computers may not be storable.
func possible(t, now time.Time) time.Time {
	if t.After(now) {
		return now
	}
	if epoch := time.Unix(0, 0).UTC(); t.Before(epoch) {
		return epoch
	}
	return t
}

// Quieten resolves an open problem whose quiet period has passed. It is a pure
// function like Observe.
func (p Problem) Quieten(now time.Time) (Problem, Change) {
	if p.State != Open || now.Before(p.ResolvesAt()) {
		return p, ChangeNone
	}
	p = p.clone()
	p.State = Resolved
	p.ResolvedAt = now
	p.Hold, p.HeldAt = "", time.Time{}
	p.Recent = nil // they were this episode's: a return must reach the threshold again
	p.note(now, "resolved: quiet for "+p.Answers.Quiet.String())
	return p, ChangeResolved
}

// ResolvesAt returns when the problem will be resolved if nothing more happens.
// It is zero for a problem that is not open.
func (p Problem) ResolvesAt() time.Time {
	if p.State != Open {
		return time.Time{}
	}
	return p.LastSeen.Add(p.Answers.Quiet)
}

// Expires returns when a store may forget the problem. An open one never
// expires, nor does one that something is still to be sent about.
func (p Problem) Expires() time.Time {
	unsent := func(f Filing) bool { return len(f.Pending) > 0 || f.Parked != nil && f.Parked.Until.IsZero() }
	if p.State == Open || slices.ContainsFunc(p.Filings, unsent) {
		return time.Time{}
	}
	if p.State == Resolved {
		return p.ResolvedAt.Add(keepResolved)
	}
	return p.LastSeen.Add(max(keepWatching, p.Answers.Threshold.Within))
}

// nextUpdate returns when the sinks are told again that an open problem goes on.
func (p Problem) nextUpdate() time.Time {
	step := maxUpdate
	if 0 <= p.Updates && p.Updates < 11 { // 1m << 11 is beyond a day
		step = min(step, firstUpdate<<p.Updates)
	}
	return p.UpdatedAt.Add(step)
}

// keepSample keeps the first sample and the newest ones, and of those that were
// exported the newest, however old: a link leads to it. What led to the first
// episode counts as a part of it.
func (p *Problem) keepSample(s Sample) {
	if len(p.Samples) >= maxSamples {
		oldest := 1
		exported := func(s Sample) bool { return s.Exported }
		if p.Samples[1].Exported && !s.Exported && !slices.ContainsFunc(p.Samples[2:], exported) {
			oldest = 2
		}
		p.Samples = slices.Delete(p.Samples, oldest, oldest+1)
	}
	p.Samples = append(p.Samples, s)
}

// note adds to the history; what is left out when it is full is the middle.
func (p *Problem) note(now time.Time, what string) {
	if len(p.History) >= maxHistory {
		p.History = slices.Delete(p.History, 1, 2)
	}
	p.History = append(p.History, Entry{Time: now, What: what})
}

// Newest returns the newest sample.
func (p Problem) Newest() Sample {
	if len(p.Samples) == 0 {
		return Sample{}
	}
	return p.Samples[len(p.Samples)-1]
}

// clone copies what the pure functions change in place.
func (p Problem) clone() Problem {
	p.Recent = slices.Clone(p.Recent)
	p.Samples = slices.Clone(p.Samples)
	p.History = slices.Clone(p.History)
	p.Filings = slices.Clone(p.Filings)
	for i := range p.Filings {
		p.Filings[i].Pending = slices.Clone(p.Filings[i].Pending)
	}
	p.Members = slices.Clone(p.Members)
	p.Suspects.Ranked = slices.Clone(p.Suspects.Ranked)
	return p
}
