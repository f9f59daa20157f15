// Package testfile reads files of rule tests, and says exactly what is wrong
// with those that it refuses.
package testfile

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/spanticket/spanticket/internal/rulefile"
)

// File is one file of rule tests.
type File struct {
	Name  string
	Rules []Pattern // of rule files, relative to the file. Defaults to those beside it.
	Sinks []string  // that the service has, beside those that rules name
	Tests []*Test

	lines []string
	errs  []*Error
}

// Pattern names files, as in [path.Match].
type Pattern struct {
	Place
	Text string
}

// Test is one test: spans, and what is expected of them.
type Test struct {
	Name string
	Place
	At         time.Time // when the spans begin
	Spans      []*Span   // roots
	Count      int       // how often the spans come
	Every      time.Duration
	Recording  string // a file of spans, instead of Spans
	PerService bool   // each service sees its own spans only
	Expect     Expect
}

const (
	// maxTime bounds each duration, and how long a test lasts in all is bounded
	// by maxSpan.
	maxTime = 366 * 24 * time.Hour
	maxSpan = 100 * maxTime
	// maxRepeat bounds how often the spans of a test come, and maxSpans how many
	// that makes.
	maxRepeat = 10_000
	maxSpans  = 100_000
)

// begin is when tests begin that do not say it.
var begin = time.Date(2024, 5, 6, 7, 0, 0, 0, time.UTC)

// Parse reads one file. The error joins an [*Error] for everything that is
// wrong with it.
func Parse(name string, data []byte) (*File, error) {
	f := &File{Name: name}
	if len(data) > maxSize {
		return nil, &Error{File: name, Message: fmt.Sprintf("the file has more than %d bytes", maxSize)}
	}
	if root := f.parse(data); root != nil {
		f.decode(root)
	}
	if len(f.errs) == 0 {
		return f, nil
	}
	slices.SortStableFunc(f.errs, (*Error).Compare)
	f.errs = slices.CompactFunc(f.errs, func(a, b *Error) bool { return a.Compare(b) == 0 })
	var errs []error
	for _, e := range f.errs {
		errs = append(errs, e)
	}
	return nil, errors.Join(errs...)
}

func (f *File) patterns(n *yaml.Node, path string) {
	f.list(n, path, func(n *yaml.Node, path string) {
		p := Pattern{Place: placeOf(n)}
		f.name(&p.Text)(n, path)
		f.Rules = append(f.Rules, p)
	})
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		f.report(n, Error{Field: path, Message: "it is empty", Hint: "leave the key out for the rule files beside the test file"})
	}
}

// decode reads the tests of a document.
func (f *File) decode(root *yaml.Node) {
	var version, tests *yaml.Node
	f.mapping(root, "", keys{
		{"version", func(n *yaml.Node, _ string) { version = n }},
		{"rules", f.patterns},
		{"sinks", f.texts(&f.Sinks)},
		{"tests", func(n *yaml.Node, _ string) { tests = n }},
	})
	if version != nil && version.Value != "1" {
		f.report(version, Error{Field: "version", Message: fmt.Sprintf("there is no version %q", version.Value), Hint: "did you mean 1?"})
	}
	// What is missing may be there, misspelt.
	if version == nil && len(f.errs) == 0 {
		f.report(root, Error{Message: "the file does not say its version", Hint: begins})
	}
	if tests == nil {
		if len(f.errs) == 0 {
			f.report(root, Error{Message: "the file has no tests", Hint: "they are a list, under the key tests"})
		}
		return
	}
	if tests.Kind != yaml.SequenceNode || len(tests.Content) == 0 {
		f.report(tests, Error{Field: "tests", Message: "it must be a list of tests, and is " + rulefile.Describe(tests)})
		return
	}
	taken := map[string]Place{}
	for i, n := range tests.Content {
		t := &Test{Place: placeOf(n), At: begin, Count: 1, Every: time.Second}
		before := len(f.errs)
		d := decoder{File: f, test: t}
		d.read(n)
		for _, e := range f.errs[before:] {
			if t.Name != "" {
				e.Test = t.Name
			} else {
				e.Field = fmt.Sprintf("tests[%d]", i) + suffix(e.Field)
			}
		}
		if at, ok := taken[t.Name]; ok && t.Name != "" {
			f.report(d.name, Error{Test: t.Name, Field: "name", Message: fmt.Sprintf("the name is taken: %s:%d:%d", f.Name, at.Line, at.Column)})
		} else if d.name != nil {
			taken[t.Name] = placeOf(d.name)
		}
		f.Tests = append(f.Tests, t)
	}
}

func suffix(field string) string {
	if field == "" {
		return ""
	}
	return "." + field
}
