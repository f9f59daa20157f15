package autotickettest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/autoticket/autotickettest/internal/testfile"
	"github.com/spanticket/spanticket/autoticket/autotickettest/rehearsal"
	"github.com/spanticket/spanticket/internal/rulefile"
)

// suite is one file of tests, with the rules that they are about.
type suite struct {
	*testfile.File
	fsys   fs.FS
	config autoticket.Config
	sinks  []string
	rules  []Coverage // those that are not off
}

// find returns the names of the test files, in order.
func find(fsys fs.FS) ([]string, error) {
	var names []string
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch base := d.Name(); {
		case d.IsDir() && name != "." && (base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")):
			return fs.SkipDir
		case !d.IsDir() && rulefile.IsTest(base):
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("autotickettest: looking for test files: %w", err)
	}
	return names, nil
}

// maxFile is more than test files may have.
const maxFile = 1<<20 + 1

// load reads a test file and its rules. The error says everything that is wrong
// with either.
func load(fsys fs.FS, name string) (*suite, error) {
	in, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	data, err := io.ReadAll(io.LimitReader(in, maxFile))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	f, err := testfile.Parse(name, data)
	if err != nil {
		return nil, err
	}
	s := &suite{File: f, fsys: fsys}
	names, err := s.ruleFiles()
	if err != nil {
		return nil, err
	}
	s.config = autoticket.Config{RuleFS: fsys}
	for _, name := range names {
		s.config.RuleFiles = append(s.config.RuleFiles, literal.Replace(name))
	}
	s.sinks = rehearsal.SinkNames(fsys, s.config.RuleFiles)
	for _, sink := range f.Sinks {
		if !slices.Contains(s.sinks, sink) {
			s.sinks = append(s.sinks, sink)
		}
	}
	if len(s.sinks) == 0 {
		s.sinks = []string{"tickets"}
	}
	stats, err := rehearsal.Check(s.config, s.sinks)
	if err != nil {
		return nil, err
	}
	return s, s.list(stats)
}

// literal makes a pattern of a name that matches nothing but that.
var literal = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`)

// ruleFiles returns the names of the rule files, each once, in the order in
// which a service loads them.
func (s *suite) ruleFiles() ([]string, error) {
	dir := path.Dir(s.Name)
	glob := func(pattern string) ([]string, error) {
		names, err := fs.Glob(s.fsys, path.Join(dir, pattern))
		return slices.DeleteFunc(names, rulefile.IsTest), err
	}
	if s.Rules == nil {
		yaml, err := glob("*.yaml")
		yml, err2 := glob("*.yml")
		names := slices.Sorted(slices.Values(slices.Concat(yaml, yml)))
		if err = errors.Join(err, err2); err == nil && len(names) == 0 {
			err = &testfile.Error{File: s.Name, Message: "there are no rule files beside it", Hint: "they end in .yaml or .yml; rules: [PATTERN] says that they are elsewhere"}
		}
		return names, err
	}
	var names []string
	var errs []error
	for _, p := range s.Rules {
		found, err := glob(p.Text)
		switch {
		case err != nil:
			errs = append(errs, s.At(p.Place, testfile.Error{Field: "rules", Message: fmt.Sprintf("%q is no pattern", p.Text)}))
		case len(found) == 0:
			errs = append(errs, s.At(p.Place, testfile.Error{Field: "rules", Message: fmt.Sprintf("there is no rule file %q", path.Join(dir, p.Text))}))
		}
		for _, name := range found {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names, errors.Join(errs...)
}

// list notes the rules that are in force, with their files.
func (s *suite) list(stats autoticket.Stats) error {
	files, err := rulefile.Read(s.fsys, s.config.RuleFiles...)
	if err != nil {
		return err
	}
	for _, f := range files {
		for _, r := range f.Rules {
			if slices.ContainsFunc(stats.Rules, func(in autoticket.RuleStats) bool { return in.Name == r.Name }) {
				s.rules = append(s.rules, Coverage{File: f.Name, Rule: r.Name})
			}
		}
	}
	return nil
}
