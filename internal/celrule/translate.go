package celrule

import (
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
)

// comparisons are the operators that compare a subject with a number, and
// what each is when its sides are swapped.
var comparisons = map[string]struct{ op, swapped op }{
	operators.Less:          {less, greater},
	operators.LessEquals:    {lessOrEqual, greaterOrEqual},
	operators.Greater:       {greater, less},
	operators.GreaterEquals: {greaterOrEqual, lessOrEqual},
}

// searches are the functions that look for a constant in a subject.
var searches = map[string]op{
	overloads.StartsWith: prefix,
	overloads.EndsWith:   suffix,
	overloads.Contains:   contains,
}

// translate returns the condition of a condition.
func translate(tree *ast.AST, e ast.Expr) condition {
	if s, ok := subjectOf(tree, e); ok {
		return condition{op: equal, subject: s, values: []value{truthValue(true)}}
	}
	switch e.Kind() {
	case ast.LiteralKind:
		if b, ok := constant(e).(types.Bool); ok {
			return condition{answer: known(bool(b))}
		}
	case ast.SelectKind:
		if s, ok := selected(tree, e.AsSelect()); ok { // has(...)
			return translateHas(s)
		}
	case ast.CallKind:
		return translateCall(tree, e.AsCall())
	}
	return condition{answer: unknown}
}

func translateHas(s subject) condition {
	switch s.what {
	case spanAttribute, resourceAttribute:
		return condition{op: present, subject: s}
	case spanDuration, exceptionEscaped:
		return condition{answer: yes}
	}
	return join(negation, []condition{{op: equal, subject: s, values: []value{textValue("")}}})
}

func translateCall(tree *ast.AST, call ast.CallExpr) condition {
	args := call.Args()
	switch fn := call.FunctionName(); fn {
	case operators.LogicalAnd, operators.LogicalOr:
		var conditions []condition
		for _, arg := range args {
			conditions = append(conditions, translate(tree, arg))
		}
		if fn == operators.LogicalOr {
			return join(anyOf, conditions)
		}
		return join(allOf, conditions)
	case operators.LogicalNot:
		return join(negation, []condition{translate(tree, args[0])})
	case operators.Equals:
		return translateEqual(tree, args[0], args[1])
	case operators.NotEquals:
		return join(negation, []condition{translateEqual(tree, args[0], args[1])})
	case operators.In:
		return translateIn(tree, args[0], args[1])
	case overloads.StartsWith, overloads.EndsWith, overloads.Contains:
		if call.IsMemberFunction() && len(args) == 1 {
			s, ok := textSubjectOf(tree, call.Target())
			if text, isText := constant(args[0]).(types.String); ok && isText {
				return condition{op: searches[fn], subject: s, values: []value{textValue(string(text))}}
			}
		}
	case overloads.Matches, fnMatchesAny:
		return translateMatches(tree, call)
	case fnHasPrefixAny:
		s, ok := textSubjectOf(tree, args[0])
		if texts, isConst := constantTexts(args[1]); ok && isConst {
			t := condition{op: prefix, subject: s}
			for _, text := range texts {
				t.values = append(t.values, textValue(text))
			}
			return t
		}
	default:
		if c, ok := comparisons[fn]; ok {
			return translateComparison(tree, c.op, c.swapped, args[0], args[1])
		}
	}
	return condition{answer: unknown}
}

// textSubjectOf is subjectOf for what is looked at in the case that was recorded.
func textSubjectOf(tree *ast.AST, e ast.Expr) (subject, bool) {
	s, ok := subjectOf(tree, e)
	return s, ok && !s.host
}

func translateMatches(tree *ast.AST, call ast.CallExpr) condition {
	target, texts := patternCall(call)
	if texts == nil {
		return condition{answer: unknown}
	}
	s, ok := textSubjectOf(tree, target)
	p, err := compilePatterns(texts)
	if !ok || err != nil {
		return condition{answer: unknown}
	}
	return condition{op: match, subject: s, pattern: p}
}

func translateEqual(tree *ast.AST, left, right ast.Expr) condition {
	if _, ok := subjectOf(tree, left); !ok {
		left, right = right, left
	}
	s, ok := subjectOf(tree, left)
	v, isConst := comparand(s, right)
	if !ok || !isConst {
		return condition{answer: unknown}
	}
	return condition{op: equal, subject: s, values: []value{v}}
}

func translateIn(tree *ast.AST, left, right ast.Expr) condition {
	if w, ok := attributesOf(tree, right); ok {
		if key, ok := constant(left).(types.String); ok {
			return condition{op: present, subject: attributeSubject(w, string(key))}
		}
	}
	s, ok := subjectOf(tree, left)
	if !ok || right.Kind() != ast.ListKind || len(right.AsList().OptionalIndices()) > 0 {
		return condition{answer: unknown}
	}
	t := condition{op: equal, subject: s}
	for _, elem := range right.AsList().Elements() {
		v, ok := comparand(s, elem)
		if !ok {
			return condition{answer: unknown}
		}
		t.values = append(t.values, v)
	}
	return t
}

func translateComparison(tree *ast.AST, o, swapped op, left, right ast.Expr) condition {
	if _, ok := subjectOf(tree, left); !ok {
		left, right, o = right, left, swapped
	}
	s, ok := subjectOf(tree, left)
	v, isConst := comparand(s, right)
	if !ok || !isConst || !v.isNumber() {
		return condition{answer: unknown}
	}
	return condition{op: o, subject: s, values: []value{v}}
}

// comparand returns the constant that a subject is compared with.
func comparand(s subject, e ast.Expr) (value, bool) {
	if s.what != spanDuration {
		return literal(constant(e))
	}
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != overloads.TypeConvertDuration {
		return value{}, false
	}
	text, ok := constant(e.AsCall().Args()[0]).(types.String)
	if !ok {
		return value{}, false
	}
	d, ok := text.ConvertToType(types.DurationType).(types.Duration)
	return value{kind: kindInt, n: int64(time.Duration(d.Duration))}, ok
}
