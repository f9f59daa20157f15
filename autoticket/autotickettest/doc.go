// Package autotickettest runs rule tests: files of spans, and of the tickets
// that rules are to make of them. They stand beside the rules and end in
// _test.yaml; docs/testing-rules.md has the format. One call in a test of the
// service's own runs them all:
//
//	func TestRules(t *testing.T) {
//		autotickettest.Rules(t, os.DirFS("rules.d"))
//	}
//
// A test runs the engine that a service runs, in the time of the spans: it takes
// milliseconds, waits for nothing and gives the same answer every time.
//
// The package is a module of its own, because it reads recorded traces with the
// Collector's library: a service that tests its rules needs that, and one that
// runs them does not.
package autotickettest

import (
	"io/fs"
	"testing"
)

// Rules runs all rule tests in fsys, each as a subtest of t under the name of
// its file and its own, and logs the rules that no test exercises. That there
// are none is a failure. Folders called testdata, and those that begin with a dot
// or an underscore, are left out.
func Rules(t *testing.T, fsys fs.FS) {
	t.Helper()
	names, err := find(fsys)
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 {
		t.Fatal("autotickettest: there are no files of rule tests; their names end in _test.yaml")
	}
	var r Report
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			s, err := load(fsys, name)
			if err != nil {
				t.Fatalf("\n%v", err)
			}
			r.expect(s)
			for _, test := range s.Tests {
				t.Run(test.Name, func(t *testing.T) {
					trial, failure := s.try(test)
					r.count(trial)
					if failure != "" {
						t.Errorf("\n%s", failure)
					}
				})
			}
		})
	}
	for _, c := range r.Rules {
		if c.Tests == 0 {
			t.Logf("%s: no test exercises rule %q", c.File, c.Rule)
		}
	}
}
