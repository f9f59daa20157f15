package celrule

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/decls"
	"cel.dev/cel-go/common/types"
)

// definitions are the named expressions that the rules of a file can use. They
// are put in place of their names before an expression is checked, so that one
// that uses them is the same as one that is written out.
type definitions map[string]*definition

// definition is a named expression, in which those that it uses are in place.
// Of one that is not sound, which was reported, only the name is known.
type definition struct {
	expr ast.Expr // parsed, not checked; not changed any more
	size int      // nodes
	free []string // names in it that are not its own
	text bool     // it may be a text
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// maxDefined bounds the parts of all definitions of a list, with what they
// stand for: each could be the one before it and some more.
const maxDefined = 1 << 16

// define compiles definitions. Each sees those before it.
func define(defs []Definition) (definitions, []*Error) {
	ds := make(definitions, len(defs))
	var all []*Error
	total := 0
	for _, d := range defs {
		if total > maxDefined {
			ds[d.Name] = nil
			continue
		}
		errs := ds.add(d)
		if known := ds[d.Name]; known != nil && errs == nil {
			if total += known.size; total > maxDefined {
				errs = []*Error{{Message: fmt.Sprintf("the definitions up to it have more than %d parts, with what they stand for", maxDefined)}}
				ds[d.Name] = nil
			}
		}
		for _, e := range errs {
			e.Field = "let." + d.Name
		}
		all = append(all, errs...)
	}
	return ds, all
}

func (ds definitions) add(d Definition) []*Error {
	if message, hint := ds.badName(d.Name); message != "" {
		return []*Error{{Message: message, Hint: hint}}
	}
	defer func() {
		if _, ok := ds[d.Name]; !ok {
			ds[d.Name] = nil
		}
	}()
	if strings.TrimSpace(d.Expr) == "" {
		return []*Error{{Message: "it is empty"}}
	}
	// What is wrong in every stage is wrong. Where it is used in a stage that
	// it is not for, that place is.
	var least []*Error
	var isText bool
	for i, s := range []stage{matching, signing, answering} {
		checked, in, errs := ds.check(s, d.Expr)
		if checked == nil && errs == nil {
			return nil // one that it uses is not sound
		}
		if checked != nil {
			isText = couldBe(checked.OutputType(), types.StringType)
			least = lint(checked.NativeRep(), in)
			break
		}
		if i == 0 || len(errs) < len(least) {
			least = errs
		}
	}
	if least != nil {
		return least
	}
	parsed, _ := matching.env().Parse(d.Expr)
	e := parsed.NativeRep().Expr()
	ds.substitute(parsed.NativeRep())
	ds[d.Name] = &definition{expr: e, size: size(e), free: free(e), text: isText}
	return nil
}

const otherName = "give the definition another name"

// badName says why a definition cannot have a name, or "".
func (ds definitions) badName(name string) (message, hint string) {
	if _, ok := ds[name]; ok {
		return fmt.Sprintf("%q is defined already", name), ""
	}
	switch {
	case !identifier.MatchString(name) || strings.HasPrefix(name, "__"):
		return fmt.Sprintf("%q is no name", name), "it is made of letters, digits and underscores, and begins with a letter"
	case slices.Contains(reserved, name):
		return fmt.Sprintf("%q means something in expressions already", name), otherName
	}
	for _, s := range []stage{matching, answering} {
		if slices.Contains(s.variables(), name) {
			return fmt.Sprintf("%q is a variable", name), otherName
		}
		if isCalled(s.env(), name) || slices.ContainsFunc(s.env().Macros(), func(m cel.Macro) bool { return m.Function() == name }) {
			return fmt.Sprintf("%q is a function", name), otherName
		}
	}
	return "", ""
}

// isCalled reports whether a name is that of a function, other than those that
// are called on something.
func isCalled(env *cel.Env, name string) bool {
	fn, ok := env.Functions()[name]
	return ok && slices.ContainsFunc(fn.OverloadDecls(), func(o *decls.OverloadDecl) bool { return !o.IsMemberFunction() })
}

// reserved are words of CEL, and names that rules will have.
var reserved = []string{
	"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop",
	"namespace", "null", "package", "return", "true", "var", "void", "while",
	"owner", "incident",
}

// check parses an expression, puts the definitions in place, and checks it for
// a stage. It returns neither an expression nor an error if a definition in it
// is not sound.
func (ds definitions) check(s stage, text string) (*cel.Ast, inlined, []*Error) {
	env := s.env()
	parsed, issues := env.Parse(text)
	if issues.Err() != nil {
		return nil, inlined{}, explain(s, nil, issues)
	}
	in, sound, errs := ds.substitute(parsed.NativeRep())
	if errs != nil || !sound {
		return nil, in, errs
	}
	checked, issues := env.Check(parsed)
	if issues.Err() == nil {
		return checked, in, nil
	}
	var last *place
	for i, e := range explain(s, parsed.NativeRep(), issues) {
		p := in.of(issues.Errors()[i].ExprID)
		switch {
		case p == nil:
			ds.propose(e)
		case p == last:
			continue // one is enough
		default:
			p.misused(e)
		}
		errs, last = append(errs, e), p
	}
	return nil, in, errs
}

var unknownName = regexp.MustCompile(`^undeclared name '([^']*)'$`)

// propose hints at the definition that an unknown name was probably meant to be.
func (ds definitions) propose(e *Error) {
	if m := unknownName.FindStringSubmatch(e.Message); m != nil {
		if near := Nearest(m[1], slices.Sorted(maps.Keys(ds))); near != "" {
			e.Hint = fmt.Sprintf("did you mean %s?", near)
		}
	}
}

// used returns the definitions that a rule can depend on: those whose names
// stand in it, or in one of those.
func used(r Rule) []Definition {
	if len(r.Definitions) == 0 {
		return nil
	}
	names := make(map[string]bool)
	note := func(texts ...string) {
		for _, text := range texts {
			for word := range strings.FieldsFuncSeq(text, isNoLetter) {
				names[word] = true
			}
		}
	}
	note(r.When, r.Unless, r.SignatureExpr, r.Severity, r.Title, r.Team, r.Runbook)
	note(r.Labels...)
	note(r.Sinks...)
	var out []Definition
	for _, d := range slices.Backward(r.Definitions) { // each sees those before it
		if names[d.Name] {
			note(d.Expr)
			out = append(out, d)
		}
	}
	slices.Reverse(out)
	return out
}

// isNoLetter reports whether a character is no part of a name.
func isNoLetter(c rune) bool {
	return c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9')
}
