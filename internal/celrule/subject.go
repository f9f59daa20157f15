package celrule

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"go.opentelemetry.io/otel/attribute"
)

// subject is something of a span that a condition looks at.
type subject struct {
	what what
	key  string        // of an attribute
	typ  attributeType // of the attribute
	host bool          // the host of the URL that the attribute is, in lower case
}

func attributeSubject(w what, key string) subject {
	return subject{what: w, key: key, typ: typeByConvention(key)}
}

// of returns what a subject is that is an attribute. The host is in the case
// that was recorded.
func (s *subject) of(attrs []attribute.KeyValue) value {
	v := valueOf(attrs, s.key, s.typ)
	if s.host && v.kind != kindDigits {
		return textValue(hostOf(v.text))
	}
	return v
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
	statusClass
	exceptionType
	exceptionMessage
	exceptionEscaped
	exceptionTimeout

	subjectKinds = iota
)

// fieldSubjects has a subject of each kind but attributes, where pointing at one
// allocates nothing.
var fieldSubjects = func() (all [subjectKinds]subject) {
	for w := range all {
		all[w].what = what(w)
	}
	return all
}()

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
		return called(tree, e.AsCall())
	}
	return subject{}, false
}

// called returns the subject that a call reads.
func called(tree *ast.AST, call ast.CallExpr) (subject, bool) {
	switch args := call.Args(); call.FunctionName() {
	case operators.Index:
		w, ok := attributesOf(tree, args[0])
		key, isText := constant(args[1]).(types.String)
		return attributeSubject(w, string(key)), ok && isText
	case fnHTTPStatusClass:
		return subject{what: statusClass}, variable(tree, args[0]) == spanClass.name
	case fnIsTimeout:
		return subject{what: exceptionTimeout}, variable(tree, args[0]) == exceptionClass.name
	case fnHost:
		s, ok := subjectOf(tree, args[0])
		s.host = true
		return s, ok && (s.what == spanAttribute || s.what == resourceAttribute)
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
	return attributeSubject(w, sel.FieldName()), ok
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
