package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/deployment"
	"github.com/spanticket/spanticket/internal/world"
)

// rule is what every service asks of a problem before it has a ticket.
var rule = correlate.Threshold{Count: 5, Within: 5 * time.Minute}

const (
	quiet = 30 * time.Minute
	// soon is how long after it was filed a ticket is looked at again: what is told of a
	// deployment only at its end has been told by then. Eased is how long after a rollback it is.
	soon  = 15 * time.Minute
	eased = 20 * time.Minute
)

// ask asks who is to blame for a fault when its ticket is filed, some minutes
// later, and after a rollback.
func (f *fleet) ask(fault int, s *score) {
	of := f.Faults[fault]
	since := of.From.Add(-5 * time.Minute) // by a clock that may be wrong
	p := f.watch(fault, since)
	opened, ok := p.opened(since)
	if !ok {
		s.unfiled++
		return
	}
	c := &answer{fleet: f, fault: fault, problem: p.at(opened)}
	suspects := func(at time.Time, into *deployment.Verdict) {
		f.at(at, func(ctx context.Context) error {
			if f.news {
				if err := f.tracker.Refresh(ctx, at); err != nil {
					return err
				}
				f.news = false
			}
			*into = deployment.Suspects(deployment.CaseOf(p.at(at)), f.tracker.History(), f.graph, f, at)
			return nil
		})
	}
	suspects(opened, &c.filed)
	suspects(opened.Add(soon), &c.soon)
	for i, change := range f.Changes {
		if !change.Until.IsZero() && (i == of.Change || change.InVain == fault) {
			c.undone = true
			suspects(change.Until.Add(eased).Add(f.Services[of.Service].Skew), &c.after)
		}
	}
	s.answers = append(s.answers, c)
}

// life is how a problem became what it is.
type life []struct {
	at      time.Time
	problem correlate.Problem
	change  correlate.Change
}

// at returns the problem as it was at a time.
func (l life) at(t time.Time) (p correlate.Problem) {
	for _, step := range l {
		if !step.at.After(t) {
			p = step.problem
		}
	}
	return p
}

// opened returns when it had its first ticket since a time.
func (l life) opened(since time.Time) (at time.Time, ok bool) {
	for _, step := range l {
		if (step.change == correlate.ChangeOpened || step.change == correlate.ChangeReopened) && step.at.After(since) {
			return step.at, true
		}
	}
	return at, false
}

// watch makes problems of the failing requests of a fault, as an engine does that looks at
// them each half minute, and returns the one that has a ticket first since a time.
func (f *fleet) watch(fault int, since time.Time) life {
	of := f.Faults[fault]
	lives := map[string]life{}
	var ids []string
	tell := func(w world.Failure) {
		o := f.occurrence(fault, w)
		signature := correlate.Signer{}.Sign(o, correlate.Spec{})
		l := lives[signature.ID]
		var p correlate.Problem
		if len(l) > 0 {
			p = l[len(l)-1].problem
		} else {
			ids = append(ids, signature.ID)
		}
		if w.Until.After(p.ResolvesAt()) {
			p, _ = p.Quieten(w.Until)
		}
		p, change := p.Observe(correlate.Batch{
			Scope: o.Scope, Signature: signature, Rule: "errors", Threshold: rule, Quiet: quiet,
			Count: w.Count, First: w.First, Last: later(w.First, w.Until.Add(-time.Second)), Sample: o.Sample(),
		}, w.Until)
		if change == correlate.ChangeOpened || change == correlate.ChangeReopened {
			p.Answers.Threshold, p.Answers.Quiet = rule, quiet
		}
		lives[signature.ID] = append(l, struct {
			at      time.Time
			problem correlate.Problem
			change  correlate.Change
		}{w.Until, p, change})
	}
	began := of.From.Add(-time.Minute)
	if of.Known && !of.Daily() { // some of the kind come now and then
		for _, ago := range []time.Duration{21 * time.Hour, 13 * time.Hour, 5 * time.Hour} {
			for op := range f.Services[of.Service].Operations {
				at := of.From.Add(-ago)
				tell(world.Failure{First: at, Until: at.Add(30 * time.Second), Operation: op, Version: f.Running(of.Service, at)[0], Count: 1})
			}
		}
	} else if of.Daily() {
		began = began.AddDate(0, 0, -2)
	}
	for _, w := range f.Failures(fault, began, later(of.Until, of.From.Add(time.Hour)).Add(time.Hour)) {
		tell(w)
	}
	var first life
	for _, id := range ids { // in the order of their first failures
		at, ok := lives[id].opened(since)
		if was, some := first.opened(since); ok && (!some || at.Before(was)) {
			first = lives[id]
		}
	}
	return first
}

// occurrence returns a failing request, as a span tells of it.
func (f *fleet) occurrence(fault int, w world.Failure) correlate.Occurrence {
	of := f.Faults[fault]
	s := f.Services[of.Service]
	o := correlate.Occurrence{
		Scope: scopeOf(s.Name), Rule: "errors", Operation: s.Operations[w.Operation].Name, Kind: "SERVER", Status: "ERROR",
		Start: w.First, End: w.First, TraceID: fmt.Sprintf("%032x", w.First.UnixNano()), SpanID: "00000000000000aa",
		Exception: correlate.Exception{Type: "Failure", Message: "it failed by " + string(of.Kind)},
		Resource:  attributes("service.name", s.Name, "service.version", w.Version),
	}
	if of.Peer != "" {
		o.Kind, o.Attributes = "CLIENT", attributes("service.peer.name", of.Peer)
	}
	return o
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
