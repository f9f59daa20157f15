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

// define compiles definitions. Each sees those before it.
func define(defs []Definition) (definitions, []*Error) {
	ds := make(definitions, len(defs))
	var all []*Error
	for _, d := range defs {
		errs := ds.add(d)
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
	isText := false
	for i, s := range []stage{matching, signing, answering} {
		checked, errs := ds.check(s, d.Expr)
		if len(errs) == 0 {
			isText = checked != nil && couldBe(checked.OutputType(), types.StringType)
			least = nil
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
	tree := parsed.NativeRep()
	if _, errs := ds.substitute(tree); errs != nil {
		return errs
	}
	ds[d.Name] = &definition{expr: tree.Expr(), size: size(tree.Expr()), free: free(tree.Expr()), text: isText}
	return nil
}

// badName says why a definition cannot have a name, or "".
func (ds definitions) badName(name string) (message, hint string) {
	if _, ok := ds[name]; ok {
		return fmt.Sprintf("%q is defined already", name), ""
	}
	switch {
	case !identifier.MatchString(name) || strings.HasPrefix(name, "__"):
		return fmt.Sprintf("%q is no name", name), "it is made of letters, digits and underscores, and begins with a letter"
	case slices.Contains(reserved, name):
		return fmt.Sprintf("%q means something in expressions already", name), ""
	}
	for _, s := range []stage{matching, answering} {
		for _, c := range s.classes() {
			if c.name == name {
				return fmt.Sprintf("%q is a variable", name), ""
			}
		}
		if isCalled(s.env(), name) || slices.ContainsFunc(s.env().Macros(), func(m cel.Macro) bool { return m.Function() == name }) {
			return fmt.Sprintf("%q is a function", name), ""
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
	"owner", "incident", "suspects",
}

// check parses an expression, puts the definitions in place, and checks it for
// a stage. Neither is returned if a definition in it is not sound.
func (ds definitions) check(s stage, text string) (*cel.Ast, []*Error) {
	env := s.env()
	parsed, issues := env.Parse(text)
	if issues.Err() != nil {
		return nil, explain(s, nil, issues)
	}
	sound, errs := ds.substitute(parsed.NativeRep())
	if errs != nil || !sound {
		return nil, errs
	}
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		errs := explain(s, parsed.NativeRep(), issues)
		for _, e := range errs {
			ds.propose(e)
		}
		return nil, errs
	}
	return checked, nil
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

// substitute puts definitions in the place of their names. What is wrong in
// them is placed where they are used. It reports false if one is not sound.
func (ds definitions) substitute(tree *ast.AST) (sound bool, errs []*Error) {
	if len(ds) == 0 {
		return true, nil
	}
	sub := substitution{definitions: ds, tree: tree, next: ast.MaxID(tree), size: size(tree.Expr()), sound: true}
	sub.visit(tree.Expr(), nil)
	return sub.sound, sub.errs
}

type substitution struct {
	definitions definitions
	tree        *ast.AST
	next        int64 // ID
	size        int   // nodes
	sound       bool
	errs        []*Error
}

func (s *substitution) report(e ast.Expr, message string) {
	at := s.tree.SourceInfo().GetStartLocation(e.ID())
	s.errs = append(s.errs, &Error{Line: at.Line(), Column: at.Column() + 1, Message: message})
}

// visit goes through an expression in which macros have given the bound names
// to something else.
func (s *substitution) visit(e ast.Expr, bound []string) {
	if len(s.errs) > 0 {
		return
	}
	switch e.Kind() {
	case ast.IdentKind:
		s.replace(e, bound)
	case ast.CallKind:
		call := e.AsCall()
		if call.IsMemberFunction() {
			s.visit(call.Target(), bound)
		}
		for _, arg := range call.Args() {
			s.visit(arg, bound)
		}
	case ast.SelectKind:
		s.visit(e.AsSelect().Operand(), bound)
	case ast.ListKind:
		for _, elem := range e.AsList().Elements() {
			s.visit(elem, bound)
		}
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			s.visit(entry.AsMapEntry().Key(), bound)
			s.visit(entry.AsMapEntry().Value(), bound)
		}
	case ast.StructKind:
		for _, field := range e.AsStruct().Fields() {
			s.visit(field.AsStructField().Value(), bound)
		}
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		s.visit(c.IterRange(), bound)
		s.visit(c.AccuInit(), bound)
		inner := append(slices.Clone(bound), c.IterVar(), c.IterVar2(), c.AccuVar())
		s.visit(c.LoopCondition(), inner)
		s.visit(c.LoopStep(), inner)
		s.visit(c.Result(), inner)
	}
}

func (s *substitution) replace(e ast.Expr, bound []string) {
	name := e.AsIdent()
	d, ok := s.definitions[name]
	switch {
	case !ok || slices.Contains(bound, name):
		return
	case d == nil:
		s.sound = false
		return
	case s.size+d.size > maxNodes:
		s.report(e, fmt.Sprintf("with what %s stands for the expression has more than %d parts", name, maxNodes))
		return
	}
	for _, used := range d.free {
		if slices.Contains(bound, used) {
			s.report(e, fmt.Sprintf("%s uses %s, which means something else here", name, used))
			return
		}
	}
	info := s.tree.SourceInfo()
	at, _ := info.GetOffsetRange(e.ID())
	part := ast.NewExprFactory().CopyExpr(d.expr)
	part.RenumberIDs(func(int64) int64 {
		s.next++
		info.SetOffsetRange(s.next, at)
		return s.next
	})
	e.SetKindCase(part)
	s.size += d.size
}

// size returns the number of nodes of an expression.
func size(e ast.Expr) int {
	n := 0
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(ast.Expr) { n++ }))
	return n
}

// free returns the names in an expression, those of its own macros among them.
func free(e ast.Expr) []string {
	var names []string
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.IdentKind && !slices.Contains(names, e.AsIdent()) {
			names = append(names, e.AsIdent())
		}
	}))
	return slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, "@") || name == types.NullType.TypeName() })
}

var word = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)

// used returns the definitions that a rule can depend on: those whose names
// stand in it, or in one of those.
func used(r Rule) []Definition {
	if len(r.Definitions) == 0 {
		return nil
	}
	names := make(map[string]bool)
	note := func(texts ...string) {
		for _, text := range texts {
			for _, name := range word.FindAllString(text, -1) {
				names[name] = true
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
