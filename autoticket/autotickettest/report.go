package autotickettest

import (
	"cmp"
	"errors"
	"io/fs"
	"slices"
)

// Report is what rule tests found.
type Report struct {
	Tests []Result   // by file, and in their order
	Rules []Coverage // that tests were run with and are not off, by file and in their order
}

// Result is what one test found.
type Result struct {
	File string
	Name string
	// Failure is what is wrong, over several lines and with its place; "" if
	// the test passed.
	Failure string
}

// Coverage says how much of the tests is about a rule.
type Coverage struct {
	File  string
	Rule  string
	Tests int // that have a span which met the rule's condition, be it that its unless held too
}

// Run runs all rule tests in fsys. The error joins everything that is wrong with
// test files and with the rules that they are about; the report is of the
// others, and never nil.
func Run(fsys fs.FS) (*Report, error) {
	r := new(Report)
	names, err := find(fsys)
	if err != nil {
		return r, err
	}
	var errs []error
	told := map[string]bool{} // rules that are wrong are so for every file of tests
	for _, name := range names {
		s, err := load(fsys, name)
		if err != nil {
			if !told[err.Error()] {
				errs = append(errs, err)
			}
			told[err.Error()] = true
			continue
		}
		r.expect(s)
		for _, test := range s.Tests {
			t, failure := s.try(test)
			r.Tests = append(r.Tests, Result{File: name, Name: test.Name, Failure: failure})
			r.count(t)
		}
	}
	slices.SortStableFunc(r.Rules, func(a, b Coverage) int { return cmp.Compare(a.File, b.File) })
	return r, errors.Join(errs...)
}

// expect notes the rules of a suite.
func (r *Report) expect(s *suite) {
	for _, c := range s.rules {
		if r.find(c) == nil {
			r.Rules = append(r.Rules, c)
		}
	}
}

// count counts a test for each rule that it exercised.
func (r *Report) count(t *trial) {
	for _, c := range t.rules {
		if t.exercised(c.Rule) {
			r.find(c).Tests++
		}
	}
}

func (r *Report) find(c Coverage) *Coverage {
	for i := range r.Rules {
		if r.Rules[i].File == c.File && r.Rules[i].Rule == c.Rule {
			return &r.Rules[i]
		}
	}
	return nil
}
