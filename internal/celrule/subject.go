package celrule

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// subject is something of a span that a condition looks at.
type subject struct {
	what what
	key  string // of an attribute
}

// what are the kinds of subjects, the cheapest to read first.
type what uint8

const (
	spanStatus what = iota
	spanKind
	spanName
	scopeName
	spanDuration
	statusMessage
	resourceAttribute
	spanAttribute
	exceptionType
	exceptionMessage
	exceptionEscaped

	subjectKinds = iota
)

// subjects names those that are a field of a variable.
var subjects = map[string]what{
	"span.status":         spanStatus,
	"span.kind":           spanKind,
	"span.name":           spanName,
	"span.duration":       spanDuration,
	"span.status_message": statusMessage,
	"scope.name":          scopeName,
	"exception.type":      exceptionType,
	"exception.message":   exceptionMessage,
	"exception.escaped":   exceptionEscaped,
}

// subjectOf recognises the expressions that read one.
func subjectOf(tree *ast.AST, e ast.Expr) (subject, bool) {
	switch e.Kind() {
	case ast.SelectKind:
		if e.AsSelect().IsTestOnly() {
			break
		}
		return selected(tree, e.AsSelect())
	case ast.CallKind:
		call := e.AsCall()
		if call.FunctionName() != operators.Index {
			break
		}
		w, ok := attributesOf(tree, call.Args()[0])
		key, isText := constant(call.Args()[1]).(types.String)
		return subject{w, string(key)}, ok && isText
	}
	return subject{}, false
}

// selected returns the subject that a field selection, or has of one, is about.
func selected(tree *ast.AST, sel ast.SelectExpr) (subject, bool) {
	if owner := variable(tree, sel.Operand()); owner != "" {
		w, ok := subjects[owner+"."+sel.FieldName()]
		return subject{what: w}, ok
	}
	w, ok := attributesOf(tree, sel.Operand())
	return subject{w, sel.FieldName()}, ok
}

// attributesOf recognises span.attributes and resource.attributes.
func attributesOf(tree *ast.AST, e ast.Expr) (what, bool) {
	if e.Kind() != ast.SelectKind || e.AsSelect().FieldName() != "attributes" || e.AsSelect().IsTestOnly() {
		return 0, false
	}
	switch variable(tree, e.AsSelect().Operand()) {
	case spanClass.name:
		return spanAttribute, true
	case resourceClass.name:
		return resourceAttribute, true
	}
	return 0, false
}

// variable returns the name of the variable that an expression is, or "". A
// name that a macro gave to something else is none.
func variable(tree *ast.AST, e ast.Expr) string {
	if e.Kind() != ast.IdentKind {
		return ""
	}
	name := e.AsIdent()
	if t := tree.GetType(e.ID()); t.Kind() != types.StructKind || t.TypeName() != name {
		return ""
	}
	return name
}

// constant returns the value of a literal, or nil.
func constant(e ast.Expr) any {
	if e.Kind() != ast.LiteralKind {
		return nil
	}
	return e.AsLiteral()
}
