package celrule

import (
	"errors"
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// expression is one compiled CEL expression.
type expression struct {
	program   cel.Program
	condition condition // what is known of a bool without running it
	cost      uint64    // at most, with the largest values that are likely
	inlined   int       // nodes that came from definitions
	duration  bool      // it asks how long the span took
}

// compile checks an expression, whose value must be of the type or of one that
// is known only at run time. It returns neither if a definition in it is not
// sound.
func compile(s stage, text string, want *types.Type, defs definitions) (*expression, []*Error) {
	checked, in, errs := defs.check(s, text)
	if checked == nil {
		return nil, errs
	}
	env, tree := s.env(), checked.NativeRep()
	errs = lint(tree, in)
	if got := checked.OutputType(); !couldBe(got, want) {
		errs = append(errs, &Error{
			Line: 1, Column: 1,
			Message: "it must be " + typeName(want) + ", and is " + typeName(got),
		})
	}
	cost, tooMuch := estimate(env, checked)
	if tooMuch != nil {
		errs = append(errs, tooMuch)
	}
	if errs != nil {
		return nil, errs
	}
	program, err := env.Program(checked,
		cel.EvalOptions(cel.OptOptimize),
		cel.CostLimit(maxCost),
		cel.CustomDecoratorV2(lenient(tree)),
		cel.CustomDecoratorV2(watchful(tree)),
	)
	if err != nil {
		return nil, []*Error{{Message: err.Error()}}
	}
	return &expression{program: program, condition: translate(tree, tree.Expr()), cost: cost, inlined: in.nodes, duration: asksDuration(tree)}, nil
}

// asksDuration reports whether an expression has span.duration in it.
func asksDuration(tree *ast.AST) (asks bool) {
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.SelectKind && e.AsSelect().FieldName() == "duration" {
			of := e.AsSelect().Operand()
			asks = asks || of.Kind() == ast.IdentKind && of.AsIdent() == "span"
		}
	}))
	return asks
}

// couldBe reports whether a value can be of a type, as far as is known.
func couldBe(got, want *types.Type) bool {
	if got.Kind() == types.ListKind && want.Kind() == types.ListKind {
		return couldBe(got.Parameters()[0], want.Parameters()[0])
	}
	return got.Kind() == types.DynKind || want.IsAssignableType(got)
}

// errOverrun is returned by an evaluation that took too long or cost too much.
var errOverrun = errors.New("the evaluation exceeded its limits")

// eval returns the value, or nil if it hangs on something absent.
func (e *expression) eval(v *view) (ref.Val, error) {
	v.watch = stopwatch{}
	out, _, err := e.program.Eval(v)
	if errors.As(err, new(interpreter.EvalCancelledError)) {
		return nil, fmt.Errorf("%w: %w", errOverrun, err)
	}
	if err != nil {
		if isAbsent(out) {
			return nil, nil
		}
		return nil, err
	}
	return out, nil
}

// holds reports whether a condition is true.
func (e *expression) holds(v *view) (bool, error) {
	out, err := e.eval(v)
	return out == types.True, err
}

// lenient returns a decorator that gives conditions a truth value where CEL
// has an error: a condition on something absent, or on a value of another type
// than it can deal with, is false, and its negation is true.
//
// CEL passes the error for an absent key up through whatever was done with it,
// so that it is enough to catch it in the calls that yield a bool, and where
// an attribute alone is the condition.
func lenient(tree *ast.AST) interpreter.InterpretableDecoratorV2 {
	absent := make(map[int64]ref.Val) // the value of a node in that case
	bare := make(map[int64]bool)
	patterns := make(map[int64][]string)
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.CallKind {
			if v := ownFunctions[e.AsCall().FunctionName()].absent; v != nil {
				absent[e.ID()] = v
			}
			_, patterns[e.ID()] = patternCall(e.AsCall())
		}
		if !tree.GetType(e.ID()).IsExactType(cel.BoolType) {
			return
		}
		switch e.Kind() {
		case ast.CallKind:
			fn := e.AsCall().FunctionName()
			absent[e.ID()] = types.Bool(fn == operators.NotEquals || fn == operators.LogicalNot)
			if fn == operators.LogicalAnd || fn == operators.LogicalOr || fn == operators.LogicalNot {
				for _, arg := range e.AsCall().Args() {
					bare[arg.ID()] = true
				}
			}
		case ast.ComprehensionKind:
			absent[e.ID()] = types.False
		case ast.SelectKind:
			if e.AsSelect().IsTestOnly() {
				bare[e.ID()] = true // has, of an element at a position that is not there
			}
		}
	}))
	return func(node interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
		// A choice (a ? b : c) is an attribute too, for the planner.
		if attr, ok := node.(interpreter.InterpretableAttribute); ok {
			if bare[node.ID()] {
				return &flag{attr}, nil
			}
			return node, nil
		}
		if call, ok := node.(interpreter.InterpretableCall); ok {
			var err error
			if node, err = prepare(call, patterns[node.ID()]); err != nil {
				return nil, err
			}
		}
		value, ok := absent[node.ID()]
		if !ok {
			return node, nil
		}
		return &predicate{InterpretableV2: node, absent: value}, nil
	}
}

// predicate is a node that yields a value, whatever is absent.
type predicate struct {
	interpreter.InterpretableV2
	absent ref.Val
}

// Exec implements interpreter.InterpretableV2.
func (p *predicate) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	v := p.InterpretableV2.Exec(frame)
	if isAbsent(v) {
		return p.absent
	}
	return v
}

// Eval implements interpreter.Interpretable.
func (p *predicate) Eval(vars interpreter.Activation) ref.Val {
	return interpreter.EvalActivation(vars, p.Exec)
}

// flag is an attribute that is a condition by itself. It holds if it is true.
type flag struct {
	interpreter.InterpretableAttribute
}

// Exec implements interpreter.InterpretableV2.
func (f *flag) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	v := f.InterpretableAttribute.Exec(frame)
	if _, ok := v.(*types.Err); ok && !isAbsent(v) {
		return v
	}
	return types.Bool(v == types.True)
}

// Eval implements interpreter.Interpretable.
func (f *flag) Eval(vars interpreter.Activation) ref.Val {
	return interpreter.EvalActivation(vars, f.Exec)
}

// isAbsent reports whether a value is the error of something that is not there
// or is of another type. CEL has no type for these errors, and itself compares
// their texts.
func isAbsent(v ref.Val) bool {
	err, ok := v.(*types.Err)
	if !ok {
		return false
	}
	text := err.Error()
	return strings.HasPrefix(text, "no such key") ||
		strings.HasPrefix(text, "no such overload") ||
		strings.HasPrefix(text, "index out of bounds")
}
