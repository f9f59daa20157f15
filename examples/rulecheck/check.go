package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spanticket/spanticket/autoticket/autotickettest"
	"github.com/spanticket/spanticket/internal/celrule"
	"github.com/spanticket/spanticket/internal/rulefile"
)

// checker checks the sets of rules in a file system, and counts what it finds.
type checker struct {
	root string // what the file system is of
	fsys fs.FS
	out  io.Writer

	sets, rules, tests                  int
	refused, failed, warnings, untested int
}

// check checks every directory that has rule files.
func (c *checker) check() error {
	dirs, err := c.dirs()
	if err != nil {
		return err
	}
	if len(dirs) == 0 {
		return errors.New("there are no rule files: they end in .yaml or .yml")
	}
	// What is wrong with the rules is said below, in its place.
	report, wrong := autotickettest.Run(c.fsys)
	said := map[string]bool{}
	for _, dir := range dirs {
		c.set(dir, report, said)
	}
	// Tests may stand in directories of their own.
	for _, t := range report.Tests {
		if dir := path.Dir(t.File); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
			fmt.Fprintf(c.out, "%s\n", c.name(dir))
			c.results(dir, report)
			fmt.Fprintln(c.out)
		}
	}
	for _, err := range flatten(wrong) {
		if !said[err.Error()] {
			said[err.Error()] = true
			c.refused++
			fmt.Fprintf(c.out, "%v\n\n", err)
		}
	}
	return nil
}

// dirs returns the directories that have rule files, in order.
func (c *checker) dirs() ([]string, error) {
	var dirs []string
	err := fs.WalkDir(c.fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base, dir := d.Name(), path.Dir(name)
		switch {
		case d.IsDir() && name != "." && (base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")):
			return fs.SkipDir
		case !d.IsDir() && isYAML(base) && !rulefile.IsTest(base) && !slices.Contains(dirs, dir):
			dirs = append(dirs, dir)
		}
		return nil
	})
	return dirs, err
}

func isYAML(name string) bool {
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

// set checks one set of rules. What it says is noted.
func (c *checker) set(dir string, report *autotickettest.Report, said map[string]bool) {
	c.sets++
	fmt.Fprintf(c.out, "%s\n", c.name(dir))
	files, err := c.read(dir)
	var set *celrule.Set
	if err == nil {
		set, err = rulefile.Compile(files, nil, nil)
	}
	for _, err := range flatten(err) {
		said[err.Error()] = true
		c.refused++
		fmt.Fprintf(c.out, "\n%v\n", err)
	}
	if set != nil {
		c.rules += set.Len()
		c.lint(files)
		c.dearest(set)
	}
	c.results(dir, report)
	if set != nil {
		c.coverage(set, dir, report)
	}
	fmt.Fprintln(c.out)
}

// name returns a directory as whoever called would find it.
func (c *checker) name(dir string) string { return filepath.ToSlash(filepath.Join(c.root, dir)) }

// results shows how the tests of a directory went.
func (c *checker) results(dir string, report *autotickettest.Report) {
	for _, t := range report.Tests {
		if path.Dir(t.File) != dir {
			continue
		}
		c.tests++
		if t.Failure == "" {
			fmt.Fprintf(c.out, "  ok      %s: %s\n", path.Base(t.File), t.Name)
			continue
		}
		c.failed++
		fmt.Fprintf(c.out, "  FAILED  %s: %s\n%s\n", path.Base(t.File), t.Name, indent(t.Failure))
	}
}

// read reads the rule files of a directory in the order of their names, as a
// service does.
func (c *checker) read(dir string) ([]*rulefile.File, error) {
	entries, err := fs.ReadDir(c.fsys, dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() && isYAML(e.Name()) && !rulefile.IsTest(e.Name()) {
			names = append(names, path.Join(dir, e.Name()))
		}
	}
	return rulefile.Read(c.fsys, names...)
}

// lint shows what the rules probably do not mean.
func (c *checker) lint(files []*rulefile.File) {
	var rules []celrule.Rule
	for _, f := range files {
		rules = append(rules, f.Rules...)
	}
	for _, f := range celrule.Findings(rules) {
		c.warnings++
		fmt.Fprintf(c.out, "\n%s: %v\n", f.Kind, rulefile.Locate(files, &f.Error))
	}
}

// dearest shows the rule that may cost most.
func (c *checker) dearest(set *celrule.Set) {
	dearest := 0
	for i := range set.Len() {
		if set.Cost(i) > set.Cost(dearest) {
			dearest = i
		}
	}
	if set.Len() > 0 {
		fmt.Fprintf(c.out, "\n  %d rules; the dearest may cost %d: %s\n", set.Len(), set.Cost(dearest), set.Rule(dearest).Name)
	}
}

// coverage shows the rules that no test exercises.
func (c *checker) coverage(set *celrule.Set, dir string, report *autotickettest.Report) {
	for i := range set.Len() {
		name := set.Rule(i).Name
		if !slices.ContainsFunc(report.Rules, func(r autotickettest.Coverage) bool {
			return path.Dir(r.File) == dir && r.Rule == name && r.Tests > 0
		}) {
			c.untested++
			fmt.Fprintf(c.out, "  no test exercises rule %q\n", name)
		}
	}
}

func (c *checker) summary() {
	fmt.Fprintf(c.out, "sets: %d, rules: %d, refused: %d, warnings: %d, tests: %d, failed: %d, rules without a test: %d\n",
		c.sets, c.rules, c.refused, c.warnings, c.tests, c.failed, c.untested)
}

// flatten returns the errors that were joined.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, err := range joined.Unwrap() {
		all = append(all, flatten(err)...)
	}
	return all
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ")
}
