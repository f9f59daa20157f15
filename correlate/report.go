package correlate

import (
	"cmp"
	"slices"
	"time"
)

// Report says what a ticket for many lists. Such a ticket is a problem like
// any other: it opens, grows, resolves and comes back.
type Report string

const (
	ReportBudget Report = "budget" // problems beyond a budget of new tickets
	ReportKnown  Report = "known"  // problems that were there before the service was watched
	ReportRules  Report = "rules"  // rules that were switched off
	ReportSinks  Report = "sinks"  // sinks that refuse their credential
)

// maxMembers bounds what a report lists; the rest is only counted.
const maxMembers = 300

// Member is what a report says of one problem, of one rule, or of one sink.
type Member struct {
	ID    string    `json:"id"` // signature of the problem
	Title string    `json:"title"`
	Rule  string    `json:"rule"`
	Count int64     `json:"count"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`

	// What it may share with other members; see [Problem.Shared].

	Operation      string `json:"operation"`
	Dependency     string `json:"dependency"` // what it called
	ServiceVersion string `json:"service_version"`
	Deployment     string `json:"deployment"` // that is probably to blame, such as "payment 2.3.1"
}

// News is what a report is told.
type News struct {
	Members []Member // as they are now; those that it has already are replaced
	Added   int64    // how many members it did not have
	Count   int64    // occurrences since the last time
}

// MemberOf returns what a report says of a problem.
func MemberOf(p Problem) Member {
	m := Member{ID: p.ID, Title: p.Answers.Title, Rule: p.Rule, Count: p.Count, First: p.FirstSeen, Last: p.LastSeen, Dependency: dependencyOf(p.Signature)}
	if len(p.Suspects.Ranked) > 0 {
		m.Deployment = p.Suspects.Ranked[0].String()
	}
	if n := len(p.Samples); n > 0 {
		m.Operation, m.ServiceVersion = p.Samples[n-1].Operation, p.Samples[n-1].Resource["service.version"]
	}
	return m
}

// ReportKey returns the key of the report of a scope.
func ReportKey(s Scope, r Report) Key {
	return Key{Scope: s, Kind: KindProblem, ID: reportSignature(s, r).ID}
}

func reportSignature(s Scope, r Report) Signature {
	sig := Signer{Version: 1}.Sign(Occurrence{Scope: s}, Spec{Rule: "spanticket: " + string(r)}) // always, or an upgrade would begin another
	sig.Components = slices.DeleteFunc(sig.Components, func(c Component) bool { return !c.Used })
	return sig
}

// List brings what a report says of its members up to date. It is a pure
// function like [Problem.Observe], and the caller does the same about its
// change. The answers are for a report that opens.
func (p Problem) List(s Scope, r Report, n News, a Answers, now time.Time) (Problem, Change) {
	p = p.clone()
	change := ChangeCounted
	switch p.State {
	case Open:
	case Resolved:
		p.Members, p.Total = nil, 0
		change = ChangeReopened
	default:
		p.Signature = reportSignature(s, r)
		p.ID, p.Scope, p.Report = p.Signature.ID, s, r
		change = ChangeOpened
	}
	complete := p.Total == int64(len(p.Members)) && n.Added <= int64(len(n.Members))
	for _, m := range n.Members {
		complete = p.enlist(m) && complete
	}
	slices.SortStableFunc(p.Members, func(a, b Member) int { return cmp.Or(a.First.Compare(b.First), cmp.Compare(a.ID, b.ID)) })
	p.Count += n.Count
	if complete {
		n.Added = 0 // another engine may have listed some of them already
	}
	p.Total = max(p.Total+n.Added, int64(len(p.Members)))
	if change == ChangeCounted {
		if now.Before(p.nextUpdate()) {
			return p, change
		}
		p.UpdatedAt = now
		p.Updates++
		return p, ChangeUpdated
	}
	p.State = Open
	p.Episode++
	p.Answers = a
	p.OpenedAt, p.UpdatedAt, p.Updates = now, now, 0
	p.note(now, string(change))
	return p, change
}

// enlist puts a member on the list, and reports whether nobody is left out. If that is
// full, those that come most often stay.
func (p *Problem) enlist(m Member) bool {
	if p.FirstSeen.IsZero() || m.First.Before(p.FirstSeen) {
		p.FirstSeen = m.First
	}
	if m.Last.After(p.LastSeen) {
		p.LastSeen = m.Last
	}
	i := slices.IndexFunc(p.Members, func(have Member) bool { return have.ID == m.ID })
	switch {
	case i >= 0:
		p.Members[i] = m
		return true
	case len(p.Members) < maxMembers:
		p.Members = append(p.Members, m)
		return true
	}
	rarest := 0
	for i := range p.Members {
		if p.Members[i].Count < p.Members[rarest].Count {
			rarest = i
		}
	}
	if p.Members[rarest].Count < m.Count {
		p.Members[rarest] = m
	}
	return false
}

// Unlist takes a member off a report: it has a ticket of its own now.
func (p Problem) Unlist(id string) Problem {
	p = p.clone()
	p.Members = slices.DeleteFunc(p.Members, func(m Member) bool { return m.ID == id })
	p.Total = max(p.Total-1, int64(len(p.Members)))
	return p
}

// Others returns how many members there was no room for.
func (p Problem) Others() int64 { return max(0, p.Total-int64(len(p.Members))) }
