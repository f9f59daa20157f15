package celrule

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
)

// lint returns what CEL accepts but no rule can mean. What came from a
// definition is not looked at: that is done where it is defined.
func lint(tree *ast.AST, in inlined) []*Error {
	var errs []*Error
	report := func(e ast.Expr, message, hint string) {
		// CEL places a selection at its dot. Its beginning is where its parts begin.
		var first *Error
		ast.PreOrderVisit(e, ast.NewExprVisitor(func(part ast.Expr) {
			at := tree.SourceInfo().GetStartLocation(part.ID())
			if first == nil || cmp.Or(at.Line()-first.Line, at.Column()+1-first.Column) < 0 {
				first = &Error{Line: at.Line(), Column: at.Column() + 1, Message: message, Hint: hint}
			}
		}))
		errs = append(errs, first)
	}
	seen := make(map[int64]bool) // inner parts of a path that was reported
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if in.of(e.ID()) != nil {
			return
		}
		switch e.Kind() {
		case ast.SelectKind:
			if owner, path := attributePath(tree, e, seen); len(path) > 1 {
				name := strings.Join(path, ".")
				report(e, "an attribute has no fields", fmt.Sprintf("did you mean %s.attributes[%q]?", owner, name))
			}
		case ast.CallKind:
			call := e.AsCall()
			switch call.FunctionName() {
			case overloads.Matches:
				pattern := call.Args()[len(call.Args())-1]
				if constant(pattern) == nil {
					report(pattern, "the pattern of matches must be a constant", "")
				}
			case operators.Equals, operators.NotEquals, operators.In:
				lintComparison(tree, call.Args()[0], call.Args()[1], report)
				lintComparison(tree, call.Args()[1], call.Args()[0], report)
			}
		}
	}))
	return errs
}

// attributePath returns a and [b c] for a.attributes.b.c.
func attributePath(tree *ast.AST, e ast.Expr, seen map[int64]bool) (owner string, path []string) {
	for e.Kind() == ast.SelectKind && !seen[e.ID()] {
		sel := e.AsSelect()
		seen[e.ID()] = true
		if _, ok := attributesOf(tree, sel.Operand()); ok {
			path = append(path, sel.FieldName())
			slices.Reverse(path)
			return variable(tree, sel.Operand().AsSelect().Operand()), path
		}
		path = append(path, sel.FieldName())
		e = sel.Operand()
	}
	return "", nil
}

// lintComparison reports constants that can never be equal to what they are compared with.
func lintComparison(tree *ast.AST, left, right ast.Expr, report func(e ast.Expr, message, hint string)) {
	sub, ok := subjectOf(tree, left)
	ofSuspect := isClassOfSuspect(tree, left)
	if !ok && !ofSuspect {
		return
	}
	values := []ast.Expr{right}
	if right.Kind() == ast.ListKind {
		values = right.AsList().Elements()
	}
	for _, value := range values {
		text, ok := constant(value).(types.String)
		if !ok {
			continue
		}
		var known []string
		switch {
		case ofSuspect:
			known = suspectClasses
		case sub.what == spanKind:
			known = []string{"SERVER", "CLIENT", "INTERNAL", "PRODUCER", "CONSUMER"}
		case sub.what == spanStatus:
			known = []string{"ERROR", "OK", "UNSET"}
		case sub.what == spanAttribute && sub.typ == intType && !sub.host:
			hint := ""
			if n, ok := wholeNumber(string(text)); ok {
				hint = fmt.Sprintf("did you mean %d?", n)
			}
			report(value, sub.key+" is a number", hint)
			continue
		default:
			continue
		}
		if !slices.Contains(known, string(text)) {
			hint := "it is one of " + strings.Join(known, ", ")
			like := strings.ToUpper(string(text))
			if ofSuspect {
				like = strings.ToLower(string(text))
			}
			if near := Nearest(like, known); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			report(value, fmt.Sprintf("there is no such value as %q", text), hint)
		}
	}
}

// isClassOfSuspect reports whether an expression is how sure it is of a suspect.
func isClassOfSuspect(tree *ast.AST, e ast.Expr) bool {
	if e.Kind() != ast.SelectKind || e.AsSelect().IsTestOnly() || e.AsSelect().FieldName() != "class" {
		return false
	}
	t := tree.GetType(e.AsSelect().Operand().ID())
	return t.Kind() == types.StructKind && t.TypeName() == suspectClass.name
}
