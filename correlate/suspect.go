package correlate

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Suspects says which deployments are probably to blame for a problem. Its zero
// value says that nobody was asked.
type Suspects struct {
	Asked   time.Time `json:"asked"`   // when this was the answer first
	Ranked  []Suspect `json:"ranked"`  // the surest first
	Reason  string    `json:"reason"`  // why there is none, in words; empty if there is one
	Changes int       `json:"changes"` // how often the answer became another one, since the problem opened
}

// Suspect is a deployment that is probably to blame for a problem, as far as was known
// when it was asked last.
type Suspect struct {
	Scope     Scope     `json:"scope"` // of the service that was changed
	Version   string    `json:"version"`
	Revision  string    `json:"revision"`
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Time      time.Time `json:"time"`   // when it began
	Undone    time.Time `json:"undone"` // when it was rolled back; zero if it was not
	By        string    `json:"by"`
	Changelog string    `json:"changelog"` // an http(s) URL
	Rollback  string    `json:"rollback"`  // a command, to be shown and never run

	Class    string        `json:"class"`    // confirmed, strong, likely or possible
	Means    string        `json:"means"`    // what the class means, in words
	Unhelped bool          `json:"unhelped"` // it was rolled back, and the failures went on
	Distance int           `json:"distance"` // calls from the failing service to this one
	Shared   bool          `json:"shared"`   // it is infrastructure that several services use
	Delay    time.Duration `json:"delay"`    // from the change to the first failure
	Before   Share         `json:"before"`   // of the operation, before the change
	After    Share         `json:"after"`    // and as long after it
	Ratio    float64       `json:"ratio"`    // how many times as frequent failures became; 0 if that is not known
	Evidence []string      `json:"evidence"`
}

// Confirmed is the class of a suspect whose failures went with it.
const Confirmed = "confirmed"

// Label returns the version or, without one, the beginning of the revision, the ID
// or the name.
func (s Suspect) Label() string {
	rev := s.Revision
	if len(rev) > 12 && strings.Trim(rev, "0123456789abcdefABCDEF") == "" {
		rev = rev[:12]
	}
	return cmp.Or(s.Version, rev, s.ID, s.Name, "unknown version")
}

// String returns "payment 2.3.1".
func (s Suspect) String() string { return s.Scope.Service + " " + s.Label() }

// is reports whether two suspects are one deployment. When it began, and what else it
// is called, may become better known.
func (s Suspect) is(t Suspect) bool {
	if s.Scope != t.Scope {
		return false
	}
	if s.Version != "" && t.Version != "" {
		return s.Version == t.Version
	}
	return s.Label() == t.Label()
}

// same reports whether nothing that matters to people differs.
func (s Suspect) same(t Suspect) bool {
	return s.is(t) && s.Class == t.Class && s.Unhelped == t.Unhelped && s.Undone.IsZero() == t.Undone.IsZero()
}

// outgrows reports whether twice as much is known of what came after a suspect, so that
// replicas which ask all the time write seldom.
func (s Suspect) outgrows(t Suspect) bool {
	return s.After.Requests >= 2*max(t.After.Requests, 1) || s.After.Failed >= 2*max(t.After.Failed, 1)
}

// same reports whether two answers differ in nothing that matters to people.
func (s Suspects) same(t Suspects) bool {
	return s.Reason == t.Reason && slices.EqualFunc(s.Ranked, t.Ranked, Suspect.same)
}

// lead returns the surest suspect, or the zero Suspect.
func (s Suspects) lead() Suspect {
	if len(s.Ranked) == 0 {
		return Suspect{}
	}
	return s.Ranked[0]
}

const (
	// An answer may change a minute after it was given and then after two, four and
	// so on: what is said of the suspects is no stream.
	firstChange = time.Minute
	maxChange   = 4 * time.Hour
)

// Reconsider takes the answer to the question of who is to blame that is given now,
// while the problem is open. It is a pure function like [Problem.Observe], and
// the caller does the same about ChangeUpdated. ChangeNoted is to be stored alone, for when
// the sinks are told of something else: figures that have doubled, and why nobody is suspected
// where nothing was known. Otherwise there is nothing new by now, and p is returned as it is.
//
// The first suspect, that it was rolled back, and that this helped, is told at once, once;
// all else at most at a growing interval.
func (p Problem) Reconsider(s Suspects, now time.Time) (Problem, Change) {
	if p.State != Open || p.Hold != "" || p.Report != "" || s.Asked.IsZero() {
		return p, ChangeNone
	}
	if s.same(p.Suspects) {
		if !s.lead().outgrows(p.Suspects.lead()) {
			return p, ChangeNone
		}
		p = p.clone()
		p.Suspects.Ranked = s.Ranked
		return p, ChangeNoted
	}
	if now.Before(p.mayChange()) && !s.settles(p.Suspects) {
		return p, ChangeNone
	}
	p = p.clone()
	first := p.Suspects.Asked.IsZero() && len(s.Ranked) == 0
	p.answer(s, now)
	if first {
		p.Suspects.Changes = 0
		return p, ChangeNoted
	}
	p.UpdatedAt = now
	return p, ChangeUpdated
}

// Conclude takes the answer that is given when a problem has just been resolved: what
// it says last is what came of it. It is a pure function like [Problem.Observe].
func (p Problem) Conclude(s Suspects, now time.Time) Problem {
	if p.State != Resolved || p.Report != "" || s.Asked.IsZero() || len(p.Filings) == 0 {
		return p
	}
	p = p.clone()
	if s.same(p.Suspects) {
		p.Suspects.Ranked = s.Ranked
		return p
	}
	p.answer(s, now)
	return p
}

// answer takes another answer, and notes what became different.
func (p *Problem) answer(s Suspects, now time.Time) {
	if what := s.since(p.Suspects, now); what != "" {
		p.note(now, what)
	}
	s.Asked, s.Changes = now, p.Suspects.Changes+1
	p.Suspects = s
}

// mayChange returns from when on another answer may take the place of the one
// that there is.
func (p Problem) mayChange() time.Time {
	step := maxChange
	if n := p.Suspects.Changes; 0 <= n && n < 9 { // 1m << 9 is beyond four hours
		step = min(step, firstChange<<n)
	}
	if p.Suspects.Asked.IsZero() {
		return time.Time{}
	}
	return p.Suspects.Asked.Add(step)
}

// settles reports whether an answer is the first that has a suspect, or says that the first
// of them was undone, or what came of that, and the one before did not.
func (s Suspects) settles(before Suspects) bool {
	was, is := before.lead(), s.lead()
	if len(before.Ranked) == 0 && before.Changes == 0 {
		return len(s.Ranked) > 0
	}
	if len(s.Ranked) == 0 || len(before.Ranked) == 0 || !is.is(was) || before.Changes >= maxSettled {
		return false
	}
	return was.Undone.IsZero() && !is.Undone.IsZero() || was.Class != Confirmed && is.Class == Confirmed
}

// maxSettled is how many changes there may have been: an answer that goes to and fro has
// to wait.
const maxSettled = 8

// since says in one line what an answer has that the one before had not.
func (s Suspects) since(before Suspects, now time.Time) string {
	was, is := before.lead(), s.lead()
	switch {
	case len(s.Ranked) == 0 && len(before.Ranked) == 0:
		return ""
	case len(s.Ranked) == 0:
		return was.String() + " is not suspected any more: " + s.Reason
	case len(before.Ranked) == 0 || !is.is(was):
		if is.Class == Confirmed {
			return is.undone(now)
		}
		return is.String() + " is suspected: " + is.Class
	case !is.Undone.IsZero() && (was.Undone.IsZero() || is.Class == Confirmed && was.Class != Confirmed || is.Unhelped && !was.Unhelped):
		return is.undone(now)
	case is.Class != was.Class:
		return is.String() + " is suspected: " + is.Class + ", was " + was.Class
	}
	return ""
}

// undone says that a suspect was rolled back, and whether that helped.
func (s Suspect) undone(now time.Time) string {
	layout := "15:04"
	if s.Undone.UTC().Format(time.DateOnly) != now.UTC().Format(time.DateOnly) {
		layout = "2006-01-02 15:04"
	}
	out := s.String() + " rolled back " + s.Undone.UTC().Format(layout)
	switch {
	case s.Class == Confirmed:
		return out + ", failures went with it: confirmed"
	case s.Unhelped:
		return out + " did not help"
	}
	return out
}
