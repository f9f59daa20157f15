package render

import (
	"fmt"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

// report fills in what a ticket for many says.
func report(p correlate.Problem, t *sinks.Ticket) {
	groups := p.Groups()
	for i, g := range groups {
		n := 0
		if len(groups) > 1 || g.What != "" {
			t.Groups = append(t.Groups, sinks.Group{What: whatOf(g.Shared), Value: g.Value, Problems: g.Problems, Count: g.Count})
			n = i + 1
		}
		for _, m := range g.Members {
			t.Problems = append(t.Problems, sinks.Problem{
				Signature: m.ID, Title: m.Title, Rule: m.Rule, Group: n, Count: m.Count, FirstSeen: m.First.UTC(), LastSeen: m.Last.UTC(),
			})
		}
	}
	t.Others = p.Others()
	for _, s := range p.Shared() {
		t.Facts = append(t.Facts, sinks.Fact{Name: whatOf(s) + " " + s.Value, Value: fmt.Sprintf("of %d of the %d listed, %s", s.Problems, len(p.Members), count(int(s.Count), "occurrence", "occurrences"))})
	}
	n := len(p.Members) + int(p.Others())
	switch p.Report {
	case correlate.ReportBudget:
		t.Title = fmt.Sprintf("%s without tickets of their own: too many new ones%s%s", count(n, "problem", "problems"), ofRule(p), mostly(p))
		t.Why = []string{
			"there were more new problems than the budget of new tickets allows: those beyond it are listed here",
			"one that is approved gets a ticket of its own, and so does one that goes on when no new ones have come for a while",
		}
	case correlate.ReportKnown:
		t.Title = fmt.Sprintf("%s known from before there were tickets", count(n, "problem", "problems"))
		t.Why = []string{
			"they failed while the service was being adopted: only what is new, or grows, gets a ticket",
			"one that is approved gets a ticket of its own, and so does one that comes far more often than it used to",
		}
	case correlate.ReportRules:
		t.Title = count(n, "rule was", "rules were") + " switched off: too costly to evaluate"
		t.Why = []string{"a rule that exceeds the limits of an evaluation again and again is switched off; change it and load it again"}
	case correlate.ReportSinks:
		t.Title = count(n, "sink refuses its credential", "sinks refuse their credentials") + ": tickets wait"
		t.Why = []string{"what is to be filed there is kept, and sent once the credential works again: it is tried every minute"}
	}
}

// mostly names what nearly all members have in common.
func mostly(p correlate.Problem) string {
	for _, s := range p.Shared() {
		if s.What != "version" && len(p.Members) >= 5 && s.Problems*5 >= len(p.Members)*4 { // a version is seldom news
			return fmt.Sprintf(", mostly of %s %s", whatOf(s), s.Value)
		}
	}
	return ""
}

// whatOf says what members share. That a deployment is to blame is not certain.
func whatOf(s correlate.Shared) string {
	if s.What == "deployment" {
		return "suspected deployment"
	}
	return s.What
}

// ofRule names the rule of all members, if they have the same.
func ofRule(p correlate.Problem) string {
	if len(p.Members) == 0 || p.Others() > 0 {
		return ""
	}
	for _, m := range p.Members {
		if m.Rule != p.Members[0].Rule {
			return ""
		}
	}
	return " of rule " + p.Members[0].Rule
}
