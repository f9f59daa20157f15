package rulefile

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spanticket/spanticket/internal/celrule"
)

// Compile compiles the rules of the files, in order, as [celrule.Compile]
// does. The error joins an [*Error] for everything that is wrong with any of
// the files. Unchanged rules are taken over from old, which may be nil.
func Compile(files []*File, sinks []string, old *celrule.Set) (*celrule.Set, error) {
	var rules []celrule.Rule
	errs := make([][]*Error, len(files)) // by file
	first := make([]int, len(files))     // rule of each, among all
	for i, f := range files {
		first[i] = len(rules)
		rules = append(rules, f.Rules...)
		errs[i] = slices.Clone(f.errs)
	}
	set, err := old.Compile(rules, sinks)
	for _, e := range unjoin(err) {
		// The last file that begins at or before the rule. Files without rules
		// begin where the next one does.
		i, _ := slices.BinarySearch(first, e.Index+1)
		i--
		out := files[i].errorOf(e, e.Index-first[i])
		if out == nil {
			continue
		}
		if at := slices.IndexFunc(rules, func(r celrule.Rule) bool { return r.Name == e.Rule }); e.Field == "name" && at < e.Index && e.Rule != "" {
			j, _ := slices.BinarySearch(first, at+1)
			n := files[j-1].places[at-first[j-1]].fields["name"]
			out.Message = fmt.Sprintf("the name is taken: %s:%d:%d", files[j-1].Name, n.Line, n.Column)
		}
		errs[i] = append(errs[i], out)
	}
	var all []error
	for i := range files {
		slices.SortStableFunc(errs[i], (*Error).compare)
		errs[i] = slices.CompactFunc(errs[i], func(a, b *Error) bool { return a.compare(b) == 0 })
		for _, e := range errs[i] {
			all = append(all, e)
		}
	}
	if all != nil {
		return nil, errors.Join(all...)
	}
	return set, nil
}

// errorOf returns an error of a rule with its place in the file, or nil if it
// only follows from what was reported already.
func (f *File) errorOf(e *celrule.Error, rule int) *Error {
	p := f.places[rule]
	out := Error{Rule: e.Rule, Field: e.Field, Message: e.Message, Hint: e.Hint}
	n := p.fields[e.Field]
	if n == nil {
		if p.damaged {
			return nil // the key may be there, misspelt
		}
		return f.place(p.node.Line, p.node.Column, out)
	}
	if f.defaults[e.Field] == n {
		out.Rule, out.Field = "", "defaults."+e.Field
	}
	if e.Line == 0 {
		return f.place(n.Line, n.Column, out)
	}
	line, column := f.locate(n, e.Line, e.Column)
	return f.place(line, column, out)
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
