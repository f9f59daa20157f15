package celrule

import (
	"fmt"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

const (
	// maxTime bounds how long an evaluation runs.
	maxTime = 10 * time.Millisecond

	// maxStep is how much of it the time between two looks at the clock can
	// count. What is bounded by a step takes less: in the rest the goroutine was
	// not running, which in a container with a limit of its own may be often, and
	// is no fault of the rule.
	maxStep = 2 * time.Millisecond

	// turns is after how many turns of a loop the clock is looked at: a look
	// takes about as long as a simple turn.
	turns = 8
)

// stopwatch tells how long an evaluation has been running. The zero value
// starts with the first look, so that evaluations without a loop, which end
// soon, cost nothing.
type stopwatch struct {
	last  time.Time // look
	spent time.Duration
	turn  uint
}

// look stops the evaluation that it is called in if that has run for too long.
func (w *stopwatch) look() {
	now := time.Now()
	if !w.last.IsZero() {
		w.spent += min(now.Sub(w.last), maxStep)
	}
	w.last = now
	if w.spent > maxTime {
		// CEL turns it into an error of the evaluation.
		panic(interpreter.EvalCancelledError{
			Cause:   interpreter.ContextCancelled,
			Message: fmt.Sprintf("it took longer than %v", maxTime),
		})
	}
}

// watched is a node that looks at the clock before it is evaluated: in each of
// some turns of a loop, or each time if it takes long by itself.
type watched struct {
	interpreter.InterpretableV2
	loop bool
}

// watchName is the variable by which a node finds the view. No expression can
// have that name.
const watchName = "@view"

// Exec implements interpreter.InterpretableV2.
func (n *watched) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	if x, ok := frame.ResolveName(watchName); ok {
		w := &x.(*view).watch
		if !n.loop || w.turn%turns == 0 {
			w.look()
		}
		if n.loop {
			w.turn++
		}
	}
	return n.InterpretableV2.Exec(frame)
}

// Eval implements interpreter.Interpretable.
func (n *watched) Eval(vars interpreter.Activation) ref.Val {
	return interpreter.EvalActivation(vars, n.Exec)
}

// watchful returns a decorator that makes nodes look at the clock: the
// conditions of loops, which are evaluated in each turn, and the calls that may
// take long by themselves.
func watchful(tree *ast.AST) interpreter.InterpretableDecoratorV2 {
	loop := make(map[int64]bool) // whether it is the condition of one
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.ComprehensionKind:
			loop[e.AsComprehension().LoopCondition().ID()] = true
		case ast.CallKind:
			_, texts := patternCall(e.AsCall())
			if efforts[e.AsCall().FunctionName()] != nil || texts != nil {
				loop[e.ID()] = false
			}
		}
	}))
	return func(node interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
		if _, ok := node.(interpreter.InterpretableAttribute); ok {
			return node, nil // it has the call, which has the same ID, inside
		}
		if inLoop, ok := loop[node.ID()]; ok {
			return &watched{node, inLoop}, nil
		}
		return node, nil
	}
}
