package deployment

import (
	"fmt"
	"slices"
	"time"
)

const (
	// A failure is near a change if it came so soon after it.
	near = 10 * time.Minute
	// It ran well before if it did for so long, in so many calls, and this is no luck.
	longWell  = 5 * time.Minute
	manyCalls = 20
	noLuck    = 0.001
	// Traffic that grows by so much explains failures that come with it.
	moreTraffic = 1.5
	// Failures that grow by so much grow, and do not jump.
	growth = 1.5
	// Who was away for long, while all went well, makes no larger share of the calls.
	rare = 1.0 / 3
	// A change that is so many calls away has to show on the way.
	far = 2
	// fewFailures are expected before it is said that there should be some.
	fewFailures = 5
)

// trial weighs one candidate.
type trial struct {
	Suspect
	c Case
	d candidate
	m measures

	alone bool // nothing fails more often on the way to it
}

// judge says how suspect a candidate is, or why it is not.
func judge(c Case, d candidate, m measures) (Suspect, Reason) {
	t := trial{
		Suspect: Suspect{Deployment: d.Deployment, Distance: d.distance, Shared: d.shared, Delay: c.First.Sub(d.Time), Undone: m.undone},
		c:       c, d: d, m: m,
	}
	reason := t.weigh()
	return t.Suspect, reason
}

// say adds evidence.
func (t *trial) say(speaks bool, format string, args ...any) {
	t.Evidence = append(t.Evidence, Evidence{For: speaks, Text: fmt.Sprintf(format, args...)})
}

func (t *trial) weigh() Reason {
	reached, others := t.reached()
	if reason := t.alibi(reached, others); reason != "" {
		return reason
	}
	if t.Delay < 0 {
		t.say(true, "the first failure came %s before the change was told, which is as far as clocks and senders differ", short(-t.Delay))
	} else {
		t.say(t.Delay <= near, "the first failure came %s after the change", short(t.Delay))
	}
	if t.d.Region != "" && t.d.Region == t.c.Region {
		t.say(true, "the change was made in %s, where it failed", t.d.Region)
	}
	if reason := t.sideBySide(reached, others); reason != "" {
		return reason
	}
	if t.c.Known && t.guessed() && t.c.Peer != t.d.Scope.Service {
		return BeganBefore
	}
	compared, reason := t.compare()
	if reason != "" && !t.beside {
		return reason
	}
	if !t.c.Known {
		t.say(true, "no such failure was seen before")
	}
	if !t.beside && t.ranWell() {
		t.say(false, "%s calls had gone well between", thousands(t.m.between.Total-t.m.between.Failed))
		growing := t.growing()
		if t.trafficGrew() {
			return MoreTraffic
		}
		if t.Distance > 0 || t.c.Peer != "" || !growing && (t.c.Known || onTheHour(t.c.First) || !t.occasional()) {
			if t.Distance > 0 || !t.helped() {
				return RanHealthy
			}
		}
		t.late = true
		if growing {
			t.say(true, "failures grow, as if something runs out")
		}
	}
	if !t.beside && !t.late && t.tooEarly() {
		return TooLittle
	}
	connected := t.upstream()
	if t.Distance > 0 && !connected && t.trafficGrew() {
		return MoreTraffic
	}
	if t.alone && !connected {
		return NotKnown
	}
	t.Class = t.class(compared, reached, connected)
	if t.Class == "" || t.Class == Possible && t.guessed() && !connected {
		return NotKnown
	}
	t.mitigate()
	return t.aftermath()
}

// reached reports whether the failing processes are known to have the version,
// and whether some have another one that is no successor of it: what is put on top of a
// version has its faults.
func (t *trial) reached() (reached, others bool) {
	if t.Distance > 0 || t.d.Version == "" {
		return false, false
	}
	reached = slices.ContainsFunc(t.c.Failing, func(v string) bool { return sameVersion(v, t.d.Version) })
	others = slices.ContainsFunc(t.c.Failing, func(v string) bool {
		is := func(other string) bool { return sameVersion(v, other) }
		// One of which nothing was told yet is new, if it is known what ran before.
		successor := reached && (slices.ContainsFunc(t.m.later, is) || t.d.Previous != "" && !slices.ContainsFunc(t.m.earlier, is))
		return v != "" && !is(t.d.Version) && !successor
	})
	return reached, others
}

// alibi returns why the change cannot have been it.
func (t *trial) alibi(reached, others bool) Reason {
	switch {
	case t.c.Region != "" && t.d.Region != "" && t.c.Region != t.d.Region:
		return Elsewhere
	case t.Delay < -t.d.slack(), t.Delay < 0 && others && !reached:
		return BeganBefore
	case others && !reached:
		return NotReached
	}
	return ""
}

// guessed reports whether it is only a guess that the change had begun when it failed first, since
// nobody told when it did.
func (t *trial) guessed() bool { return t.Delay < -clocks && !t.beside }

// sideBySide compares the new version with the one before it, while both run.
func (t *trial) sideBySide(reached, others bool) Reason {
	fresh, old := t.m.fresh, t.m.old
	switch {
	case reached && others && (!t.c.Known || fresh == nil):
		return OldToo
	case fresh == nil || old == nil:
	case fresh.Total == 0 || old.Total == 0:
	case moreOften(*fresh, *old):
		t.beside = true
		t.say(true, "side by side, %s failed in %s calls, and %s in %s", t.d.Version, fresh, t.d.Previous, old)
	case (others || len(t.c.Failing) == 0) && old.Failed >= 3 && ratio(*fresh, *old) < strongRatio:
		return OldToo
	}
	return ""
}

// compare compares the operation before and after the change. It reports whether
// that is known.
func (t *trial) compare() (known bool, _ Reason) {
	if t.m.before == nil || t.m.after == nil {
		return false, ""
	}
	t.Before, t.After = *t.m.before, *t.m.after
	span := "in the " + short(t.m.span) + " before"
	if day := t.m.day; t.Before.Total < fewCalls && day != nil && day.Total > t.Before.Total {
		t.Before, span = *day, "on the day before"
	}
	switch {
	case t.Before.Total == 0 && t.m.service != nil && t.m.service.Total >= fewCalls && t.After.Failed >= fewFailures:
		t.say(true, "nobody called the operation before the change; since, %s calls failed", t.After)
		return true, ""
	case t.behind() && t.After.Total == 0:
		return true, NotCounted
	case t.Before.Total == 0 || t.After.Total == 0:
		return true, TooLittle
	}
	t.Ratio = ratio(t.After, t.Before)
	after := "in as long after"
	if !moreOften(t.After, t.Before) && t.m.since != nil && moreOften(t.m.since.lessOne(), t.Before) {
		t.After, after = *t.m.since, "since the first failure" // it began late, or reaches few
		t.Ratio = ratio(t.After, t.Before)
	}
	switch {
	case moreOften(t.After, t.Before):
		t.say(true, "%s calls failed %s, and %s %s: %s as often", t.Before, span, t.After, after, times(t.Ratio))
		return true, ""
	case t.ofItsKind():
		t.say(true, "none of %s calls failed so %s, and %s of %s since", thousands(t.Before.Total), span, thousands(t.c.Count), thousands(t.m.after.Total))
		return true, ""
	case t.behind():
		return true, NotCounted
	case t.Ratio > strongRatio, t.After.Total < fewCalls:
		return true, TooLittle
	}
	return true, SameBefore
}

// behind reports whether most of what is known to have failed is not counted yet, as by
// who measures once a minute. Where versions are told apart, and it fails in the new one
// alone, what fails in the old one says nothing.
func (t *trial) behind() bool {
	whole := t.m.undone.IsZero() && t.m.span < t.c.window()+extraSpan // all of it should be
	counted := *t.m.after
	if reached, others := t.reached(); reached && !others && t.m.old != nil {
		counted = Count{}
		if t.m.since != nil {
			counted = *t.m.since
		}
	}
	return whole && 2*counted.Failed < t.c.Count
}

// ofItsKind reports whether failures of this kind are new with the change, where
// others are so frequent that they are not seen among all. They must have come in
// addition to those, and not in their place, as when a message was worded anew.
func (t *trial) ofItsKind() bool {
	before, after := *t.m.before, *t.m.after
	if t.c.Known || t.c.Count == 0 || before.Total == 0 {
		return false
	}
	kind := Count{Total: max(after.Total, t.c.Count), Failed: t.c.Count}
	added := float64(after.Failed) - before.rate()*float64(after.Total)
	return moreOften(kind, Count{Total: before.Total}) && added >= float64(t.c.Count)/2
}

// ranWell reports whether it was without the failure for so long after the change
// that it must have come from elsewhere, or grown.
func (t *trial) ranWell() bool {
	between, since := t.m.between, t.m.since
	if between == nil || since == nil || t.Delay <= longWell || between.Total-between.Failed < manyCalls {
		return false
	}
	rest := since.lessOne() // the first one is why it is counted from there
	return ratio(rest, *between) > strongRatio && chance(rest, *between) <= noLuck
}

// tooEarly reports whether so little has failed since the first that it cannot be told
// whether the change ran well until then. It soon can: who asks asks again.
func (t *trial) tooEarly() bool {
	between, since := t.m.between, t.m.since
	if between == nil || t.m.before == nil || t.Delay <= longWell || between.Total-between.Failed < manyCalls {
		return false
	}
	return (since == nil || since.Failed < fewFailures) && !moreOften(*between, *t.m.before)
}

// growing reports whether failures become more since the first; they may have
// become less again, since what has run out is started anew.
func (t *trial) growing() bool {
	grows := func(from, to *Count) bool {
		return from != nil && to != nil && ratio(*to, *from) >= growth && chance(*to, *from) <= likelyByLuck
	}
	return grows(t.m.early, t.m.late) || grows(t.m.onset, t.m.rise)
}

// occasional reports whether the failures may be of calls that come now and then,
// such as those of one customer: they are of one operation, and few of its calls.
func (t *trial) occasional() bool {
	if t.m.since.rate() > rare {
		return false
	}
	all, then := t.m.allSince, t.m.allBetween
	if all == nil || then == nil {
		return true
	}
	rest := Count{Total: all.Total - t.m.since.Total, Failed: all.Failed - t.m.since.Failed}
	restThen := Count{Total: then.Total - t.m.between.Total, Failed: then.Failed - t.m.between.Failed}
	return !moreOften(rest.sane(), restThen.sane())
}

// onTheHour reports whether a time is that at which jobs are started.
func onTheHour(t time.Time) bool {
	return t.Sub(t.Round(time.Hour)).Abs() <= clocks
}

// trafficGrew reports whether there are so many more calls since the first
// failure that they may be the reason.
func (t *trial) trafficGrew() bool {
	then, now := t.m.trafficThen, t.m.trafficNow
	return then != nil && now != nil && then.Total >= manyCalls && float64(now.Total) > moreTraffic*float64(then.Total)
}

// upstream reports whether something besides the time connects the failure with
// a change of another service.
func (t *trial) upstream() (connected bool) {
	if t.Distance == 0 {
		return false
	}
	name := t.d.Scope.Service
	if t.c.Peer == name {
		connected = true
		t.say(true, "the operation was calling %s", name)
	} else {
		t.say(true, "%s depends on %s, %d calls away", t.c.Scope.Service, name, t.Distance)
	}
	own, old := t.m.own, t.m.ownOld
	t.alone = t.Distance >= far && own != nil && old != nil
	if own != nil && old != nil && moreOften(*own, *old) {
		connected = true
		t.say(true, "calls of %s fail more often, too: %s, and %s before", name, own, old)
	}
	return connected
}

// class returns what the evidence amounts to.
func (t *trial) class(compared, reached, connected bool) Class {
	soon := t.Delay <= near
	switch {
	case t.beside:
		return Strong
	case t.late:
		return Possible
	case compared && t.Distance == 0 && !t.c.Known && soon:
		return Strong
	case compared && t.Distance == 0:
		return Likely
	case compared && connected && soon:
		return Likely
	case compared && (connected || soon):
		return Possible
	case compared, t.c.Known:
		return ""
	case t.Distance == 0 && reached && soon:
		return Likely
	case t.Distance == 0 && soon, connected && soon:
		return Possible
	}
	return ""
}

// mitigate lowers the class by what speaks against it.
func (t *trial) mitigate() {
	if t.d.Scope.Environment == "" && t.c.Scope.Environment != "" {
		t.say(false, "nobody told to which environment it was deployed")
		t.Class = t.Class.lower()
	}
	if t.guessed() {
		t.Class = t.Class.lower()
	}
	switch {
	case t.m.sick > 0:
		t.say(true, "the same change made %d other services fail more often", t.m.sick)
	case t.m.healthy > 0 && !t.beside:
		t.say(false, "the same change runs well in %d other services", t.m.healthy)
		t.Class = t.Class.lower()
	}
}

// receded reports whether the failures went before the change was undone.
func (t *trial) receded() bool {
	return t.m.bad != nil && t.m.last != nil && moreOften(*t.m.bad, *t.m.last)
}

// helped reports whether the failures went when the change was undone.
func (t *trial) helped() bool {
	return t.m.bad != nil && t.m.relief != nil && moreOften(*t.m.bad, *t.m.relief) && !t.receded()
}

// aftermath looks at what became of the failures when the change was undone.
func (t *trial) aftermath() Reason {
	bad, relief := t.m.bad, t.m.relief
	if t.m.undone.IsZero() || bad == nil || relief == nil || relief.Total == 0 {
		return ""
	}
	switch expected := bad.rate() * float64(relief.Total); {
	case t.receded():
		t.say(false, "failures had become fewer before it was undone")
	case t.helped():
		t.say(true, "it was undone, and that helped: %s calls failed until then, and %s since", bad, relief)
		t.Class = Confirmed
	case t.m.settled && expected >= fewFailures && ratio(*bad, *relief) < strongRatio:
		if t.Class == Possible {
			return NotHelped
		}
		t.Unhelped = true
		t.say(false, "it was undone, and that did not help: %s calls failed until then, and %s since", bad, relief)
		t.Class = Possible
	}
	return ""
}

// short writes how long something took, as people say it.
func short(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Round(time.Second).Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Round(time.Minute).Minutes()))
	}
	return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
}

// times writes a ratio.
func times(r float64) string {
	if r < 10 {
		return fmt.Sprintf("%.1f times", r)
	}
	return thousands(int64(r)) + " times"
}
