package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// reports holds what the tickets for many are to be told.
type reports struct {
	coming map[reportOf]*news // until [Ledger.Report]
	told   map[reportOf]*news // the store may have taken it, and its answer is not there: it is told again as it was
	number int64              // of the last that was told
}

type reportOf struct {
	scope  correlate.Scope
	report correlate.Report
}

// news is what changed for one report.
type news struct {
	members map[string]correlate.Member
	added   int64           // members that the report did not have
	count   int64           // occurrences
	gone    map[string]bool // members that have tickets of their own now
	sinks   []string        // that are to have it
	team    string          // that owns it
	number  int64           // since it was told; see [correlate.Batch]
}

// about returns the news of a report.
func (r reports) about(of reportOf) *news {
	n := r.coming[of]
	if n == nil {
		n = &news{members: map[string]correlate.Member{}, gone: map[string]bool{}}
		r.coming[of] = n
	}
	return n
}

func (n *news) join(sinks []string) {
	for _, name := range sinks {
		if !slices.Contains(n.sinks, name) {
			n.sinks = append(n.sinks, name)
		}
	}
}

// reportFor returns the report that lists problems held for a reason.
func reportFor(r correlate.Reason) correlate.Report {
	switch r {
	case correlate.Over:
		return correlate.ReportBudget
	case correlate.Known:
		return correlate.ReportKnown
	}
	return ""
}

// relist notes what a change of a problem, by n occurrences, means for the
// tickets for many.
func (l *Ledger) relist(before, next correlate.Problem, n int64) {
	was, is := correlate.Report(""), correlate.Report("")
	if before.Listed() {
		was = reportFor(before.Hold)
	}
	if next.Listed() {
		is = reportFor(next.Hold)
	}
	if was != "" && was != is && next.State == correlate.Open {
		news := l.reports.about(reportOf{next.Scope, was})
		delete(news.members, next.ID)
		news.gone[next.ID] = true
	}
	if is == "" {
		return
	}
	news := l.reports.about(reportOf{next.Scope, is})
	delete(news.gone, next.ID)
	news.members[next.ID] = correlate.MemberOf(next)
	news.count += n
	if was != is {
		news.added++
	}
	news.join(next.Answers.Sinks)
}

// SwitchedOff is a rule that was switched off.
type SwitchedOff struct {
	Rule  string
	Team  string   // that owns it
	Sinks []string // that it files in; none means all
	Title string   // what was wrong with it
	Count int64    // how often
}

// SwitchedOff notes that a rule was switched off, for the ticket that says so.
func (l *Ledger) SwitchedOff(off SwitchedOff, now time.Time) {
	scopes := l.Scopes()
	if len(scopes) == 0 {
		return // no span has come yet, and so no rule can have been
	}
	n := l.reports.about(reportOf{scopes[0], correlate.ReportRules})
	n.members[off.Rule] = correlate.Member{ID: off.Rule, Title: l.Redactor.Text(off.Title), Rule: off.Rule, Count: off.Count, First: now, Last: now}
	n.added++
	n.count += off.Count
	n.team = off.Team
	n.join(l.known(off.Sinks, off.Rule))
}

// SinkRefused is a sink that refuses its credential.
type SinkRefused struct {
	Sink  string
	Why   string // what it says
	Since time.Time
	Count int64 // calls
}

// SinkRefused notes that a sink refuses its credential, for the ticket that says so
// in the others. Without others it does nothing.
func (l *Ledger) SinkRefused(r SinkRefused, now time.Time) {
	scopes := l.Scopes()
	others := slices.DeleteFunc(slices.Clone(l.Sinks), func(name string) bool { return name == r.Sink })
	if len(scopes) == 0 || len(others) == 0 {
		return
	}
	n := l.reports.about(reportOf{scopes[0], correlate.ReportSinks})
	n.members[r.Sink] = correlate.Member{ID: r.Sink, Title: l.Redactor.Text("sink " + r.Sink + ": " + r.Why), Count: r.Count, First: r.Since, Last: now}
	n.added++
	n.count += r.Count
	n.join(others)
}

// Report brings the tickets for many up to date. What the store does not take is
// told again by the next call, and counted once if it has taken it after all.
func (l *Ledger) Report(ctx context.Context, now time.Time) error {
	var errs []error
	about := maps.Clone(l.reports.coming)
	maps.Copy(about, l.reports.told)
	for _, of := range slices.SortedFunc(maps.Keys(about), func(a, b reportOf) int {
		return cmp.Or(a.scope.Compare(b.scope), cmp.Compare(a.report, b.report))
	}) {
		if err := l.tell(ctx, of, now); err != nil {
			errs = append(errs, fmt.Errorf("ledger: report %s of %s: %w", of.report, of.scope, err))
		}
	}
	return errors.Join(errs...)
}

// tell tells one report what it was told before without an answer, and then what is
// new.
func (l *Ledger) tell(ctx context.Context, of reportOf, now time.Time) error {
	for {
		n := l.reports.told[of]
		if n == nil {
			if n = l.reports.coming[of]; n == nil {
				return nil
			}
			l.reports.number++
			n.number = l.reports.number
			l.reports.told[of] = n
			delete(l.reports.coming, of)
		}
		if err := l.report(ctx, of, n, now); err != nil {
			return err
		}
		delete(l.reports.told, of)
	}
}

// quietReport is how long a report has nothing new to say before it is over.
const quietReport = time.Hour

func (l *Ledger) report(ctx context.Context, of reportOf, n *news, now time.Time) error {
	members := slices.SortedFunc(maps.Values(n.members), func(a, b correlate.Member) int { return cmp.Compare(a.ID, b.ID) })
	answers := correlate.Answers{
		Severity: severities[of.report], Team: n.team, Title: "problems without tickets of their own", Quiet: quietReport,
		Threshold: correlate.Threshold{Count: 1, Within: time.Minute},
	}
	key := correlate.ReportKey(of.scope, of.report)
	once := correlate.Batch{Writer: l.Writer, Number: n.number}
	var next correlate.Problem
	err := l.Store.Update(ctx, key, correlate.UpdateProblem(func(p correlate.Problem) (_ correlate.Problem, add []correlate.Delivery, _ error) {
		if p.ID == "" && len(members) == 0 {
			return p, nil, errNoReport // it was forgotten, and so were those that are gone
		}
		if _, again := p.Counted(once); again {
			next = p // the answer was lost
			return p, nil, nil
		}
		for id := range n.gone {
			p = p.Unlist(id)
		}
		change := correlate.ChangeNone
		if next = p; len(members) > 0 {
			next, change = p.List(of.scope, of.report, correlate.News{Members: members, Added: n.added, Count: n.count}, answers, now)
		}
		var more []correlate.Delivery
		switch change {
		case correlate.ChangeOpened:
			next, add = next.Queue(correlate.OpOpen, n.sinks, now)
		case correlate.ChangeReopened:
			next, add = next.Queue(correlate.OpReopen, n.sinks, now)
		case correlate.ChangeUpdated:
			next, add = next.Queue(correlate.OpUpdate, filed(next), now)
		}
		if late := slices.DeleteFunc(slices.Clone(n.sinks), func(name string) bool { return slices.Contains(filed(next), name) }); len(members) > 0 {
			next, more = next.Queue(correlate.OpOpen, late, now)
		}
		return next.Counting(once, change), append(add, more...), nil
	}))
	switch {
	case errors.Is(err, errNoReport):
		return nil
	case refused(err):
		l.Logger.Error("spanticket: problems without a ticket are listed nowhere: the store refuses the report", "problems", len(members), "error", err)
		return nil
	case err != nil:
		return err
	}
	l.follow(key, next)
	return nil
}

// errNoReport ends an update of a report that is not there.
var errNoReport = errors.New("ledger: no report")

var severities = map[correlate.Report]string{
	correlate.ReportBudget: "error",
	correlate.ReportKnown:  "info",
	correlate.ReportRules:  "warning",
	correlate.ReportSinks:  "error",
}
