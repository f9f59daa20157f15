package main

import (
	"slices"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/deployment"
	"github.com/spanticket/spanticket/internal/world"
)

// answer is what was said of one fault: on the ticket when it was filed, some minutes
// later, and after a rollback.
type answer struct {
	fleet              *fleet
	fault              int
	problem            correlate.Problem
	filed, soon, after deployment.Verdict
	undone             bool // there was one
}

func (a *answer) of() world.Fault { return a.fleet.Faults[a.fault] }

// is reports whether a suspect is the change that the fault is of.
func (a *answer) is(s deployment.Suspect) bool {
	i := a.of().Change
	if i < 0 {
		return false
	}
	c := a.fleet.Changes[i]
	if c.Setting != "" {
		return s.Deployment.ID == settingID(i)
	}
	return s.Deployment.Scope == scopeOf(a.fleet.Services[c.Service].Name) && s.Deployment.Version == c.Version
}

// place returns where in a verdict the change stands that the fault is of, from 0, or -1.
func (a *answer) place(v deployment.Verdict) int { return slices.IndexFunc(v.Suspects, a.is) }

// score is all answers.
type score struct {
	seeds   []uint64
	answers []*answer
	unfiled int // faults without a ticket
}

func (s *score) add(t score) {
	s.seeds = append(s.seeds, t.seeds...)
	s.answers = append(s.answers, t.answers...)
	s.unfiled += t.unfiled
}

// row counts the answers of one kind, or of several.
type row struct {
	faults int
	first  int // the change was named first
	three  int // or second, or third
	other  int // another one was named first
	none   int // none was named
	filed  int // it was right already when the ticket was filed
}

// rate returns a share of the faults.
func (r row) rate(n int) float64 { return share(n, r.faults) }

func share(n, of int) float64 { return float64(n) / float64(max(1, of)) }

// count counts the answers of some kinds.
func (s *score) count(kinds ...world.Share) (r row) {
	for _, a := range s.answers {
		f := a.of()
		if !slices.ContainsFunc(kinds, func(k world.Share) bool { return k.Kind == f.Kind }) {
			continue
		}
		at, named := a.place(a.soon), len(a.soon.Suspects) > 0
		r.faults++
		r.first += one(at == 0)
		r.three += one(0 <= at && at < 3)
		r.other += one(named && at != 0)
		r.none += one(!named)
		r.filed += one(a.place(a.filed) == 0 || f.Change < 0 && len(a.filed.Suspects) == 0)
	}
	return r
}

// class counts how often what was named first was right, of those of one class, when the ticket was
// filed or later. What is hard to see is left out.
func (s *score) class(c deployment.Class, filed bool) (right, named int) {
	for _, a := range s.answers {
		if slices.ContainsFunc(world.Hard, func(k world.Share) bool { return k.Kind == a.of().Kind }) {
			continue
		}
		v := a.soon
		if c == deployment.Confirmed {
			v = a.after
		} else if filed {
			v = a.filed
		}
		if len(v.Suspects) > 0 && v.Suspects[0].Class == c {
			named++
			right += one(a.is(v.Suspects[0]))
		}
	}
	return right, named
}

// undone counts rollbacks of what was to blame, after how many it was confirmed, rollbacks
// of what was not, and after how many that was blamed yet.
func (s *score) undone() (bad, confirmed, vain, blamed int) {
	for _, a := range s.answers {
		switch v := a.after; {
		case !a.undone:
		case a.of().Change < 0:
			vain++
			blamed += one(len(v.Suspects) > 0)
		case !slices.ContainsFunc(world.Hard, func(k world.Share) bool { return k.Kind == a.of().Kind }):
			bad++
			confirmed += one(a.place(v) == 0 && v.Suspects[0].Class == deployment.Confirmed)
		}
	}
	return bad, confirmed, vain, blamed
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}
