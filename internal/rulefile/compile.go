package rulefile

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/spanticket/spanticket/internal/celrule"
)

// Compile compiles the rules of the files, in order, as [celrule.Compile]
// does. The error joins an [*Error] for everything that is wrong with any of
// the files. Unchanged rules are taken over from old, which may be nil.
func Compile(files []*File, sinks []string, old *celrule.Set) (*celrule.Set, error) {
	link(files)
	var rules []celrule.Rule
	for _, f := range files {
		rules = append(rules, f.Rules...)
	}
	set, err := old.Compile(rules, sinks)
	wrong := unjoin(err)
	var errs []*Error
	for _, f := range files {
		errs = append(errs, f.errs...)
	}
	if len(wrong)+len(errs) == 0 {
		return set, nil
	}
	first := make(map[string]int, len(rules)) // rule of each name
	for i, r := range rules {
		if _, ok := first[r.Name]; !ok {
			first[r.Name] = i
		}
	}
	// To find the place of an error takes a walk over its text, of which there
	// may be a megabyte and as many errors: no more are placed than are shown.
	type origin struct {
		node         *yaml.Node
		line, column int
		message      string
	}
	seen := make(map[origin]bool)
	placed, more := 0, 0
	for _, e := range wrong {
		f, i := fileOf(files, e.Index)
		if at, ok := f.spot(e.Field, i); ok {
			o := origin{at.node, e.Line, e.Column, e.Message}
			if seen[o] {
				continue // every rule has what it is given
			}
			seen[o] = true
		}
		if placed == maxErrors {
			more++
			continue
		}
		out := f.errorOf(e, i)
		if out == nil {
			continue
		}
		placed++
		if at := first[e.Rule]; e.Field == "name" && at < e.Index && e.Rule != "" {
			f, i := fileOf(files, at)
			if n, ok := f.spot("name", i); ok {
				out.Message = fmt.Sprintf("the name is taken: %s:%d:%d", n.file.Name, n.node.Line, n.node.Column)
			}
		}
		errs = append(errs, out)
	}
	return nil, inOrder(files, errs, more)
}

// maxErrors bounds the errors that are reported at once.
const maxErrors = 50

// inOrder joins errors in the order of the files and their places, each once.
// There are more of them that are not shown.
func inOrder(files []*File, errs []*Error, more int) error {
	number := make(map[string]int, len(files))
	for i, f := range files {
		number[f.Name] = i
	}
	slices.SortStableFunc(errs, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(number[a.File], number[b.File]), a.Compare(b))
	})
	errs = slices.CompactFunc(errs, func(a, b *Error) bool { return a.File == b.File && a.Compare(b) == 0 })
	var all []error
	for _, e := range errs[:min(len(errs), maxErrors)] {
		all = append(all, e)
	}
	if more += max(0, len(errs)-maxErrors); more > 0 {
		all = append(all, fmt.Errorf("and %d more errors", more))
	}
	return errors.Join(all...)
}

// Locate returns what is wrong with a rule of the files, in the order in which
// they were compiled, with its place. It returns nil if it only follows from
// what was reported already.
func Locate(files []*File, e *celrule.Error) *Error {
	f, i := fileOf(files, e.Index)
	return f.errorOf(e, i)
}

// fileOf returns the file that has a rule, and which of its rules that is.
func fileOf(files []*File, rule int) (*File, int) {
	for _, f := range files {
		if rule < len(f.Rules) {
			return f, rule
		}
		rule -= len(f.Rules)
	}
	panic("rulefile: no such rule") // the caller made it up
}

// spot returns where a field of a rule stands: in the rule, in the defaults, or,
// if it is a definition, under let.
func (f *File) spot(field string, rule int) (spot, bool) {
	for _, fields := range []map[string]spot{f.own.lets, f.places[rule].fields, f.own.fields} {
		if at, ok := fields[field]; ok {
			return at, true
		}
	}
	return spot{}, false
}

// errorOf returns an error of a rule with its place.
func (f *File) errorOf(e *celrule.Error, rule int) *Error {
	p := &f.places[rule]
	out := Error{Rule: e.Rule, Field: e.Field, Message: e.Message, Hint: e.Hint}
	at, ok := f.spot(e.Field, rule)
	if _, isLet := f.own.lets[e.Field]; isLet {
		out.Rule = ""
	}
	if !ok {
		if p.damaged {
			return nil // the key may be there, misspelt
		}
		return f.place(p.node.Line, p.node.Column, out)
	}
	if f.own.fields[e.Field] == at {
		out.Rule, out.Field = "", "defaults."+e.Field
	}
	if e.Line == 0 || at.node.Kind != yaml.ScalarNode {
		return at.file.place(at.node.Line, at.node.Column, out)
	}
	line, column := at.file.locate(at.node, e.Line, e.Column)
	return at.file.place(line, column, out)
}

// unjoin returns the errors that celrule joined.
func unjoin(err error) []*celrule.Error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	var out []*celrule.Error
	for _, err := range joined.Unwrap() {
		out = append(out, err.(*celrule.Error))
	}
	return out
}
